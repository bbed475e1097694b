"""`latchkey admin rules`: who may, where and when. Each device is told from which version the change was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.cli.admin.opened import WAIT, At, ProfileFolder, Wait, Yes, connected, target
from agent.cli.admin.told import check_any, end, tell
from agent.cli.output import Json, confirmed, counted, printable, say, say_json, warn
from agent.errors import CommandError, RulesRefused

if TYPE_CHECKING:
    from agent.client import Admin, Result

rules = typer.Typer(help="Show, edit, apply and try the rules at devices.", no_args_is_help=True)
Expect = Annotated[
    int | None, typer.Option(metavar="VERSION", min=0, help="Refuse where another version is in force by now.")
]


@dataclass(frozen=True, slots=True)
class InForce:
    """The rules at one device."""

    version: int  # 0: none were ever given
    text: str
    by: str
    at: str


@rules.command()
def show(
    *,
    version: Annotated[int | None, typer.Option(metavar="VERSION", min=1, help="One of the last 50.")] = None,
    at: At = None,
    json: Json = False,
    wait: Wait = WAIT,
    profile: ProfileFolder = None,
) -> None:
    """Print the rules in force. Where they are not the same at all devices, it says so, and prints each."""
    whom = target(at)
    told = {} if version is None else {"version": version}
    with connected(profile, wait=wait) as admin:
        results = admin.ask_all(whom, "rules", wait_seconds=wait, **told)
    check_any(results, whom)
    if json:
        tell(results, str, json=True, of=whom)
        return
    texts = alike(in_force(results))
    for text, devices in texts.items():
        if len(texts) > 1:
            warn(f"at {', '.join(devices)}:")
        print(printable(text) or "# no rules were ever given: everybody enrolled may, at any time", end="")
        print("" if text.endswith("\n") else "\n", end="")
    for device, result in results.items():
        if not result.ok:
            warn(f"{device}: {result.message or 'refused'} ({result.code})")
    end(results)


@rules.command()
def apply(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="TOML; deploy/rules.example.toml explains it.")],
    *,
    expect: Expect = None,
    yes: Yes = False,
    at: At = None,
    json: Json = False,
    wait: Wait = WAIT,
    profile: ProfileFolder = None,
) -> None:
    """Put rules in force. Shows the difference to those in force and asks; a change made meanwhile is not lost."""
    from agent.cli.rules import text_of

    text = text_of(file)
    _check(text, str(file))
    whom = target(at)
    with connected(profile, wait=wait) as admin:
        before = _present(admin, whom, wait)
        if not yes and not _agreed(before, text):
            raise typer.Exit(1)
        versions = {device: one.version if expect is None else expect for device, one in before.items()}
        results = _applied(admin, text, versions, wait)
    _told(results, json=json)


@rules.command()
def edit(*, at: At = None, json: Json = False, wait: Wait = WAIT, profile: ProfileFolder = None) -> None:
    """Open the rules in force in $VISUAL or $EDITOR, and apply what comes out. What is wrong can be edited again.

    A change that somebody made meanwhile is not lost: the device refuses yours, which is kept in a file.
    """
    whom = target(at)
    with connected(profile, wait=wait) as admin:
        before = _present(admin, whom, wait)
        texts = alike(before)
        if len(texts) > 1:
            raise CommandError(
                "rules_differ",
                "\n".join(
                    ["the rules are not the same everywhere: edit those of some devices with --at", *_list(texts)]
                ),
            )
        file = _kept(next(iter(texts)))
        text = _edited(file)
        if text in texts:
            file.unlink()
            say("nothing was changed")
            return
        results = _applied(admin, text, {device: one.version for device, one in before.items()}, wait)
    if all(result.ok for result in results.values()):
        file.unlink()
    else:
        warn(f"your text is in {file}: `latchkey admin rules apply {file}`")
    _told(results, json=json)


def in_force(results: Mapping[str, Result]) -> dict[str, InForce]:
    """Returns the rules of the devices that answered."""
    return {
        device: InForce(
            int(result.data.get("version", 0)),
            str(result.data.get("text", "")),
            str(result.data.get("by", "")),
            str(result.data.get("at", "")),
        )
        for device, result in results.items()
        if result.ok
    }


def alike(found: Mapping[str, InForce]) -> dict[str, list[str]]:
    """Returns each text that is in force, and where."""
    texts: dict[str, list[str]] = {}
    for device, one in found.items():
        texts.setdefault(one.text, []).append(device)
    return texts


def _present(admin: Admin, whom: str | list[str], wait: float) -> dict[str, InForce]:
    """The rules in force at all of them: nothing is changed at some where others are away."""
    results = admin.ask_all(whom, "rules", wait_seconds=wait)
    check_any(results, whom)
    for device, result in results.items():
        if not result.ok:
            warn(f"{device}: {result.message or 'refused'} ({result.code}): it is left out")
    found = in_force(results)
    if not found:
        end(results)
    return found


def _applied(admin: Admin, text: str, versions: Mapping[str, int], wait: float) -> dict[str, Result]:
    results: dict[str, Result] = {}
    for version in sorted(set(versions.values())):
        whom = [device for device, expected in versions.items() if expected == version]
        results |= admin.ask_all(whom, "rules_apply", wait_seconds=wait, text=text, expect=version)
    return dict(sorted(results.items()))


def _agreed(before: Mapping[str, InForce], text: str) -> bool:
    """Shows what would change, and asks."""
    import difflib

    for old, devices in alike(before).items():
        one = before[devices[0]]
        if old == text:
            say(f"{', '.join(devices)}: version {one.version} is this already")
            continue
        say(f"{', '.join(devices)}: version {one.version}{f' by {one.by}, {one.at}' if one.by else ''}", style="bold")
        lines = difflib.unified_diff(old.splitlines(), text.splitlines(), "in force", "yours", lineterm="")
        for line in lines:
            say(line)
    return confirmed(f"Put this in force at {counted(len(before), 'device')}?")


def _edited(file: Path) -> str:
    """What the editor leaves, as soon as nothing is wrong with it."""
    import os
    import shlex
    import subprocess

    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    while True:
        try:
            done = subprocess.run([*shlex.split(editor), str(file)], check=False)
        except OSError as error:
            raise CommandError("no_editor", f"{editor}: {error.strerror}: set EDITOR; the text is in {file}") from error
        if done.returncode:
            raise CommandError("no_editor", f"{editor} ended with status {done.returncode}: the text is in {file}")
        text = file.read_text(encoding="utf-8")
        try:
            _check(text, str(file))
        except RulesRefused as error:
            warn(str(error))
            if not confirmed("Edit it again?"):
                raise CommandError("bad_rules", f"nothing was changed; your text is in {file}") from None
        else:
            return text


def _kept(text: str) -> Path:
    import os
    import tempfile

    opened, name = tempfile.mkstemp(prefix="latchkey-rules-", suffix=".toml")
    with os.fdopen(opened, "w", encoding="utf-8") as file:
        file.write(text)
    return Path(name)


def _check(text: str, where: str) -> None:
    from agent.rulebook.parse import parse

    try:
        parse(text, version=1)
    except RulesRefused as error:
        raise RulesRefused([f"{where}: {problem}" for problem in error.problems]) from error


def _list(texts: Mapping[str, list[str]]) -> list[str]:
    return [f"  {', '.join(devices)}: {counted(text.count(chr(10)), 'line')}" for text, devices in texts.items()]


def _told(results: dict[str, Result], *, json: bool) -> None:
    def words(data: Mapping[str, Any]) -> str:
        return f"version {data.get('version')} is in force{'' if data.get('changed') else ' already'}"

    if json:
        say_json({device: result.as_json() for device, result in results.items()})
        end(results)
        return
    tell(results, words, json=False)
