"""What waits and what is out, over connections that come and go."""

from agent.mqtt.connection import Outgoing
from agent.mqtt.ledger import MAX_ANSWERS, MAX_EVENTS, Ledger


def state(topic, body=b"1"):
    return Outgoing(topic, body, retain=True)


def answer(body):
    return Outgoing("result", body)


def event(seq):
    return Outgoing("event", b"e%d" % seq, seq=seq)


def drain(ledger, first_mid=1):
    sent = []
    while (message := ledger.next()) is not None:
        ledger.sent(first_mid + len(sent))
        sent.append(message)
    return sent


def test_the_latest_state_of_a_topic_is_enough():
    ledger = Ledger()
    ledger.add(state("health", b"old"))
    ledger.add(state("health", b"new"))
    assert [message.payload for message in drain(ledger)] == [b"new"]


def test_answers_on_one_topic_are_all_sent_in_order():
    ledger = Ledger()
    for body in (b"a", b"b", b"c"):
        ledger.add(answer(body))
    assert [message.payload for message in drain(ledger)] == [b"a", b"b", b"c"]


def test_after_a_lost_connection_state_and_unacknowledged_answers_go_again_but_no_events():
    ledger = Ledger()
    ledger.add(state("status"))
    for body in (b"a", b"b", b"c"):
        ledger.add(answer(body))
    ledger.add_event(event(9))
    drain(ledger)  # ids 1 to 5
    ledger.add_event(event(10))
    assert ledger.acked(1).topic == "status"
    assert ledger.acked(2).payload == b"a"
    ledger.add(answer(b"d"))
    ledger.disconnected()
    assert ledger.inflight == 0
    assert [message.payload for message in drain(ledger)] == [b"1", b"b", b"c", b"d"]


def test_settled_when_only_events_are_out():
    ledger = Ledger()
    ledger.add(answer(b"a"))
    assert not ledger.settled
    drain(ledger)
    assert not ledger.settled
    ledger.acked(1)
    ledger.add_event(event(9))
    drain(ledger, first_mid=2)
    assert ledger.settled
    assert ledger.inflight == 1


def test_an_acknowledgement_nobody_waits_for_is_nothing():
    assert Ledger().acked(77) is None


def test_answers_are_bounded_and_state_is_kept(caplog):
    ledger = Ledger()
    ledger.add(state("status"))
    for number in range(MAX_ANSWERS + 3):
        ledger.add(answer(b"%d" % number))
    sent = drain(ledger)
    assert sent[0].topic == "status"
    assert sent[1].payload == b"3"
    assert len(sent) == MAX_ANSWERS + 1
    assert "dropped" in caplog.text


def test_events_go_after_state_and_answers_and_are_bounded():
    ledger = Ledger()
    taken = [ledger.add_event(event(seq)) for seq in range(MAX_EVENTS + 1)]
    assert taken == [True] * MAX_EVENTS + [False]
    ledger.add(answer(b"a"))
    sent = drain(ledger)
    assert sent[0].payload == b"a"
    assert [message.seq for message in sent[1:]] == list(range(MAX_EVENTS))
