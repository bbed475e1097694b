"""What a browser keeps as a file."""

from __future__ import annotations

import re

from agent.config import Config


def attachment(config: Config, rest: str) -> dict[str, str]:
    """Returns the header of a file of a device, which is called in letters that no browser minds."""
    return {"Content-Disposition": f'attachment; filename="{file_name(config.device.site, config.device.name, rest)}"'}


def file_name(site: str, device: str, rest: str) -> str:
    """Returns site, device and the rest as one name."""
    words = f"{site}-{device}"
    return f"{re.sub('[^A-Za-z0-9]', '-', words)}-{rest}"
