"""Workers and what frames are handed over in, with real threads."""

import threading
import time

import pytest

from agent.runtime import MOMENT_SECONDS, Deadline, Latest, Worker


def worker(step, crashes=None, **options):
    crashes = [] if crashes is None else crashes
    return Worker("at work", step, crashed=crashes.append, **options)


def pause():
    time.sleep(0.005)


def wait_until_ended(*threads, seconds=10.0):
    for thread in threads:
        thread.join(seconds)
        assert not thread.is_alive()


def threads_at_work():
    return [thread for thread in threading.enumerate() if thread.name == "at work"]


# Worker


def test_a_step_is_repeated_until_stopped(wait_for):
    steps = []
    at_work = worker(lambda: (steps.append(threading.current_thread().name), pause())[1])
    at_work.start()
    wait_for(lambda: len(steps) > 3)
    assert not at_work.finished.is_set()
    assert at_work.stop() is True
    assert at_work.finished.is_set()
    assert set(steps) == {"at work"}
    assert threads_at_work() == []


def test_false_is_the_end(wait_for):
    answers = iter([None, True, 0, "", False])
    at_work = worker(lambda: next(answers))
    at_work.start()
    wait_for(at_work.finished.is_set)
    assert next(answers, "nothing left") == "nothing left"
    assert at_work.stop() is True


def test_stopping_twice_and_from_two_threads():
    at_work = worker(pause)
    at_work.start()
    others = [threading.Thread(target=at_work.stop) for _ in range(3)]
    for other in others:
        other.start()
    wait_until_ended(*others)
    assert at_work.stop() is True
    assert at_work.stop(after_all=True) is True


def test_stopping_before_the_start():
    steps = []
    at_work = worker(lambda: steps.append(1))
    assert at_work.stop() is True
    assert at_work.stop(after_all=True) is True
    at_work.start()
    assert at_work.finished.wait(10)
    assert steps == []


@pytest.mark.parametrize(
    "error", [ValueError("ha"), SystemExit(3), KeyboardInterrupt()], ids=lambda e: type(e).__name__
)
def test_a_crash_is_told_once_and_is_the_end(error):
    told = []

    def step():
        raise error

    at_work = worker(step, told)
    at_work.start()
    assert at_work.finished.wait(10)
    assert at_work.stop() is True
    assert told == [error]
    assert threads_at_work() == []


def test_who_is_told_of_a_crash_hears_it_before_the_end():
    """So that nobody who waits for the end takes it for a good one."""
    seen = []

    def step():
        raise ValueError

    at_work = Worker("at work", step, crashed=lambda _: seen.append(at_work.finished.is_set()))
    at_work.start()
    assert at_work.finished.wait(10)
    assert seen == [False]


def test_a_step_that_does_not_end_is_left_behind(caplog):
    release = threading.Event()
    at_work = worker(release.wait)
    at_work.start()
    began = time.monotonic()
    assert at_work.stop(0.2) is False
    assert 0.2 <= time.monotonic() - began < 2
    assert "worker does not stop: at work" in caplog.text
    release.set()
    assert at_work.stop() is True


def test_stopping_after_all_lets_the_steps_end_by_themselves():
    left = list(range(20))

    def step():
        pause()
        left.pop()
        return bool(left)

    at_work = worker(step)
    at_work.start()
    assert at_work.stop(after_all=True) is True
    assert left == []


def test_stopping_after_all_is_bounded_all_in_all():
    release = threading.Event()
    at_work = worker(release.wait)
    at_work.start()
    began = time.monotonic()
    assert at_work.stop(1.0, after_all=True) is False
    assert 1.0 <= time.monotonic() - began < 1.9
    release.set()
    assert at_work.stop() is True


def test_alive_while_there_is_progress(wait_for):
    stuck, release = threading.Event(), threading.Event()

    def step():
        if stuck.is_set():
            release.wait()
        pause()

    at_work = worker(step, patience_seconds=0.5)
    assert at_work.alive
    time.sleep(0.6)
    assert at_work.alive  # not asked to work yet
    at_work.start()
    assert at_work.alive
    time.sleep(0.6)
    assert at_work.alive
    stuck.set()
    wait_for(lambda: not at_work.alive)
    stuck.clear()
    release.set()
    wait_for(lambda: at_work.alive)
    at_work.stop()
    time.sleep(0.6)
    assert at_work.alive  # done


# Latest


def test_the_newest_replaces_what_nobody_took():
    latest = Latest()
    for number in range(5):
        latest.put(number)
    assert latest.take(0) == 4
    assert latest.dropped == 4
    assert latest.take(0) is None


def test_taking_waits_for_a_value():
    latest = Latest()
    threading.Timer(0.05, latest.put, ["here"]).start()
    assert latest.take(10) == "here"


def test_taking_in_vain_takes_as_long_as_it_may():
    began = time.monotonic()
    assert Latest().take(0.1) is None
    assert 0.1 <= time.monotonic() - began < 1


@pytest.mark.parametrize("numbers", [1, 2, 300])
def test_lossless_nothing_is_lost_and_all_is_in_order(numbers):
    latest, taken = Latest(lossless=True), []

    def give():
        for number in range(numbers):
            latest.put(number)
        latest.close()

    giver = threading.Thread(target=give)
    giver.start()
    while not latest.closed:
        number = latest.take(10)
        if number is not None:
            taken.append(number)
    wait_until_ended(giver)
    assert taken == list(range(numbers))
    assert latest.dropped == 0


@pytest.mark.parametrize("lossless", [False, True])
def test_the_last_value_is_given_after_closing(lossless):
    latest = Latest(lossless=lossless)
    latest.put("last")
    latest.close()
    assert not latest.closed
    assert latest.take(0) == "last"
    assert latest.closed
    assert latest.take(10) is None  # at once


def test_closing_wakes_who_takes():
    latest = Latest()
    threading.Timer(0.05, latest.close).start()
    began = time.monotonic()
    assert latest.take(10) is None
    assert time.monotonic() - began < 5
    assert latest.closed


def test_closing_wakes_who_puts(wait_for):
    latest = Latest(lossless=True)
    latest.put("first")
    putter = threading.Thread(target=latest.put, args=["second"])
    putter.start()
    time.sleep(0.05)
    assert putter.is_alive()
    latest.close()
    wait_until_ended(putter)
    assert latest.take(0) == "first"
    assert latest.closed


def test_nothing_comes_in_once_closed():
    latest = Latest()
    latest.close()
    latest.put("late")
    assert latest.take(0) is None
    assert latest.dropped == 0
    latest.close()


def test_lossy_under_pressure_every_value_is_taken_or_counted():
    latest, taken = Latest(), []

    def take():
        while not latest.closed:
            number = latest.take(1)
            if number is not None:
                taken.append(number)

    taker = threading.Thread(target=take)
    taker.start()
    for number in range(3000):
        latest.put(number)
    latest.close()
    wait_until_ended(taker)
    assert taken == sorted(taken)
    assert taken[-1] == 2999
    assert len(taken) + latest.dropped == 3000


# Deadline


def test_each_part_gets_what_it_asks_for_until_there_is_less():
    deadline = Deadline(10)
    assert deadline.left(3) == 3
    assert 9 < deadline.left(60) <= 10


def test_a_deadline_runs_from_the_first_question_and_leaves_a_moment():
    deadline = Deadline(0.2)
    time.sleep(0.25)
    assert deadline.left(5) > 0.15
    time.sleep(0.25)
    assert deadline.left(5) == MOMENT_SECONDS
