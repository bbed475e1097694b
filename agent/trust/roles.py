"""The roles of keys, and what each may ask."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """What the holder of a key is there for."""

    VIEWER = "viewer"  # looks
    ENROLLER = "enroller"  # people and their faces, cards, PINs, consent
    OPERATOR = "operator"  # the door, and the punches
    SECURITY = "security"  # rules, privacy, the audit; all that enrollers and operators may
    OWNER = "owner"  # everything: keys, models, backups as well
    READER = "reader"  # no person: a card reader or a keypad in the network
    COLLECTOR = "collector"  # no person: writes down what a fleet says, and acknowledges it


_V, _E, _O, _S, _W, _R, _C = Role
_ALL: Final = frozenset({_V, _E, _O, _S, _W})

_PERMITTED: Final[tuple[tuple[str, frozenset[Role]], ...]] = (
    ("ping list rules hours who_is_in", _ALL),
    ("identify person", _ALL),
    ("enrol remove person_set pin_set card_add card_remove consent merge rename", frozenset({_E, _S, _W})),
    ("unlock hold lock mode correct undo", frozenset({_O, _S, _W})),
    ("rules_apply forget export_person retention receipts audit", frozenset({_S, _W})),
    ("credential", frozenset({_R})),
    ("keys device", _ALL),
    ("key_add key_rotate key_revoke", frozenset({_W})),
    # jobs
    ("job jobs", _ALL),
    ("job_cancel parts", frozenset({_E, _O, _S, _W})),
    ("log report", frozenset({_V, _O, _S, _W})),
    ("enrol_live templates enrol_templates", frozenset({_E, _S, _W})),
    ("enrol_signature enrol_signature_live signature_remove", frozenset({_E, _S, _W})),
    ("signature_templates enrol_signature_templates", frozenset({_E, _S, _W})),
    # models
    ("models", _ALL),
    ("update_model rollback_model backup backup_part restore restore_key", frozenset({_W})),
    # roster
    ("roster", _ALL),
    ("roster_person", frozenset({_E, _S, _W})),
    # fleet
    ("event_ack", frozenset({_C})),
)

VERBS: Final[dict[str, frozenset[Role]]] = {verb: roles for verbs, roles in _PERMITTED for verb in verbs.split()}
"""Verb to the roles that may ask it; a test compares it with the verbs there are.

`credential` is `in/credential`, `event_ack` is `event/ack`."""


def may(role: Role, verb: str) -> bool:
    """Returns whether keys of a role may ask a verb; False for verbs that nobody knows."""
    return role in VERBS.get(verb, frozenset())
