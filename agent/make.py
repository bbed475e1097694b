"""Parts of the agent, made from the configuration."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from agent.access.gate import Gate, GateSettings
from agent.access.latch import LockSettings
from agent.bundle import Bundle
from agent.config import Config, camera_source
from agent.errors import ConfigError
from agent.hardware import backends
from agent.hardware.cameras import Camera, CameraOptions, utc_now
from agent.hardware.cameras.reconnect import Reconnecting
from agent.hardware.doors import Door, DoorOptions
from agent.hardware.inputs import Input, Inputs, InputsOptions, Wire
from agent.hardware.readers import Reader, ReaderOptions
from agent.recognise import Known, Recogniser
from agent.vision.motion import MotionGate

if TYPE_CHECKING:
    from agent.app import Agent


def make_camera(config: Config) -> Camera:
    """Returns the configured camera, which comes back by itself when it is lost.

    Raises:
        HardwareError: it is not there.
        ConfigError: there is no such kind of camera.
    """
    told = config.camera
    options = CameraOptions(
        source=camera_source(told).get_secret_value(),
        name=told.name,
        width=told.width,
        height=told.height,
        fps=told.fps,
        rotation=told.rotation,
        loop=told.loop,
        as_fast_as_possible=told.as_fast_as_possible,
    )
    return Reconnecting(partial(backends.load("camera", told.backend), options, utc_now))


def make_door(config: Config) -> Door:
    """Returns the configured door, locked.

    Raises:
        HardwareError: the relay is not there.
    """
    told = config.door
    options = DoorOptions(pin=told.pin, active_high=told.active_high, max_open_seconds=told.max_open_seconds)
    return backends.load("door", told.backend)(options)


def make_inputs(config: Config) -> Inputs:
    """Returns the configured inputs of the door.

    Raises:
        HardwareError: a pin is not there, or in use.
    """
    told = config.inputs
    possible = (
        (Input.CONTACT, told.contact_pin, told.contact_open_high),
        (Input.EXIT_BUTTON, told.exit_pin, told.exit_pressed_high),
        (Input.TAMPER, told.tamper_pin, told.tamper_open_high),
    )
    wires = tuple(Wire(which, pin, high) for which, pin, high in possible if pin is not None)
    options = InputsOptions(wires, pull=told.pull, debounce_seconds=told.debounce_ms / 1e3)
    return backends.load("inputs", told.backend)(options)


def make_reader(config: Config) -> Reader:
    """Returns the configured reader.

    Raises:
        HardwareError: the library for it is not there. A reader that is not plugged in yet may come later.
    """
    return backends.load("reader", config.reader.backend)(ReaderOptions(device=config.reader.device))


class Page(Protocol):
    """What is served to browsers, with workers of its own. A context: entering serves, leaving stops."""

    def __enter__(self) -> object: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None, /
    ) -> None: ...

    def work(self) -> list[tuple[str, Callable[[], None]]]:
        """Returns workers to be: name and step."""
        ...


def wanted_pages(config: Config) -> list[Callable[[Agent, Bundle], Page]]:
    """Returns what makes each page that is wanted: that of the screen at the wall, and that of admins.

    Raises:
        ConfigError: their libraries are not installed.
    """
    wanted: list[Callable[[Agent, Bundle], Page]] = []
    table = "web"
    try:
        if config.web.enabled:
            from agent.web.kiosk import Kiosk

            wanted.append(Kiosk)
        if config.admin.enabled:
            table = "admin"
            from agent.web.admin.admin_page import AdminPage

            wanted.append(AdminPage)
    except ImportError as error:
        raise ConfigError(
            f"[{table}] enabled = true wants {error.name}, which is not installed: pip install 'latchkey[web]'"
        ) from error
    return wanted


def lock_settings(config: Config) -> LockSettings:
    """Returns how long the lock does what."""
    told = config.door
    return LockSettings(
        exit_seconds=told.exit_seconds,
        max_open_seconds=told.max_open_seconds,
        rest_seconds=told.rest_seconds,
        relock=told.relock,
        held_open_soon_seconds=told.held_open_soon_seconds,
        held_open_seconds=told.held_open_seconds,
        grace_seconds=told.grace_seconds,
    )


def make_recogniser(bundle: Bundle, known: Known) -> Recogniser:
    """Returns a recogniser that has seen nobody yet."""
    told = bundle.config.gate
    settings = GateSettings(
        shots_needed=told.shots_needed,
        shots=told.shots,
        tries=told.tries,
        within_seconds=told.within_seconds,
        min_margin=told.min_margin,
        patience_seconds=told.patience_seconds,
        revisit_seconds=told.revisit_seconds,
    )
    gate = Gate(settings, camera=bundle.config.camera.name, threshold=known.threshold)
    motion = MotionGate() if bundle.config.detector.motion_gate else None
    return Recogniser(bundle.eyes(), gate, limits=bundle.limits, known=known, motion=motion)
