"""The keys of `[retention]`: how long what is held of people is kept."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from agent.config.kinds import Days, Table


class Retention(Table):
    """How long what is held of people is kept: days, or "never" for never forgotten."""

    hour: Annotated[int, Field(ge=0, le=23)] = 3  # local, of every night
    most_days_ahead: Annotated[float, Field(ge=2, le=3650)] = (
        40.0  # since the last night; more waits for a second night
    )
    events_days: Days = 90.0  # after the broker has acknowledged them; without MQTT after they happened
    attendance_days: Days = 730.0
    audit_days: Days = 1095.0
    receipts_days: Days = 1095.0
    left_days: Days = 30.0  # after the person has left
    visitor_days: Days = 0.0  # after the visitor's hours have ended
    unknown_days: Days = 7.0  # pictures of people nobody knows
    forget_attendance: Literal["keep", "pseudonymise", "delete"] = "keep"
