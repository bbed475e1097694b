"""What a preset trains on: joined, then looked through for leaks; and every preset that comes with Latchkey."""

import cv2
import numpy as np
import pytest

from training import nets, sources
from training import preset as presets
from training.data.collection import Collection
from training.data.errors import DataError, LeakError
from training.data.made_up import made_up
from training.data.shards import Packed, Shards
from training.hints import Maps
from training.losses.total import Total

PRESETS = {name: presets.load(name) for name in presets.names()}
FACES = {name: chosen for name, chosen in PRESETS.items() if chosen.data.kind in {"prepared", "made-up"}}


def packed(folder, drawn: Collection, rows, split):
    with Shards(folder) as shards:
        for row in rows:
            content = cv2.imencode(".png", np.asarray(drawn.samples[row])[..., ::-1])[1].tobytes()
            name = drawn.names[drawn.identity[row]]
            shards.add(Packed(f"{row}.png", content, name, split=split(row)))
    return folder


@pytest.fixture(scope="module")
def leaking(tmp_path_factory):
    """20 people, eight of them for validation, and a further folder with one of those under another name."""
    folder = tmp_path_factory.mktemp("sources")
    drawn = made_up(24, 3, seed=4)
    data = packed(folder / "data", drawn, range(60), lambda row: "val" if row < 24 else "train")
    further = Collection(
        samples=[*drawn.samples[60:72], drawn.samples[4]],
        identity=np.array([*drawn.identity[60:72], 24]),
        names=(*drawn.names, "another name"),
        group=np.full(13, ""), teacher=None, train=np.arange(13), val=np.arange(0),
    )  # fmt: skip
    return data, packed(folder / "more", further, range(13), lambda row: "train")


def test_leaks_are_looked_for_after_joining(leaking):
    data, more = leaking
    own = PRESETS["own"]
    assert len(sources.make(own, None, data).collection) == 60
    with pytest.raises(LeakError) as refused:
        sources.make(own, None, data, [more])
    shard = "pictures-00000.zip"
    assert f"{more / shard}: 12.png (another name) = {data / shard}: 4.png (" in str(refused.value)
    lenient = own.model_copy(update={"data": presets.Data(kind="prepared", leaks="leave-out")})
    joined = sources.make(lenient, None, data, [more]).collection
    assert len(joined) == 73
    assert joined.train.tolist() == list(range(24, 72))


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_presets_ask_for_what_there_is(name):
    chosen = PRESETS[name]
    assert chosen.name == name
    images = chosen.side is not None
    options = dict(chosen.net.options) | ({} if images else {"channels": 15})
    nets.make(chosen.net.family, dimension=chosen.net.dimension, **options)
    Total(chosen.loss, classes=20, dimension=chosen.net.dimension)
    if chosen.export.last:
        Total(chosen.export.last.loss, classes=20, dimension=chosen.net.dimension)
    if name in FACES:
        sources.augmentation(chosen)


def test_whole_photographs_are_no_faces(tmp_path):
    drawn = made_up(24, 3)
    drawn.samples[-1] = np.zeros((480, 640, 3), np.uint8)
    data = packed(tmp_path / "data", drawn, range(72), lambda row: "val" if row < 24 else "")
    with pytest.raises(DataError, match=r"71\.png \(made-up-0023\) is 640x480, .*112x112: .*training pack"):
        sources.make(PRESETS["own"], None, data)


def test_too_few_people_to_validate_on_are_said_before_anything_is_trained(tmp_path):
    data = packed(tmp_path / "data", made_up(20, 2), range(40), lambda row: "")
    with pytest.raises(DataError, match="6 people to validate on make 60 pairs of strangers, a card wants 4 and 200"):
        sources.make(PRESETS["own"], None, data)
    data = packed(tmp_path / "two", made_up(12, 24), range(288), lambda row: "val" if row < 48 else "")
    with pytest.raises(DataError, match="2 people to validate on make 576 pairs of strangers, a card wants 4 and 200"):
        sources.make(PRESETS["own"], None, data)


def test_who_validates_does_not_depend_on_a_presets_seed(tmp_path):
    data = packed(tmp_path / "data", made_up(30, 4), range(120), lambda row: "")
    own = PRESETS["own"]
    splits = [sources.make(own.model_copy(update={"seed": seed}), None, data).collection.val for seed in (11, 13)]
    assert len(splits[0]) == 24
    np.testing.assert_array_equal(*splits)


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        pytest.param("own", {"data": "raw"}, "reads no raw data: .*--work", id="raw data for packed people"),
        pytest.param("tiny", {"data": "raw"}, "reads no raw data", id="raw data for people who are drawn"),
        pytest.param("tiny", {"more": ["blends"]}, "leave out --more", id="more than is drawn"),
    ],
)
def test_what_would_not_be_looked_at_is_refused(tmp_path, name, given, words):
    more = [tmp_path / one for one in given.get("more", ())]
    with pytest.raises(DataError, match=words):
        sources.make(PRESETS[name], tmp_path if "data" in given else None, tmp_path, more)


def test_who_has_no_reference_encoders_can_take_own_and_nothing_else(leaking):
    data, _ = leaking
    assert PRESETS["own"].hint.weight == 0
    sources.make(PRESETS["own"], None, data)
    for name in ("door", "coral"):
        with pytest.raises(DataError, match=rf"label {data} --reference DIR, or take a preset without"):
            sources.make(PRESETS[name], None, data)


def test_what_is_joined_to_pictures_with_maps_needs_none(tmp_path):
    np.save(tmp_path / "maps.npy", np.random.default_rng(0).normal(size=(50, 7, 7, 4)).astype(np.float16))
    maps = Maps(tmp_path, np.arange(90))  # forty are blends
    assert maps[np.array([3, 80])].shape == (2, 7, 7, 4)
