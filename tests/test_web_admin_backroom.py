"""The threads of the page: one thing after the other, bounded; a long answer gives way to others between its pieces."""

import asyncio
import threading

import pytest

from agent.errors import CommandError, StoreError
from agent.mqtt.message import Code
from agent.store.db import open_db
from agent.web.admin.backroom import MOST_STREAMS, MOST_WAITING, Backroom


@pytest.fixture
def db(tmp_path):
    return open_db(tmp_path / "latchkey.db")


@pytest.fixture
def reads(db):
    with Backroom(db, lambda: 10.0) as made:
        yield made


def pieces(*told):
    return lambda _: iter(told)


async def taken(answer):
    return b"".join([piece async for piece in answer.body_iterator])


def test_what_a_function_reads_comes_back_and_so_does_what_it_refuses(reads):
    assert asyncio.run(reads.read(lambda db: db.rows("SELECT 1"))) == [(1,)]
    with pytest.raises(ZeroDivisionError):
        asyncio.run(reads.read(lambda _: 1 // 0))


def test_too_many_who_wait_are_refused(reads):
    async def ask():
        go = threading.Event()
        waiting = [asyncio.create_task(reads.read(lambda _: go.wait(10))) for _ in range(MOST_WAITING)]
        await asyncio.sleep(0)  # all of them have asked
        try:
            with pytest.raises(CommandError, match="too many ask at once") as refused:
                await reads.read(lambda _: None)
            assert refused.value.code == Code.BUSY
        finally:
            go.set()
        assert await asyncio.gather(*waiting) == [True] * MOST_WAITING
        return await reads.read(lambda _: "again")

    assert asyncio.run(ask()) == "again"


def test_who_is_not_begun_with_is_forgotten_when_the_device_stops(db):
    begun, go = threading.Event(), threading.Event()

    def slow():
        begun.set()
        return go.wait(10)

    async def ask():
        with Backroom(db, lambda: go.set() or 5.0) as room:  # goes on when nothing more is begun
            asked = [asyncio.create_task(room.do(slow)) for _ in range(3)]
            await asyncio.to_thread(begun.wait, 10)
        with pytest.raises(CommandError, match="the device stops"):
            await room.do(slow)
        return await asyncio.gather(*asked, return_exceptions=True)

    first, *others = asyncio.run(ask())
    assert first is True
    assert [type(each) for each in others] == [asyncio.CancelledError] * 2


def test_what_takes_too_long_keeps_nobody_from_stopping(db, caplog):
    begun, go = threading.Event(), threading.Event()

    async def ask():
        with Backroom(db, lambda: 0.05) as room:
            asked = asyncio.create_task(room.do(lambda: (begun.set(), go.wait(10))))
            await asyncio.to_thread(begun.wait, 10)
        go.set()
        await asked

    asyncio.run(ask())
    assert "takes longer than the agent may take to stop" in caplog.text


def test_a_file_comes_in_pieces_and_others_read_in_between(reads):
    async def ask():
        answer = await reads.stream(pieces(b"a", b"b", b"c"), {"Content-Type": "text/csv"})
        first = await anext(answer.body_iterator)
        between = await reads.read(lambda _: b"-")
        return first + between + await taken(answer), answer.headers["content-type"]

    assert asyncio.run(ask()) == (b"a-bc", "text/csv")


def test_a_file_that_nobody_takes_makes_room_when_it_is_given_up(reads):
    async def ask():
        open_ = [await reads.stream(pieces(b"a", b"b"), {}) for _ in range(MOST_STREAMS)]
        with pytest.raises(CommandError, match="too many long answers"):
            await reads.stream(pieces(b"x"), {})
        assert await taken(open_.pop()) == b"ab"
        open_.append(await reads.stream(pieces(b"x"), {}))
        open_.clear()
        for _ in range(5):  # the event loop closes what nobody holds any more
            await asyncio.sleep(0)
        return [await reads.stream(pieces(b"x"), {}) for _ in range(MOST_STREAMS)]

    assert len(asyncio.run(ask())) == MOST_STREAMS


def test_what_is_wrong_before_the_first_piece_is_said(reads):
    def refused(_):
        raise CommandError("failed", "no such person")
        yield b""

    async def ask():
        with pytest.raises(CommandError, match="no such person"):
            await reads.stream(refused, {})
        return await taken(await reads.stream(pieces(b"x"), {}))

    assert asyncio.run(ask()) == b"x"


def test_a_long_answer_of_nothing_is_one(reads):
    async def ask():
        return await taken(await reads.stream(pieces(), {}))

    assert asyncio.run(ask()) == b""


def test_who_takes_it_learns_that_the_device_stops(db):
    async def ask():
        with Backroom(db, lambda: 10.0) as room:
            answer = await room.stream(pieces(b"a", b"b"), {})
        with pytest.raises(CommandError, match="the device stops"):
            await taken(answer)

    asyncio.run(ask())


@pytest.mark.parametrize("error", [StoreError("the disk is gone"), CommandError("busy", "too many ask at once")])
def test_what_goes_wrong_later_breaks_it_off_and_is_told_once(reads, caplog, error):
    def broken(_):
        yield b"a"
        raise error

    sent = []

    async def receive():
        await asyncio.Event().wait()

    async def send(message):
        sent.append(message)

    async def ask():
        answer = await reads.stream(broken, {})
        await answer({"type": "http", "asgi": {"spec_version": "2.3"}}, receive, send)

    asyncio.run(ask())
    assert [each.get("body") for each in sent] == [None, b"a"]  # and no last one: the server closes the connection
    assert sent[-1]["more_body"]
    assert [each.getMessage() for each in caplog.records] == [f"page for admins: a file was broken off: {error}"]
