"""The one table of backends: a name in the configuration becomes a class, imported only when it is chosen."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, overload

from agent.errors import ConfigError, HardwareError
from agent.hardware.cameras import OpenCamera
from agent.hardware.doors import OpenDoor
from agent.hardware.engines import OpenEngine
from agent.hardware.inputs import OpenInputs
from agent.hardware.readers import OpenReader

Kind: TypeAlias = Literal["camera", "door", "inputs", "reader", "engine"]

BACKENDS: Mapping[str, Mapping[str, str]] = {
    "camera": {
        "picamera2": "agent.hardware.cameras.picamera2:PiCamera",
        "opencv": "agent.hardware.cameras.opencv:open_source",
        "files": "agent.hardware.cameras.files:Folder",
        "demo": "agent.hardware.cameras.demo:open_demo",
    },
    "door": {
        "log": "agent.hardware.doors.log:LogDoor",
        "gpio": "agent.hardware.doors.gpio:GpioDoor",
    },
    "inputs": {
        "none": "agent.hardware.inputs.none:NoInputs",
        "gpio": "agent.hardware.inputs.gpio:GpioInputs",
    },
    "reader": {
        "none": "agent.hardware.readers.none:NoReader",
        "evdev": "agent.hardware.readers.evdev:KeyboardReader",
    },
    "engine": {
        "ai-edge-litert": "agent.hardware.engines.litert:LiteRtModel",
        "tflite-runtime": "agent.hardware.engines.litert:LiteRtModel",
    },
}
"""kind -> name in the configuration -> module:attribute."""

INSTALL: Mapping[str, str] = {
    "picamera2": "sudo apt install python3-picamera2, and make the virtual environment with --system-site-packages",
    "libcamera": "sudo apt install python3-libcamera, and make the virtual environment with --system-site-packages",
    "cv2": "pip install opencv-python-headless",
    "gpiozero": "pip install 'latchkey[pi]'",
    "evdev": "sudo apt install python3-evdev, and make the virtual environment with --system-site-packages",
    "lgpio": "pip install 'latchkey[pi]', or sudo apt install python3-lgpio",
    "ai_edge_litert": "pip install ai-edge-litert (no 32-bit ARM: there take the runtime tflite-runtime)",
    "tflite_runtime": "pip install 'latchkey[tflite]' (Python 3.11 only, with numpy 1)",
}
"""Library -> how to get it."""


@overload
def load(kind: Literal["camera"], name: str) -> OpenCamera: ...
@overload
def load(kind: Literal["door"], name: str) -> OpenDoor: ...
@overload
def load(kind: Literal["inputs"], name: str) -> OpenInputs: ...
@overload
def load(kind: Literal["reader"], name: str) -> OpenReader: ...
@overload
def load(kind: Literal["engine"], name: str) -> OpenEngine: ...
def load(kind: Kind, name: str) -> Any:
    """Return what makes this backend, its library imported.

    Raises:
        ConfigError: if there is no backend of this name.
        HardwareError: if its library is not installed or does not load. Nothing else is tried instead.
    """
    if name not in BACKENDS[kind]:
        raise ConfigError(_unknown(kind, name))
    module, attribute = BACKENDS[kind][name].split(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    # ValueError: what compiled modules say on import when they were built for another numpy
    except (ImportError, ValueError) as error:
        raise missing(f"the {kind} {name!r}", error) from error


def missing(what: str, error: Exception) -> HardwareError:
    """Return the error for a library that cannot be imported, with what to install.

    Args:
        what: for whom it is needed, "the camera 'picamera2'".
        error: what the import said.
    """
    library = (getattr(error, "name", None) or "").split(".")[0]
    if library == "agent" or library not in INSTALL:
        return HardwareError(f"{what} does not load: {error}")
    verb = "needs" if isinstance(error, ModuleNotFoundError) else "cannot load"
    return HardwareError(f"{what} {verb} the library {library} ({error}): {INSTALL[library]}")


def _unknown(kind: str, name: str) -> str:
    names = list(BACKENDS[kind])
    near = difflib.get_close_matches(name, names, n=1)
    meant = f" Did you mean {near[0]!r}?" if near else ""
    return f"no {kind} backend is called {name!r}.{meant} There are: {', '.join(names)}"
