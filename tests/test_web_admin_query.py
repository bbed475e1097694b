"""Long answers come line by line, not too many at once, and end in words where they cannot go on."""

import asyncio
import json

import pytest

from agent.errors import CommandError, StoreError
from agent.web.admin.query import MOST_LONG, LongAnswers, file_name


async def numbers(count, then=None):
    for number in range(count):
        yield {"n": number}
    if then is not None:
        raise then


async def read(answer):
    return [json.loads(line) async for line in answer.body_iterator]


def test_a_line_for_each_value_and_one_that_says_why_there_are_no_more():
    long = LongAnswers()
    assert asyncio.run(read(long.lines(numbers(2)))) == [{"n": 0}, {"n": 1}]
    cut = asyncio.run(read(long.lines(numbers(1, StoreError("the disk is gone")))))
    assert cut == [{"n": 0}, {"ok": False, "code": "storage_failed", "message": "the disk is gone"}]


def test_so_many_at_once_and_one_that_nobody_reads_any_more_makes_room():
    async def ask():
        long, reading = LongAnswers(), []
        for _ in range(MOST_LONG):
            reading.append(long.lines(numbers(9)).body_iterator)
            await anext(reading[-1])
        with pytest.raises(CommandError, match="too many long answers"):
            long.lines(numbers(1))
        await reading.pop().aclose()
        assert await read(long.lines(numbers(1))) == [{"n": 0}]

    asyncio.run(ask())


@pytest.mark.parametrize("device", ['front"', "a\r\nb", "tür", "../x"])
def test_a_file_is_called_in_letters_that_no_browser_minds(device):
    name = file_name("hq", device, "audit.jsonl")
    assert name.startswith("hq-")
    assert {*name} <= {*"abcdefghijklmnopqrstuvwxyz-."}
