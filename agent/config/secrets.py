"""Secrets: from the environment, a systemd credential or a file of their own, never from the configuration file."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, urlsplit

from pydantic import SecretStr

from agent.config.tables import Camera, Mqtt
from agent.errors import ConfigError

_log = logging.getLogger(__name__)


def read_secret(name: str, *, file: Path | None = None, environ: Mapping[str, str] = os.environ) -> SecretStr | None:
    """Find a secret; None where nobody gave one.

    Looks, in this order, at the variable `LATCHKEY_<NAME>`, the systemd credential `<name>` (systemd.exec(5),
    LoadCredential=) and the file.
    """
    if value := environ.get(f"LATCHKEY_{name.upper()}"):
        return SecretStr(value)
    if folder := environ.get("CREDENTIALS_DIRECTORY"):
        credential = Path(folder) / name
        if os.path.lexists(credential):
            return _read(credential, name)
    if file is None:
        return None
    secret = _read(file, name)
    if file.stat().st_mode & stat.S_IROTH:
        _log.warning("Secret readable by everybody: run chmod o-r on %s", file)
    return secret


def mqtt_password(mqtt: Mqtt, environ: Mapping[str, str] = os.environ) -> SecretStr | None:
    """The password for the broker, if it wants one."""
    return read_secret("mqtt_password", file=mqtt.password_file, environ=environ)


def camera_source(camera: Camera, environ: Mapping[str, str] = os.environ) -> SecretStr:
    """The camera's source as its backend takes it: with the password, where it is a URL with a user."""
    address = urlsplit(camera.source)
    if address.username is None:
        return SecretStr(camera.source)
    password = read_secret("camera_password", file=camera.password_file, environ=environ)
    if password is None:
        return SecretStr(camera.source)
    user, _, host = address.netloc.rpartition("@")
    netloc = f"{user.rstrip(':')}:{quote(password.get_secret_value(), safe='')}@{host}"
    return SecretStr(address._replace(netloc=netloc).geturl())


def _read(file: Path, name: str) -> SecretStr:
    try:
        text = file.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise ConfigError(f"{name}: cannot read {file}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ConfigError(f"{name}: {file} is not UTF-8 text") from None
    if not text:
        raise ConfigError(f"{name}: {file} is empty")
    return SecretStr(text)
