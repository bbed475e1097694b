"""The inbox: in order, bounded by messages and by bytes."""

import threading

from agent.mqtt.inbox import Inbox, Incoming


def message(size, *, topic="t"):
    return Incoming(topic, b"x" * size, size)


def test_first_in_first_out_and_none_after_the_wait():
    inbox = Inbox()
    assert inbox.put(message(1, topic="a")) is None
    assert inbox.put(message(1, topic="b")) is None
    assert [inbox.get(0).topic, inbox.get(0).topic, inbox.get(0.01)] == ["a", "b", None]


def test_too_many_messages_are_turned_away_until_one_is_taken():
    inbox = Inbox(max_messages=2)
    assert [inbox.put(message(1)) for _ in range(3)] == [None, None, message(1)]
    inbox.get(0)
    assert inbox.put(message(1)) is None


def test_too_many_bytes_are_turned_away_until_they_are_taken():
    inbox = Inbox(max_bytes=10)
    assert [inbox.put(message(6)), inbox.put(message(5)), inbox.put(message(4))] == [None, message(5), None]
    inbox.get(0)
    assert inbox.put(message(6)) is None


class TestAFullOne:
    KNOWN, TOO, OTHER = b'{"key" : "0123456789abcdef"}', b'{"key":"1111111111111111"}', b'{"key":"ffffffffffffffff"}'

    def full(self, *payloads, **bounds):
        inbox = Inbox(max_messages=len(payloads), **bounds)
        inbox.known = {b"0123456789abcdef", b"1111111111111111"}
        for payload in payloads:
            assert inbox.put(Incoming("t", payload, len(payload))) is None
        return inbox

    def test_makes_room_for_what_names_a_known_key_and_keeps_the_order(self):
        inbox = self.full(b"1", self.OTHER, self.KNOWN)
        assert inbox.put(Incoming("new", self.KNOWN, 9)).payload == self.OTHER
        assert [inbox.get(0).payload for _ in range(3)] == [b"1", self.KNOWN, self.KNOWN]

    def test_makes_none_for_others(self):
        inbox = self.full(b"1", self.KNOWN)
        assert inbox.put(Incoming("new", self.OTHER, 9)).topic == "new"
        assert inbox.put(Incoming("new", b"", 9)).topic == "new"

    def test_of_one_key_makes_none_for_the_same(self):
        assert self.full(self.KNOWN, self.KNOWN).put(Incoming("new", self.KNOWN, 9)).topic == "new"

    def test_of_one_key_makes_room_for_another_up_to_as_many(self):
        inbox = self.full(*[self.KNOWN] * 4)
        turned = [inbox.put(Incoming("new", self.TOO, 9)) for _ in range(3)]
        assert [message.topic for message in turned] == ["t", "t", "new"]
        assert [inbox.get(0).payload for _ in range(4)] == [self.KNOWN] * 2 + [self.TOO] * 2
        assert not inbox._of_key

    def test_makes_none_where_it_would_not_be_enough(self):
        inbox = self.full(b"1", self.KNOWN, max_bytes=40)
        assert inbox.put(Incoming("new", self.KNOWN, 9)).topic == "new"
        assert inbox.get(0).payload == b"1"


def test_a_waiting_reader_is_woken():
    inbox = Inbox()
    timer = threading.Timer(0.05, inbox.put, [message(3)])
    timer.start()
    assert inbox.get(5.0).size == 3
    timer.join()


def test_a_message_that_lost_its_payload_was_too_large():
    assert Incoming("t", b"", 10).too_large
    assert not Incoming("t", b"", 0).too_large
