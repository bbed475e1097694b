"""A USB reader that types, through the kernel's input devices.

The device is grabbed: what it types reaches no console and no desktop. It is opened when it is there, and again when it
comes back; a door without its reader goes on with faces. The user of the service has to be in the group `input`.
"""

from __future__ import annotations

import logging
import os
import select
import threading
import time
from collections.abc import Callable
from typing import Any

import evdev

from agent.errors import HardwareError
from agent.hardware.readers import ReaderOptions
from agent.hardware.readers.keys import Line

log = logging.getLogger(__name__)

FIRST_RETRY_SECONDS = 0.5
LONGEST_RETRY_SECONDS = 30.0


def find_device(wanted: str) -> Any:
    """Return the opened device at the path `wanted`, or the first with keys whose name holds it, whatever the case.

    Many a reader is several devices of one name, and only one of them types.

    Raises:
        HardwareError: there is none, or it may not be opened.
    """
    try:
        if wanted.startswith("/"):
            return evdev.InputDevice(wanted)
        names = []
        for path in evdev.list_devices():
            device = evdev.InputDevice(path)
            types = evdev.ecodes.KEY_ENTER in device.capabilities().get(evdev.ecodes.EV_KEY, [])
            if types and wanted.casefold() in device.name.casefold():
                return device
            names += [device.name] if types else []
            device.close()
    except OSError as error:
        raise HardwareError(f"the reader {wanted!r} cannot be opened: {error.strerror or error}") from error
    there = ", ".join(map(repr, names)) or "none that this user may read (group input)"
    raise HardwareError(f"there is no reader {wanted!r}; keyboards here: {there}")


class KeyboardReader:
    """Turns key presses into lines.

    Args:
        options: which device.
        find: opens the device.
        monotonic: seconds, from any zero.
    """

    def __init__(
        self,
        options: ReaderOptions,
        *,
        find: Callable[[str], Any] = find_device,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wanted, self._find, self._monotonic = options.device, find, monotonic
        self._device: Any = None
        self._line = Line()
        self._lines: list[str] = []
        self._retry_at, self._pause = 0.0, FIRST_RETRY_SECONDS
        self._missed = False  # told already
        self._ear, self._mouth = os.pipe()  # `take` waits for the device and for this: closing ends the waiting
        self._listening = threading.Lock()
        self._closed = False

    def take(self, seconds: float) -> str | None:
        """Return the next line, or None if there is none within the time."""
        deadline = self._monotonic() + seconds
        with self._listening:
            while not self._lines and not self._closed:
                left = deadline - self._monotonic()
                self._listen(max(0.0, left))
                if left <= 0:
                    break
            return self._lines.pop(0) if self._lines else None

    def close(self) -> None:
        """Let go of the device. May be called again."""
        if self._closed:
            return
        self._closed = True
        os.write(self._mouth, b"x")
        with self._listening:
            self._let_go()
            os.close(self._ear)
            os.close(self._mouth)

    def _listen(self, seconds: float) -> None:
        """Waits for keys, or for the time at which the device is looked for again."""
        if self._device is None and self._monotonic() >= self._retry_at:
            self._open()
        device = self._device
        waiting = [self._ear] if device is None else [self._ear, device.fd]
        wait = seconds if device is not None else min(seconds, max(0.0, self._retry_at - self._monotonic()))
        try:
            ready, _, _ = select.select(waiting, [], [], wait)
            if device is not None and device.fd in ready:
                for event in device.read():
                    self._press(event)
        except OSError as error:  # unplugged
            log.warning("reader lost, looking for it again and again: %s", error)
            self._let_go()

    def _press(self, event: Any) -> None:
        if event.type != evdev.ecodes.EV_KEY:
            return
        name = evdev.ecodes.KEY.get(event.code, "")
        names = [name] if isinstance(name, str) else name  # some codes have several names
        line = self._line.key(names[0], value=event.value, at=event.timestamp())
        if line is not None:
            self._lines.append(line)

    def _open(self) -> None:
        try:
            device = self._find(self._wanted)
            try:
                device.grab()
            except OSError as error:
                device.close()
                raise HardwareError(f"another program holds the reader {self._wanted!r}: {error}") from error
        except HardwareError as error:
            if not self._missed:
                log.warning("no reader, looking for it again and again: %s", error)
            self._missed = True
            self._retry_at = self._monotonic() + self._pause
            self._pause = min(2 * self._pause, LONGEST_RETRY_SECONDS)
            return
        log.info("reader: %s", device.name)
        self._device, self._missed, self._pause, self._line = device, False, FIRST_RETRY_SECONDS, Line()

    def _let_go(self) -> None:
        device, self._device = self._device, None
        self._retry_at = self._monotonic() + self._pause
        if device is not None:
            device.close()  # which ungrabs it
