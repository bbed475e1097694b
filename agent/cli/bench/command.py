"""`latchkey bench`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.opened import database
from agent.cli.output import Json, say, say_json, say_table
from agent.cli.settings import ConfigFile, Sets, load

if TYPE_CHECKING:
    from agent.bundle import Bundle
    from agent.cli.bench.rows import Row
    from agent.gallery.match import Gallery


def bench(
    *,
    json: Json = False,
    frames: Annotated[int, typer.Option(min=10, metavar="N", help="Frames of the clip to look at.")] = 200,
    clip: Annotated[Path | None, typer.Option(metavar="FILE", help="Another clip than the bundled one.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Only the stages: no agent, no broker.")] = False,
    config: ConfigFile = None,
    sets: Sets = None,
) -> None:
    """Measure how fast this machine is: the stages of a frame on one thread, start, memory, load, and the outbox.

    Takes about half a minute. Figures are medians beside the 95th percentile; what is asked is asked of a small x86
    machine. Exit status: 0, whatever the figures are.
    """
    configured = load(config, sets, {"engine.threads": 1})
    from agent.bundle import open_bundle
    from agent.hardware.cameras.demo import CLIP
    from agent.seal.keyring import find_key
    from agent.seal.keys import SiteKey

    found = find_key(configured)
    bundle = open_bundle(configured, found.key if found else SiteKey.new())
    rows = _stages(bundle, clip or CLIP, frames)
    if not quick:
        from agent.cli.bench.outbox import outbox_row
        from agent.cli.bench.process import process_rows

        rows += [*process_rows(configured, clip or CLIP), outbox_row()]
    _tell(bundle, rows, json=json)


def _stages(bundle: Bundle, clip: Path, frames: int) -> list[Row]:
    from agent.cli.bench.stages import Stages, clip_frames

    return Stages(bundle, _enrolled(bundle)).rows(clip_frames(clip, frames))


def _enrolled(bundle: Bundle) -> Gallery:
    """Who is enrolled here, if anybody ever was."""
    from agent.gallery.match import Gallery
    from agent.store.templates import load_gallery

    if not bundle.config.database_path.exists():
        return Gallery.empty(bundle.template_model, bundle.space)
    with database(bundle.config, key=bundle.key) as db:
        return load_gallery(db, bundle.template_model, bundle.space)


def _tell(bundle: Bundle, rows: Sequence[Row], *, json: bool) -> None:
    from agent.cli.bench.machine import machine

    where = machine(bundle)
    if json:
        say_json({"machine": where, "rows": [row.as_json() for row in rows]})
        return
    say(f"{where['processor']}, {where['cores']} cores, load {where['load']}; {where['system']}")
    files = f"{where['detector']}, {where['aligner']}, {where['encoder']}"
    say(f"{where['runtime']} {where['libraries'].get(where['runtime'], '')}, {files}")
    say_table(["what", "median", "p95", "asked", "", "of"], [_cells(row) for row in rows])


def _cells(row: Row) -> list[str]:
    value, p95, asked = (
        "-" if number is None else f"{number:g} {row.unit}" for number in (row.value, row.p95, row.asked)
    )
    verdict = {True: "ok", False: "MISSED", None: ""}[row.ok]
    return [row.name, value, p95, "" if row.asked is None else f"< {asked}", verdict, row.note]
