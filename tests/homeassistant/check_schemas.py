"""Run by a Python that has the `homeassistant` package: does its MQTT component take what stands on standard input?

Standard input: {"bundle": {...}, "samples": {topic: payload}}. The bundle is taken apart into single components, as
Home Assistant's discovery does, since the package that installs on Python 3.11 is older than the bundle. Standard
output: a line of JSON for each entity, with what its templates make of the samples.
"""

import asyncio
import importlib
import json
import sys

from homeassistant.components.mqtt.models import MqttValueTemplate, PayloadSentinel
from homeassistant.core import HomeAssistant

TEMPLATES = {"value_template": "state_topic", "json_attributes_template": "json_attributes_topic"}


async def main():
    told = json.load(sys.stdin)
    bundle, samples = told["bundle"], told["samples"]
    hass = HomeAssistant("/tmp")  # noqa: S108  nothing is written
    shared = {name: bundle[name] for name in ("device", "origin", "availability", "qos")}
    for name, component in bundle["components"].items():
        one = dict(component)
        platform = importlib.import_module(f"homeassistant.components.mqtt.{one.pop('platform')}")
        config = platform.DISCOVERY_SCHEMA({**shared, **one})
        known = set(config) | {"origin"}
        lost = sorted(set(one) - known)
        print(json.dumps({"entity": name, "lost": lost, "made": made(config, hass, samples)}))
    await hass.async_stop(force=True)


def made(config, hass, samples):
    """What the templates make of each sample on their topic."""
    found = {}
    pairs = [(config.get(template), config.get(topic)) for template, topic in TEMPLATES.items()]
    pairs += [(each.get("value_template"), each["topic"]) for each in config.get("availability", ())]
    names = [*TEMPLATES, "availability"]
    for name, (template, topic) in zip(names, pairs, strict=True):
        if template is not None:
            render = MqttValueTemplate(template, hass=hass).async_render_with_possible_json_value
            found[name] = [str(render(payload, PayloadSentinel.DEFAULT)) for payload in samples.get(topic, ())]
    return found


asyncio.run(main())
