import numpy as np
import pytest

from agent.signature.features import CHANNELS, features
from agent.signature.judge import Judge
from tests.training.pens import writers
from training.data.errors import DataError
from training.signatures.protocol import apart
from training.signatures.source import as_by_finger
from training.signatures.thresholds import thresholds


@pytest.fixture(scope="module")
def found():
    signatures = writers(8, genuine=14, forgeries=4)
    shown = [np.stack([features(each) for each in of.trajectories]) for of in (signatures, as_by_finger(signatures))]
    return thresholds([apart(each.reshape(len(each), -1)) for each in shown], signatures)


def test_there_is_one_for_each_number_of_references(found):
    assert list(found) == ["1", "2", "3", "4", "5"]
    judge = Judge.from_card({"thresholds": found})
    assert judge.threshold(5) < judge.threshold(1)  # with one reference nothing is taken off
    assert {*judge.spreads} == {2, 3, 4, 5}


def test_rates_are_of_writers_whom_the_threshold_does_not_know_and_bounds_are_above_them(found):
    for row in found.values():
        assert row["writers"] == 8
        for name in ("genuine_refused", "random_taken", "skilled_taken"):
            assert 0 <= row[name] <= row[f"{name}_bound"] <= 1
    assert found["5"]["random_taken"] < 0.1


@pytest.mark.parametrize(("genuine", "forgeries"), [(4, 3), (14, 0)])
def test_too_few_signatures_are_said_and_make_no_figures(genuine, forgeries):
    signatures = writers(3, genuine=genuine, forgeries=forgeries)
    apart_by = np.random.default_rng(0).random((len(signatures.writer),) * 2)
    with pytest.raises(DataError, match=r"want 2 or more, each with more than . genuine signatures"):
        thresholds([apart_by], signatures)


def test_by_a_finger_nothing_but_the_pressure_is_lost():
    signatures = writers(2, genuine=2, forgeries=0)
    felt, untold = (features(of.trajectories[0]) for of in (signatures, as_by_finger(signatures)))
    of_pressure = [CHANNELS.index(name) for name in ("pressure", "pressing")]
    assert (untold[:, of_pressure] == 0).all()
    others = [at for at in range(len(CHANNELS)) if at not in of_pressure]
    assert untold[:, others] == pytest.approx(felt[:, others], abs=1e-6)
