"""The tables about the door itself: its lock, its inputs, its reader."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticUseDefault

from agent.access.latch import RelockOn
from agent.config.kinds import Seconds, Table, refuse


def _absent(value: object) -> object:
    """Empty text is the default, as with paths."""
    if value == "":
        raise PydanticUseDefault
    return value


Pin = Annotated[int, Field(ge=0, le=27)]  # BCM number
OptionalPin = Annotated[Annotated[int, Field(ge=0, le=27)] | None, BeforeValidator(_absent)]
Device = Annotated[str, Field(max_length=256), AfterValidator(str.strip)]


class Door(Table):
    """What opens, and for how long."""

    backend: Literal["log", "gpio"] = "log"
    pin: Pin = 17
    active_high: bool = True
    pulse_seconds: Seconds = 5.0
    exit_seconds: Seconds = 5.0  # after the exit button
    max_open_seconds: Seconds = 30.0
    rest_seconds: Annotated[float, Field(ge=0.1, le=60)] = 0.5  # locked for so long after max_open_seconds
    relock: Annotated[RelockOn, Field(strict=False)] = RelockOn.CLOSING
    held_open_soon_seconds: Seconds = 15.0  # after the time that was granted
    held_open_seconds: Seconds = 30.0  # the same
    grace_seconds: Annotated[float, Field(ge=0, le=10)] = 1.0  # an opening so soon after locking is not forced
    on_storage_failure: Literal["open", "stay_shut"] = "stay_shut"

    @model_validator(mode="after")
    def _times_are_in_order(self) -> Self:
        problems = [
            f"[door] {key} = {getattr(self, key)} is more than max_open_seconds = {self.max_open_seconds}"
            for key in ("pulse_seconds", "exit_seconds")
            if getattr(self, key) > self.max_open_seconds
        ]
        if self.held_open_soon_seconds > self.held_open_seconds:
            problems.append(
                f"[door] held_open_soon_seconds = {self.held_open_soon_seconds} is more than "
                f"held_open_seconds = {self.held_open_seconds}"
            )
        refuse(problems)
        return self


class Inputs(Table):
    """What tells of the door."""

    backend: Literal["none", "gpio"] = "none"
    contact_pin: OptionalPin = None
    contact_open_high: bool = True  # a contact that a closed door closes to ground
    exit_pin: OptionalPin = None
    exit_pressed_high: bool = False  # a button to ground
    tamper_pin: OptionalPin = None
    tamper_open_high: bool = True  # a switch that the closed case closes to ground
    pull: Literal["up", "down", "none"] = "up"
    debounce_ms: Annotated[int, Field(ge=1, le=1000)] = 50
    tamper_wipes: bool = False

    @property
    def pins(self) -> dict[str, int]:
        """Those that are there, by their keys."""
        keys = {key: getattr(self, key) for key in ("contact_pin", "exit_pin", "tamper_pin")}
        return {key: pin for key, pin in keys.items() if pin is not None}

    @model_validator(mode="after")
    def _backend_fits(self) -> Self:
        problems = []
        if self.backend == "none" and self.pins:
            problems.append(f"[inputs] has {' and '.join(self.pins)} but backend = 'none': want 'gpio'")
        if self.backend == "gpio" and not self.pins:
            problems.append("[inputs] backend = 'gpio' has no pin: want contact_pin, exit_pin or tamper_pin")
        if self.tamper_wipes and self.tamper_pin is None:
            problems.append("[inputs] tamper_wipes = true wants tamper_pin")
        refuse(problems)
        return self


class Reader(Table):
    """A USB reader that types."""

    backend: Literal["none", "evdev"] = "none"
    device: Device = ""  # a path, or a part of its name

    @model_validator(mode="after")
    def _device_is_named(self) -> Self:
        if self.backend == "evdev" and not self.device:
            refuse(["[reader] backend = 'evdev' wants a device: a path in /dev/input/by-id, or a part of its name"])
        return self


def refuse_shared_pins(door: Door, inputs: Inputs) -> None:
    """Refuses a pin that two things would use."""
    used: dict[int, str] = {door.pin: "[door] pin"} if door.backend == "gpio" else {}
    problems = []
    for key, pin in inputs.pins.items():
        if pin in used:
            problems.append(f"[inputs] {key} = {pin} is {used[pin]} already")
        used.setdefault(pin, f"[inputs] {key}")
    refuse(problems)
