"""Answers what admins ask about people: particulars, PINs, cards, consent, merging and undoing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from agent.clerks import Office
from agent.members import consent, credentials, merge, particulars
from agent.members.known import particulars as told
from agent.members.undo import undo
from agent.mqtt.once import Handler
from agent.mqtt.verbs import people as verbs
from agent.store.db import Db
from agent.store.sealing import card_key


def handlers(office: Office) -> dict[str, Handler]:
    """Returns what carries out each verb. The office's databases are open with the site's key."""
    clerk = _Clerk(office)
    return {
        "person": clerk.person,
        "person_set": clerk.person_set,
        "pin_set": clerk.pin_set,
        "card_add": clerk.card_add,
        "card_remove": clerk.card_remove,
        "consent": clerk.consent,
        "merge": clerk.merge,
        "rename": clerk.rename,
        "undo": clerk.undo,
    }


class _Clerk:
    def __init__(self, office: Office) -> None:
        self._office = office

    def _change(self, change: Callable[[Db], Mapping[str, Any]]) -> Mapping[str, Any]:
        done = self._office.write(change)
        self._office.changed()
        return done

    def person(self, command: verbs.PersonCommand) -> Mapping[str, Any]:
        return told(self._office.db, command.person)

    def person_set(self, command: verbs.PersonSetCommand) -> Mapping[str, Any]:
        request = self._office.request(command)
        return self._change(
            lambda db: particulars.set_person(db, command.person, command.changes(), request, create=command.create)
        )

    def pin_set(self, command: verbs.PinSetCommand) -> Mapping[str, Any]:
        request = self._office.request(command)
        if command.pin is None:
            return self._change(lambda db: credentials.clear_pin(db, command.person, request))
        pins = credentials.new_pins(self._office.db, command.person, command.pin, command.duress)
        return self._change(lambda db: credentials.set_pin(db, command.person, pins, request))

    def card_add(self, command: verbs.CardAddCommand) -> Mapping[str, Any]:
        request, key = self._office.request(command), card_key(self._office.db)
        return self._change(lambda db: credentials.add_card(db, command.person, command.card, key, request))

    def card_remove(self, command: verbs.CardRemoveCommand) -> Mapping[str, Any]:
        request, key = self._office.request(command), card_key(self._office.db)
        remove = partial(credentials.remove_card, number=command.card, hint=command.hint, key=key)
        return self._change(lambda db: remove(db, command.person, request))

    def consent(self, command: verbs.ConsentCommand) -> Mapping[str, Any]:
        request = self._office.request(command)
        if not command.given:
            return self._change(
                lambda db: consent.withdraw(db, command.person, request, by=command.account or command.by)
            )
        text = consent.text_of(command.text or True, self._office.config.privacy) or ""
        return self._change(
            lambda db: consent.give(db, command.person, text, request, by=command.account or command.by)
        )

    def merge(self, command: verbs.MergeCommand) -> Mapping[str, Any]:
        request = self._office.request(command)
        return self._change(lambda db: merge.merge(db, command.person, command.into, request))

    def rename(self, command: verbs.RenameCommand) -> Mapping[str, Any]:
        request = self._office.request(command)
        return self._change(lambda db: merge.rename(db, command.person, command.to, request))

    def undo(self, command: verbs.UndoCommand) -> Mapping[str, Any]:
        request = self._office.request(command)
        return self._change(
            lambda db: undo(db, command.event, command.person, request, by=command.account or command.by)
        )
