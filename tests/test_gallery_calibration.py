"""Calibrating on made-up sites whose truth is known."""

import numpy as np
import pytest

from agent.errors import CalibrationError
from agent.gallery.anchors import KEY, Anchors, fingerprint
from agent.gallery.calibration import LEAST_PEOPLE, calibrate, thinned
from agent.gallery.held_out import held_out
from agent.gallery.site import Site
from agent.gallery.space import AS_ENCODED, Space
from agent.gallery.strangers import GRID
from agent.gallery.tail import upper_tail
from agent.gallery.threshold import FmrTable

DIMENSION = 128


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def crowd(people, *, shared=0.0, photos=4, noise=0.4, light=0.0, seed=1):
    """People around a direction they share; `light` moves the photos of one person along a few others."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(people), photos)
    axes = np.random.default_rng(99).standard_normal((4, DIMENSION))
    vectors = rng.standard_normal((people, DIMENSION))[who] + shared * np.sqrt(DIMENSION) * np.eye(1, DIMENSION)
    vectors = vectors + noise * rng.standard_normal(vectors.shape) + light * rng.standard_normal((len(who), 4)) @ axes
    return unit(vectors), who


def card(spread=DIMENSION**-0.5):
    """The table of strangers who share nothing."""
    rates = upper_tail(GRID[110:160] / spread)
    return FmrTable.from_card(
        {"fmr": {"similarity": GRID[110:160].tolist(), "fmr": rates.tolist(), "impostor_pairs": 10**9}}
    )


def strangers_at(space, threshold, **options):
    """Share of pairs of 400 other people of the same site above a threshold."""
    vectors, _ = crowd(400, photos=1, seed=77, **options)
    placed = space(vectors)
    return float((placed @ placed.T)[np.triu_indices(400, 1)].__ge__(threshold).mean())


class TestRates:
    @pytest.mark.parametrize("shared", [0.0, 0.5])
    @pytest.mark.parametrize("people", [5, 12, 40])
    def test_the_bound_holds_for_others_of_the_site(self, people, shared):
        held = 0
        for seed in range(6):
            fitted = calibrate(*crowd(people, shared=shared, seed=seed), card())
            cosine = FmrTable.from_site(fitted.table).cosine_for(1e-2)
            held += strangers_at(fitted.space, cosine, shared=shared) <= 1e-2
        assert held >= 5

    def test_the_card_alone_would_be_wrong_there(self):
        assert strangers_at(Space(), card().cosine_for(1e-2), shared=0.5) > 0.3

    def test_many_people_find_the_truth(self):
        fitted = calibrate(*crowd(150, shared=0.5, photos=2), card())
        rate = strangers_at(fitted.space, FmrTable.from_site(fitted.table, bound=False).cosine_for(1e-2), shared=0.5)
        assert 2e-3 < rate < 1.5e-2

    def test_it_is_never_below_the_card(self):
        fitted = calibrate(*crowd(12), card(spread=0.3))
        table, strict = FmrTable.from_site(fitted.table), card(spread=0.3)
        assert all(table.fmr_at(cosine) >= 0.999 * strict.fmr_at(cosine) for cosine in np.arange(0.4, 0.9, 0.05))

    def test_two_who_look_alike_are_seen(self):
        vectors, who = crowd(12)
        vectors[who == 3] = unit(vectors[who == 7] + 0.05 * vectors[who == 3])
        fitted = calibrate(vectors, who, card())
        assert FmrTable.from_site(fitted.table, bound=False).fmr_at(0.7) >= 1 / 66
        assert FmrTable.from_site(fitted.table).cosine_for(1e-4) > 0.75
        assert np.unravel_index(fitted.scores.mean.argmax(), (12, 12)) in {(3, 7), (7, 3)}

    def test_they_descend_within_bounds_and_say_where_they_were_measured(self):
        fitted = calibrate(*crowd(12, shared=0.3), card())
        table = fitted.table
        assert table["similarity"] == sorted(table["similarity"])
        for key in ("fmr", "upper"):
            assert table[key] == sorted(table[key], reverse=True)
            assert 0 < table[key][-1] <= table[key][0] <= 1
        assert all(low <= high for low, high in zip(table["fmr"], table["upper"], strict=True))
        assert table["impostor_pairs"] == 66
        assert table["measured_down_to"] == pytest.approx(3 / 66, rel=1e-3)


class TestAnchors:
    """An encoder whose card normalises: strangers have something in common, and the card says how much."""

    def anchors(self):
        return Anchors(crowd(200, photos=1, seed=5)[0].astype(np.float64), 8, 1.0, 1.5)

    def card(self, anchors):
        placed = AS_ENCODED.normalised(anchors)(crowd(3000, photos=1, seed=6)[0])
        cosines = np.sort((placed @ placed.T)[np.triu_indices(3000, 1)])
        rates = 1 - np.searchsorted(cosines, GRID) / len(cosines)
        kept = (rates <= 0.1) & (rates >= 3 / len(cosines))
        table = {"similarity": GRID[kept].tolist(), "fmr": rates[kept].tolist(), "impostor_pairs": len(cosines)}
        return FmrTable.from_card({"fmr": table | {"mean": float(cosines.mean())}})

    @pytest.mark.parametrize("shared", [0.0, 0.5])
    def test_the_bound_holds_for_others_of_the_site(self, shared):
        anchors, held = self.anchors(), 0
        card = self.card(anchors)
        assert card.mean > 0.2
        for seed in range(6):
            fitted = calibrate(*crowd(20, shared=shared, seed=seed), card, anchors)
            cosine = FmrTable.from_site(fitted.table).cosine_for(1e-2)
            held += strangers_at(fitted.space, cosine, shared=shared) <= 1e-2
        assert held >= 5

    def test_what_is_written_is_compared_the_same_once_it_is_read(self):
        anchors = self.anchors()
        vectors, who = crowd(20, shared=0.5)
        fitted = calibrate(vectors, who, self.card(anchors), anchors)
        encoder = {"id": "m", "dimension": DIMENSION, KEY: anchors.as_card()}
        site = fitted.site(encoder, "2026-11-27", len(who), {})
        same = {"model": "m", "dimension": DIMENSION, "normalisation": fingerprint(encoder)}
        again = Site.from_json(site.as_json(), **same)
        assert again.space.normalised(anchors)(vectors) == pytest.approx(fitted.space(vectors), abs=1e-5)

    def test_it_is_told_before_and_after_on_people_held_out(self):
        anchors = self.anchors()
        told = held_out(*crowd(20, shared=0.5), self.card(anchors), anchors)
        assert told["before"]["threshold"] > 0.3
        assert told["after"]["fmr"] <= 1e-2


class TestChoice:
    def test_people_who_share_something_are_centred(self):
        fitted = calibrate(*crowd(20, shared=0.5), card())
        assert fitted.method == "half centred"
        first, second = fitted.comparisons[:2]
        assert second.gained > second.error
        assert second.separation > first.separation

    def test_people_who_do_not_are_not_moved_far(self):
        fitted = calibrate(*crowd(30, shared=0.0), card())
        assert fitted.method in {"as encoded", "half centred"}
        assert fitted.space.mean is None or np.linalg.norm(fitted.space.mean) < 0.1

    def test_a_matrix_is_taken_where_it_helps(self):
        fitted = calibrate(*crowd(60, light=1.5), card())
        assert fitted.method == "whitened"
        assert fitted.space.matrix is not None

    def test_and_left_out_where_it_does_not(self):
        assert calibrate(*crowd(60), card()).space.matrix is None

    def test_and_never_fitted_to_few(self):
        compared = calibrate(*crowd(20, light=0.7), card()).comparisons
        assert "whitened" not in {each.method for each in compared}

    def test_one_photo_each_gives_a_threshold_and_no_space(self):
        fitted = calibrate(*crowd(12, photos=1, shared=0.5), card())
        assert fitted.method == "as encoded"
        assert any("two photos" in note for note in fitted.notes)
        assert np.isnan(fitted.comparisons[0].separation)
        assert fitted.site({"id": "m"}, "2026-11-26", 12, {}).as_json()["figures"]["methods"][0]["separation"] is None

    def test_the_same_photos_give_the_same(self):
        one, other = (calibrate(*crowd(14, shared=0.4), card()) for _ in range(2))
        assert (one.method, one.table) == (other.method, other.table)


class TestTooLittle:
    def test_four_people(self):
        with pytest.raises(CalibrationError, match=r"4 people .* too few .* want 5"):
            calibrate(*crowd(LEAST_PEOPLE - 1), card())

    def test_few_people_are_told_so(self):
        assert "5 people are few" in calibrate(*crowd(5), card()).notes[0]

    def test_one_person_in_all_folders(self):
        vectors, who = crowd(1, photos=24)
        with pytest.raises(CalibrationError, match="does each folder hold one person"):
            calibrate(vectors, np.repeat(np.arange(6), 4), card())
        assert who.max() == 0

    def test_the_very_same_photo_of_all(self):
        vectors, _ = crowd(1, photos=1)
        with pytest.raises(CalibrationError):
            calibrate(np.repeat(vectors, 12, axis=0), np.repeat(np.arange(6), 2), card())


class TestHeldOut:
    def test_before_and_after(self):
        vectors, who = crowd(30, shared=0.5)
        figures = held_out(vectors, who, card())
        assert figures["folds"] == 5
        assert figures["before"]["impostor_pairs"] == 5 * 15 * 16
        assert figures["before"]["genuine_pairs"] == 30 * 6
        assert figures["before"]["fmr"] > 0.05
        assert figures["before"]["false_matches"] == pytest.approx(figures["before"]["fmr"] * 1200, abs=1)
        assert figures["after"]["fmr"] <= 5e-3
        assert figures["after"]["recognised"] > 0.9

    def test_nine_people_are_too_few(self):
        assert held_out(*crowd(9), card()) is None

    def test_odd_people_are_not_a_crash(self):
        vectors, _ = crowd(1, photos=24)
        assert held_out(vectors, np.repeat(np.arange(12), 2), card()) is None

    def test_one_photo_each(self):
        assert held_out(*crowd(12, photos=1), card())["after"]["recognised"] is None


@pytest.mark.parametrize(
    ("counts", "most"),
    [([3, 1, 2], 3), ([2000, 1500, 10], 1495), ([2] * 2000, 2)],
    ids=["few stay", "many give way evenly", "two at the least"],
)
def test_thinned(counts, most):
    kept = thinned(np.repeat(np.arange(len(counts)), counts))
    who = np.repeat(np.arange(len(counts)), counts)[kept]
    assert np.bincount(who).tolist() == [min(count, most) for count in counts]


def test_what_is_written_can_be_read():
    fitted = calibrate(*crowd(60, light=1.5, shared=0.4), card())
    site = fitted.site({"id": "m"}, "2026-11-26", 240, {"held_out": None})
    again = Site.from_json(site.as_json(), model="m", dimension=DIMENSION)
    probe = crowd(1, photos=1)[0]
    assert again.space(probe) == pytest.approx(fitted.space(probe), abs=1e-6)
    assert again.table() == FmrTable.from_site(fitted.table)
