"""The checks of what is at the door beside the lock: its inputs, its reader."""

from __future__ import annotations

from contextlib import closing

from agent.cli.opened import running_agent
from agent.config import Config
from agent.findings import Finding, State
from agent.make import make_inputs


def inputs(config: Config) -> Finding:
    """Reads the contact, the exit button and the tamper switch."""
    told = config.inputs
    if told.backend == "none":
        return Finding("inputs", State.OK, "none: no contact, no exit button, no tamper switch")
    if agent := running_agent(config):
        return Finding("inputs", State.OK, f"{told.backend}: left to the agent that runs (process {agent})")
    with closing(make_inputs(config)) as opened:
        state = ", ".join(f"{which} {'on' if on else 'off'}" for which, on in opened.state.items())
    return Finding("inputs", State.OK, f"{told.backend}: {state}")


def reader(config: Config) -> Finding:
    """Looks for the reader, without grabbing it."""
    told = config.reader
    if told.backend == "none":
        return Finding("reader", State.OK, "none: no card, no PIN by a USB reader")
    from agent.hardware import backends

    backends.load("reader", told.backend)
    from agent.hardware.readers.evdev import find_device

    with closing(find_device(told.device)) as device:
        return Finding("reader", State.OK, f"{told.backend}: {device.name}")
