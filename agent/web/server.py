"""The web server: in a thread of its own, on a socket that is bound before anything relies on it."""

from __future__ import annotations

import asyncio
import math
import socket
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from agent.errors import ConfigError
from agent.runtime import Worker
from agent.web.identity import tls_context

CONNECTIONS: Final = 64
OF_ONE_ADDRESS: Final = 32  # of those: a browser takes six, and somebody behind it should find a place
LONGEST_HEAD: Final = 16_384  # bytes of a request's headers
HEAD_SECONDS: Final = 10.0  # for the first of them to be there
STOP_SECONDS: Final = 2.0


class WebServer:
    """A context: entering serves, leaving stops.

    Args:
        app: to serve.
        host: to listen at.
        port: the same.
        crashed: told where the thread ends by an error.
        table: of the configuration, for messages; also the thread's name.
        identity: certificate with its chain, and private key, both PEM files; None: without TLS.

    Raises:
        ConfigError: there is nothing to listen at, or the certificate is none.
    """

    def __init__(
        self,
        app: ASGIApp,
        host: str,
        port: int,
        crashed: Callable[[BaseException], None],
        *,
        table: str = "web",
        identity: tuple[Path, Path] | None = None,
    ) -> None:
        self._socket = listen(host, port, table)
        config = uvicorn.Config(
            app,
            loop="asyncio",
            http=Prompt,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="error",  # not of every request that is none: a flood would fill the journal
            access_log=False,  # who comes when is for the events alone
            proxy_headers=False,
            server_header=False,
            limit_concurrency=CONNECTIONS,
            backlog=CONNECTIONS,
            timeout_graceful_shutdown=1,
            h11_max_incomplete_event_size=LONGEST_HEAD,
        )
        if identity is not None:
            try:
                config.load()  # which would take it away again
                config.ssl = tls_context(*identity)
            except ConfigError:
                self._socket.close()
                raise
        self._server = uvicorn.Server(config)
        self._worker = Worker(table, self._serve, crashed=crashed, patience_seconds=math.inf)

    def __enter__(self) -> Self:
        self._worker.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.should_exit = True
        self._worker.stop(STOP_SECONDS, after_all=True)
        self._socket.close()

    def _serve(self) -> bool:
        self._server.run(sockets=[self._socket])
        return False


class Prompt(H11Protocol):
    """HTTP with whoever asks soon after they have come; the others hold a place for nothing."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begins to wait."""
        super().connection_made(transport)
        self.loop.call_later(HEAD_SECONDS, self._asked_or_gone)

    def _asked_or_gone(self) -> None:
        if self.scope is None and not self.transport.is_closing():
            self.transport.close()


class Listener(socket.socket):
    """A socket that has so many connections at most, whatever they are for: idle, half encrypted or asking.

    Those beyond are closed at once. The door needs files of its own, and a process has 1,024 of them.
    """

    def __init__(self, family: int, kind: int, protocol: int) -> None:
        super().__init__(family, kind, protocol)
        self._open: list[tuple[socket.socket, str]] = []

    def accept(self) -> tuple[socket.socket, Any]:
        """Returns the next connection, as the event loop asks for it; in its thread alone."""
        connection, address = super().accept()
        host = str(address[0])
        self._open = [each for each in self._open if each[0].fileno() >= 0]
        if len(self._open) >= CONNECTIONS or sum(each[1] == host for each in self._open) >= OF_ONE_ADDRESS:
            connection.close()
            raise BlockingIOError("too many are connected")
        self._open.append((connection, host))
        return connection, address


def listen(host: str, port: int, table: str = "web") -> Listener:
    """Returns a socket that listens.

    Raises:
        ConfigError: the address is not ours, or in use.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        made = Listener(family, kind, protocol)
    except OSError as error:
        raise ConfigError(f"[{table}] host = {host!r}: {error.strerror}") from error
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(CONNECTIONS)
    except OSError as error:
        made.close()
        raise ConfigError(f"[{table}] cannot listen at {host}:{port}: {error.strerror}; choose another port") from error
    return made
