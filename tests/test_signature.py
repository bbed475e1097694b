"""Signatures without a door: what counts as one, what the encoder makes of it, and whether it is the person's own."""

import numpy as np
import pytest

from agent.bundle import read_card
from agent.config import Config
from agent.errors import CommandError, EnrolmentRefused, ModelError, SignatureRefused
from agent.hardware.engines.litert import RUNTIMES, LiteRtModel
from agent.seal.turning import Turn
from agent.signature.encode import SignatureEncoder
from agent.signature.features import UNTOLD_PRESSURE, features
from agent.signature.judge import Judge, References, distances, spread
from agent.signature.selftest import WRITERS, made_up, self_test
from agent.signature.trace import HARDEST, MOST_POINTS, trace
from agent.signing import needed, open_signing, plain_encoder
from agent.types import Embedding
from tests.fakes.keys import KEY, OTHER
from tests.fakes.pens import points, signed

MODEL = Config().models.signature


@pytest.fixture(scope="module")
def signing():
    return open_signing(Config(), KEY)


def vectors(signing, writer, times):
    return np.stack([signing.encode(trace(points(writer, each))).vector for each in times])


class TestTrace:
    def test_what_a_pen_did_begins_at_nought_with_a_pressure_to_255(self):
        rows = signed(1, finger=False)
        rows[:, 2] += 5_000
        drawn = trace(rows.tolist())
        assert (drawn.dtype, drawn.shape, drawn[0, 2]) == (np.float32, rows.shape, 0)
        assert drawn[:, 3] == pytest.approx(rows[:, 3] * HARDEST, abs=0.01)
        assert set(drawn[:, 4]) == {0, 1}

    @pytest.mark.parametrize("felt", [0.5, 0.0, 1.0])
    def test_what_feels_no_pressure_tells_none(self, felt):
        rows = signed(1)
        rows[:, 3] = felt
        rows[-1, 3] = 0
        assert set(trace(rows.tolist())[:, 3]) == {UNTOLD_PRESSURE}

    def test_a_clock_that_jumps_back_a_little_stands_still(self):
        rows = signed(1)
        rows[50, 2] = rows[49, 2] - 20
        assert (np.diff(trace(rows.tolist())[:, 2]) >= 0).all()

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            (lambda rows: rows[:10], "too_short"),
            (lambda rows: rows[:0], "too_short"),
            (lambda rows: np.tile(rows, (9, 1)), "too_long"),
            (lambda rows: rows * [0.01, 0.01, 1, 1, 1], "too_short"),
            (lambda rows: rows * [1, 0, 1, 1, 1], "too_short"),
            (lambda rows: rows * [1, 1, 0.1, 1, 1], "too_short"),
            (lambda rows: np.column_stack([np.arange(len(rows)) % 2 * 300, rows[:, 1:]]), "too_fast"),
            (lambda rows: rows * [1, 1, 20, 1, 1], "too_long"),
            (lambda rows: np.concatenate([rows, rows]), "not_readable"),
            (lambda rows: rows * [np.nan, 1, 1, 1, 1], "not_readable"),
            (lambda rows: rows * [1, 1, 1, 3, 1], "not_readable"),
        ],
        ids=[
            *("ten points", "none", "too many", "a dot", "a line", "a moment"),
            *("faster than a hand", "a minute", "backwards", "no numbers", "harder than hard"),
        ],
    )
    def test_what_is_no_signature_is_refused_with_its_code(self, change, code):
        with pytest.raises(SignatureRefused) as refused:
            trace(change(signed(1)).tolist())
        assert refused.value.code == code

    def test_the_longest_that_is_taken(self):
        rows = signed(1)[np.linspace(0, 200, MOST_POINTS).astype(int)]
        assert len(trace(rows.tolist())) == MOST_POINTS


class TestJudge:
    judge = Judge({1: 0.6, 3: 0.4}, {2: 0.8, 3: 0.7, 5: 0.7})

    @staticmethod
    def at(*degrees):
        angles = np.radians(degrees)
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)

    def test_distances_are_those_of_naive_loops(self):
        one, other = self.at(0, 10, 90), self.at(5, 180)
        naive = [[np.linalg.norm(a.astype(float) - b) for b in other] for a in one]
        assert distances(one, other) == pytest.approx(np.array(naive), abs=1e-6)
        among = [np.linalg.norm(one[i] - one[j]) for i in range(3) for j in range(3) if i != j]
        assert spread(one) == pytest.approx(np.mean(among), abs=1e-6)
        assert spread(one[:1]) == 0

    @pytest.mark.parametrize(("count", "threshold"), [(1, 0.6), (2, 0.6), (3, 0.4), (9, 0.4)])
    def test_the_threshold_is_that_of_as_many_references_as_the_card_knows(self, count, threshold):
        assert self.judge.threshold(count) == threshold

    def test_who_signs_unsteadily_is_given_more_room(self):
        probe = Embedding(self.at(20)[0], "m")
        steady, unsteady = (self.judge(probe, References(self.at(*at), "m")) for at in ((-1, 0, 1), (-30, 0, 30)))
        assert unsteady.distance < steady.distance
        assert steady.own

    def test_the_very_same_again_is_a_recording_and_not_the_own(self):
        weighed = self.judge(Embedding(self.at(1)[0], "m"), References(self.at(-3, 0, 1), "m"))
        assert weighed.distance < weighed.threshold
        assert (weighed.replayed, weighed.own) == (True, False)

    def test_vectors_of_two_encoders_are_not_compared(self):
        with pytest.raises(ValueError, match="cannot be compared"):
            self.judge(Embedding(self.at(1)[0], "m"), References(self.at(0), "n"))

    @pytest.mark.parametrize(
        ("degrees", "odd"),
        [
            *[((0, 3, 6, 9, 12), None), ((0, 3, 90, 9, 12), 2), ((0, 3, 90, 9, 200), 4), ((0, 40), None)],
            *[((0, 90), 1), ((0,), None), ((0, 70, 140, 210, 280), 4)],
        ],
        ids=[
            *("alike", "one is odd", "the oddest of two", "two that differ a little", "two that differ", "one alone"),
            "nothing in common",
        ],
    )
    def test_the_one_that_is_not_like_the_others(self, degrees, odd):
        assert self.judge.outlier(self.at(*degrees)) == odd

    @pytest.mark.parametrize(
        "fields",
        [
            {},
            *({"thresholds": found} for found in ([], {}, {"2": {"threshold": 1}}, {"1": 0.5})),
            *({"thresholds": found} for found in ({"1": {"threshold": float("nan")}}, {"one": {"threshold": 1}})),
        ],
        ids=str,
    )
    def test_a_card_without_thresholds_is_refused(self, fields):
        with pytest.raises(ModelError, match="thresholds"):
            Judge.from_card(fields)


class TestEncoder:
    @pytest.mark.parametrize("runtime", RUNTIMES)
    def test_it_says_what_pytorch_said(self, runtime):
        pytest.importorskip(RUNTIMES[runtime], reason=f"{runtime} is not installed")
        card = read_card(MODEL)
        encoder = SignatureEncoder(LiteRtModel(MODEL, runtime=runtime, sha256=card.sha256), card.id)
        tested = self_test(encoder.vector, card.fields)
        assert len(tested.cosines) == WRITERS
        assert tested.least >= 0.95
        assert tested.good, tested.cosines

    def test_a_card_that_tells_nothing_is_refused(self):
        _, encoder = plain_encoder(Config())
        for card in ({}, {"golden": {"least_cosine": 1, "made_up": []}}, {"golden": {"least_cosine": 1, "made_up": 3}}):
            with pytest.raises(ModelError, match="golden"):
                self_test(encoder.vector, card)

    def test_an_encoder_of_faces_is_none(self):
        with pytest.raises(ModelError, match="not an encoder of signatures"):
            SignatureEncoder(LiteRtModel(Config().models.encoder, sha256=None), "faces")

    def test_made_up_writers_are_told_apart_with_a_finger_and_with_a_pen(self, signing):
        for finger in (True, False):
            known = {
                writer: References(
                    np.stack([signing.encode(trace(points(writer, at, finger=finger))).vector for at in range(5)]),
                    signing.model,
                )
                for writer in range(WRITERS)
            }
            for writer in range(WRITERS):
                probe = signing.encode(trace(points(writer, 9, finger=finger)))
                assert [who for who in known if signing.judge(probe, known[who]).own] == [writer]

    def test_neither_place_nor_size_on_the_screen_matters(self, signing):
        rows = signed(2)
        moved = rows * [2, 2, 1, 1, 1] + [40, 70, 900, 0, 0]
        one, other = (signing.encode(trace(each.tolist())).vector for each in (rows, moved))
        assert np.linalg.norm(one - other) < 0.05

    def test_a_slow_screen_sees_the_same_signature(self, signing):
        rows = signed(2)
        ends = rows[:, 4] > 0
        slower = rows[(np.arange(len(rows)) % 2 == 0) | ends]  # 50 times a second instead of 100
        one, other = (signing.encode(trace(each.tolist())).vector for each in (rows, slower))
        assert np.linalg.norm(one - other) < 0.15

    def test_it_is_turned_by_the_site_and_says_so(self, signing):
        plain = plain_encoder(Config())[1](trace(points(1)))
        turned = signing.encode(trace(points(1)))
        assert turned.model == KEY.model(plain.model) == signing.model
        assert turned.vector == pytest.approx(Turn(KEY, 64)(plain.vector), abs=1e-6)
        assert abs(turned.vector @ open_signing(Config(), OTHER).encode(trace(points(1))).vector) < 0.6

    def test_features_of_made_up_writers_are_numbers(self):
        assert all(np.isfinite(features(made_up(writer))).all() for writer in range(20))


class TestSigning:
    def test_references_are_refused_by_number(self, signing):
        with pytest.raises(EnrolmentRefused, match="signature 2: that was a dot") as refused:
            signing.references([points(1), (signed(1) * [0.01, 0.01, 1, 1, 1]).tolist()])
        assert (refused.value.code, refused.value.photo) == ("too_short", 1)
        with pytest.raises(EnrolmentRefused, match="signature 3 is not like the others") as refused:
            signing.references([points(1), points(1, 1), points(0), points(1, 3)])
        assert (refused.value.code, refused.value.photo) == ("different_signatures", 2)
        assert len(signing.references([points(1, each) for each in range(5)])) == 5

    def test_without_the_file_that_comes_along_nothing_is_compared_but_one_that_was_asked_for_has_to_be_there(
        self, tmp_path, monkeypatch
    ):
        monkeypatch.setattr("agent.signing.BUNDLED_MODELS", tmp_path)
        absent = Config(models={"signature": tmp_path / "signature.tflite"})
        assert open_signing(absent, KEY) is None
        with pytest.raises(CommandError, match="no encoder for signatures is installed"):
            needed(None)
        with pytest.raises(ModelError, match="copy it beside the model"):
            open_signing(Config(models={"signature": tmp_path / "mine" / "signature.tflite"}), KEY)
        assert open_signing(Config(), None) is None

    def test_a_model_of_other_features_is_refused(self, tmp_path):
        card = MODEL.with_suffix(".json").read_text().replace('"features": 1', '"features": 9')
        (tmp_path / "s.json").write_text(card)
        with pytest.raises(ModelError, match="trained on version 9 of the features"):
            open_signing(Config(models={"signature": tmp_path / "s.tflite"}), KEY)
