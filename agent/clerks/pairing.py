"""Answers whoever wants to be the first owner of the device."""

from __future__ import annotations

from typing import Any

from agent import pairing
from agent.clerks import Office
from agent.clock import clock_state
from agent.mqtt.pair import PairMessage
from agent.register import Request
from agent.trust.keys import PublicKey


class PairingClerk:
    """Keeps the last answer, so that one that got lost can be asked for again, by the same message.

    Args:
        office: what there is to work with.
        device: the key that the device signs with.
    """

    def __init__(self, office: Office, device: PublicKey) -> None:
        self._office, self._device = office, device
        self._done: tuple[PairMessage, dict[str, Any]] | None = None

    def __call__(self, message: PairMessage) -> dict[str, Any]:
        """Returns what is answered.

        Raises:
            CommandError: there is no pairing to be had, or the proof is wrong.
        """
        office = self._office
        if message.greets:
            return pairing.greet(office.db, office.config, self._device, office.now())
        if self._done is not None and self._done[0] == message:
            return self._done[1]
        clock = clock_state(office.config.clock.synchronised_file)
        request = Request("mqtt", office.now(), office.boot_id, message.id, clock)
        answer = office.write(lambda db: pairing.claim(db, office.config, self._device, message, request))
        self._done = message, answer
        return answer
