"""`latchkey calibrate`: fits threshold and space to the people of a site."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.cli.output import Json, counted, say, say_json, say_table, warn
from agent.cli.settings import ConfigFile, Sets, load
from agent.errors import PictureError

if TYPE_CHECKING:
    from agent.bundle import Bundle
    from agent.cli.site_photos import Album
    from agent.gallery.calibration import Calibration

MOST_ALIKE = 3


def calibrate(
    folder: Annotated[
        Path | None, typer.Argument(metavar="FOLDER", help="PERSON/photo.jpg. Default: those who are enrolled.")
    ] = None,
    *,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="Where to.")] = Path("site.json"),
    json: Json = False,
    config: ConfigFile = None,
    sets: Sets = None,
) -> None:
    """Learn from a few photos each of this site's people how alike strangers are here, and set the threshold by it.

    At least 5 people, better 20; two photos each and more. Write the result to FILE and set models.site to use it:
    nobody needs to be enrolled again. FILE holds sums over all people, no photo, template or name; keep it as private
    as the database. People refused at enrolment as somebody else's double belong into FOLDER: without them strangers
    look less alike than they are. Exit status: 1 where there are too few people.
    """
    configured = load(config, sets, {"models.site": ""})  # an old one is not needed to make a new one
    from agent.bundle import open_bundle
    from agent.cli.site_photos import enrolled_album, photo_album
    from agent.gallery.calibration import calibrate as fitted_to
    from agent.gallery.held_out import held_out

    if not out.absolute().parent.is_dir():
        raise PictureError(f"{out}: there is no folder {out.absolute().parent}")
    bundle = open_bundle(configured)
    album = enrolled_album(bundle) if folder is None else photo_album(bundle, folder)
    for trouble in album.troubles:
        warn(trouble)
    by = (bundle.table, bundle.anchors)
    fitted = fitted_to(album.vectors, album.people, *by)
    figures = {"held_out": held_out(album.vectors, album.people, *by)}
    site = fitted.site(bundle.encoder.fields, f"{datetime.now(UTC):%Y-%m-%d}", len(album.people), figures)
    _save(out, site.as_json())
    if json:
        shown = {"site": str(out), **{key: value for key, value in site.as_json().items() if key != "space"}}
        say_json(shown | {"method": site.method})
    else:
        _tell(bundle, album, fitted, site.figures, out)


def _save(out: Path, content: dict[str, Any]) -> None:
    """Writes the file, whole or not at all, for the user and the group only."""
    import json

    partial = out.with_name(f".{out.name}.part")
    try:
        partial.touch(mode=0o640)
        partial.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")
        partial.replace(out)
    except OSError as error:
        raise PictureError(f"{out}: cannot be written: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)


def _tell(bundle: Bundle, album: Album, fitted: Calibration, figures: Any, out: Path) -> None:
    people = len(album.names)
    say(f"{people} people, {counted(len(album.people), 'photo')}, encoder {bundle.model_id}")
    say_table(
        ["faces compared", "genuine above strangers", "better by", "recognised at 1e-4", ""],
        [
            (
                each.method,
                f"{each.separation:.2f} deviations",
                f"{each.gained:+.2f} ± {each.error:.2f}" if number else "",
                f"{100 * each.recognised:.1f} %",
                "taken" if each.method == fitted.method else "",
            )
            for number, each in enumerate(fitted.comparisons)
        ],
    )
    _tell_held_out(figures["held_out"])
    say("Most alike, so that the same person twice is noticed:")
    for similarity, one, other in album.most_alike(fitted.scores.mean)[:MOST_ALIKE]:
        say(f"  {one} and {other}: {similarity:.2f} in the mean")
    for note in fitted.notes:
        say(f"Note: {note}", style="yellow")
    say(f'{out}: written. To use it: [models] site = "{out.absolute()}"')


def _tell_held_out(held_out: Any) -> None:
    if held_out is None:
        say(
            "Too few people, or too odd ones, to hold any out: what it is worth to others is not measured (10 show it)."
        )
        return
    say(f"On people held out, at the threshold that promises an FMR of {held_out['promised_fmr']:g}:")
    for name, what in (("before", "the encoder's card"), ("after", "this site")):
        side = held_out[name]
        known = "" if side["recognised"] is None else f", {100 * side['recognised']:.1f} % of genuine pairs recognised"
        say(
            f"  {what}, {side['threshold']:.3f}: {side['false_matches']} of {side['impostor_pairs']} pairs of "
            f"strangers match (FMR {side['fmr']:.2g} ± {side['fmr_error']:.2g}){known}"
        )
