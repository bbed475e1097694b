"""The SQL function casefold(): texts are found in capitals or not, beyond ASCII too, which SQLite's lower() is not."""

from __future__ import annotations

import sqlite3


def add_casefold(sql: sqlite3.Connection) -> None:
    """Let statements of a connection say casefold(text).

    A text that may be no UTF-8, as one of JSON with half a surrogate, has to be CAST AS BLOB, or the statement fails.
    """
    sql.create_function("casefold", 1, _folded, deterministic=True)


def _folded(text: str | bytes) -> str:
    return (text if isinstance(text, str) else text.decode(errors="replace")).casefold()
