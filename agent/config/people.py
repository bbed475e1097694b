"""The tables of the configuration that are about people."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from agent.config.kinds import Table


class Events(Table):
    """What events say of people beside their ids."""

    badge: bool = True  # the badge number, where there is one
    name: bool = False


class Privacy(Table):
    """What people have to have agreed to, and what is kept of those whom nobody can ask."""

    require_consent: bool = True  # no face template without it
    consent_text: Annotated[str, Field(max_length=128)] = ""  # name and version of the text that people here agree to
    keep_unknown: bool = False  # a picture of whoever nobody knows, sealed, for the admin page
