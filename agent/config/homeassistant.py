"""The table [homeassistant]."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from agent.config.kinds import Table, TopicLevel


class HomeAssistant(Table):
    """Whether Home Assistant finds the terminal by itself: `deploy/HOMEASSISTANT.md`."""

    enabled: bool = False
    prefix: TopicLevel = "homeassistant"  # what Home Assistant's discovery prefix is
    name: Annotated[str, Field(max_length=64)] = ""  # what it is called there; empty: Latchkey and the device's name
    camera: bool = False  # a picture of each decision at the door goes to the broker
