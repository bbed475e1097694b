"""The table [admin]: the page for admins."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Annotated, Self

from pydantic import Field, model_validator

from agent.config.kinds import Host, OptionalFile, Table, refuse


class AdminTable(Table):
    """The page for admins and its JSON API; to this machine alone unless told, and beyond it only encrypted."""

    enabled: bool = False
    host: Host = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65_535)] = 8443
    names: Annotated[tuple[Host, ...], Field(strict=False, max_length=16)] = ()  # beside addresses
    certificate: OptionalFile = None  # PEM, with the chain; none: [mqtt.tls] cert
    key: OptionalFile = None  # PEM; none: [mqtt.tls] key
    idle_minutes: Annotated[float, Field(ge=1, le=1440)] = 30.0  # until a session ends that nobody uses
    longest_hours: Annotated[float, Field(gt=0, le=168)] = 10.0  # of any session
    picture: bool = False  # whoever may unlock may see whoever stands at the door

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            refuse(["[admin] certificate and key go together"])
        return self

    @property
    def to_this_machine(self) -> bool:
        """Whether nobody beyond this machine can ask."""
        return loopback(self.host)


def loopback(host: str) -> bool:
    """Returns whether an address, or a name, is this machine for itself alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
