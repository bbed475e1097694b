"""The admins' side of the agent: server and front, made from the configuration."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from agent.bundle import Bundle
from agent.config import Config
from agent.errors import ConfigError
from agent.web.admin.front import Front
from agent.web.admin.site import site
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
            app = site(self.front, told.host, *told.names)
            self._server = WebServer(app, told.host, told.port, agent.crashed, table="admin", identity=identity)
            self._opened = stack.pop_all()

    def __enter__(self) -> Self:
        self._stack.enter_context(self._opened)
        self._stack.enter_context(self._server)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    def work(self) -> list[tuple[str, Callable[[], None]]]:
        """Returns workers to be: name and step."""
        return [("pulse", self.front.pulse.step)]


def identity_of(config: Config) -> tuple[Path, Path] | None:
    """Returns certificate and key of the page; None: it is for this machine alone, and not encrypted.

    Raises:
        ConfigError: others may ask, and there is no certificate.
    """
    told, tls = config.admin, config.mqtt.tls
    certificate, key = (told.certificate, told.key) if told.certificate else (tls.cert, tls.key)
    if certificate is not None and key is not None and (told.certificate or not told.to_this_machine):
        return certificate, key
    if not told.to_this_machine:
        raise ConfigError(
            f"[admin] host = {told.host!r} lets others ask, so the page has to be encrypted: give certificate and key, "
            "as `latchkey admin pki device` makes them, or keep host = '127.0.0.1'"
        )
    return None
