"""Waiting for what will come, with a deadline."""

import time

PATIENCE_SECONDS = 60.0  # the machine may be busy with something else


def wait_for(condition, *, seconds=PATIENCE_SECONDS, what="the condition"):
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain for {what() if callable(what) else what}"
        time.sleep(0.02)
    return value
