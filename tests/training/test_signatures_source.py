from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from agent.errors import ConfigError
from agent.signature.features import CHANNELS, LENGTH, features
from tests.training.pens import writers
from tests.training.test_signatures_load import archive
from training.data.batches import Plan, Sampler
from training.preset import load
from training.signatures.source import ARCHIVE, Drawings, Trajectories

DATA = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return archive(tmp_path_factory.mktemp("signatures") / "made.npz", writers(14, genuine=4, forgeries=2))


@pytest.fixture(scope="module")
def online(folder):
    return Trajectories(folder, load("signature-online"))


def test_whoever_imitates_a_writer_is_somebody_else(online):
    collection = online.collection
    assert collection.rival is not None
    forged = collection.group == "forgery"
    train = collection.train
    assert len(np.unique(collection.identity[train[~forged[train]]])) == 32  # 8 writers, mirrored, upside down, turned
    assert len(np.unique(collection.identity[train[forged[train]]])) == 64  # two forgeries of each, every one alone
    assert {collection.names[i].split()[0] for i in collection.identity[train]} == set(online.split.train.writer)
    people = {name.split()[0] for name in collection.names}
    assert not people & set(online.split.test.writer.tolist())
    for row in np.flatnonzero(forged):
        assert collection.names[collection.identity[row]].startswith(
            collection.names[collection.rival[row]] + " forged "
        )
    assert (collection.rival[~forged] == -1).all()


def test_batches_hold_imitations_of_those_in_them(online):
    collection = online.collection
    sampler = Sampler(collection, Plan(size=30, people=5, each=3))
    for step in range(5):
        rows = sampler.rows(step, sampler.random(step))
        named = set(collection.identity[rows[:15]].tolist())
        assert len(named) == 5
        assert len(rows) == 30
        assert Counter(collection.rival[rows[15:]].tolist()) == dict.fromkeys(named, 3)


def test_sequences_are_what_the_encoder_takes(online):
    row = int(online.collection.train[0])
    assert online.plain(row).shape == (LENGTH, len(CHANNELS))
    sample, plain = online.varied(row, None, np.random.default_rng(0))
    assert sample.shape == (LENGTH, len(CHANNELS))
    assert plain
    assert 0 < np.abs(sample - online.plain(row)).mean() < 0.6


def test_pictures_are_what_the_encoder_takes(folder):
    source = Drawings(folder, load("signature-offline"))
    assert source.plain(0, 64).shape == (64, 64, 3)
    sample, _ = source.varied(0, 64, np.random.default_rng(0))
    assert sample.shape == (64, 64, 3)
    assert sample.dtype == np.uint8
    assert source.inputs(source.split.test, 64).shape == (len(source.split.test), 64, 64, 3)


def test_without_forgeries_they_are_made(tmp_path):
    source = Trajectories(archive(tmp_path / "a.npz", writers(14, genuine=4, forgeries=0)), load("signature-online"))
    collection = source.collection
    forged = collection.train[collection.group[collection.train] == "forgery"]
    assert len(forged) == 64  # two for each of 8 writers and their mirrored ones, made anew whenever they are drawn
    one, other = (source.varied(int(forged[0]), None, np.random.default_rng(i))[0] for i in range(2))
    assert np.abs(one - other).mean() > 0.01


def test_so_many_come_without_pressure(folder):
    at = CHANNELS.index("pressure")
    for share in (0.0, 1.0):
        preset = load("signature-online")
        source = Trajectories(folder, preset.model_copy(update={"augment": {"untold": share}}))
        drawn = [source.varied(0, None, np.random.default_rng(each))[0] for each in range(5)]
        assert all((sample[:, at] == 0).all() == bool(share) for sample in drawn)


@pytest.mark.parametrize(
    ("augment", "said"),
    [
        ({"blur": 1}, "no blur"),
        ({"warp": "much"}, "warp: want"),
        ({"imitations": 2}, "a share"),
        ({"untold": 2}, "a share"),
    ],
)
def test_what_augment_cannot_do_is_said(folder, augment, said):
    preset = load("signature-online").model_copy(update={"augment": augment})
    with pytest.raises(ConfigError, match=said):
        Trajectories(folder, preset)


@pytest.mark.shared_data
@pytest.mark.skipif(not (DATA / ARCHIVE).is_file(), reason="the signatures are not here: ../shared/data")
def test_the_real_signatures_are_split_40_10_20():
    source = Trajectories(DATA, load("signature-online"))
    parts = source.split
    assert [len(np.unique(part.writer)) for part in (parts.train, parts.val, parts.test)] == [40, 10, 20]
    assert np.isfinite(features(parts.test.trajectories[0])).all()
