"""The table [web]: the page for the screen at the wall."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from agent.config.kinds import Host, OptionalFile, Table


class Web(Table):
    """What is served to a browser; without encryption or sign-in, so to this machine alone unless told."""

    enabled: bool = False
    host: Host = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65_535)] = 8080
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}$")] = "en"  # a file in agent/web/languages
    scramble: bool = False  # the digits of the PIN pad stand elsewhere each time
    names: Literal["name", "number", "none"] = "name"  # what people are called on the screen
    hours: bool = True  # people see their own hours once they are let in
    theme: Literal["auto", "light", "dark"] = "auto"  # dark by night
    picture: Literal["silhouette", "live"] = "silhouette"  # what people see of themselves
    sound: Literal["none", "tones", "speech"] = "none"
    reach: Annotated[float, Field(ge=0.5, le=1)] = 1.0  # share of the height, from below, where all buttons are
    consent_file: OptionalFile = None  # what is shown to whoever is asked; {language} in it is the language's code
