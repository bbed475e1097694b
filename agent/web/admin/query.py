"""What is asked behind the `?` of an address, and answers that are too long to be made at once."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any, Final

from pydantic import Field
from starlette.responses import StreamingResponse

from agent.errors import CommandError, LatchkeyError
from agent.mqtt.message import Code
from agent.mqtt.wire import code_of

MOST_LONG: Final = 4  # long answers at once: a browser that does not read keeps one
LINES: Final = "application/x-ndjson"
Text = Annotated[str, Field(max_length=128)]


def file_name(site: str, device: str, rest: str) -> str:
    """Returns what a file is called that a browser keeps, in letters that none minds."""
    words = f"{site}-{device}"
    return f"{re.sub('[^A-Za-z0-9]', '-', words)}-{rest}"


class LongAnswers:
    """Counts those that are on their way. For the server's thread."""

    def __init__(self) -> None:
        self._open = 0

    def lines(self, values: AsyncIterator[Mapping[str, Any]], *, file: str = "") -> StreamingResponse:
        """Returns JSON lines, one as soon as it is there; where one cannot be made, the last says why.

        Args:
            values: the lines.
            file: what the browser is to keep them as; empty: it reads them.

        Raises:
            CommandError: too many are on their way already.
        """
        if self._open >= MOST_LONG:
            raise CommandError(Code.BUSY, "too many long answers are on their way: try again when one has ended")
        headers = {"Content-Disposition": f'attachment; filename="{file}"'} if file else {}
        return StreamingResponse(self._told(values), media_type=LINES, headers=headers)

    async def _told(self, values: AsyncIterator[Mapping[str, Any]]) -> AsyncIterator[bytes]:
        self._open += 1
        try:
            async for value in values:
                yield _line(value)
        except LatchkeyError as error:
            yield _line({"ok": False, "code": code_of(error).value, "message": str(error)})
        finally:
            self._open -= 1


def _line(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
