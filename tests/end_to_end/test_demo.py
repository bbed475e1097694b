"""The demo as a newcomer runs it, on each of the two brokers, both at once."""

import os
import re
import shutil
import subprocess
import sys

import pytest

BROKERS = ["mosquitto", "amqtt"]
CHOSEN = """
import functools, sys
from agent.demo import show
show.embedded_broker = functools.partial(show.embedded_broker, prefer=sys.argv[1])
sys.exit(show.run_demo(None))
"""


@pytest.fixture(scope="module")
def shown():
    """What each demo printed, and its exit status."""
    running = {
        broker: subprocess.Popen(
            [sys.executable, "-c", CHOSEN, broker],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "COLUMNS": "140"},  # tables as they are on a wide terminal
        )
        for broker in BROKERS
    }
    try:
        return {
            broker: (process.communicate(timeout=120)[0], process.returncode) for broker, process in running.items()
        }
    finally:
        for process in running.values():
            process.kill()
            process.wait()


@pytest.mark.parametrize("broker", BROKERS)
def test_the_demo_lets_the_staff_in_and_nobody_else_and_every_event_arrives(shown, broker):
    if broker == "mosquitto" and not shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin"):
        pytest.skip("mosquitto is not installed: sudo apt install mosquitto")
    text, status = shown[broker]
    assert status == 0, text
    assert f"broker: {broker} on 127.0.0.1" in text
    assert "As it should be." in text
    rows = [re.findall(r"\d+", line) for line in text.splitlines() if "│" in line and "." not in line]
    seen, granted, denied, _, published, received = next(map(int, row) for row in rows if len(row) == 6)
    assert seen >= granted + denied
    assert granted >= 2
    assert denied >= 1
    assert published == received > granted
    for word in ("people seen", "events received", "p50", "p95", "detect", "encode"):
        assert word in text
