import numpy as np
import pytest

from agent.signature.features import CHANNELS, features
from agent.signature.judge import Judge
from tests.training.pens import writers
from tests.training.test_signatures_load import archive
from training.data.errors import DataError
from training.preset import load
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


def drawn(signatures):
    """Thresholds by distances that mean nothing."""
    return thresholds([np.random.default_rng(0).random((len(signatures),) * 2)], signatures)


def test_too_few_signatures_are_said_and_make_no_figures():
    with pytest.raises(DataError, match=r"0 of the 3 writers .* want 2 or more, each with more than 5 genuine"):
        drawn(writers(3, genuine=4, forgeries=3))


def test_and_before_anything_is_trained(tmp_path):
    learn = pytest.importorskip("training.learn", exc_type=ImportError).learn
    few = archive(tmp_path / "few.npz", writers(14, genuine=4, forgeries=0))
    with pytest.raises(DataError, match="0 of the 6 writers"):
        learn(load("signature-online"), tmp_path / "run", data=few, work=tmp_path / "none")


@pytest.mark.parametrize(
    ("imitated", "names"),
    [(0, set()), (1, set()), (2, {"skilled_taken", "skilled_taken_bound"})],
    ids=["nobody was imitated", "one writer was, whom nobody is left to judge", "two were"],
)
def test_where_nobody_practised_thresholds_are_by_other_peoples_signatures(imitated, names):
    signatures = writers(4, genuine=14, forgeries=2)
    left = signatures.genuine | (signatures.writer < f"w{imitated:02}")
    for row in drawn(signatures.rows(left)).values():
        assert {name for name in row if name.startswith("skilled")} == names
        assert {"genuine_refused", "random_taken_bound"} <= set(row)
        assert row["writers"] == (imitated if names else 4)


def test_a_writer_with_few_signatures_among_others_is_passed_over():
    signatures = writers(3, genuine=14)
    own = (signatures.writer == "w01") & signatures.genuine
    few = own & (np.cumsum(own) > 4)
    assert [row["writers"] for row in drawn(signatures.rows(~few)).values()] == [3, 3, 3, 2, 2]


def test_by_a_finger_nothing_but_the_pressure_is_lost():
    signatures = writers(2, genuine=2, forgeries=0)
    felt, untold = (features(of.trajectories[0]) for of in (signatures, as_by_finger(signatures)))
    of_pressure = [CHANNELS.index(name) for name in ("pressure", "pressing")]
    assert (untold[:, of_pressure] == 0).all()
    others = [at for at in range(len(CHANNELS)) if at not in of_pressure]
    assert untold[:, others] == pytest.approx(felt[:, others], abs=1e-6)
