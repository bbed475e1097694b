"""Accounts that are there, and what their app shows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import argon2
import pyotp

from agent.accounts import changes
from agent.accounts.second_factor import Factor
from agent.register import Request
from agent.trust.roles import Role

NOW = datetime(2026, 11, 26, 12, 0, 10, tzinfo=UTC)
PASSWORD = "lamp tram quiet oats"  # noqa: S105
FRESH = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
WRONG_CODE = "00000x"  # six digits would be right one time in 300,000
HASH = argon2.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)  # quick, and out of date


def asks(at=NOW, by="cli:root"):
    return Request(by, at, "boot")


def shown(secret, at=NOW):
    """What the app shows."""
    return pyotp.TOTP(secret).at(at)


def account(db, name="annika", role=Role.OWNER, at=NOW - timedelta(hours=1), password=HASH):
    """Adds one; returns the secret of its second factor, and its recovery codes."""
    secret = Factor.new().secret
    code = shown(secret, at)
    _, codes = changes.add(db, asks(at), name=name, role=role, password=password, secret=secret, code=code)
    return secret, codes
