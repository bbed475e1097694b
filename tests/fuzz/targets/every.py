"""All targets there are, by name. A new parser gets a target, and a module of targets its line here."""

from importlib import import_module
from importlib.util import find_spec

from tests.fuzz.target import Target

MODULES = {
    "messages": "agent.mqtt",
    "lines": "agent.access",
    "texts": "agent.rulebook",
    "files": "agent.seal",
    "wire": "agent.mqtt",
    "pairing": "agent.mqtt.pair",
    "roster": "agent.roster",
    "upgrade": "agent.upgrade",
    "fleet": "agent.fleet",
    "client": "agent.client",
    "pages": "agent.web.admin",
}
"""Module of targets to what it feeds; one whose parser is not there is left out."""

EVERY: dict[str, Target] = {
    target.name: target
    for module, fed in MODULES.items()
    if find_spec(fed) is not None
    for target in import_module(f"tests.fuzz.targets.{module}").TARGETS
}
