"""A level that counts only once it is stable: contacts bounce for milliseconds, wires catch sparks."""

from __future__ import annotations


class Debounced:
    """Fed with every level that is seen, in order; instants are monotonic seconds.

    Args:
        on: the level to begin with.
        seconds: how long another level has to be stable.
    """

    def __init__(self, *, on: bool, seconds: float) -> None:
        self.on = on
        self._seconds = seconds
        self._since: float | None = None  # since when it is the other level

    @property
    def due(self) -> float | None:
        """When the other level will have been stable for long enough; None where there is no other level."""
        return None if self._since is None else self._since + self._seconds

    def see(self, at: float, *, on: bool) -> float | None:
        """Takes the level at an instant; returns since when `on` is another, where the level before has made it so."""
        began = self._since if self.due is not None and at >= self.due else None
        if began is not None:
            self.on, self._since = not self.on, None
        if on == self.on:
            self._since = None
        elif self._since is None:
            self._since = at
        return began
