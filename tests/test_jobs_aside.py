"""agent/jobs/aside.py: work in a thread of its own, looked at as a job."""

import threading

import pytest

from agent.errors import BackupError
from agent.jobs.aside import aside
from agent.jobs.job import Step


def finished(steps):
    seen = []
    while True:
        try:
            seen.append(next(steps))
        except StopIteration as end:
            return end.value, seen


def test_it_returns_what_the_work_returns_and_tells_how_far_it_is():
    go = threading.Event()

    def work(progress):
        progress(3, 5, "counting")
        go.wait(10)
        return "done"

    steps = aside(work)
    while next(steps) != Step(3, 5, "counting"):
        pass
    go.set()
    assert finished(steps)[0] == "done"


def test_it_raises_what_the_work_raises():
    def work(_):
        raise BackupError("broken")

    with pytest.raises(BackupError, match="broken"):
        finished(aside(work))


def test_closed_it_ends_the_work_and_waits_for_that():
    ended, there = threading.Event(), threading.Event()

    def work(progress):
        try:
            while True:
                progress(0, 1, "on and on")
                there.set()
        finally:
            ended.set()

    steps = aside(work)
    next(steps)
    assert there.wait(10)
    steps.close()
    assert ended.is_set()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("aside")]
