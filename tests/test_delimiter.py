"""Commas or semicolons."""

import pytest

from agent.delimiter import delimiter


@pytest.mark.parametrize(
    ("first", "found"),
    [
        ("date,name,kind", ","),
        ("date;name;kind", ";"),
        ('12-25,";;x"', ","),
        ('12-25;"a, b, c"', ";"),
        ("one", ","),
        ("", ","),
        ('an open "quote;', ";"),
    ],
)
def test_what_stands_between_the_cells_counts(first, found):
    assert delimiter(first) == found
