"""The table [homeassistant]."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from agent.config.kinds import Table, TopicLevel, refuse


class HomeAssistant(Table):
    """Whether Home Assistant finds the terminal by itself: `deploy/HOMEASSISTANT.md`."""

    enabled: bool = False
    prefix: TopicLevel = "homeassistant"  # what Home Assistant's discovery prefix is
    name: Annotated[str, Field(max_length=64)] = ""  # what it is called there; empty: Latchkey and the device's name
    camera: bool = False  # a picture of each decision at the door goes to the broker

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.camera and not self.enabled:
            refuse(["[homeassistant] camera = true shows nobody anything without enabled = true"])
        return self
