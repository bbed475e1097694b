"""Whether a command is to be carried out at all: who has signed it, for whom, and until when.

What costs little is looked at first: a flood of what nobody has signed is read, and no more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

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
MOST_VALUES: Final = 20_000
"""Commas and brackets in a command, also in its texts. Reading, writing and checking so many takes 0.1 s on the
benchmark machine, for which nothing else of Python runs; one long text takes a tenth of it a megabyte."""


class NotAdmitted(CommandError):
    """A command that is not to be carried out.

    Args:
        code: why.
        message: for a human.
        by: `mqtt:<name>` where the signature is good.
        key: the id of the key that it names.
    """

    def __init__(self, code: Code, message: str, by: str | None = None, key: str | None = None) -> None:
        super().__init__(code, message)
        self.by, self.key = by, key


@dataclass(frozen=True, slots=True)
class Admitted:
    """A command that may be carried out."""

    arguments: bytes  # canonical JSON of what was signed, without the envelope but `id` and `not_after`
    by: str  # whose key: `mqtt:<name>`
    key: str  # its id
    role: Role
    until: datetime  # not_after, UTC


class Admission:
    """Looks at the envelopes of commands.

    Args:
        ours: what `target` may say: the device, and the groups that it is in.
        admin: the key of an id, if the device knows it; revoked ones, too.
        clock: whether the device's clock is right.
        paired: whether the device has an owner at all.
    """

    def __init__(
        self,
        ours: Callable[[], Iterable[str]],
        admin: Callable[[str], Admin | None],
        clock: Callable[[], Clock],
        paired: Callable[[], bool] = lambda: True,
    ) -> None:
        self._ours, self._admin, self._clock, self._paired = ours, admin, clock, paired

    def admit(self, verb: str, payload: bytes, now: datetime) -> Admitted:
        """Returns the command that a message is.

        Args:
            verb: of the topic.
            payload: as it came.
            now: UTC.

        Raises:
            CommandError: it is not to be carried out; the code says why.
        """
        body = _read(payload)
        try:
            envelope = envelope_of(body)
        except CommandError as error:
            raise NotAdmitted(Code(error.code), str(error)) from None
        try:
            by, role = self._signed_by(verb, body, envelope)
            self._check_times(envelope, now, by)
        except NotAdmitted as error:
            error.key = envelope.key
            raise
        return Admitted(canonical(arguments_of(body)), by, envelope.key, role, envelope.not_after)

    def _signed_by(self, verb: str, body: dict[str, Any], envelope: Envelope) -> tuple[str, Role]:
        """Who has signed it, and may, and in what role."""
        if envelope.target not in set(self._ours()):
            raise NotAdmitted(Code.NOT_FOR_US, f'it is for "{envelope.target}"')
        admin = self._admin(envelope.key)
        if admin is None or admin.revoked_at is not None:
            raise NotAdmitted(Code.UNKNOWN_KEY, self._unknown(envelope.key, admin))
        if not verifies(admin.key, _text(verb, body), envelope.signature):
            raise NotAdmitted(Code.BAD_SIGNATURE, f"the signature is not by key {envelope.key}, or of another message")
        by = f"mqtt:{admin.name}"
        if not may(admin.role, verb):
            raise NotAdmitted(Code.NOT_PERMITTED, f"{admin.name} is {admin.role}, which may not ask {verb}", by)
        return by, admin.role

    def _unknown(self, key_id: str, admin: Admin | None) -> str:
        if admin is not None:
            return f"key {key_id} is revoked"
        hint = "" if self._paired() else ": this device has no owner yet, see `latchkey trust pair`"
        return f"key {key_id} is not known{hint}"

    def _check_times(self, envelope: Envelope, now: datetime, by: str) -> None:
        """Refuses what is too late, too early, or would have to be remembered for too long."""
        late, early = now > envelope.not_after, now < envelope.issued - SKEW
        if (late or early) and self._clock() is Clock.UNSYNCHRONISED:
            problem = f"the clock of this device is not right: it says {now.isoformat()}"
            raise NotAdmitted(Code.CLOCK_UNSURE, problem, by)
        if late:
            raise NotAdmitted(Code.EXPIRED, f"it was to be done by {envelope.not_after.isoformat()}", by)
        if not timedelta() <= envelope.not_after - envelope.issued <= LONGEST:
            problem = f"not_after: at most {LONGEST.total_seconds() / 3600:g} h after issued"
            raise NotAdmitted(Code.BAD_REQUEST, problem, by)
        if early:
            problem = f"it was issued at {envelope.issued.isoformat()}, and here it is {now.isoformat()}"
            raise NotAdmitted(Code.NOT_YET, problem, by)


def _read(payload: bytes) -> dict[str, Any]:
    values = sum(map(payload.count, (b",", b"[", b"{")))
    if values > MOST_VALUES:
        problem = f"{values} commas and brackets, at most {MOST_VALUES} are read: send what is long as parts"
        raise NotAdmitted(Code.TOO_LARGE, problem)
    try:
        return read_json(payload)
    except ValueError as error:
        raise NotAdmitted(Code.BAD_REQUEST, f"not a command: {error}") from None


def _text(verb: str, body: dict[str, Any]) -> bytes:
    try:
        return command_text(verb, body)
    except ValueError as error:
        raise NotAdmitted(Code.BAD_REQUEST, f"not a command: {error}") from None
