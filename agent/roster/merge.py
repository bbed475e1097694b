"""Two admins at once: both changes, field by field, or which fields they disagree about. Pure.

A field that one of them has changed is as they left it. Fields that are sets (groups) or lists of things with a name of
their own (cards, templates) are merged item by item. Only a field that both have changed, each to something else, is a
conflict, and so is an object that one has removed and the other changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

Body: TypeAlias = Mapping[str, Any]

_ITEMS: Final[dict[str, Callable[[Any], str]]] = {
    "groups": str,
    "cards": lambda card: str(card["digest"]),
    "templates": lambda template: str(template["vector"]),
}
"""Fields that are merged item by item, with what an item is known by."""

OBJECT: Final = "(the whole)"
_ABSENT: Final = object()


class Disagreement(Exception):
    """Both have changed the same, differently.

    Args:
        fields: which.
    """

    def __init__(self, fields: Sequence[str]) -> None:
        super().__init__(", ".join(fields))
        self.fields = tuple(fields)


def merged(base: Body | None, theirs: Body | None, mine: Body | None) -> Body | None:
    """Returns what there is when both changes are made.

    Args:
        base: what both have started from; None: it was not there.
        theirs: what somebody has made of it; None: it is no more.
        mine: what is to be made of it.

    Raises:
        Disagreement: naming every field that both have changed, each to something else.
    """
    if theirs in (mine, base):
        return mine
    if mine == base:
        return theirs
    if theirs is None or mine is None:
        raise Disagreement([OBJECT])
    before: Body = base or {}
    whole: dict[str, Any] = {}
    conflicts = list[str]()
    for field in sorted({*before, *theirs, *mine}):
        values = (before.get(field, _ABSENT), theirs.get(field, _ABSENT), mine.get(field, _ABSENT))
        try:
            value = _field(field, *values)
        except Disagreement:
            conflicts.append(field)
            continue
        if value is not _ABSENT:
            whole[field] = value
    if conflicts:
        raise Disagreement(conflicts)
    return whole


def _field(field: str, base: Any, theirs: Any, mine: Any) -> Any:
    if theirs in (mine, base):
        return mine
    if mine == base:
        return theirs
    if (name := _ITEMS.get(field)) and isinstance(theirs, list) and isinstance(mine, list):
        return _items(base if isinstance(base, list) else [], theirs, mine, name)
    raise Disagreement([field])


def _items(base: Sequence[Any], theirs: Sequence[Any], mine: Sequence[Any], name: Callable[[Any], str]) -> list[Any]:
    """What both have kept, and what either has added; in the order of theirs, then mine."""
    before, there, here = ({name(item): item for item in items} for items in (base, theirs, mine))
    kept = {key: item for key, item in (there | here).items() if key not in before or (key in there and key in here)}
    return [_item(before.get(key), there.get(key), here.get(key)) for key in kept]


def _item(base: Any, theirs: Any, mine: Any) -> Any:
    if mine is None or mine in (base, theirs):
        return theirs
    if theirs is None or theirs == base:
        return mine
    raise Disagreement([])
