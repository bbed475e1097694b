"""The inbox: in order, bounded by messages and by bytes."""

import threading

from agent.mqtt.inbox import Inbox, Incoming


def message(size, *, topic="t"):
    return Incoming(topic, b"x" * size, size)


def test_first_in_first_out_and_none_after_the_wait():
    inbox = Inbox()
    assert inbox.put(message(1, topic="a"))
    assert inbox.put(message(1, topic="b"))
    assert [inbox.get(0).topic, inbox.get(0).topic, inbox.get(0.01)] == ["a", "b", None]


def test_too_many_messages_are_turned_away_until_one_is_taken():
    inbox = Inbox(max_messages=2)
    assert [inbox.put(message(1)) for _ in range(3)] == [True, True, False]
    inbox.get(0)
    assert inbox.put(message(1))


def test_too_many_bytes_are_turned_away_until_they_are_taken():
    inbox = Inbox(max_bytes=10)
    assert [inbox.put(message(6)), inbox.put(message(5)), inbox.put(message(4))] == [True, False, True]
    inbox.get(0)
    assert inbox.put(message(6))


def test_a_waiting_reader_is_woken():
    inbox = Inbox()
    timer = threading.Timer(0.05, inbox.put, [message(3)])
    timer.start()
    assert inbox.get(5.0).size == 3
    timer.join()


def test_a_message_that_lost_its_payload_was_too_large():
    assert Incoming("t", b"", 10).too_large
    assert not Incoming("t", b"", 0).too_large
