"""Site files: what is in them, and what is refused."""

import json

import numpy as np
import pytest

from agent.errors import ModelError
from agent.gallery.site import Site
from agent.gallery.space import Space
from tests.fakes import blocks, sites


def read(fields, dimension=3):
    return Site.from_json(json.loads(json.dumps(fields)), model=blocks.MODEL, dimension=dimension)


@pytest.mark.parametrize(
    "space",
    [Space(), Space(sites.MEAN), Space(sites.MEAN, np.arange(9, dtype=np.float32).reshape(3, 3))],
    ids=["as encoded", "mean", "mean and matrix"],
)
def test_it_comes_back_as_it_was(space):
    before = sites.site(space=space, figures={"held_out": None}, notes=("few",))
    after = read(before.as_json())
    assert after.as_json() == before.as_json()
    probe = np.eye(3, dtype=np.float32)
    assert np.array_equal(after.space(probe), space(probe))


def test_rates_and_their_bounds():
    site = read(sites.site().as_json())
    assert site.table().cosine_for(3e-3) == pytest.approx(0.2)
    assert site.table(bound=False).cosine_for(1e-3) == pytest.approx(0.2)
    assert site.table().measured_to == 0.0  # 3 of 66 pairs: all beyond is the model's


def test_no_name_and_no_photo_is_in_it():
    assert set(sites.site().as_json()) == {
        "kind", "version", "model", "normalisation", "made_on", "people", "photos", "space", "fmr", "figures", "notes",
    }  # fmt: skip


def test_another_encoder():
    with pytest.raises(
        ModelError, match=r"made with the encoder 'other', but '.*' is loaded: run `latchkey calibrate`"
    ):
        read(sites.site(model="other").as_json())


def test_vectors_of_another_length():
    with pytest.raises(ModelError, match="is for vectors of 3 numbers, the encoder's have 256"):
        read(sites.site().as_json(), dimension=256)


@pytest.mark.parametrize("fields", [None, [], 7, "site", {}, {"kind": "encoder"}])
def test_something_else(fields):
    with pytest.raises(ModelError, match="not a site file"):
        read(fields)


def test_a_newer_version():
    with pytest.raises(ModelError, match="version 2, want 1"):
        read(sites.site().as_json() | {"version": 2})


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        pytest.param("people", None, "damaged", id="no number of people"),
        pytest.param("people", "many", "damaged", id="people that are no number"),
        pytest.param("notes", 5, "damaged", id="notes that are none"),
        pytest.param("figures", [1], "damaged", id="figures that are none"),
        pytest.param("space", None, "damaged", id="no space"),
        pytest.param("space.mean", "AAAA", "3 bytes", id="a mean that is cut off"),
        pytest.param("space.mean", "$$", "no base64", id="a mean that is no base64"),
        pytest.param("space.mean", "AADAfwAAAAAAAAAA", "not finite", id="a mean with a NaN"),
        pytest.param("space.mean", None, "wants a dimension and a mean", id="a matrix without a mean"),
        pytest.param("space.dimension", True, "wants a dimension", id="a dimension that is none"),
        pytest.param("space.dimension", -3, "wants a dimension", id="a negative dimension"),
        pytest.param("space.dimension", 4, "damaged", id="another dimension than the mean has"),
        pytest.param("space.matrix", "AAAA", "bytes for", id="a matrix that is cut off"),
        pytest.param("fmr", None, "damaged", id="no rates"),
        pytest.param("fmr", [1], "damaged", id="rates that are no table"),
        pytest.param("fmr.fmr", [0.1, 0.2, 0.3, 0.4], "does not descend", id="rates that rise"),
        pytest.param("fmr.upper", [0.2, 1e-4, 1e-5, 1e-7], "not an upper bound", id="a bound below its rate"),
        pytest.param("fmr.upper", [0.2], "not an upper bound", id="too few bounds"),
        pytest.param("fmr.upper", [0.2] * 4, "no two different rates", id="bounds that are all the same"),
        pytest.param("fmr.impostor_pairs", 0, "not a positive number", id="no pairs"),
    ],
)
def test_damage_is_a_model_error(path, value, words):
    fields = sites.site(space=Space(sites.MEAN, np.eye(3, dtype=np.float32))).as_json()
    *tables, key = path.split(".")
    table = fields
    for name in tables:
        table[name] = dict(table[name])
        table = table[name]
    table[key] = value
    with pytest.raises(ModelError, match=words):
        read(fields)
