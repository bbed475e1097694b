"""What devices answer and tell, as a client sees it: lenient, so that a newer device may say more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Self

from agent.errors import CommandError

OFFLINE: Final = "offline"
NO_ANSWER: Final = "no_answer"
UNTRUSTED: Final = "untrusted"
"""Codes of a client's own: no device has said so."""


class Standing(StrEnum):
    """How far a message is known to be of the device that it names."""

    VERIFIED = "verified"  # signed by the key that is known of it
    UNVERIFIED = "unverified"  # no key is known of it
    FORGED = "forged"  # a key is known, and has not signed it


@dataclass(frozen=True, slots=True)
class Heard:
    """A message of a device."""

    device: str
    level: str  # of its topic, below the device: "status", "event/access", "cmd/ping/<id>/result"
    body: Mapping[str, Any]
    standing: Standing
    retained: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """The answer of a device to a command, or why there is none."""

    device: str
    verb: str
    id: str
    ok: bool
    code: str | None = None  # as in deploy/MQTT.md, or `offline`, `no_answer`, `untrusted`
    message: str | None = None
    photo: int | None = None  # which photo, from 0
    data: Mapping[str, Any] = field(default_factory=dict)
    standing: Standing = Standing.UNVERIFIED

    @classmethod
    def of(cls, heard: Heard, verb: str, command_id: str) -> Self:
        """Returns what a result says.

        Raises:
            ValueError: it is none.
        """
        body = heard.body
        if not isinstance(body.get("ok"), bool):
            raise ValueError("a result says whether it is ok")  # noqa: TRY004  one error for all that is no result
        return cls(
            device=heard.device,
            verb=verb,
            id=command_id,
            ok=body["ok"],
            code=_text(body.get("code")),
            message=_text(body.get("message")),
            photo=_number(body.get("photo")),
            data=_object(body.get("data")),
            standing=heard.standing,
        )

    @property
    def said(self) -> bool:
        """Whether a device has said so, not this client."""
        return self.code not in {OFFLINE, NO_ANSWER, UNTRUSTED}

    def value(self) -> Mapping[str, Any]:
        """Returns the data.

        Raises:
            CommandError: it was refused.
        """
        if not self.ok:
            raise CommandError(self.code or "failed", f"{self.device}: {self.message or self.code or 'refused'}")
        return self.data

    def as_json(self) -> dict[str, Any]:
        """Returns JSON values: what is None is left out."""
        told = {"ok": self.ok, "code": self.code, "message": self.message, "photo": self.photo}
        words = {key: value for key, value in told.items() if value is not None}
        return words | ({"data": dict(self.data)} if self.ok else {}) | {"standing": self.standing.value}


@dataclass(frozen=True, slots=True)
class DeviceStatus:
    """Whether a device is there, and what it is."""

    device: str
    state: str  # online, offline, stopped
    version: str = ""
    model: str = ""
    boot_id: str = ""
    groups: tuple[str, ...] | None = None  # of devices; None: it does not say
    standing: Standing = Standing.UNVERIFIED

    @classmethod
    def of(cls, heard: Heard) -> Self:
        """Returns what a status says."""
        body = heard.body
        groups = body.get("groups")
        told = tuple(str(group) for group in groups) if isinstance(groups, list) else None
        words = {key: _text(body.get(key)) or "" for key in ("state", "version", "model", "boot_id")}
        return cls(device=heard.device, groups=told, standing=heard.standing, **words)

    @property
    def online(self) -> bool:
        """Whether it hears commands."""
        return self.state == "online"

    def in_group(self, group: str) -> bool | None:
        """Returns whether it is in a group of devices; None: it does not say."""
        if group == "all":
            return True
        return None if self.groups is None else group in self.groups


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is."""

    device: str
    id: str
    verb: str
    state: str  # accepted, running, done, failed
    done: int = 0
    of: int | None = None
    note: str = ""
    code: str | None = None
    message: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    standing: Standing = Standing.UNVERIFIED

    @classmethod
    def read(
        cls,
        body: Mapping[str, Any],
        *,
        device: str,
        verb: str,
        command_id: str,
        standing: Standing,
    ) -> Self:
        """Returns what a progress message, or the answer of `job`, says."""
        return cls(
            device=device,
            id=command_id,
            verb=_text(body.get("verb")) or verb,
            state=_text(body.get("state")) or _text(body.get("job")) or "running",
            done=_number(body.get("done")) or 0,
            of=_number(body.get("of")),
            note=_text(body.get("note")) or "",
            code=_text(body.get("code")),
            message=_text(body.get("message")),
            data=_object(body.get("data")),
            standing=standing,
        )

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self.state in {"done", "failed"}

    def as_json(self) -> dict[str, Any]:
        """Returns JSON values: what is empty is left out."""
        told = {key: getattr(self, key) for key in ("device", "id", "verb", "state", "done", "of", "note", "code")}
        told |= {"message": self.message, "data": dict(self.data), "standing": self.standing.value}
        return {key: value for key, value in told.items() if value not in (None, "", {})}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
