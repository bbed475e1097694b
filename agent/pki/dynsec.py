"""The policy for Mosquitto's dynamic security plugin (`dynamic-security.json`): changed while the broker runs.

One role for each identity. The plugin knows no patterns with the user's name, so that a device is unknown to it
until the file, or `mosquitto_ctrl dynsec createClient`, names it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

from agent.pki.acl import by_name
from agent.pki.authority import Subject
from agent.pki.policy import SHARED, Access, Grant, grants

CLOSED: Final = {
    "publishClientSend": False,
    "publishClientReceive": False,
    "subscribe": False,
    "unsubscribe": True,  # whoever may not listen may stop listening
}


def dynamic_security(subjects: Iterable[Subject]) -> str:
    """Returns the plugin's file for these identities."""
    there = by_name(subjects)
    names = [subject.identity.common_name for subject in there]
    told = {
        "defaultACLAccess": CLOSED,
        "clients": [{"username": name, "roles": [{"rolename": name, "priority": 0}]} for name in names],
        "groups": [],
        "roles": [
            {
                "rolename": subject.identity.common_name,
                "acls": [rule for each in grants(subject) for rule in _rules(each)],
            }
            for subject in there
        ],
    }
    return json.dumps(told, indent=1) + "\n"


def _rules(grant: Grant) -> list[dict[str, Any]]:
    if grant.access is Access.WRITE:
        return [_rule("publishClientSend", grant.topic)]
    heard = [_rule("publishClientReceive", grant.topic), _rule("subscribePattern", grant.topic)]
    return [*heard, _rule("subscribePattern", SHARED + grant.topic)] if grant.shared else heard


def _rule(kind: str, topic: str) -> dict[str, Any]:
    return {"acltype": kind, "topic": topic, "priority": 0, "allow": True}
