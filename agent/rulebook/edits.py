"""Changes of a rulebook as somebody at a form makes them: each at one place of the text, the rest stays as written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field, JsonValue

from agent.config.kinds import Table
from agent.errors import RulesRefused
from agent.rulebook.granting import grant
from agent.rulebook.parse import LONGEST_TEXT, rulebook, same_text
from agent.rulebook.sheet import Sheet
from agent.rulebook.tables import Rulebook
from agent.rulebook.written import BY_HAND

MOST_EDITS: Final = 100
_LONGEST_KEY: Final = 64
_DEEPEST: Final = 6
_MOST_SCHEDULES: Final = 100  # of one group and door

Key = Annotated[str, Field(min_length=1, max_length=_LONGEST_KEY)] | Annotated[int, Field(ge=0, le=100_000)]
Place = Annotated[list[Key], Field(min_length=1, max_length=_DEEPEST)]


class Put(Table):
    """Gives a key or a table a value; of a table only what differs is written. None takes it away."""

    edit: Literal["put"]
    path: Place
    value: JsonValue


class Drop(Table):
    """Takes a key, a table or an element away, if it is there."""

    edit: Literal["drop"]
    path: Place


class Add(Table):
    """Adds a `[[days]]`, a `[[grants]]` or a `[[work]]`: at the end, or before the one of a number."""

    edit: Literal["add"]
    table: Literal["days", "grants", "work"]
    value: dict[str, JsonValue]
    at: Annotated[int, Field(ge=0)] | None = None


class Rename(Table):
    """Gives a schedule, zone, door or shift another name, wherever the rules speak of it."""

    edit: Literal["rename"]
    table: Literal["schedules", "zones", "doors", "shifts"]
    name: str
    to: Annotated[str, Field(min_length=1, max_length=_LONGEST_KEY)]


class Grant(Table):
    """Lets a group ("*": everybody) through a door ("*": every one) in these schedules, and in no others."""

    edit: Literal["grant"]
    group: Annotated[str, Field(min_length=1, max_length=_LONGEST_KEY)]
    door: Annotated[str, Field(min_length=1, max_length=_LONGEST_KEY)]
    schedules: Annotated[list[str], Field(max_length=_MOST_SCHEDULES)]


AnyEdit: TypeAlias = Put | Drop | Add | Rename | Grant
Edit = Annotated[AnyEdit, Field(discriminator="edit")]
Edits = Annotated[list[Edit], Field(max_length=MOST_EDITS)]


def edited(text: str, edits: Sequence[AnyEdit]) -> tuple[str, Rulebook]:
    """Returns the text of rules with these changes, one after the other, and what it says; all else is as it was.

    Args:
        text: of rules.
        edits: what to change.

    Raises:
        RulesRefused: the text, or what the changes make of it, is not right, or is written so oddly that it has to be
            changed by hand; or these are too many changes of so long a text.
    """
    sheet = Sheet(same_text(text))
    right: str | None = None
    for edit in edits:
        if sheet.text is not right and not isinstance(edit, Put | Drop):  # which mind no meaning, and may be put right
            rulebook(sheet.text)
        _take(sheet, edit)
        if isinstance(edit, Rename | Grant):  # other than a value from outside, what they write is of the right kind
            right = sheet.text
        if len(sheet.text) > LONGEST_TEXT:
            break
    meant = rulebook(sheet.text)
    if not sheet.is_true():
        raise RulesRefused([BY_HAND])
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    windows = text.count("\r\n") == text.count("\n") > 0
    return mark + (sheet.text.replace("\n", "\r\n") if windows else sheet.text), meant


def _take(sheet: Sheet, edit: AnyEdit) -> None:
    match edit:
        case Put():
            sheet.put(tuple(edit.path), edit.value)
        case Drop():
            sheet.drop(tuple(edit.path))
        case Add():
            sheet.add(edit.table, edit.value, edit.at)
        case Rename():
            sheet.rename(edit.table, edit.name, edit.to)
        case Grant():
            grant(sheet, edit.group, edit.door, edit.schedules)
