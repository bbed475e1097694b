"""The web server: in a thread of its own, on a socket that is bound before anything relies on it."""

from __future__ import annotations

import math
import socket
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import uvicorn
from starlette.types import ASGIApp

from agent.errors import ConfigError
from agent.runtime import Worker
from agent.web.connection import Connection
from agent.web.guard import LONGEST_HEAD
from agent.web.identity import tls_context
from agent.web.listener import Listener

CONNECTIONS: Final = 64  # that ask; those above are told to come again, and twice as many are closed
OF_ONE_ADDRESS: Final = 32  # a browser takes six, and somebody behind it should find a place
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
            http=Connection,
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


def listen(host: str, port: int, table: str = "web") -> Listener:
    """Returns a socket that listens.

    Raises:
        ConfigError: the address is not ours, or in use.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        made = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ConfigError(f"[{table}] host = {host!r}: {error.strerror}") from error
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(CONNECTIONS)
        return Listener.of(made, 2 * CONNECTIONS, OF_ONE_ADDRESS)
    except OSError as error:
        made.close()
        raise ConfigError(f"[{table}] cannot listen at {host}:{port}: {error.strerror}; choose another port") from error
