"""Takes people out of the JSON of events and answers. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

VOCABULARY: Final = frozenset(
    {
        "action", "alarm", "alarms", "at", "boot_id", "camera", "clock", "code", "command_id", "contact", "device",
        "door", "factors", "groups", "hash", "job", "key", "kind", "mode", "model", "models", "outcome", "reason",
        "receipt", "rule", "schedule", "shown", "site", "state", "type", "verb", "zone",
    }
)  # fmt: skip
"""Keys whose values are words of ours, or of the rules: a person called "face" is not in `shown`."""

WORD: Final = re.compile(r"[A-Za-z0-9](?:[\w.-]*\w)?", re.ASCII)
"""What may be a person's id in a sentence."""

_BEFORE: Final = "to "  # what stands before a person: a number alone may be anything
Swap = Callable[[str], str]


def rewritten(value: Any, swap: Swap, words: Swap) -> Any:
    """Returns JSON with its texts swapped: whole texts by `swap`, those of several words by `words`, keys as well."""
    match value:
        case dict():
            return {
                swap(key): each if key in VOCABULARY else rewritten(each, swap, words) for key, each in value.items()
            }
        case list():
            return [rewritten(each, swap, words) for each in value]
        case str():
            swapped = swap(value)
            return words(value) if swapped == value and " " in value else swapped
    return value


def relabelled(body: Mapping[str, object], label: str | None) -> dict[str, str | None]:
    """Returns what takes the place of badge number and name, as they were then, in an event about somebody."""
    return {key: label for key in ("badge", "name") if body.get(key) is not None}


class Pseudonyms:
    """Puts a pseudonym in the place of one person.

    Args:
        ids: theirs.
        name: theirs; nothing is looked for where it is empty.
        pseudonym: what takes the place.
    """

    def __init__(self, ids: Iterable[str], name: str, pseudonym: str) -> None:
        self._whole = {*ids, *([name] if name else [])}
        # "0.71 to anna, need 0.52"; a number alone may be anything, so it has to stand where a person does
        parts = [rf"(?<={_BEFORE}){re.escape(each)}" if each.isdigit() else re.escape(each) for each in self._whole]
        parts.sort(key=len, reverse=True)
        self._inside = re.compile(rf"(?<![\w.-])(?:{'|'.join(parts)})(?!\w|[.-]\w)")
        self._pseudonym = pseudonym

    def __call__(self, value: Any) -> Any:
        """Returns JSON without the person."""
        return rewritten(
            value,
            lambda text: self._pseudonym if text in self._whole else text,
            lambda text: self._inside.sub(self._pseudonym, text),
        )


class Others:
    """Puts `[another person]` in the place of everybody but one.

    Args:
        ids: of everybody else who is known here.
        names: theirs.
    """

    MARK: Final = "[another person]"

    def __init__(self, ids: Iterable[str], names: Iterable[str] = ()) -> None:
        self._ids, self._names = frozenset(ids), frozenset(names)

    def __call__(self, value: Any) -> Any:
        """Returns JSON without the others."""
        return rewritten(value, self._swap, self._inside)

    def _swap(self, text: str) -> str:
        return self.MARK if text in self._ids or text in self._names else text

    def _inside(self, text: str) -> str:
        text = WORD.sub(self._word, text)
        for name in self._names:
            if name in text:
                text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", self.MARK, text)
        return text

    def _word(self, found: re.Match[str]) -> str:
        person = found[0] in self._ids and (not found[0].isdigit() or found.string.endswith(_BEFORE, 0, found.start()))
        return self.MARK if person else found[0]
