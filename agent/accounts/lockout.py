"""Who has to wait after wrong passwords and codes, and for how long; pure, the time comes as an argument.

Counted are the name that was typed, and the address that it came from, whether or not anybody has the name. After five
failures in a row each waits 30 s, then twice as long, to an hour; never for good.

    the address waits                     refused, whatever is typed
    the name waits, the address failed    refused
    the name waits, the address did not   may try: whoever knows password and code is not locked out by somebody else

The last line is what an attacker with many addresses is left with: one try from each. After 25 failures of a name it
ends, until the last of them is a day old; so against one account there are 25 tries, and then one an hour. Such an
attacker can hold up a name from addresses that are new to it, and no longer than the attack; the way round is the
command line (`latchkey account enable`), commands by MQTT, or an address from which somebody signed in to that account
within 30 days, for which the name never waits.

Who signs in is forgiven the failures of their own name, and as many of the address; those with other names stay. From
the device itself all come from one address: there `latchkey account enable` is the way round, which forgives all.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

FREE: Final = 5  # failures
FIRST_WAIT: Final = timedelta(seconds=30)
LONGEST_WAIT: Final = timedelta(hours=1)
FORGOTTEN: Final = timedelta(days=1)  # after the last one
STRANGERS: Final = 25  # failures of a name, up to which addresses that are new may try in spite of its lock
FAMILIAR: Final = timedelta(days=30)
_NONE: Final = timedelta(0)


@dataclass(frozen=True, slots=True)
class Failures:
    """Wrong tries in a row."""

    count: int
    last: datetime

    def wait(self, now: datetime) -> timedelta:
        """Returns how long there is to wait."""
        if self.count < FREE or self.forgotten(now):
            return _NONE
        doublings = min(self.count - FREE, 7)  # 30 s * 2^7 is more than an hour
        whole = min(FIRST_WAIT * (1 << doublings), LONGEST_WAIT)
        left = self.last + whole - now
        return min(max(left, _NONE), whole)

    def forgotten(self, now: datetime) -> bool:
        """Returns whether they count no more; so also where the clock was set back, or they would count for years."""
        return not -LONGEST_WAIT <= now - self.last < FORGOTTEN

    def and_one(self, now: datetime) -> Failures:
        """Returns them with one more."""
        return Failures(1 if self.forgotten(now) else self.count + 1, now)


def wait(
    name: Failures | None, address: Failures | None, now: datetime, *, familiar: datetime | None = None
) -> timedelta:
    """Returns how long somebody has to wait before a try counts; zero: go ahead.

    Args:
        name: failures with this name, from anywhere.
        address: failures from this address, with any name.
        now: the time.
        familiar: when somebody signed in to this account from this address last.
    """
    here = address.wait(now) if address is not None else _NONE
    if here or name is None:
        return here
    if familiar is not None and now - familiar < FAMILIAR:
        return _NONE
    fresh = address is None or address.forgotten(now)
    return _NONE if fresh and name.count < STRANGERS else name.wait(now)


def home_of(address: str) -> str:
    """Returns what counts as one address: of IPv6 the network, for whoever has one has 2^64 (RFC 4291, 2.5.4)."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
