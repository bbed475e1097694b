"""How people stand with a door: what is remembered of each, and what of it has still to be stored."""

from __future__ import annotations

from collections.abc import Mapping

from agent.access.holder import Standing

NEUTRAL = Standing()  # of whoever never did anything
NOBODY = ""  # whoever shows cards and badge numbers that nobody has


class Standings:
    """All of them, by person; `NOBODY` is one of them."""

    def __init__(self, known: Mapping[str, Standing]) -> None:
        self._known = dict(known)
        self._changed: dict[str, Standing] = {}
        self._since: dict[str, Standing] = {}  # since `expect`
        self.changes = 0  # so far, to see that there are some

    def of(self, person: str) -> Standing:
        """Returns how somebody stands."""
        return self._known.get(person, NEUTRAL)

    def known(self) -> Mapping[str, Standing]:
        """Returns how everybody stands who ever did anything."""
        return self._known

    def put(self, person: str, standing: Standing) -> None:
        """Remembers how somebody stands now."""
        if standing != self.of(person):
            self._known[person] = self._changed[person] = self._since[person] = standing
            self.changes += 1

    def expect(self) -> None:
        """What is stored is read now: what becomes of people from here on is not in it."""
        self._since = dict(self._changed)

    def recall(self, known: Mapping[str, Standing]) -> None:
        """Takes over what is stored, but for those who have come to stand otherwise since `expect`."""
        self._known, self._since = {**known, **self._since}, dict(self._changed)
        self.changes += 1

    def take(self) -> dict[str, Standing]:
        """Returns those that are others since the last time."""
        changed, self._changed = self._changed, {}
        return changed
