"""What comes in parts before its command: kept by what it is, bounded, gone on with; what is false counts nowhere."""

import hashlib
import os
import shutil
import stat
import threading
import time
from contextlib import suppress
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.errors import CommandError, StoreError
from agent.mqtt import parts as module
from agent.mqtt.message import MAX_PARTS, MAX_PAYLOAD
from agent.mqtt.parts import FORGET_SECONDS, MAX_ANNOUNCED, MAX_BATCHES, VARIANTS, Spool
from agent.mqtt.topics import PartTopic
from agent.seal.keys import SiteKey
from agent.seal.sealing import OVERHEAD, Seal

SEAL = Seal(SiteKey(bytes(32)))


class Clock:
    seconds = 100_000.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def spool(tmp_path, clock):
    return Spool(tmp_path / "parts", SEAL, clock=clock)


def again(spool_folder, clock, **more):
    """The spool after the agent was started anew."""
    return Spool(spool_folder / "parts", SEAL, clock=clock, **more)


def add(spool, number, of, part=b"part", *, id_="7", size=None):
    spool.add(PartTopic("enrol", id_, number, of), part, size=len(part) if size is None else size)


def hashes(*parts):
    return [hashlib.sha256(part).hexdigest() for part in parts]


def files(folder):
    return sorted(path for path in (folder / "parts").rglob("*") if path.is_file())


def refused(call, *arguments, **more):
    with pytest.raises(CommandError) as error:
        call(*arguments, **more)
    return error.value.code


def test_parts_in_any_order_are_read_in_that_of_the_command(spool):
    for number in (3, 1, 2, 2):
        add(spool, number, 3, b"%d" % number)
    assert list(spool.read("7", hashes(b"1", b"2", b"3"))) == [b"1", b"2", b"3"]
    assert spool.waiting_bytes == 3


def test_lost_parts_are_named_and_the_others_stay(spool):
    add(spool, 2, 3, b"2")
    with pytest.raises(CommandError, match="part 1, 3 of 3") as error:
        spool.check("7", hashes(b"1", b"2", b"3"))
    assert error.value.code == "parts_missing"
    assert spool.here("7", hashes(b"1", b"2", b"3")) == [2]
    add(spool, 1, 3, b"1")
    add(spool, 3, 3, b"3")
    assert len(list(spool.read("7", hashes(b"1", b"2", b"3")))) == 3


def test_a_part_of_another_hash_is_missing_and_takes_no_true_one_s_place(spool):
    add(spool, 1, 1, b"true")
    for attempt in range(1):
        add(spool, 1, 1, b"false %d" % attempt)
    assert list(spool.read("7", hashes(b"true"))) == [b"true"]
    assert refused(spool.check, "7", hashes(b"wanted")) == "parts_missing"


def test_once_they_are_announced_no_others_are_taken(spool):
    add(spool, 1, 2, b"false")
    spool.announce("7", hashes(b"1", b"2"))
    assert spool.here("7") == []
    assert refused(add, spool, 1, 2, b"false again") == "bad_request"
    assert refused(add, spool, 3, 3, b"2") == "bad_request"
    add(spool, 2, 2, b"2")
    assert spool.here("7") == [2]


def test_dropped_and_unknown_ids_have_no_parts(spool, tmp_path):
    add(spool, 1, 1)
    spool.drop("7")
    spool.drop("never")
    assert refused(spool.check, "7", hashes(b"part")) == "parts_missing"
    assert files(tmp_path) == []


def test_parts_are_forgotten_an_hour_after_the_last_of_them(spool, clock, tmp_path):
    add(spool, 1, 2, b"1")
    clock.seconds += FORGET_SECONDS - 1
    add(spool, 2, 2, b"2")
    clock.seconds += FORGET_SECONDS - 1
    spool.forget()
    assert spool.here("7") == [1, 2]
    clock.seconds += 2
    spool.forget()
    assert spool.waiting_bytes == 0
    assert files(tmp_path) == []


@pytest.mark.parametrize(
    ("id_", "number", "of"),
    [("7", 0, 3), ("7", 4, 3), ("7", 1, MAX_PARTS + 1), (None, 1, 1)],
)
def test_numbers_that_make_no_sense(spool, id_, number, of):
    assert refused(add, spool, number, of, id_=id_) == "bad_request"


def test_a_part_may_be_eight_megabytes_and_all_of_a_command_sixty_four(spool, monkeypatch):
    assert refused(add, spool, 1, 1, b"", size=MAX_PAYLOAD + 1) == "too_large"
    monkeypatch.setattr(module, "MAX_BYTES", 8)
    add(spool, 1, 3, b"12345678")
    assert refused(add, spool, 2, 3, b"9") == "too_large"


class TestFloods:
    def test_the_oldest_that_nobody_announced_gives_way(self, spool, clock, monkeypatch):
        monkeypatch.setattr(module, "MAX_BYTES", 10)
        spool.announce("mine", hashes(b"mine"))
        add(spool, 1, 1, b"mine", id_="mine")
        for number in range(100):
            clock.seconds += 1
            add(spool, 1, 1, b"123", id_=f"flood{number}")
        assert spool.waiting_bytes <= 10
        assert list(spool.read("mine", hashes(b"mine"))) == [b"mine"]
        assert spool.here("flood99") == [1]

    def test_what_belongs_to_an_accepted_command_gives_way_to_nothing(self, spool, clock, monkeypatch):
        monkeypatch.setattr(module, "MAX_BYTES", 10)
        add(spool, 1, 1, b"12345678", id_="job")
        assert spool.hold("job")
        assert refused(add, spool, 1, 1, b"123", id_="flood") == "busy"
        assert refused(add, spool, 1, 1, b"false", id_="job") == "bad_request"
        clock.seconds += 2 * FORGET_SECONDS
        spool.forget()
        spool.drop("job")
        assert list(spool.read("job", hashes(b"12345678"))) == [b"12345678"]
        spool.release("job")
        assert spool.waiting_bytes == 0
        add(spool, 1, 1, b"123", id_="flood")

    def test_many_ids_do_not_pile_up(self, spool, clock, tmp_path):
        for number in range(MAX_BATCHES + 30):
            clock.seconds += 1
            add(spool, 1, 1, b"", id_=str(number))
        assert len(files(tmp_path)) == MAX_BATCHES

    def test_many_parts_of_one_number_do_not_pile_up(self, spool, tmp_path):
        for number in range(50):
            add(spool, 1, 1, b"%d" % number)
        assert len(files(tmp_path)) == 2

    def test_many_small_parts_do_not_pile_up(self, spool, clock, tmp_path, monkeypatch):
        monkeypatch.setattr(module, "MAX_PIECES", 30)
        for number in range(100):
            clock.seconds += 1
            add(spool, number % 20 + 1, 20, b"%d" % number, id_=str(number // 20))
        assert len(files(tmp_path)) <= 30
        assert spool.here("4") == list(range(1, 21))

    def test_many_announcements_do_not_pile_up(self, spool, clock):
        for number in range(3 * MAX_ANNOUNCED):
            clock.seconds += 1
            spool.announce(str(number), hashes(b"x"))
        add(spool, 1, 1, b"x", id_=str(3 * MAX_ANNOUNCED - 1))
        add(spool, 1, 1, b"another", id_="0")

    def test_a_full_disk_is_told(self, spool, monkeypatch):
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=2**30, free=2**26))
        assert refused(add, spool, 1, 1) == "storage_failed"
        assert spool.waiting_bytes == 0


class TestRestart:
    def test_a_folder_that_cannot_be_used_is_told(self, tmp_path, clock):
        (tmp_path / "parts").write_text("a file")
        with pytest.raises(StoreError, match="parts of commands"):
            again(tmp_path, clock)

    def test_parts_are_there_again(self, spool, clock, tmp_path):
        add(spool, 1, 2, b"1")
        assert again(tmp_path, clock).here("7", hashes(b"1", b"2")) == [1]

    def test_old_ones_and_whatever_else_lies_there_are_gone(self, spool, clock, tmp_path):
        add(spool, 1, 1, b"old", id_="old")
        add(spool, 1, 1, b"kept", id_="kept")
        for file in files(tmp_path):
            os.utime(file, (time.time() - FORGET_SECONDS - 60,) * 2)
        folder = tmp_path / "parts"
        (folder / "x y").mkdir()
        (folder / "note").write_text("x")
        (folder / "link").symlink_to(tmp_path)
        (folder / "kept" / "1-unfinished.new").write_bytes(b"x")
        spool = again(tmp_path, clock, kept={"kept"})
        assert list(spool.read("kept", hashes(b"kept"))) == [b"kept"]
        assert [path.name for path in folder.iterdir()] == ["kept"]
        assert len(files(tmp_path)) == 1
        assert refused(add, spool, 1, 1, b"more", id_="kept") == "bad_request"

    def test_a_part_that_was_changed_on_the_disk_is_missing(self, spool, clock, tmp_path):
        add(spool, 1, 2, b"1")
        add(spool, 2, 2, b"2")
        files(tmp_path)[0].write_bytes(files(tmp_path)[1].read_bytes())
        with pytest.raises(CommandError, match="part 1"):
            list(spool.read("7", hashes(b"1", b"2")))
        assert spool.here("7", hashes(b"1", b"2")) == [2]


def test_nobody_else_reads_them_and_they_do_not_lie_in_the_open(spool, tmp_path):
    add(spool, 1, 1, b"a face")
    (file,) = files(tmp_path)
    assert stat.S_IMODE((tmp_path / "parts").stat().st_mode) == 0o700
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert b"a face" not in file.read_bytes()


def test_threads_do_not_lose_parts(spool):
    def work(name):
        for number in range(1, 21):
            add(spool, number, 20, b"%d" % number, id_=name)

    threads = [threading.Thread(target=work, args=(f"t{n}",)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(spool.here(f"t{n}") == list(range(1, 21)) for n in range(3))


IDS = st.sampled_from(["a", "b", "c"])
PAYLOADS = st.binary(max_size=6)
ACTIONS = st.one_of(
    st.tuples(st.just("add"), IDS, st.integers(1, 3), PAYLOADS),
    st.tuples(st.just("announce"), IDS, st.lists(PAYLOADS, min_size=1, max_size=3)),
    st.tuples(st.sampled_from(["hold", "drop", "release"]), IDS),
    st.tuples(st.just("later"), st.floats(1, 4000)),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ACTIONS, max_size=25))
def test_whatever_comes_it_stays_bounded_and_the_disk_says_the_same(tmp_path_factory, actions):
    folder, clock = tmp_path_factory.mktemp("spool"), Clock()
    spool = Spool(folder / "parts", SEAL, clock=clock)
    for what, *values in actions:
        match what:
            case "add":
                id_, number, payload = values
                with suppress(CommandError):
                    add(spool, number, 3, payload, id_=id_)
            case "announce":
                spool.announce(values[0], hashes(*values[1]))
            case "later":
                clock.seconds += values[0]
                spool.forget()
            case _:
                getattr(spool, what)(values[0])
    assert spool.waiting_bytes == sum(path.stat().st_size - OVERHEAD for path in files(folder))
    numbers = {(path.parent.name, int(path.name.split("-")[0])) for path in files(folder)}
    assert numbers >= {(id_, number) for id_ in "abc" for number in spool.here(id_)}
    assert len(files(folder)) <= 3 * 3 * VARIANTS
