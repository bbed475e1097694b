"""What can be wrong with somebody's data. Each message says what, where and what to do; none is a traceback's.

LatchkeyError
└── DataError (ValueError)        a folder, an archive, a list or a plan that cannot be trained on
    ├── LeakError                 pictures that are in training and in testing
    └── PictureRefused            one picture that cannot be used, with a code
"""

from __future__ import annotations

from agent.errors import LatchkeyError


class DataError(LatchkeyError, ValueError):
    """The data cannot be used as they are."""


class LeakError(DataError):
    """The same picture lies on both sides of a split: every figure measured on it would be too good."""


class PictureRefused(DataError):
    """One picture cannot be used.

    Args:
        code: one of `unreadable`, `bad_name`, `no_face`, `several_faces`, `too_small`, `not_aligned`, `duplicate`.
        message: for a human.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
