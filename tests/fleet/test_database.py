"""The tables: made once however many come at once, written once however often, by month, and forgotten by it."""

import random
import secrets
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from agent.errors import CommandError, ConfigError
from agent.fleet import quarantine
from agent.fleet.collector import Database, read_again
from agent.fleet.database import DatabaseAway, connect, migrate, without_password
from agent.fleet.keys import Keyring, distrust, read_target, trust
from agent.fleet.letter import Doubt, Record, State, Why, read
from agent.fleet.source import Delivery
from agent.fleet.steps import STEPS
from agent.fleet.writer import Writer
from tests.fakes.fleet import NOW, Device

DOOR, OTHER = Device(), Device("other")


def keys(_site, device):
    return {"door": [DOOR.key.public], "other": [OTHER.key.public]}.get(device, [])


def letters(*deliveries):
    return [read(delivery, keys) for delivery in deliveries]


@pytest.fixture
def writer(pg):
    return Writer(lambda: pg)


def rows(pg, query, *parameters):
    return pg.execute(query, parameters).fetchall()


class TestMigrations:
    def test_collectors_that_start_together_make_the_tables_once(self, postgres):
        with psycopg.connect(postgres.url(), autocommit=True) as pg:
            pg.execute("CREATE DATABASE together")
        done, barrier = [], threading.Barrier(4)

        def start():
            with connect(postgres.url("together")) as pg:
                barrier.wait(10)
                done.append(migrate(pg))

        threads = [threading.Thread(target=start) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert sorted(done) == [0, 0, 0, len(STEPS)]

    def test_a_database_of_a_newer_version_is_left_alone(self, pg):
        pg.execute("INSERT INTO steps (number) VALUES (99)")
        with pytest.raises(ConfigError, match="newer Latchkey: its version is 99"):
            migrate(pg)

    def test_nobody_there_is_an_error_that_passes_and_shows_no_password(self):
        with pytest.raises(DatabaseAway, match="does not answer") as caught:
            connect("postgresql://me:secret@127.0.0.1:1/x")
        assert "secret" not in str(caught.value)
        assert without_password("postgresql://me:secret@db/x") == "postgresql://me:...@db/x"

    def test_no_address_is_an_error_that_does_not(self):
        with pytest.raises(ConfigError, match="the database refuses"):
            connect("what is this = no address")


class TestWriting:
    def test_what_comes_twice_is_there_once(self, pg, writer):
        batch = letters(*(Device().event(person="anna") for _ in range(1)), OTHER.event(), DOOR.event())
        first, second = writer.write(batch), writer.write(batch)
        assert (first.new, second.new, len(second.records)) == (3, 0, 3)
        assert rows(pg, "SELECT count(*) FROM events") == [(3,)]

    def test_a_record_comes_back_as_it_was(self, pg, writer):
        record = read(DOOR.event(person="anna", second="ben", similarity=0.31, text="ä'\"\\ \u2028"), keys)
        writer.write([record])
        query = "SELECT site, device, %s, id, seq, kind, at, boot_id, historical, person, people, body FROM events"
        (row,) = rows(pg, query, record.key_id)
        assert Record(*row[:10], tuple(row[10]), row[11]) == record

    def test_each_month_has_its_partition_and_nonsense_one_for_all(self, pg, writer):
        times = [datetime(2026, 11, 30, 23, 59, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)]
        times += [datetime(1970, 1, 1, tzinfo=UTC), datetime(2021, 5, 5, tzinfo=UTC), datetime(2150, 1, 1, tzinfo=UTC)]
        writer.write(letters(*(DOOR.event(when=at) for at in times)))
        found = rows(pg, "SELECT tableoid::regclass::text FROM events ORDER BY at")
        assert [name for (name,) in found] == [
            *("events_undated", "events_2021_05", "events_2026_11", "events_2026_12", "events_undated")
        ]

    def test_months_are_dropped_whole(self, pg, writer):
        months = [datetime(2026, month, 3, tzinfo=UTC) for month in (1, 2, 3)]
        writer.write(letters(*(DOOR.event(when=at) for at in months)))
        assert rows(pg, "SELECT drop_months_before('2026-03-01')") == [(2,)]
        assert rows(pg, "SELECT at FROM events") == [(months[2],)]

    def test_a_month_that_was_dropped_comes_back_with_what_is_told_of_it_late(self, pg, writer):
        first, second, third = (datetime(2026, 1, day, tzinfo=UTC) for day in (3, 4, 5))
        writer.write(letters(DOOR.event(when=first)))
        rows(pg, "SELECT drop_months_before('2026-03-01')")
        assert writer.write(letters(DOOR.event(when=second))).new == 1
        assert Writer(lambda: pg).write(letters(DOOR.event(when=third))).new == 1
        found = rows(pg, "SELECT tableoid::regclass::text, at FROM events ORDER BY at")
        assert found == [("events_2026_01", second), ("events_2026_01", third)]

    def test_what_lies_among_the_undated_does_not_keep_a_month_from_being_made(self, pg, writer):
        early, late = (datetime(2026, 1, day, tzinfo=UTC) for day in (3, 4))
        writer.write(letters(DOOR.event(when=early)))
        with pg.transaction():  # as a collector does whose month was dropped under its hands
            pg.execute("CREATE TEMP TABLE it AS SELECT * FROM events")
            pg.execute("DROP TABLE events_2026_01")
            pg.execute("INSERT INTO events SELECT * FROM it")
        assert rows(pg, "SELECT at FROM events_undated") == [(early,)]
        assert writer.write(letters(DOOR.event(when=late))).new == 1
        assert rows(pg, "SELECT at FROM events_2026_01 ORDER BY at") == [(early,), (late,)]
        assert rows(pg, "SELECT count(*) FROM pg_indexes WHERE tablename = 'events_2026_01'") == [(5,)]

    def test_wrong_clocks_and_strangers_are_dropped_by_when_they_were_written_down(self, pg, writer):
        odd = [datetime(year, 1, 1, tzinfo=UTC) for year in (1970, 2098, 2150)]
        writer.write(letters(*(DOOR.event(when=at) for at in (*odd, NOW)), Device("stranger").event()))
        rows(pg, "SELECT drop_months_before((now() - interval '1 day')::date)")
        assert rows(pg, "SELECT count(*) FROM events") == [(4,)]
        pg.execute("UPDATE events SET stored_at = '2020-01-02'")
        pg.execute("UPDATE quarantine SET last_at = '2020-01-02'")
        rows(pg, "SELECT drop_months_before('2021-01-01')")
        assert rows(pg, "SELECT at FROM events") == [(NOW,)]
        assert rows(pg, "SELECT count(*) FROM quarantine") == [(0,)]

    def test_a_standby_is_a_database_that_is_away(self, pg, url):
        with connect(url) as standby:
            standby.execute("SET default_transaction_read_only = on")
            standby.commit()
            with pytest.raises(DatabaseAway, match="read-only"):
                Writer(lambda: standby).write(letters(DOOR.event()))
        assert rows(pg, "SELECT count(*) FROM events") == [(0,)]

    def test_numbers_that_go_back_after_a_restored_backup_are_no_duplicates(self, pg, writer):
        door = Device()
        first = [door.event() for _ in range(3)]
        writer.write(letters(*first))
        door.seq -= 2
        again = [door.event() for _ in range(3)]
        written = writer.write(letters(*first[1:], *again))
        assert (written.new, sorted({record.seq for record in written.records})) == (3, [2, 3, 4])
        assert rows(pg, "SELECT count(*), count(DISTINCT seq) FROM events") == [(6, 4)]

    def test_writers_that_start_a_month_together_do_not_stumble(self, pg, url):
        barrier, failed = threading.Barrier(4), []

        def write(number):
            with connect(url) as mine:
                device = Device(f"d{number}")
                batch = [read(device.event(when=NOW.replace(month=7)), lambda *_: [device.key.public])]
                barrier.wait(10)
                try:
                    Writer(lambda: mine).write(batch)
                except Exception as error:  # noqa: BLE001  told below
                    failed.append(error)

        threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert failed == []
        assert rows(pg, "SELECT count(*) FROM events_2026_07") == [(4,)]

    def test_two_writers_with_the_same_events_in_any_order(self, pg, url):
        events = [*(DOOR.event() for _ in range(60)), *(OTHER.event() for _ in range(60))]
        rng, failed = random.Random(5), []

        def write(order):
            with connect(url) as mine:
                try:
                    for start in range(0, len(order), 20):
                        Writer(lambda: mine).write(letters(*order[start : start + 20]))
                except Exception as error:  # noqa: BLE001  told below
                    failed.append(error)

        threads = [threading.Thread(target=write, args=(rng.sample(events, 120),)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert failed == []
        assert rows(pg, "SELECT count(*) FROM events") == [(120,)]

    def test_missing_numbers_are_told(self, pg, writer):
        device = Device()
        events = [device.event() for _ in range(10)]
        writer.write(letters(*(events[n] for n in (2, 3, 6, 9, 8))))
        query = "SELECT device, first, last, missing FROM gaps ORDER BY first"
        assert rows(pg, query) == [("door", 5, 6, 2), ("door", 8, 8, 1)]
        writer.write(letters(events[5], events[4], events[7]))
        assert rows(pg, query) == []

    def test_the_latest_state_stays(self, pg, writer):
        def health(minute):
            return read(DOOR.say("health", {"at": f"2026-11-22T06:0{minute}:00Z", "outbox_depth": minute}), keys)

        writer.write([health(1), health(3), State("hq", "door", "status", None, {"state": "offline"})])
        writer.write([health(2), State("hq", "door", "status", None, {"state": "online"})])
        query = "SELECT state, outbox_depth FROM devices"
        assert rows(pg, query) == [("online", 3)]

    def test_one_that_the_database_does_not_take_keeps_nobody_else_out(self, pg, writer):
        good = [DOOR.event() for _ in range(7)]
        bad = DOOR.event(person="a\0b")
        written = writer.write(letters(*good[:3], bad, *good[3:]))
        assert (written.new, written.doubts) == (7, 1)
        assert len(written.records) == 7
        assert rows(pg, "SELECT reason, topic FROM quarantine") == [("refused", "latchkey/v1/hq/door/event/access")]

    def test_nor_does_one_that_no_index_takes(self, pg, writer):
        record = letters(DOOR.event())[0]
        written = writer.write([replace(record, kind=secrets.token_hex(9000)), *letters(DOOR.event())])
        assert (written.new, written.doubts) == (1, 1)


class TestQuarantine:
    def test_a_stranger_with_an_endless_name_stops_nobody(self, pg, writer):
        written = writer.write(letters(Delivery(f"latchkey/v1/{secrets.token_hex(9000)}/door/event/x", b"{}")))
        assert written.doubts == 1
        assert [(site, device) for site, device, *_ in quarantine.counts(pg)] == [("", "")]

    def test_the_same_is_kept_once_and_counted(self, pg, writer):
        stranger = Device("stranger").event()
        for _ in range(3):
            writer.write(letters(stranger))
        assert rows(pg, "SELECT site, device, reason, times, payload FROM quarantine") == [
            ("hq", "stranger", "unknown_device", 3, stranger.payload)
        ]
        assert quarantine.counts(pg) == [("hq", "stranger", "unknown_device", 3, 0)]

    def test_no_more_of_a_device_than_there_is_room_for(self, pg, writer, monkeypatch):
        monkeypatch.setattr(quarantine, "MOST_OF_A_DEVICE", 5)
        writer.write(letters(*(Delivery("latchkey/v1/hq/door/event/x", b"%d" % n) for n in range(8))))
        assert rows(pg, "SELECT count(*) FROM quarantine") == [(5,)]
        assert quarantine.counts(pg) == [("hq", "door", "malformed", 8, 3)]

    def test_no_more_bytes_of_a_device_than_there_is_room_for(self, pg, writer, monkeypatch):
        monkeypatch.setattr(quarantine, "MOST_BYTES_OF_A_DEVICE", 1000)
        writer.write(letters(*(Delivery("latchkey/v1/hq/door/event/x", b"%d" % n * 400) for n in range(5))))
        writer.write(letters(Delivery("latchkey/v1/hq/other/event/x", b"1" * 2000)))
        assert rows(pg, "SELECT device, count(*), sum(length(payload)) FROM quarantine GROUP BY 1") == [
            ("door", 2, 800)
        ]
        assert quarantine.counts(pg) == [("hq", "door", "malformed", 5, 3), ("hq", "other", "malformed", 1, 1)]

    def test_made_up_devices_are_counted_as_one_in_the_end(self, pg, writer, monkeypatch):
        monkeypatch.setattr(quarantine, "MOST_DEVICES", 3)
        for n in range(6):
            writer.write(letters(Delivery(f"latchkey/v1/hq/d{n}/event/x", b"{}")))
        assert [(device, messages) for _, device, _, messages, _ in quarantine.counts(pg)] == [
            *(("", 3), ("d0", 1), ("d1", 1), ("d2", 1))
        ]

    def test_once_the_key_is_known_what_came_before_is_read_again(self, pg, url):
        stranger = Device("stranger")
        events = [stranger.event() for _ in range(5)]
        forged = replace(events[0], payload=events[0].payload.replace(b'"seq": 1', b'"seq": 8'))
        Writer(lambda: pg).write([read(each, keys) for each in (*events, forged)])
        trust(pg, "hq", "stranger", stranger.key.public)
        assert read_again(Database(url), None, None).new == 5
        assert rows(pg, "SELECT seq FROM events ORDER BY seq") == [(1,), (2,), (3,), (4,), (5,)]
        assert rows(pg, "SELECT count(*) FROM quarantine") == [(1,)]


class TestKeys:
    def test_a_device_is_known_until_its_key_is_revoked(self, pg):
        now = [0.0]
        keyring = Keyring(lambda: pg, lambda: now[0])
        keyring.refresh()
        assert keyring("hq", "door") == ()
        trust(pg, "hq", "door", DOOR.key.public)
        keyring.refresh()
        assert keyring("hq", "door") == ()  # it was looked up just now
        now[0] += 6
        keyring.refresh()
        assert keyring("hq", "door") == [DOOR.key.public]
        assert distrust(pg, "hq", "door", DOOR.key.public.id) == 1
        now[0] += 6
        keyring.refresh()
        assert keyring("hq", "door") == ()
        trust(pg, "hq", "door", DOOR.key.public)
        now[0] += 6
        keyring.refresh()
        assert keyring("hq", "door") == [DOOR.key.public]

    def test_mistakes_are_told(self, pg):
        with pytest.raises(CommandError, match="no such key in force"):
            distrust(pg, "hq", "door")
        with pytest.raises(ConfigError, match="cannot be part of a topic"):
            trust(pg, "hq", "a/b", DOOR.key.public)
        for text in ("door", "hq/", "/door", "a/b/c"):
            with pytest.raises(ConfigError, match="want SITE/DEVICE"):
                read_target(text)
        assert read_target("hq/door") == ("hq", "door")


def test_doubts_say_where_they_come_from(pg, writer):
    writer.write([Doubt("", "", Why.TOPIC, "not one", Delivery("a/\0b", b"\0"))])
    assert rows(pg, "SELECT topic, payload FROM quarantine") == [("a/\ufffdb", b"\0")]


def test_what_is_stored_says_when(pg, writer):
    writer.write(letters(DOOR.event()))
    ((age,),) = rows(pg, "SELECT clock_timestamp() - stored_at FROM events")
    assert timedelta() <= age < timedelta(minutes=1)
