"""What the view of the account sends, and what it is told."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field
from typing_extensions import TypedDict

from agent.mqtt.message import Message
from agent.trust.roles import Role
from agent.web.admin.operations import Query

Secret: TypeAlias = Annotated[str, Field(max_length=512, repr=False)]


class Again(Message):
    """The password of whoever asks, once more."""

    password: Secret


class NewPassword(Again):
    """Another one of one's own."""

    new: Secret


class NewFactor(Again):
    """Another second factor of one's own: as it was offered, with a code of it."""

    secret: Secret
    code: Secret


class NewAccount(NewFactor):
    """Somebody who may sign in from now on."""

    name: Annotated[str, Field(max_length=64)]
    role: Role
    new: Secret  # their password


class Change(Again):
    """What becomes of an account; what is absent stays."""

    role: Role | None = None
    disabled: bool | None = None


class Whose(Query):
    """For which account."""

    name: Annotated[str, Field(max_length=64)] | None = None  # none: one's own


class About(TypedDict):
    """What is told of an account. Times are UTC, as in 2026-11-26T17:00:00.000Z."""

    name: str
    role: Role
    second_factor: bool
    added_at: str
    added_by: str
    changed_at: str
    signed_in_at: str | None  # none: never
    disabled_at: str | None  # none: it is not


class Told(About):
    """The same, as it is."""

    recovery_codes: int  # how many are left


class Added(About):
    """A new one."""

    recovery_codes: list[str]  # told this once


class Browser(TypedDict):
    """A browser that somebody has signed in with."""

    id: str
    address: str
    browser: str  # what it says of itself
    began_seconds: int  # since they signed in
    used_seconds: int  # since they asked for something
    this: bool  # the one that asks


class Mine(Told):
    """One's own account."""

    sessions: list[Browser]


class Drawn(TypedDict):
    """A QR code."""

    size: int  # modules
    path: str  # of an SVG of that width


class Offered(TypedDict):
    """A second factor."""

    secret: str
    uri: str  # for the app that makes codes
    qr: Drawn


class Codes(TypedDict):
    """Each signs in once in the place of a code of the app. They are told this once."""

    recovery_codes: list[str]


class Ended(TypedDict):
    """How many sessions have ended."""

    ended: int


class Everyone(TypedDict):
    """All accounts, by name."""

    accounts: list[Told]
