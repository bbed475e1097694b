"""Our encoder on both runtimes, compared with what PyTorch said of the net that was exported: see `training.parity`."""

import numpy as np
import pytest

from agent.bundle import STAFF, open_bundle
from agent.config import Config
from agent.hardware.engines.litert import RUNTIMES, LiteRtModel
from agent.vision.align import align
from agent.vision.encode import Encoder
from agent.vision.pictures import decode_picture
from agent.vision.selftest import read_golden, self_test

BETWEEN_RUNTIMES = 0.05  # 1 - cosine: twice what each may be from PyTorch


def staff(name):
    return decode_picture((STAFF / name).read_bytes())


def encoder(runtime):
    pytest.importorskip(RUNTIMES[runtime], reason=f"{runtime} is not installed")
    bundle = open_bundle(Config())
    return Encoder(
        LiteRtModel(bundle.config.models.encoder, runtime=runtime, sha256=bundle.encoder.sha256), bundle.model_id
    )


@pytest.fixture(scope="module")
def golden():
    return read_golden(open_bundle(Config()).encoder.fields)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_it_says_what_pytorch_said(runtime, golden):
    crops, least = golden
    assert len(crops) >= 4
    assert least >= 0.93
    tested = self_test(encoder(runtime), crops, least, staff)
    assert tested.good, tested.cosines


def test_both_runtimes_say_the_same(golden):
    one, other = (encoder(runtime) for runtime in RUNTIMES)
    for crop in golden[0]:
        face = align(staff(crop.picture), crop.landmarks)
        assert 1 - one.vector(face) @ other.vector(face) < BETWEEN_RUNTIMES


def test_the_pictures_are_of_different_people_and_told_apart(golden):
    people = {}
    for crop in golden[0]:
        people.setdefault(crop.picture.split("-")[0], []).append(crop.vector)
    means = np.stack([np.mean(vectors, axis=0) for vectors in people.values()])
    similar = means @ means.T
    assert (similar[~np.eye(len(means), dtype=bool)] < similar.diagonal().min() - 0.1).all()
