"""The body of a request, within its bounds."""

from __future__ import annotations

import asyncio

from starlette.requests import ClientDisconnect, Request


async def whole_body(request: Request, most: int, seconds: float) -> bytes | None:
    """Returns it; None where it is longer than `most` bytes, which is seen before it is read.

    Args:
        request: whose body it is.
        most: bytes that it may have.
        seconds: for all of it to come.

    Raises:
        TimeoutError: it did not come in time, or whoever sent it has gone.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                body += chunk
                if len(body) > most:
                    return None
    except ClientDisconnect:
        raise TimeoutError("whoever sent it has gone") from None
    return bytes(body)
