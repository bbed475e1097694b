"""Models with their cards."""

import json
from dataclasses import replace

import numpy as np
import pytest

from agent.bundle import DUPLICATE_FMR, SAME_PERSON_FMR, STAFF, open_bundle, read_card
from agent.config import load_config
from agent.errors import ConfigError, HardwareError, ModelError
from agent.gallery.anchors import KEY, Anchors, fingerprint
from agent.gallery.space import Space
from agent.hardware.backends import BACKENDS
from agent.seal.keys import SiteKey
from agent.seal.turning import Turn
from agent.upgrade.in_force import with_models
from agent.vision.align import TEMPLATE, align
from agent.vision.pictures import decode_picture
from agent.vision.quality import QualityLimits
from agent.vision.selftest import Golden, write_golden
from tests.fakes import blocks, sites
from tests.fakes.engines import NOTING, NotingEngine

opened = NotingEngine.asked


@pytest.fixture
def models(tmp_path, monkeypatch):
    opened.clear()
    monkeypatch.setitem(BACKENDS["engine"], "ai-edge-litert", NOTING)
    blocks.write_cards(tmp_path)
    return tmp_path


def config(models, **more):
    paths = {f"models.{name}": models / f"{name}.tflite" for name in ("encoder", "aligner", "detector")}
    return load_config(None, {"device.data_dir": models, **paths, **more}, {})


def test_it_knows_its_models_before_any_is_loaded(models):
    bundle = open_bundle(config(models))
    assert bundle.model_id == blocks.MODEL
    assert bundle.detector.id == "latchkey-detector-1-b10c0000"
    assert opened == []


def test_eyes_are_new_each_time_and_run_what_the_card_describes(models):
    bundle = open_bundle(config(models, **{"engine.threads": 2, "detector.score_threshold": 0.7}))
    first, second = bundle.eyes(), bundle.eyes()
    assert first.detector is not second.detector
    assert first.aligner is not second.aligner
    assert first.encoder is not second.encoder
    want = {"runtime": "ai-edge-litert", "delegate": None, "threads": 2}
    assert opened[:3] == [
        ("detector.tflite", want | {"sha256": bundle.detector.sha256}),
        ("aligner.tflite", want | {"sha256": bundle.aligner.sha256}),
        ("encoder.tflite", want | {"sha256": bundle.encoder.sha256}),
    ]
    assert len(opened) == 6


def test_a_delegate_is_asked_for(models):
    open_bundle(config(models, **{"engine.delegate": "edgetpu"})).eyes()
    assert {options["delegate"] for _, options in opened} == {"edgetpu"}


def test_everything_that_is_made_of_a_picture(models):
    eyes = open_bundle(config(models)).eyes()
    picture = blocks.paint(blocks.Block(blocks.RED, x=80), blocks.Block(blocks.BLUE, x=400))
    seen = sorted(eyes.look(picture), key=lambda one: one.face.box.x)
    assert [round(one.face.box.x / 10) * 10 for one in seen] == [80, 400]
    assert [one.crop.image.shape for one in seen] == [(112, 112, 3)] * 2
    assert all(one.crop.quality.face_px == pytest.approx(120, abs=4) for one in seen)
    assert all(one.embedding.model == blocks.MODEL for one in seen)
    assert float(seen[0].embedding.vector @ seen[1].embedding.vector) < 0.2
    assert eyes.look(blocks.paint()) == []


def test_flip_averaging_is_configured(models):
    plain, averaging = (
        open_bundle(config(models, **{"gate.flip_average": flip})).eyes().encoder for flip in (False, True)
    )
    half = np.zeros((112, 112, 3), np.uint8)
    half[:, :56] = blocks.RED
    mirrored = np.ascontiguousarray(half[:, ::-1])
    assert np.array_equal(averaging(half).vector, averaging(mirrored).vector)
    assert plain.dimension == averaging.dimension == 3


def test_the_threshold_grows_with_the_gallery_and_with_caution(models):
    bundle = open_bundle(config(models))
    few, many = bundle.threshold(10), bundle.threshold(10_000)
    assert few.cosine < many.cosine
    cautious = open_bundle(config(models, **{"gate.false_accepts_per_visit": 1e-6}))
    assert cautious.threshold(10).cosine > few.cosine
    tries = open_bundle(config(models, **{"gate.tries": 10}))
    assert tries.threshold(10).cosine > few.cosine  # more shots of a stranger, each with its chance


def test_the_rates_of_enrolment_are_on_the_table(models):
    table = open_bundle(config(models)).table
    assert table.cosine_for(SAME_PERSON_FMR) == pytest.approx(0.3 + 0.2 / 3)
    assert table.cosine_for(DUPLICATE_FMR) == pytest.approx(0.5)


def test_limits_are_those_configured(models):
    assert open_bundle(config(models)).limits == QualityLimits()
    assert open_bundle(config(models, **{"quality.min_face_px": 80.0})).limits.min_face_px == 80


class TestAnchors:
    """Of the encoder's card: they are of the space, with a site and without, turned and not."""

    @pytest.fixture
    def anchors(self, models):
        return blocks.normalise(models / "encoder.json")

    def test_faces_are_compared_with_them(self, models, anchors):
        vector = np.array([0.6, 0.8, 0.0], np.float32)
        assert open_bundle(config(models)).space(vector) == pytest.approx(anchors.lifted(vector), abs=1e-6)
        told = json.loads((models / "encoder.json").read_text())
        site = sites.write(models / "site.json", normalisation=fingerprint(told))
        own = open_bundle(config(models, **{"models.site": site})).space
        assert own.mean.tolist() == sites.MEAN.tolist()
        assert own(vector) == pytest.approx(Space(sites.MEAN).normalised(anchors)(vector), abs=1e-6)

    def test_a_site_s_rates_are_of_one_scale_alone(self, models):
        before = sites.write(models / "site.json")
        open_bundle(config(models, **{"models.site": before}))
        blocks.normalise(models / "encoder.json")
        with pytest.raises(
            ModelError, match=r"site\.json: its rates are of similarities that .* otherwise: run `latch"
        ):
            open_bundle(config(models, **{"models.site": before}))
        told = json.loads((models / "encoder.json").read_text())
        after = sites.write(models / "site.json", normalisation=fingerprint(told))
        assert open_bundle(config(models, **{"models.site": after})).site.normalisation == fingerprint(told)
        (models / "encoder.json").write_text(json.dumps(told | {KEY: told[KEY] | {"weight": 1.0}}))
        with pytest.raises(ModelError, match="normalises otherwise"):
            open_bundle(config(models, **{"models.site": after}))

    def test_of_what_is_installed_a_site_counts_where_it_is_of_its_card(self, models, caplog):
        folder = models / "data" / "models" / "new"
        folder.parent.mkdir(parents=True)
        blocks.write_cards(folder)
        learnt = config(
            models, **{"models.site": sites.write(models / "site.json"), "device.data_dir": models / "data"}
        )
        assert with_models(learnt, "new").models.site == models / "site.json"
        blocks.normalise(folder / "encoder.json")
        assert with_models(learnt, "new").models.site is None
        assert "or another card of it: run `latchkey calibrate` again" in caplog.text
        sites.write(models / "site.json", normalisation=fingerprint(json.loads((folder / "encoder.json").read_text())))
        assert with_models(learnt, "new").models.site == models / "site.json"
        (models / "site.json").write_text("[]")
        assert with_models(learnt, "new").models.site == models / "site.json"  # whoever reads it says what is wrong

    @pytest.mark.usefixtures("anchors")
    def test_turned_they_say_the_same(self, models):
        key = SiteKey(bytes(range(32)))
        vectors = np.eye(3, dtype=np.float32)[:2] * 0.8 + np.float32(0.1)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        plain, turned = open_bundle(config(models)).space, open_bundle(config(models), key).space
        one, other = plain(vectors), turned(Turn(key, 3)(vectors))
        assert one[0] @ one[1] == pytest.approx(other[0] @ other[1], abs=1e-6)

    def test_for_longer_vectors_than_the_encoder_makes(self, models):
        card = json.loads((models / "encoder.json").read_text())
        longer = {"dimension": 8, KEY: Anchors(np.eye(8), 1, 1.0, 1.5).as_card()}
        (models / "encoder.json").write_text(json.dumps(card | longer))
        with pytest.raises(ModelError, match=r"encoder\.json: is for vectors of 8 numbers, the encoder makes 3: copy"):
            open_bundle(config(models)).eyes()

    @pytest.mark.usefixtures("anchors")
    def test_that_are_none(self, models):
        card = json.loads((models / "encoder.json").read_text())
        (models / "encoder.json").write_text(json.dumps(card | {KEY: {"nearest": 3}}))
        with pytest.raises(ModelError, match=r"encoder.tflite: normalisation on the model's card cannot be read"):
            open_bundle(config(models))


class TestSite:
    def test_its_rates_and_its_space_count(self, models):
        site = sites.write(models / "site.json")
        plain, own = open_bundle(config(models)), open_bundle(config(models, **{"models.site": site}))
        assert plain.site is None
        assert plain.space.mean is None
        assert own.space.mean.tolist() == sites.MEAN.tolist()
        assert own.table.cosine_for(3e-3) == pytest.approx(0.2)  # the bounds
        assert own.duplicate_threshold == pytest.approx(0.4)
        assert own.same_person_threshold == pytest.approx(0.2)  # the rates
        assert plain.threshold(10).cosine != own.threshold(10).cosine

    def test_of_another_encoder(self, models):
        site = sites.write(models / "site.json", model="latchkey-encoder-9-00000000")
        with pytest.raises(ModelError, match=r"site\.json: was made with the encoder 'latchkey-encoder-9-00000000'"):
            open_bundle(config(models, **{"models.site": site}))

    def test_that_is_missing(self, models):
        with pytest.raises(ModelError, match=r"site\.json: cannot read the site file .*: No such file"):
            open_bundle(config(models, **{"models.site": models / "site.json"}))

    @pytest.mark.parametrize(
        "data",
        [b"", b"{", b"[]", b"\xff\xfe\x00", b"7", b"[" * 100_000],
        ids=["empty", "cut", "list", "bytes", "7", "deep"],
    )
    def test_that_is_none(self, models, data):
        (models / "site.json").write_bytes(data)
        with pytest.raises(ModelError, match=r"site\.json: not a site file"):
            open_bundle(config(models, **{"models.site": models / "site.json"}))

    def test_for_longer_vectors_than_the_encoder_makes(self, models):
        site = sites.write(models / "site.json", space=Space(np.zeros(8, np.float32)))
        with pytest.raises(ModelError, match=r"site\.json: is for vectors of 8 numbers, the encoder makes 3"):
            open_bundle(config(models, **{"models.site": site})).eyes()


def test_the_worst_cohort_is_the_default(models):
    card = json.loads((models / "encoder.json").read_text())
    card["fmr"] |= {"cohort": "us", "worst": blocks.TABLE | {"similarity": [0.1, 0.4, 0.6, 0.8], "cohort": "them"}}
    (models / "encoder.json").write_text(json.dumps(card))
    worst, own = open_bundle(config(models)), open_bundle(config(models, **{"gate.cohort": "card"}))
    assert (worst.table.cohort, own.table.cohort) == ("them", "us")
    assert worst.duplicate_threshold == pytest.approx(own.duplicate_threshold + 0.1)


# What may be wrong


def test_a_card_that_is_missing(models):
    (models / "encoder.json").unlink()
    with pytest.raises(ModelError, match=r"encoder\.json: no card for encoder\.tflite: No such file.*copy it beside"):
        open_bundle(config(models))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="cut off"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"null", id="nothing"),
        pytest.param(b"7", id="a number"),
        pytest.param(b'"card"', id="text"),
        pytest.param(b'{"id": "x"}', id="no sha256"),
        pytest.param(b'{"sha256": "x"}', id="no id"),
        pytest.param(b"\xff\xfe\x00", id="not UTF-8"),
    ],
)
@pytest.mark.parametrize("name", ["detector", "aligner", "encoder"])
def test_a_card_that_is_none(models, name, text):
    (models / f"{name}.json").write_bytes(text)
    with pytest.raises(ModelError, match=rf"{name}\.json: not a model card"):
        open_bundle(config(models))


def test_an_encoder_without_a_table_of_rates(models):
    card = json.loads((models / "encoder.json").read_text())
    del card["fmr"]
    (models / "encoder.json").write_text(json.dumps(card))
    with pytest.raises(ModelError, match="has no table 'fmr'"):
        open_bundle(config(models))


def test_the_card_keeps_all_it_says(models):
    (models / "encoder.json").write_text('{"id": "e", "sha256": "0", "dimension": 256}')
    assert read_card(models / "encoder.tflite").fields["dimension"] == 256


def test_a_runtime_that_is_not_there(models, monkeypatch):
    monkeypatch.setitem(BACKENDS["engine"], "ai-edge-litert", "agent.no_such:Engine")
    with pytest.raises(HardwareError, match="ai-edge-litert"):
        open_bundle(config(models)).eyes()


def test_a_runtime_that_nobody_knows(models):
    with pytest.raises(ConfigError):
        config(models, **{"engine.runtime": "tensorrt"})


class TestSelfTest:
    def outcome(self, models, monkeypatch, **changes):
        monkeypatch.setitem(BACKENDS["engine"], "ai-edge-litert", blocks.ENGINE)
        picture = decode_picture((STAFF / "ada-1.jpg").read_bytes())
        said = open_bundle(config(models)).eyes().encoder.vector(align(picture, TEMPLATE))
        card = json.loads((models / "encoder.json").read_text())
        card["golden"] = write_golden((replace(Golden("ada-1.jpg", TEMPLATE, said), **changes),), 0.99)
        (models / "encoder.json").write_text(json.dumps(card))
        bundle = open_bundle(config(models))
        return bundle.self_test(bundle.eyes().encoder)

    def test_a_card_that_does_not_tell(self, models, monkeypatch):
        monkeypatch.setitem(BACKENDS["engine"], "ai-edge-litert", blocks.ENGINE)
        bundle = open_bundle(config(models))
        assert bundle.self_test(bundle.eyes().encoder) is None

    def test_an_encoder_that_says_what_it_said(self, models, monkeypatch):
        assert list(self.outcome(models, monkeypatch).cosines) == ["ada-1.jpg"]

    def test_one_that_says_something_else(self, models, monkeypatch):
        message = (
            r"encoder.tflite: says something else about ada-1.jpg .* at least 0.99 is wanted; try another \[engine\]"
        )
        with pytest.raises(ModelError, match=message):
            self.outcome(models, monkeypatch, vector=-np.ones(3, np.float32))

    def test_a_picture_that_is_not_there(self, models, monkeypatch):
        with pytest.raises(ModelError, match=r"a picture that is not in .*staff: none.jpg: No such file"):
            self.outcome(models, monkeypatch, picture="none.jpg")
