"""What is drawn on the page: a signature, for the door or for somebody who is being enrolled."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from agent.mqtt.message import LARGEST
from agent.mqtt.verbs.signatures import DrawnSignature

LONGEST_DRAWN: Final = 128 * 2**10  # bytes of a POST: 2,000 points of 64


class Drawn(DrawnSignature):
    """The body of a POST. It is not kept."""

    session: Annotated[int, Field(ge=1, le=LARGEST)] | None = None  # of who is being enrolled; None: for the door
