"""Simulated devices: an outbox as that of a terminal, believed by a collector, going on where the last one ended."""

import json
from datetime import UTC, datetime

import pytest

from agent.fleet.acks import Acks
from agent.fleet.letter import Record, read
from agent.fleet.source import Delivery
from agent.simulate.fleet import Plan
from agent.simulate.fleet_device import SimulatedDevice
from agent.simulate.fleet_journal import Entry, Journal
from agent.trust.keys import SigningKey
from tests.fakes.terminal import Terminal, forget_logging
from tests.fleet.test_collector import KEY, collecting

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)
PLAN = Plan(3, 1.0, 10.0)


def device(done=lambda *_: None):
    return SimulatedDevice(0, PLAN.topics(0), PLAN.key(0), KEY.public, done)


class Bus:
    """Takes messages; gives each an id."""

    def __init__(self):
        self.sent = []

    def __call__(self, topic, payload):
        self.sent.append(Delivery(topic, payload))
        return len(self.sent)

    def records(self):
        return [read(each, lambda *_: [PLAN.key(0).public]) for each in self.sent]


class TestDevice:
    def test_what_it_says_is_believed(self):
        simulated, bus = device(), Bus()
        simulated.decide(NOW)
        assert simulated.send(0.0, bus)
        (record,) = bus.records()
        assert isinstance(record, Record)
        assert (record.site, record.device, record.seq, record.at) == ("fleet", "d00000", 1, NOW)

    def test_no_more_than_a_window_is_in_flight_and_a_lost_connection_sends_it_again(self):
        simulated, bus = device(), Bus()
        for _ in range(50):
            simulated.decide(NOW)
        simulated.send(0.0, bus)
        assert len(bus.sent) == 20
        simulated.puback(1, 0.0)
        simulated.disconnected()
        simulated.send(0.0, bus)
        assert [record.seq for record in bus.records()[20:]] == list(range(2, 22))

    def test_what_is_not_taken_is_sent_later(self):
        simulated, bus = device(), Bus()
        simulated.decide(NOW)
        assert not simulated.send(0.0, lambda *_: None)
        assert simulated.send(0.0, bus)

    def test_it_lets_go_when_a_collector_says_so_and_nobody_else(self):
        done = []
        simulated, bus = device(lambda *told: done.append(told)), Bus()
        simulated.decide(datetime.now(UTC))
        simulated.send(0.0, bus)
        simulated.puback(1, 0.0)
        for key, believed in ((SigningKey.new(), False), (KEY, True)):
            acks = Acks(key, gather_seconds=0)
            acks.add(bus.records(), 0.0)
            ((_, payload),) = acks.due(0.0, datetime.now(UTC))
            assert simulated.heard(payload) is believed
        assert (simulated.depth, simulated.refused, done) == (0, 1, [(0, 1)])

    def test_what_nobody_acknowledges_is_sent_again_after_a_minute(self):
        simulated, bus = device(), Bus()
        simulated.decide(NOW)
        simulated.send(0.0, bus)
        simulated.puback(1, 0.0)
        for second in range(1, 120):
            simulated.send(float(second), bus)
        assert len(bus.sent) >= 2
        assert {record.id for record in bus.records()} == {bus.records()[0].id}
        assert simulated.repeated == len(bus.sent) - 1


class TestJournal:
    def test_what_is_not_acknowledged_is_found_again(self, tmp_path):
        journal = Journal(tmp_path / "outboxes")
        entries = [Entry(n % 2, n, f"ID{n}", NOW) for n in range(1, 7)]
        for entry in entries:
            journal.add(entry)
        journal.done(1, 1)
        journal.done(0, 6)
        journal.close()
        with (tmp_path / "outboxes").open("a") as file:
            file.write("+ 0 8 ID8 17")  # cut off
        assert Journal(tmp_path / "outboxes").read() == (entries[1:5], {0: 6, 1: 5})

    def test_a_device_goes_on_where_it_was(self):
        simulated, bus = device(), Bus()
        simulated.remember([Entry(0, 4, "ID4", NOW)], 6)
        assert simulated.decide(NOW).seq == 7
        simulated.send(0.0, bus)
        assert [record.seq for record in bus.records()] == [4, 7]


@pytest.fixture
def latchkey(tmp_path, monkeypatch, capsys):
    yield Terminal(tmp_path, monkeypatch, capsys).run
    forget_logging()


def test_a_fleet_at_a_real_broker_loses_nothing(latchkey, mosquitto, pg, url, tmp_path):
    broker = f"mqtt://127.0.0.1:{mosquitto.port}"
    arguments = ("--broker", broker, "--collector", KEY.public.text, "--devices", "20", "--rate", "5", "--json")
    more = ("--outboxes", str(tmp_path / "outboxes"), "--database", url)
    first = latchkey("simulate", "fleet", *arguments, *more, "--minutes", "0.02", "--drain", "0.3")
    assert first.code == 1  # there is no collector: nothing is acknowledged
    left = json.loads(first.out)["left"]
    assert left > 50
    with collecting(mosquitto, url):
        second = latchkey("simulate", "fleet", *arguments, *more, "--minutes", "0.02", "--drain", "15")
    assert second.code == 0, second.err
    told = json.loads(second.out)
    assert (told["left"], told["refused"]) == (0, 0)
    (count,) = pg.execute("SELECT count(*), count(DISTINCT id) FROM events").fetchall()
    assert count == (left + told["decided"],) * 2
    assert pg.execute("SELECT count(*) FROM gaps").fetchall() == [(0,)]


def test_mistakes_are_told(latchkey):
    done = latchkey("simulate", "fleet", "--broker", "mqtt://x", "--collector", "nonsense")
    assert done.code == 2
    assert "nonsense is no public key" in done.err
    done = latchkey("simulate", "fleet", "--broker", "x", "--collector", KEY.public.text)
    assert "no broker" in done.err
