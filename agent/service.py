"""The agent as a service: until a signal, a crash, or the end of a recording."""

from __future__ import annotations

import logging
import signal

from agent import systemd
from agent.app import Agent
from agent.config import Config

log = logging.getLogger(__name__)


def run_agent(config: Config) -> int:
    """Runs until a signal, a crash, or the end of a recording; returns the exit status.

    Raises:
        LatchkeyError: it cannot start.
    """
    agent = Agent(config)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _frame: agent.stop(number))
    with agent:
        agent.look()
        systemd.ready("looking")
        log.info("agent looks: %s/%s boot %s", config.device.site, config.device.name, agent.boot_id)
        status = agent.wait()
    return 1 if agent.failed else status
