"""What Home Assistant shows of a terminal: its MQTT entities, read by templates from what the device says anyway.

The fields are those of https://www.home-assistant.io/integrations/mqtt/ and the pages of its platforms (lock.mqtt,
event.mqtt, binary_sensor.mqtt, sensor.mqtt, update.mqtt, camera.mqtt). "None" is their word for unknown, and an event
whose template gives nothing is no event.
"""

from __future__ import annotations

from typing import Any, Final

from agent.attendance.punch import Clock
from agent.mqtt.topics import Topics
from agent.types import Alarm, Outcome

GIGABYTE: Final = 1e9  # bytes, as Home Assistant counts its "GB"
MEGABYTE: Final = 1e6
LEAST_FREE: Final = 200 * MEGABYTE  # bytes on the disk, below which there is a problem
OLDEST_UNSENT: Final = 3600  # seconds that an event may wait for the broker until that is a problem
CLOCKS_TO_DOUBT: Final = (str(Clock.UNSYNCHRONISED),)

Entity = dict[str, Any]
"""The configuration of one entity, without what all share."""


def entities(topics: Topics, *, command_topic: str, release_topic: str, camera: bool) -> dict[str, Entity]:
    """Returns the entities of a terminal, by a name that stays.

    Args:
        topics: of the device.
        command_topic: where Home Assistant says LOCK, UNLOCK or OPEN: to the relay, for it cannot sign.
        release_topic: where somebody keeps the version that devices should have.
        camera: whether there are pictures.
    """
    found = {
        "lock": _lock(topics, command_topic),
        "access": _access(topics),
        "alarm": _alarm(topics),
        **_binary_sensors(topics),
        **_sensors(topics),
        "update": _update(topics, release_topic),
    }
    if camera:
        found["camera"] = {"platform": "camera", "name": "Last decision", "topic": topics.snapshot}
    return found


def _lock(topics: Topics, command_topic: str) -> Entity:
    """The door: what it is called is what the device is called."""
    shown = (
        "'mode': value_json.get('mode'), 'held': value_json.held, 'last_opened_by': value_json.get('last_opened_by')"
    )
    return {
        "platform": "lock",
        "name": None,
        "state_topic": topics.door,
        "value_template": "{{ 'LOCKED' if value_json.locked else 'UNLOCKED' }}",
        "json_attributes_topic": topics.door,
        "json_attributes_template": f"{{{{ {{{shown}}} | tojson }}}}",
        "command_topic": command_topic,
        "payload_lock": "LOCK",
        "payload_unlock": "UNLOCK",
        "payload_open": "OPEN",
        "optimistic": False,  # it is unlocked when the door says so
        "retain": False,  # nor is it unlocked again by what a broker has kept
    }


def _event(kind: str, told: tuple[str, ...], when: str = "true") -> str:
    """The template of an event entity; what is historical has been told, or is too late."""
    fields = ", ".join(f"'{name}': value_json.get('{name}')" for name in told)
    body = f"{{'event_type': value_json.{kind}, {fields}}}"
    return f"{{% if not value_json.historical and {when} %}}{{{{ {body} | tojson }}}}{{% endif %}}"


def _access(topics: Topics) -> Entity:
    """Who was let in and who was not: what a lock entity cannot show."""
    told = ("id", "at", "person", "name", "reason", "detail", "shown", "companion", "schedule", "repeat")
    return {
        "platform": "event",
        "name": "Access",
        "icon": "mdi:account-check",
        "state_topic": topics.event("access"),
        "event_types": [str(Outcome.GRANTED), str(Outcome.DENIED)],
        "value_template": _event("outcome", told),
    }


def _alarm(topics: Topics) -> Entity:
    """What somebody has to be told at once; that it is over, the sensors say."""
    told = ("id", "at", "person", "name", "detail")
    return {
        "platform": "event",
        "name": "Alarm",
        "icon": "mdi:alarm-light",
        "state_topic": topics.event("alarm"),
        "event_types": [str(alarm) for alarm in Alarm],
        "value_template": _event("alarm", told, "value_json.state == 'raised'"),
    }


def _binary_sensors(topics: Topics) -> dict[str, Entity]:
    at_the_door = [str(alarm) for alarm in (Alarm.HELD_OPEN, Alarm.FORCED_OPEN)]
    trouble = " or ".join(
        (
            "value_json.get('throttled', false)",
            "value_json.get('templates_damaged', 0) > 0",
            f"value_json.get('disk_free_bytes', {LEAST_FREE:.0f}) < {LEAST_FREE:.0f}",
            f"value_json.get('oldest_unsent_seconds', 0) > {OLDEST_UNSENT}",
            f"value_json.get('clock') in {list(CLOCKS_TO_DOUBT)}",
        )
    )
    return {
        "contact": {
            **_binary("Contact", topics.door, "door"),
            "value_template": "{{ {'open': 'ON', 'closed': 'OFF'}.get(value_json.get('contact'), 'None') }}",
        },
        "tamper": {**_binary("Tamper", topics.door, "tamper"), "value_template": _on("'tamper' in value_json.alarms")},
        "door_alarm": {
            **_binary("Held or forced open", topics.door, "safety"),
            "value_template": _on(f"{at_the_door} | select('in', value_json.alarms) | list"),
        },
        "problem": {
            **_binary("Problem", topics.health, "problem"),
            "value_template": _on(trouble),
            "entity_category": "diagnostic",
        },
    }


def _binary(name: str, topic: str, device_class: str) -> Entity:
    return {"platform": "binary_sensor", "name": name, "state_topic": topic, "device_class": device_class}


def _on(condition: str) -> str:
    return f"{{{{ 'ON' if {condition} else 'OFF' }}}}"


def _sensors(topics: Topics) -> dict[str, Entity]:
    measured = {"state_class": "measurement"}
    health = topics.health
    return {
        "last_person": {**_sensor("Last person", topics.door, "last_opened_by"), "icon": "mdi:account"},
        "mode": {**_sensor("Mode", topics.door, "mode"), "icon": "mdi:door"},
        "temperature": {
            **_diagnosis("Temperature", health, "temperature_celsius"),
            **measured,
            "device_class": "temperature",
            "unit_of_measurement": "°C",
        },
        "disk_free": {**_size("Disk free", health, "disk_free_bytes", GIGABYTE), "unit_of_measurement": "GB"},
        "memory": {**_size("Memory", health, "memory_bytes", MEGABYTE), "unit_of_measurement": "MB"},
        "outbox": {
            **_diagnosis("Events waiting", health, "outbox_depth"),
            **measured,
            "icon": "mdi:tray-full",
            "unit_of_measurement": "events",
        },
        "oldest_unsent": {
            **_diagnosis("Oldest event waiting", health, "oldest_unsent_seconds"),
            "value_template": "{{ value_json.get('oldest_unsent_seconds', 0) }}",
            **measured,
            "device_class": "duration",
            "unit_of_measurement": "s",
        },
        "clock": {**_diagnosis("Clock", health, "clock"), "icon": "mdi:clock-check"},
        "people": {
            **_diagnosis("People enrolled", health, "people"),
            **measured,
            "icon": "mdi:account-group",
            "unit_of_measurement": "people",
        },
        "rules": {**_diagnosis("Rules in force", health, "rules"), "enabled_by_default": False},
        "model": {**_diagnosis("Model", topics.status, "model"), "icon": "mdi:face-recognition"},
    }


def _sensor(name: str, topic: str, field: str) -> Entity:
    return {
        "platform": "sensor",
        "name": name,
        "state_topic": topic,
        "value_template": f"{{{{ value_json.get('{field}', 'None') }}}}",
    }


def _diagnosis(name: str, topic: str, field: str) -> Entity:
    return {**_sensor(name, topic, field), "entity_category": "diagnostic"}


def _size(name: str, topic: str, field: str, unit: float) -> Entity:
    """So many bytes, in a unit that people read."""
    there = f"(value_json.{field} / {unit:.0f}) | round(2) if value_json.get('{field}') is number else 'None'"
    return {
        **_diagnosis(name, topic, field),
        "value_template": f"{{{{ {there} }}}}",
        "state_class": "measurement",
        "device_class": "data_size",
    }


def _update(topics: Topics, release_topic: str) -> Entity:
    """The version that runs, beside the one that somebody says it should be: a device does not ask the internet."""
    return {
        "platform": "update",
        "name": "Software",
        "title": "Latchkey",
        "device_class": "firmware",
        "entity_category": "diagnostic",
        "state_topic": topics.status,
        "value_template": "{{ {'installed_version': value_json.version} | tojson }}",
        "latest_version_topic": release_topic,
    }
