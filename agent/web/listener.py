"""A socket that listens, and takes in so many connections at a time: each is a file that the door could not open.

uvicorn counts them only when they ask for something; asyncio gives those a minute that do not begin to speak TLS.
"""

from __future__ import annotations

import socket
from typing import Any, Final
from weakref import WeakSet

TURNED_AWAY: Final = 64  # one after the other, before somebody else's turn comes


class Listener(socket.socket):
    """Above `most` connections, or `each` of one address, who comes is turned away. As other sockets otherwise."""

    most: int
    each: int
    _guests: WeakSet[Guest]

    @classmethod
    def of(cls, made: socket.socket, most: int, each: int) -> Listener:
        """Returns one in the place of a socket."""
        listener = cls(made.family, made.type, made.proto, made.detach())
        listener.most, listener.each, listener._guests = most, each, WeakSet()
        return listener

    def accept(self) -> tuple[socket.socket, Any]:
        """Returns the next connection, and where it comes from.

        Raises:
            BlockingIOError: there is none to be taken in.
        """
        for _ in range(TURNED_AWAY):
            made, address = super().accept()
            host = str(address[0])
            if len(self._guests) < self.most and sum(other.host == host for other in self._guests) < self.each:
                guest = Guest(made.family, made.type, made.proto, made.detach())
                guest.known, guest.host = self._guests, host
                self._guests.add(guest)
                return guest, address
            made.close()
        raise BlockingIOError


class Guest(socket.socket):
    """A connection that was taken in."""

    known: WeakSet[Guest]
    host: str

    def close(self) -> None:
        """Goes: another may come."""
        self.known.discard(self)
        super().close()
