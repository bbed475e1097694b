"""A profile: which broker and site somebody administers, and with which key. A folder.

admin.toml      the broker and the site
key             the private key, PKCS#8 in PEM, under a passphrase or not (0600)
key.pub         its public half, in base64
devices.json    what devices are known by: their public keys
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, ValidationError, model_validator

from agent.client import files
from agent.config.kinds import Host, OptionalFile, Table, TopicLevel
from agent.config.secrets import read_secret
from agent.errors import ConfigError
from agent.mqtt.settings import LinkSettings, TlsFiles
from agent.mqtt.topics import Topics
from agent.trust.keys import KEY_NAME_PATTERN

VARIABLE: Final = "LATCHKEY_ADMIN"  # names the folder
TLS_PORT: Final = 8883
PLAIN_PORT: Final = 1883


class Broker(Table):
    """The table [broker]. A path is one from the folder of the profile."""

    host: Host
    port: Annotated[int, Field(ge=1, le=65_535)] = TLS_PORT
    protocol: Literal[5, 311] = 5
    tls: bool = True
    ca: OptionalFile = None  # PEM; none: the system's authorities
    cert: OptionalFile = None  # PEM, of this client
    key: OptionalFile = None  # PEM, of this client: not the one that signs
    username: str = ""
    password_file: OptionalFile = None  # or LATCHKEY_ADMIN_PASSWORD

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.cert is None) != (self.key is None):
            raise ValueError("cert and key go together: the certificate of this client and its key")
        if not self.tls and (self.ca or self.cert):
            raise ValueError("ca, cert and key want tls = true")
        return self


class Contents(Table):
    """All of admin.toml."""

    site: TopicLevel
    name: Annotated[str, Field(pattern=KEY_NAME_PATTERN)] = "admin"  # of the key, as devices will know it
    broker: Broker


@dataclass(frozen=True)
class Profile:
    """A folder, and what its admin.toml says."""

    folder: Path
    contents: Contents

    @staticmethod
    def default(environ: Mapping[str, str] = os.environ) -> Path:
        """Returns the folder where nobody names one: LATCHKEY_ADMIN, else ~/.config/latchkey."""
        if told := environ.get(VARIABLE):
            return Path(told).expanduser()
        return Path(environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "latchkey"

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Returns the profile in a folder.

        Raises:
            ConfigError: there is none, or it is not as it has to be.
        """
        path = folder / "admin.toml"
        data = files.read(path)
        if data is None:
            raise ConfigError(f"{path} is not there: `latchkey admin init` makes it")
        try:
            told = tomllib.loads(data.decode())
        except (ValueError, RecursionError) as error:
            raise ConfigError(f"{path}: {error}") from error
        return cls(folder, _checked(told, path))

    @classmethod
    def make(cls, folder: Path, told: Mapping[str, Any], *, replace: bool = False) -> Self:
        """Writes a profile and returns it.

        Args:
            folder: made where it is not there.
            told: site, name and broker, as in admin.toml; what is None is left out.
            replace: a profile that is there may be changed; its keys stay.

        Raises:
            ConfigError: something about it will not do, or there is one already. Then nothing was written.
        """
        path = folder / "admin.toml"
        if path.exists() and not replace:
            raise ConfigError(f"{path} is there already and is left as it is: --replace changes it, and keeps your key")
        given = {key: value for key, value in told.items() if value is not None}
        given["broker"] = {key: value for key, value in told["broker"].items() if value is not None}
        made = cls(folder, _checked(given, path))
        if made.contents.broker.tls and made.settings.tls is not None:
            made.settings.tls.context()  # fails now, not at the first command
        files.write(path, _toml(given).encode(), replace=replace)
        return made

    @property
    def site(self) -> str:
        """The site."""
        return self.contents.site

    @property
    def key_file(self) -> Path:
        """Where the private key is."""
        return self.folder / "key"

    @property
    def devices_file(self) -> Path:
        """Where the keys of devices are."""
        return self.folder / "devices.json"

    def topics(self, device: str) -> Topics:
        """Returns the topics of a device of the site; `<site>/<device>` is taken, too.

        Raises:
            ConfigError: it cannot be the name of one.
        """
        name = device.removeprefix(f"{self.site}/")
        if name.startswith("@"):
            raise ConfigError(f"{device}: the name of one device is wanted here, not a group")
        return Topics(self.site, name)

    @cached_property
    def settings(self) -> LinkSettings:
        """How to reach the broker.

        Raises:
            ConfigError: the password cannot be read.
        """
        broker = self.contents.broker
        password = read_secret("admin_password", file=broker.password_file) if broker.username else None
        return LinkSettings(
            host=broker.host,
            port=broker.port,
            protocol=broker.protocol,
            username=broker.username,
            password=password.get_secret_value() if password else None,
            tls=TlsFiles(ca=broker.ca, cert=broker.cert, key=broker.key) if broker.tls else None,
            session_seconds=0,
        )


def address(text: str, *, tls: bool) -> tuple[str, int]:
    """Returns host and port of HOST, HOST:PORT or [ADDRESS]:PORT.

    Raises:
        ConfigError: it is none of these.
    """
    bracketed = re.fullmatch(r"\[([^\]]+)\](?::(\d+))?", text)
    plain = re.fullmatch(r"([^:\[\]]+)(?::(\d+))?", text)
    found = bracketed or plain
    if found is None:
        raise ConfigError(f"--broker {text}: want HOST or HOST:PORT, as in broker.local:8883 or [fd00::1]:8883")
    return found[1], int(found[2]) if found[2] else (TLS_PORT if tls else PLAIN_PORT)


def _checked(told: Mapping[str, Any], path: Path) -> Contents:
    try:
        return Contents.model_validate(told, context={"folder": path.parent})
    except ValidationError as error:
        lines = [f"{path}: {'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
        raise ConfigError("\n".join(lines)) from None


def _toml(told: Mapping[str, Any]) -> str:
    """Returns TOML; a text of JSON is one of TOML (but for U+007F, which no path or name here has)."""
    plain = {key: value for key, value in told.items() if key != "broker"}
    lines = [f"{key} = {_value(value)}" for key, value in plain.items()]
    return "\n".join([*lines, "", "[broker]", *(f"{k} = {_value(v)}" for k, v in told["broker"].items()), ""])


def _value(value: object) -> str:
    return json.dumps(value if isinstance(value, bool | int) else str(value), ensure_ascii=False)
