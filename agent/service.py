"""The agent as a service: until a signal, a crash, or the end of a recording."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from agent import systemd
from agent.app import Agent
from agent.backup import restoring
from agent.config import Config
from agent.errors import BackupError
from agent.privacy import wipe

log = logging.getLogger(__name__)


def run_agent(config: Config, *, file: Path | None = None, again: Callable[[], Config] | None = None) -> int:
    """Runs until a signal, a crash, or the end of a recording; returns the exit status.

    New models, or a backup that was laid ready, make the agent end and start anew in this process: that takes about a
    second, where starting the process takes several.

    Args:
        config: all of it.
        file: that it was read from.
        again: reads it again; None: it stays as it is.

    Raises:
        LatchkeyError: it cannot start.
    """
    running: list[Agent] = []
    asked: list[int] = []

    def stop(number: int, _: FrameType | None) -> None:
        asked.append(number)
        for agent in running:
            agent.stop(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    while True:
        if _restored(config, file) and again is not None:
            config = again()
        agent = Agent(config, file=file)
        running[:] = [agent]
        if asked:  # between two of them
            return 0
        status = _run(agent)
        if agent.failed or not agent.starts_again or asked:
            return 1 if agent.failed else status
        if again is not None:
            config = again()


def _run(agent: Agent) -> int:
    config = agent.config
    with agent:
        agent.look()
        systemd.ready("looking")
        log.info("agent looks: %s/%s boot %s", config.device.site, config.device.name, agent.boot_id)
        return agent.wait()


def _restored(config: Config, file: Path | None) -> bool:
    """Puts a backup in place that was laid ready; one that does not do is given up, and the agent starts without."""
    if wipe.pending(config) is not None:  # it goes before everything, and leaves no backup
        return False
    try:
        return restoring.finish(config, file) is not None
    except BackupError as error:
        if restoring.pending(config):
            raise
        log.error("nothing was restored: %s", error)  # noqa: TRY400 - no traceback
        return False
