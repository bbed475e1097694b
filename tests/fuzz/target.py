"""A parser that eats bytes from outside, made ready to be fed."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """`open` returns what is fed: it raises nothing but what the code foresees, which it swallows itself.

    A crash is any other exception, more than `seconds` for one input, or more than 2 GiB of memory.
    """

    name: str
    open: Callable[[ExitStack], Callable[[bytes], object]]
    seeds: Sequence[bytes]
    share: int  # of a thousand executions or so: by how fast it is, and how much there is to find
    longest: int = 4096  # bytes of an input
    seconds: int = 10


def split(data: bytes, choices: Sequence) -> tuple[object, bytes]:
    """The first byte chooses, the rest is what is chosen for."""
    return choices[data[0] % len(choices)] if data else choices[0], data[1:]


def text(data: bytes) -> str:
    """What a program reads from a file that is no UTF-8, too."""
    return data.decode("utf-8", errors="replace")
