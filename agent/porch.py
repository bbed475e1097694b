"""The door's side of the agent: lock, inputs and reader, who decides, and what brings them together."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime

from agent.access import keypad
from agent.access.around import Passage
from agent.access.effects import Effect
from agent.bundle import Bundle
from agent.doorman import Doorman
from agent.ears import Ears
from agent.entrance import Entrance
from agent.knowledge import Knowledge, Takers
from agent.labels import Labels
from agent.make import lock_settings, make_door, make_inputs, make_reader
from agent.mqtt.topics import Topics
from agent.peers import Peers
from agent.recognise import Known, Recogniser
from agent.recorder import Recorder
from agent.types import Decision

log = logging.getLogger(__name__)

READ_SECONDS = 0.5


class Porch:
    """All of it, locked. What it opens is closed by `stack`.

    Args:
        stack: closes.
        bundle: the models.
        knowledge: of the site.
        recogniser: is told whose face alone to compare.
        recorder: writes.
        told: of every decision.
        wipe: forgets everything when the case is opened; None: that is not wanted.
        now: UTC; of the recording where one is replayed.

    Raises:
        HardwareError: something that was asked for is not there.
    """

    def __init__(
        self,
        stack: ExitStack,
        bundle: Bundle,
        knowledge: Knowledge,
        recogniser: Recogniser,
        recorder: Recorder,
        *,
        told: Callable[[Decision], object],
        wipe: Callable[[], None] | None,
        now: Callable[[], datetime],
    ) -> None:
        config = bundle.config
        self._bundle, self._recogniser = bundle, recogniser
        self.door = make_door(config)
        stack.callback(self.door.close)
        inputs = make_inputs(config)
        stack.callback(inputs.close)
        self._reader = make_reader(config)
        stack.callback(self._reader.close)
        self.doorman = Doorman(self.door, inputs, lock_settings(config), told=self._told, wipe=wipe)
        self.passed: Callable[[Passage], object] = lambda _: None  # for the other doors; set by whoever can tell them
        keeper = knowledge.doorkeeper(config.device.name)
        self.entrance = Entrance(
            config,
            keeper,
            self.doorman,
            recorder,
            bundle.model_id,
            knowledge.labels(keeper.register),
            Peers(Topics(config.device.site, config.device.name), unsigned=config.trust.unsigned_peers),
            Ears(
                decided=told,
                passed=self._passed,
                claimed=self._claimed,
                look_again=recogniser.reopen,
                key_waits=recogniser.look_again,
            ),
            now,
        )
        self.takers = Takers(
            faces=self._faces, keeper=self.entrance.change, labels=self._labels, mode=self.entrance.set_mode
        )
        self.entrance.change(lambda _: None)
        self.entrance.tick()  # other doors may be heard from now on, and it knows what time it is

    def read(self) -> None:
        """Of a worker: waits for the reader."""
        line = self._reader.take(READ_SECONDS)
        if line is None:
            return
        try:
            credential = keypad.parse(line, datetime.now(UTC))
        except ValueError as error:
            log.warning("reader: not understood: %s", error)
            return
        self.entrance.showed(credential)

    def _told(self, effect: Effect, at: datetime) -> None:
        self.entrance.told(effect, at)

    def _passed(self, passage: Passage) -> None:
        self.passed(passage)

    def _faces(self, known: Known) -> None:
        self._recogniser.known = known
        self.entrance.change(lambda keeper: self._claimed(keeper.claim))  # which may be over at any moment

    def _labels(self, labels: Labels) -> None:
        self.entrance.labels = labels

    def _claimed(self, person: str | None) -> None:
        """Has the faces compared with that of one person alone, by a threshold for one; None: with all again."""
        if person is None:
            self._recogniser.claimed = None
            return
        alone = self._recogniser.known.gallery.only(person)
        self._recogniser.claimed = Known(alone, self._bundle.threshold(max(1, alone.templates)).cosine)
