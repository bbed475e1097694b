"""Who may ask, and what every answer says to the browser: the page of this host, and nobody else's."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
SAID: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}
LONGEST_HEAD: Final = 16_384  # bytes of a request's headers
OUR_HEADER: Final = "X-Latchkey"
"""A header that a page of another origin cannot send without being asked first (CORS), which nobody answers."""


class Guard:
    """Around the whole application.

    Args:
        app: inside.
        names: of this host, as configured: good beside addresses and "localhost".
        ours: what our page says in `OUR_HEADER`.
        encrypted: whether it is served by TLS.
        refuse: what is answered where somebody may not, with why.
    """

    def __init__(
        self,
        app: ASGIApp,
        *names: str,
        ours: str = "kiosk",
        encrypted: bool = False,
        refuse: Callable[[str], Response] = lambda why: JSONResponse({"error": why}, 403),
    ) -> None:
        self._app, self._names, self._ours = app, [name.lower() for name in names], ours
        self._refuse = refuse
        self._scheme = "https" if encrypted else "http"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers, as ASGI has it."""
        if scope["type"] != "http":
            return

        async def say(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SAID.items():
                    headers[name] = value
                if self._scheme == "https":
                    headers["Strict-Transport-Security"] = "max-age=31536000"
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        long = sum(len(name) + len(value) for name, value in scope["headers"]) > LONGEST_HEAD
        refused = "too long a head" if long else self._refusal(Headers(scope=scope), scope["method"])
        if refused is None:
            await self._app(scope, receive, say)
        else:
            await self._refuse(refused)(scope, receive, say)

    def _refusal(self, headers: Headers, method: str) -> str | None:
        host = headers.get("host", "")
        if not known_host(host, *self._names):
            return "this host is called otherwise"
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        if origin not in {None, f"{self._scheme}://{host}"} or site not in {None, "same-origin", "none"}:
            return "another page asks"
        if method not in {"GET", "HEAD"} and (origin is None or headers.get(OUR_HEADER) != self._ours):
            return "only the page of this host may send"
        return None


def known_host(header: str, *configured: str) -> bool:
    """Whether a `Host` header is one of ours: a name that somebody else has pointed here is not (DNS rebinding)."""
    try:
        name = urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return False
    if name in {"localhost", *(each.lower() for each in configured)}:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
