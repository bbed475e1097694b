"""Print the time that the rules take to say whether somebody may, for 50,000 people, 200 groups and 100 schedules.

    python -m tests.benchmarks.decide [--people 50000] [--groups 200] [--schedules 100] [--decisions 5000]

Every person is in five groups, every group has grants for ten doors in five schedules each of which has two periods a
day and special days; people come at random times of a year, so most lie outside some of them. The slowest are those
who may not: the next time they may is looked for.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from agent.access.holder import Holder, Register
from agent.access.permits import factors_for, permit, two_needed, unlocked_span
from agent.rulebook.parse import parse


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    sizes = {"people": 50_000, "groups": 200, "schedules": 100, "doors": 50, "decisions": 5000}
    for name, default in sizes.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    chance = random.Random(1)
    text = rulebook(options, chance)
    began = time.perf_counter()
    rules = parse(text, version=1)
    print(f"parse    {1e3 * (time.perf_counter() - began):.0f} ms   {len(text):,} characters")
    people = {
        f"p{number}": Holder(f"p{number}", frozenset(f"g{chance.randrange(options.groups)}" for _ in range(5)))
        for number in range(options.people)
    }
    register = Register(people)
    year = datetime(2026, 1, 1, tzinfo=UTC)
    visits = [
        (
            register.people[f"p{chance.randrange(options.people)}"],
            f"d{chance.randrange(options.doors)}",
            year + timedelta(minutes=chance.randrange(365 * 24 * 60)),
        )
        for _ in range(options.decisions)
    ]
    rules.calendar.kind(year.date())  # a year's special days are worked out once
    granted = sum(permit(rules, holder.groups, door, at).granted for holder, door, at in visits)
    print(f"granted  {granted} of {len(visits)}")

    def everything(holder: Holder, door: str, at: datetime) -> None:
        permit(rules, holder.groups, door, at)
        factors_for(rules, door, holder, at)
        two_needed(rules, door, at)
        unlocked_span(rules, door, at)

    report("permit  ", [timed(lambda h, d, a: permit(rules, h.groups, d, a), *visit) for visit in visits])
    report("all     ", [timed(everything, *visit) for visit in visits])


def rulebook(options: argparse.Namespace, chance: random.Random) -> str:
    """Return rules of the size that is asked for."""
    parts = ['time_zone = "Europe/Berlin"']
    for number in range(options.schedules):
        hour = chance.randrange(6, 10)
        parts.append(
            f'[schedules.s{number}]\nmon-fri = ["{hour:02}:00-12:00", "13:00-{hour + 8}:30"]\n'
            f'sat = ["{hour:02}:30-12:00"]\nholiday = []'
        )
    parts += [f'[[days]]\nname = "h{n}"\ndate = "{n % 12 + 1:02}-{n + 1:02}"' for n in range(20)]
    parts += ['[[days]]\nname = "m"\nrepeat = "FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO"', '[[days]]\nname = "e"\neaster = 1']
    parts += [
        f'[doors.d{number}]\nunlocked = "s{number}"\ntwo_person = "s{number + 1}"\nfactors_in = {{ s0 = "card" }}'
        for number in range(options.doors)
    ]
    for group in range(options.groups):
        for _ in range(5):
            doors = ", ".join(f'"d{chance.randrange(options.doors)}"' for _ in range(10))
            schedule = chance.randrange(options.schedules)
            parts.append(f'[[grants]]\ngroups = ["g{group}"]\ndoors = [{doors}]\nschedule = "s{schedule}"')
    return "\n".join(parts)


def timed(work: Callable[[Holder, str, datetime], object], holder: Holder, door: str, at: datetime) -> float:
    """Return the milliseconds of this thread's own CPU time: other programs keep the machine busy."""
    began = time.thread_time()
    work(holder, door, at)
    return 1e3 * (time.thread_time() - began)


def report(what: str, milliseconds: list[float]) -> None:
    ordered = sorted(milliseconds)
    low, middle, high = (ordered[int(share * (len(ordered) - 1))] for share in (0.5, 0.99, 1))
    print(f"{what} p50 {low:.3f} ms   p99 {middle:.3f}   max {high:.3f}   n {len(ordered)}")


if __name__ == "__main__":
    main()
