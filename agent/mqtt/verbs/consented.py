"""What commands share that have somebody agree to something while they stand at the door."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from agent.mqtt.message import Command, ConsentText


class ConsentedCommand(Command):
    """The person has agreed before, or is asked there and then."""

    consent: ConsentText | Literal[True] | None = None  # true: to the text of the configuration
    ask_consent: bool = False  # the person reads the text of the configuration at the door, and presses a button

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.ask_consent and self.consent is not None:
            raise ValueError("consent and ask_consent exclude each other")
        return self

    @property
    def agrees_to(self) -> str | Literal[True] | None:
        """To which text, as `consent` says it, whoever asks for it."""
        return True if self.ask_consent else self.consent
