import numpy as np
import pytest

from agent.signature.features import features
from tests.training.pens import writers
from training.data.errors import DataError
from training.signatures.dtw import distances
from training.signatures.protocol import Rule, compare, equal_error, evaluate, figures


@pytest.fixture(scope="module")
def made():
    return writers(4, genuine=12, forgeries=4)


def between(made, *, forged):
    """Distances that only depend on who wrote: 0.1 for the same, `forged` for a forgery, 1 for another."""
    same = made.writer[:, None] == made.writer[None]
    kind = made.genuine[:, None] & made.genuine[None]
    return np.where(same, np.where(kind, 0.1, forged), 1.0) * ~np.eye(len(made), dtype=bool)


def test_who_is_told_apart_perfectly_has_no_errors(made):
    found = figures(between(made, forged=0.5), made)
    assert {found[f"eer_{kind}_{count}"] for kind in ("random", "skilled") for count in (1, 5)} == {0.0}
    assert 0.1 <= found["eer_skilled_1_threshold"] < 0.5


def test_forgeries_as_near_as_genuine_ones_are_even_odds(made):
    found = figures(between(made, forged=0.1), made)
    assert found["eer_skilled_1"] == 0.5
    assert found["eer_random_1"] == 0.0


def test_references_are_of_the_first_session_and_probes_of_the_second(made):
    distance = np.full((len(made), len(made)), np.nan)
    first = made.genuine & (made.session == "1")
    second = made.genuine & (made.session == "2")
    distance[np.ix_(first, ~first)] = 0.3
    distance[np.ix_(first, first)] = 0.2
    trials = list(compare(distance, made, 1, Rule()))
    assert len(trials) == 4
    assert all(len(trial.genuine) == 6 * 6 for trial in trials)  # every reference with every signature of the other day
    assert not any(np.isnan(trial.genuine).any() for trial in trials)
    assert second.sum() == 24


def test_with_one_session_the_rest_are_probes():
    made = writers(2, genuine=4, forgeries=0)
    made.session[:] = ""
    trials = list(compare(between(made, forged=1), made, 1, Rule()))
    assert [len(trial.genuine) for trial in trials] == [12, 12]
    assert [trial.skilled.size for trial in trials] == [0, 0]
    found = figures(between(made, forged=1), made)
    assert set(found) == {f"eer_random_1{end}" for end in ("", "_low", "_high", "_threshold")}  # 5 of 4 cannot be drawn


def test_too_few_signatures_are_said():
    made = writers(2, genuine=1, forgeries=0)
    with pytest.raises(DataError, match="nobody has 2"):
        figures(np.zeros((2, 2)), made)


@pytest.mark.parametrize(
    ("rule", "score"),
    [(Rule("mean", 0), 3.0), (Rule("min", 0), 1.0), (Rule("max", 0), 5.0), (Rule("mean", 0.5), 2.0)],
)
def test_a_rule_makes_distances_one_score(rule, score):
    among = np.array([[0.0, 2.0], [2.0, 0.0]])
    assert rule.score(np.array([[1.0], [5.0]]), among).tolist() == [score]


def test_a_single_reference_has_no_spread():
    assert Rule("mean", 1).score(np.array([[1.0]]), np.zeros((1, 1))).tolist() == [1.0]


def test_the_equal_error_rate_is_that_of_a_naive_search():
    rng = np.random.default_rng(1)
    genuine = [rng.normal(0, 1, 80) for _ in range(5)]
    impostor = [rng.normal(2, 1, 80) for _ in range(5)]
    rate = equal_error(genuine, impostor)
    g, i = np.concatenate(genuine), np.concatenate(impostor)
    naive = min((abs((g > t).mean() - (i <= t).mean()), ((g > t).mean() + (i <= t).mean()) / 2) for t in [*g, *i])[1]
    assert rate.eer == pytest.approx(naive, abs=0.005)
    assert rate.eer == pytest.approx(0.159, abs=0.04)  # of two normals two deviations apart: Phi(-1)
    assert rate.low < rate.eer < rate.high
    assert rate.low < 0.159 < rate.high


def test_few_writers_mean_wide_intervals():
    rng = np.random.default_rng(2)
    shifts = rng.normal(2, 1, 40)
    genuine = [rng.normal(0, 1, 40) for _ in shifts]
    impostor = [rng.normal(shift, 1, 40) for shift in shifts]
    wide, narrow = (equal_error(genuine[:count], impostor[:count]) for count in (5, 40))
    assert wide.high - wide.low > 1.5 * (narrow.high - narrow.low)


def test_evaluate_takes_embeddings_of_any_length(made):
    inputs = np.stack([features(trajectory, length=32) for trajectory in made.trajectories])

    def encode(x):
        return x.reshape(len(x), -1) * 7

    found = evaluate(encode, inputs, made)
    assert 0 <= found["eer_random_5"] <= found["eer_skilled_1"] <= 0.5


def naive_dtw(one, other, reach):
    cost = np.full((len(one) + 1, len(one) + 1), np.inf)
    cost[0, 0] = 0
    for i, a in enumerate(one):
        for j, b in enumerate(other):
            if abs(i - j) <= reach:
                step = np.linalg.norm(a - b)
                cost[i + 1, j + 1] = min(cost[i, j + 1] + step, cost[i + 1, j] + step, cost[i, j] + 2 * step)
    return cost[-1, -1] / (2 * len(one))


@pytest.mark.parametrize("band", [0.1, 0.25, 1.0])
def test_time_warping_is_that_of_the_loop(band):
    rng = np.random.default_rng(0)
    references, probes = rng.normal(size=(3, 12, 2)).astype(np.float32), rng.normal(size=(4, 12, 2)).astype(np.float32)
    naive = [[naive_dtw(one, other, max(1, round(band * 12))) for other in probes] for one in references]
    assert distances(references, probes, band=band) == pytest.approx(np.array(naive), abs=1e-5)


def test_time_warping_forgives_pace_and_not_shape():
    t = np.linspace(0, 1, 64, dtype=np.float32)
    waves = [np.sin(8 * s)[:, None] for s in (t, t**1.2, 1 - t)]
    near, far = distances(np.stack(waves[:1]), np.stack(waves[1:]))[0]
    assert near < 0.2 * far
