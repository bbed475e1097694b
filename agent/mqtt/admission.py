"""Whether a command is to be carried out at all: who has signed it, for whom, and until when."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from agent.attendance.punch import Clock
from agent.errors import CommandError
from agent.mqtt.envelope import Envelope, arguments_of, envelope_of
from agent.mqtt.message import Code
from agent.trust.keys import Admin
from agent.trust.roles import Role, may
from agent.trust.statement import canonical, command_text, read_json, verifies

LONGEST: Final = timedelta(hours=24)
"""From `issued` to `not_after`: for so long a command may wait in a broker, and its id is remembered."""
SKEW: Final = timedelta(seconds=60)  # by which the sender's clock may be ahead


@dataclass(frozen=True, slots=True)
class Admitted:
    """A command that may be carried out."""

    arguments: bytes  # canonical JSON of what was signed, without the envelope but `id` and `not_after`
    by: str  # whose key: `mqtt:<name>`
    role: Role


class Admission:
    """Looks at the envelopes of commands.

    Args:
        ours: what `target` may say: the device, and the groups that it is in.
        admin: the key of an id, if the device knows it; revoked ones, too.
        clock: whether the device's clock is right.
    """

    def __init__(
        self, ours: Callable[[], Iterable[str]], admin: Callable[[str], Admin | None], clock: Callable[[], Clock]
    ) -> None:
        self._ours, self._admin, self._clock = ours, admin, clock

    def admit(self, verb: str, payload: bytes, now: datetime) -> Admitted:
        """Returns the command that a message is.

        Args:
            verb: of the topic.
            payload: as it came.
            now: UTC.

        Raises:
            CommandError: it is not to be carried out; the code says why.
        """
        try:
            body = read_json(payload)
            text = command_text(verb, body)
        except ValueError as error:
            raise CommandError(Code.BAD_REQUEST, f"not a command: {error}") from None
        envelope = envelope_of(body)
        if envelope.target not in set(self._ours()):
            raise CommandError(Code.NOT_FOR_US, f'it is for "{envelope.target}"')
        admin = self._admin(envelope.key)
        if admin is None or admin.revoked_at is not None:
            raise CommandError(Code.UNKNOWN_KEY, f"key {envelope.key} is {'not known' if admin is None else 'revoked'}")
        if not verifies(admin.key, text, envelope.signature):
            raise CommandError(Code.BAD_SIGNATURE, f"the signature is not by key {envelope.key}, or of another message")
        if not may(admin.role, verb):
            raise CommandError(Code.NOT_PERMITTED, f"{admin.name} is {admin.role}, which may not ask {verb}")
        self._check_times(envelope, now)
        return Admitted(canonical(arguments_of(body)), f"mqtt:{admin.name}", admin.role)

    def _check_times(self, envelope: Envelope, now: datetime) -> None:
        """Refuses what is too late, too early, or would have to be remembered for too long."""
        late, early = now > envelope.not_after, now < envelope.issued - SKEW
        if (late or early) and self._clock() is Clock.UNSYNCHRONISED:
            raise CommandError(Code.CLOCK_UNSURE, f"the clock of this device is not right: it says {now.isoformat()}")
        if late:
            raise CommandError(Code.EXPIRED, f"it was to be done by {envelope.not_after.isoformat()}")
        if not timedelta() <= envelope.not_after - envelope.issued <= LONGEST:
            raise CommandError(
                Code.BAD_REQUEST, f"not_after: at most {LONGEST.total_seconds() / 3600:g} h after issued"
            )
        if early:
            raise CommandError(
                Code.NOT_YET, f"it was issued at {envelope.issued.isoformat()}, and here it is {now.isoformat()}"
            )
