"""The admins' side of the agent: server and front, made from the configuration."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Self

from agent.bundle import Bundle
from agent.unknown.album import Album
from agent.unknown.witness import Witness
from agent.web.admin.front import Front
from agent.web.admin.site import site
from agent.web.identity import identity_of
from agent.web.server import WebServer

if TYPE_CHECKING:
    from agent.app import Agent


class AdminPage:
    """A server and what it needs. A context: entering serves, leaving stops.

    Raises:
        ConfigError: the address is in use, or is another's to see without encryption.
    """

    def __init__(self, agent: Agent, bundle: Bundle) -> None:
        told, identity = agent.config.admin, identity_of(agent.config)
        self._stack = ExitStack()
        with ExitStack() as stack:
            self.front = stack.enter_context(Front(agent, bundle, encrypted=identity is not None))
            self._witness = watch_strangers(agent, self.front.album) if agent.config.privacy.keep_unknown else None
            app = site(self.front, told.host, *told.names)
            self._server = WebServer(app, told.host, told.port, agent.crashed, table="admin", identity=identity)
            self._opened = stack.pop_all()

    def __enter__(self) -> Self:
        self._stack.enter_context(self._opened)
        self._stack.enter_context(self._server)
        self._stack.callback(self.front.lookout.close)  # first: open streams would keep the server
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    def work(self) -> list[tuple[str, Callable[[], None]]]:
        """Returns workers to be: name and step."""
        front = self.front
        work: list[tuple[str, Callable[[], None]]] = [("porter", front.porter.step)]
        return work if self._witness is None else [*work, ("strangers", self._witness.step)]


def watch_strangers(agent: Agent, album: Album) -> Witness:
    """Has whoever nobody knows kept in the album; returns what remembers them until they have gone."""
    witness = Witness(album.keep)
    agent.recogniser.witness = witness
    agent.onlookers.recorded.append(witness.recorded)
    return witness
