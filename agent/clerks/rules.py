"""Answers what admins ask about the rules."""

from __future__ import annotations

from functools import partial
from typing import Any

from agent.clerks import Office
from agent.errors import CommandError, RulesRefused
from agent.mqtt.message import Code
from agent.mqtt.once import Handler
from agent.mqtt.verbs.rules import RulesApplyCommand, RulesCommand
from agent.rules_in_force import apply_rules, as_json, edition_of


def handlers(office: Office) -> dict[str, Handler]:
    """Returns what carries out the commands about rules, by verb."""
    return {"rules": partial(_rules, office), "rules_apply": partial(_apply, office)}


def _rules(office: Office, command: RulesCommand) -> dict[str, Any]:
    edition = edition_of(office.db, command.version)
    return {"version": 0, "text": ""} if edition is None else {**as_json(edition)}


def _apply(office: Office, command: RulesApplyCommand) -> dict[str, Any]:
    request = office.request(command)
    try:
        applied = apply_rules(office.write, command.text, request, expect=command.expect)
    except RulesRefused as error:
        raise CommandError(Code.BAD_RULES, str(error)) from error
    if applied.changed:
        office.changed()
    return {"version": applied.version, "sha256": applied.digest, "changed": applied.changed}
