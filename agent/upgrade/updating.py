"""Brings new models into force, or those before back: step by step, gone on with wherever it was cut short.

All steps but the last leave what is in force as it is; the last is one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final, NotRequired, cast

from typing_extensions import TypedDict

from agent.audit import audit
from agent.bundle import Bundle, read_bundle, read_card
from agent.config import Config
from agent.errors import CommandError, ModelError, PictureError
from agent.jobs.job import Step, Steps
from agent.mqtt.message import Code
from agent.register import Request
from agent.seal.keys import SiteKey
from agent.store import models, roster, spares
from agent.store.crops import KeptCrop
from agent.store.db import Db
from agent.types import Embedding, Image
from agent.upgrade.archive import unpack
from agent.upgrade.in_force import with_models
from agent.upgrade.installing import check_signed, discard, lay
from agent.upgrade.trial import trial
from agent.vision.pictures import decode_picture
from agent.write import Write

TOGETHER: Final = 8  # crops between two steps: a fraction of a second on a Pi
ROUNDS: Final = 5  # of looking whether somebody was enrolled meanwhile
_MOST_NAMED: Final = 20


@dataclass(frozen=True, slots=True, eq=False)
class House:
    """Where models are brought into force.

    Args:
        config: as it was read, whatever is in force.
        key: of the site.
        db: to read, opened with it.
        write: to change.
        trial: tries the models of a folder.
    """

    config: Config
    key: SiteKey
    db: Db
    write: Write
    trial: Callable[[Config, str], Generator[Step, None, dict[str, Any]]] = trial

    def bundle(self, folder: str) -> Bundle:
        """Returns the models of a folder."""
        return read_bundle(with_models(self.config, folder), self.key)


def update(house: House, data: bytes, request: Request, *, force: bool = False) -> Steps:
    """Brings a bundle into force; returns what was done.

    Args:
        house: where.
        data: the file.
        request: who asks.
        force: also where people would have to be enrolled again.

    Raises:
        CommandError: it is not to be used here; the models in force go on.
    """
    contents = unpack(data)
    signer = check_signed(contents.signed, house.db, house.config)
    folder, state = contents.signed.manifest.folder, models.in_force(house.db)
    if folder == state.folder:  # gone on with after it was done
        return {"folder": folder, "encoder": contents.signed.manifest.encoder, "already": True}
    _check_id(house, contents.signed.manifest.encoder, contents.files["encoder.json"])
    check_people(house.db, contents.signed.manifest.encoder, force=force)
    yield Step(0, None, "unpacking")
    lay(contents, house.config)
    try:
        tested = yield from house.trial(house.config, folder)
        bundle = house.bundle(folder)
        yield from reembed(house, bundle)
    except (CommandError, ModelError):
        discard(house.config, folder)
        raise
    yield Step(0, None, "switching")
    told = {"encoder": bundle.model_id, "detector": bundle.detector.id, "signed_by": signer}
    done = house.write(partial(_switch, folder=folder, bundle=bundle, request=request, told=told))
    return {"folder": folder, **told, **done, "tested": tested}


def roll_back(house: House, request: Request, why: str = "") -> Steps:
    """Brings the models before into force again; returns what was done.

    Raises:
        CommandError: there are none.
    """
    state = models.in_force(house.db)
    if state.previous is None:
        raise CommandError(Code.NOTHING_BEFORE, "there are no models to go back to: none were installed since")
    bundle = house.bundle(state.previous)
    yield from reembed(house, bundle)
    yield Step(0, None, "switching")
    return house.write(partial(go_back, bundle=bundle, request=request, why=why, at=request.at))


def is_back(db: Db) -> bool:
    """Returns whether the models before were brought back already."""
    return models.in_force(db).previous is None


def reembed(house: House, bundle: Bundle) -> Generator[Step, None, None]:
    """Lets an encoder see every crop that it has not seen yet; its vectors wait beside those in use."""
    encode = bundle.eyes().encoder
    broken = set[int]()
    for _ in range(ROUNDS):
        numbers = [number for number, _ in spares.wanting(house.db, bundle.model_id) if number not in broken]
        if not numbers:
            return
        for done in range(0, len(numbers), TOGETHER):
            yield Step(done, len(numbers), "re-embedding")
            some = numbers[done : done + TOGETHER]
            made = list(_seen(house.db, some, encode))
            broken |= {*some} - {crop.template for crop, _ in made}
            house.write(partial(spares.add, made=made))
        yield Step(len(numbers), len(numbers), "re-embedding")


def check_people(db: Db, encoder: str, *, force: bool) -> None:
    """Refuses to leave people unknown to the door, unless that is wanted.

    Raises:
        CommandError: naming them.
    """
    unknown = spares.without_crops(db, encoder)
    if unknown and not force:
        more = f" and {len(unknown) - _MOST_NAMED} more" if len(unknown) > _MOST_NAMED else ""
        raise CommandError(
            Code.NO_CROPS,
            f"of {len(unknown)} people no pictures are kept, they would have to be enrolled again: "
            f"{', '.join(unknown[:_MOST_NAMED])}{more}; say force to go on all the same",
        )


def go_back(db: Db, *, bundle: Bundle, request: Request, why: str, at: datetime) -> dict[str, Any]:
    """Brings the models before into force, in one transaction.

    Args:
        db: to write.
        bundle: of the models before.
        request: who asks.
        why: what was wrong with the others; empty: somebody wants it.
        at: now.
    """
    with db.transaction():
        left = models.in_force(db)
        swapped = spares.swap(db, bundle.model_id)
        models.go_back(db, at)
        roster.compare_by(db, bundle.model_id)
        spares.forget_but(db)
        told: dict[str, Any] = {"encoder": bundle.model_id, "templates": swapped.templates, "left": swapped.left}
        audit(
            db, "model_rolled_back", None, request, {**told, "from": left.folder, **({"why": why[:200]} if why else {})}
        )
    return {"folder": models.in_force(db).folder, **told}


def _switch(db: Db, *, folder: str, bundle: Bundle, request: Request, told: dict[str, Any]) -> dict[str, Any]:
    with db.transaction():
        before = models.in_force(db)
        swapped = spares.swap(db, bundle.model_id)
        models.choose(db, folder, request.at)
        roster.compare_by(db, bundle.model_id)
        done = {"templates": swapped.templates, "people": swapped.people, "left": swapped.left}
        audit(db, "model_updated", None, request, {**told, **done, "folder": folder, "from": before.folder})
    return done


def _check_id(house: House, encoder: str, card: bytes) -> None:
    """Refuses an encoder that calls itself as another does: their templates would be taken for the same."""
    ours = house.bundle(models.in_force(house.db).folder)
    if encoder == ours.model_id and ours.encoder.sha256.encode() not in card:
        raise CommandError(
            Code.BAD_BUNDLE, f"another encoder than the one in force is called {encoder}: give it another id"
        )


def _seen(db: Db, numbers: list[int], encode: Callable[[Image], Embedding]) -> Iterator[tuple[KeptCrop, Embedding]]:
    for crop in spares.crops_of(db, numbers):
        try:
            yield crop, encode(decode_picture(crop.picture))
        except PictureError:
            continue


class StateTold(TypedDict):
    """Which models are in force, and what of people goes with them."""

    encoder: str
    folder: NotRequired[str]  # none: as configured
    since: NotRequired[str]
    previous: NotRequired[str]  # folder of those before, or "configured"
    proved: bool
    templates: dict[str, int]  # by model
    without_crops: int  # people of whom no picture is kept


def told(db: Db, config: Config) -> StateTold:
    """Returns which models there are, as JSON values."""
    state = models.in_force(db)
    card = read_card(with_models(config, state.folder).models.encoder)
    counts = dict(db.rows("SELECT model, count(*) FROM templates GROUP BY model ORDER BY model"))
    found = {
        "encoder": card.id,
        "folder": state.folder or None,
        "since": None if state.since is None else state.since.isoformat(),
        "previous": None if state.previous is None else state.previous or "configured",
        "proved": state.starts is None,
        "templates": counts,
        "without_crops": spares.crop_less(db),
    }
    return cast("StateTold", {name: value for name, value in found.items() if value is not None})
