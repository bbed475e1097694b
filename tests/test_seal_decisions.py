"""Decisions do not depend on the key, nor on there being one."""

import numpy as np
import pytest

from agent.bundle import open_bundle
from agent.config import load_config
from agent.enrolment import Administration
from agent.gallery.match import Gallery
from agent.hardware.backends import BACKENDS
from agent.store.crops import kept_crops
from agent.store.db import open_db
from tests.fakes import blocks, sites
from tests.fakes.blocks import BLUE, GREEN, RED, Block, paint, png
from tests.fakes.keys import KEY, OTHER

ENROLLED = {"anna": RED, "ben": GREEN, "carl": BLUE}
SHOWN = [*ENROLLED.values(), (180, 80, 70), (120, 130, 60), (90, 90, 160), (200, 60, 190)]


@pytest.fixture(params=["as encoded", "calibrated"])
def bundles(request, tmp_path, monkeypatch):
    """The same terminal without a key, and with two."""
    monkeypatch.setitem(BACKENDS["engine"], "ai-edge-litert", blocks.ENGINE)
    blocks.write_cards(tmp_path)
    more = {f"models.{name}": tmp_path / f"{name}.tflite" for name in ("encoder", "detector")}
    if request.param == "calibrated":
        more["models.site"] = sites.write(tmp_path / "site.json")
    config = load_config(None, {"device.data_dir": tmp_path, **more}, {})
    return [open_bundle(config, key) for key in (None, KEY, OTHER)]


def identified(bundle, path):
    """What a terminal says of the pictures shown, with everybody enrolled."""
    with open_db(path, key=bundle.key) as db:
        admin = Administration(bundle, bundle.eyes(), db, boot_id="boot")
        for person, colour in ENROLLED.items():
            admin.enrol(person, None, [png(paint(Block(colour, tint=tint))) for tint in (0, 6)], by="cli")
        return [admin.identify(png(paint(Block(colour))))["faces"] for colour in SHOWN]


def test_two_keys_say_the_same(bundles, tmp_path):
    _, one, other = (identified(bundle, tmp_path / f"{i}.db") if i else [] for i, bundle in enumerate(bundles))
    assert len(one) == len(SHOWN)
    for a, b in zip(one, other, strict=True):
        assert [face["person"] for face in a] == [face["person"] for face in b]
        for x, y in zip(a, b, strict=True):
            assert {key for key in x if x[key] != y[key] and not isinstance(x[key], float)} == set()
            assert [x[key] for key in x if isinstance(x[key], float)] == pytest.approx(
                [y[key] for key in x if isinstance(x[key], float)], abs=2e-4  # they are rounded to 4 digits
            )  # fmt: skip


def test_a_key_says_what_is_said_without_one(bundles):
    answers = []
    for bundle in bundles:
        eyes = bundle.eyes()
        vectors = [eyes.look(paint(Block(colour)))[0].embedding.vector for colour in (*ENROLLED.values(), *SHOWN)]
        known, shown = np.stack(vectors[:3]), vectors[3:]
        gallery = Gallery.build(bundle.template_model, [*ENROLLED], known, range(3), bundle.space)
        answers.append([gallery.nearest(vector) for vector in shown])
    for plain, *turned in zip(*answers, strict=True):
        for match in turned:
            assert (match.person, match.second) == (plain.person, plain.second)
            assert (match.similarity, match.margin) == pytest.approx((plain.similarity, plain.margin), abs=1e-5)


def test_what_is_told_does_not_name_the_key(bundles):
    assert {bundle.model_id for bundle in bundles} == {blocks.MODEL}
    assert [bundle.template_model for bundle in bundles] == [
        blocks.MODEL,
        f"{blocks.MODEL}~{KEY.id}",
        f"{blocks.MODEL}~{OTHER.id}",
    ]
    assert [bundle.plain_encoder().model_id for bundle in bundles] == [blocks.MODEL] * 3


@pytest.mark.parametrize("keep", [True, False])
def test_crops_are_kept_only_where_asked_for(bundles, tmp_path, keep):
    config = bundles[0].config
    config = config.model_copy(update={"security": config.security.model_copy(update={"keep_crops": keep})})
    bundle = open_bundle(config, KEY)
    identified(bundle, tmp_path / "crops.db")
    with open_db(tmp_path / "crops.db", key=KEY) as db:
        assert len([*kept_crops(db)]) == 6 * keep
