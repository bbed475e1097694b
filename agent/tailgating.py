"""Brings together who passed, whose face was near and whether the door is open, for the tailgating hint."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

from agent.access.tailgate import Tailgate, TailgateSettings
from agent.types import Decision, Shown


class Followers:
    """Thread-safe: passages come from the door's worker, faces from the vision.

    Args:
        alarm: called, from the vision's thread, when more faces went through than were granted.
        monotonic: seconds.
    """

    def __init__(self, alarm: Callable[[], object], *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._alarm, self._monotonic = alarm, monotonic
        self._tailgate = Tailgate(TailgateSettings())
        self._faceless: set[str] = set()  # granted by a card or a PIN alone
        self._changed = threading.Lock()

    def granted(self, decision: Decision) -> None:
        """Somebody may go through."""
        if decision.person is None:
            return
        with self._changed:
            if Shown.FACE in decision.shown:
                self._faceless.discard(decision.person)
            else:
                self._faceless.add(decision.person)

    def passed(self, people: tuple[str, ...], *, others: bool) -> None:
        """The door was opened, for these and perhaps for others."""
        with self._changed:
            faceless = self._faceless & set(people)
            self._faceless -= faceless
            self._tailgate.passed(people, faceless=len(faceless), others=others)

    def door(self, *, is_open: bool) -> None:
        """How the door is; may be told again and again."""
        if not is_open:
            with self._changed:
                self._tailgate.closed(self._monotonic())

    def saw(self, near: Mapping[int, str | None]) -> None:
        """A picture was looked at.

        Args:
            near: the tracks whose face is near, each with who that is, where it is known.
        """
        with self._changed:
            raised = self._tailgate.saw(self._monotonic(), near)
        if raised is not None:
            self._alarm()
