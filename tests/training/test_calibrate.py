"""`calibrate_site`: people from folders, through given eyes, into a site file."""

import json

import numpy as np
import pytest

from agent.vision.quality import QualityLimits
from tests.fakes import blocks
from tests.fakes.blocks import Block, paint, png, write
from training import calibrate
from training.data.errors import DataError

COLOURS = [(190, 60, 60), (60, 190, 60), (60, 60, 190), (190, 190, 60), (60, 190, 190), (190, 60, 190)]


@pytest.fixture
def models(tmp_path, monkeypatch):
    monkeypatch.setattr(calibrate, "LiteRtModel", blocks.BlockEngine)
    blocks.write_cards(tmp_path / "models")
    return tmp_path / "models"


@pytest.fixture
def photos(tmp_path):
    for i, colour in enumerate(COLOURS):
        for tint in range(2):
            write(tmp_path / "people" / f"p{i}" / f"{tint}.png", Block(colour, tint=4 * tint))
    return tmp_path / "people"


def eyes(models):
    from agent.vision.aligner import Aligner
    from agent.vision.detect import Detector
    from agent.vision.encode import Encoder
    from agent.vision.eyes import Eyes

    detector, aligner, encoder = (
        blocks.BlockEngine(models / f"{name}.tflite") for name in ("detector", "aligner", "encoder")
    )
    return Eyes(Detector(detector), Aligner(aligner), Encoder(encoder, blocks.MODEL))


def test_a_site_file_is_written(models, photos, tmp_path):
    told, troubles = calibrate.calibrate_site(photos, models, tmp_path / "site.json")
    written = json.loads((tmp_path / "site.json").read_text())
    assert troubles == []
    assert (written["kind"], written["model"]) == ("latchkey-site", blocks.MODEL)
    assert (told["people"], told["photos"]) == (6, 12)
    assert "space" not in told


def test_photos_that_cannot_be_used_are_told(models, photos):
    (photos / "p0" / "bad.jpg").write_bytes(b"no picture")
    (photos / "p1" / "empty.png").write_bytes(png(paint()))
    write(photos / "p2" / "small.png", Block(COLOURS[2], px=40))
    (photos / "p3b").mkdir()
    vectors, people, troubles = calibrate.encode_people(photos, eyes(models), QualityLimits())
    assert np.bincount(people).tolist() == [2] * 6
    assert vectors.shape == (12, 3)
    assert [line.rsplit("/", 1)[1].split(":")[0] for line in troubles] == ["bad.jpg", "empty.png", "small.png"]
    assert troubles[1].endswith("no face")


def test_what_systems_keep_beside_photos_is_nobody(models, photos):
    for other in (photos / ".thumbnails", photos / "@eaDir", photos / "p0" / "@eaDir" / "a.jpg"):
        other.mkdir(parents=True)
    (photos / ".thumbnails" / "0.png").write_bytes((photos / "p0" / "0.png").read_bytes())
    (photos / "p0" / "@eaDir" / "a.jpg" / "thumb.jpg").write_bytes((photos / "p0" / "0.png").read_bytes())
    (photos / "p0" / "._0.png").write_bytes(b"of a Macintosh")
    vectors, people, troubles = calibrate.encode_people(photos, eyes(models), QualityLimits())
    assert np.bincount(people).tolist() == [2] * 6
    assert (len(vectors), troubles) == (12, [])


@pytest.mark.parametrize("spoil", ["card", "people", "few"])
def test_what_is_wrong_is_said(models, photos, tmp_path, spoil):
    if spoil == "card":
        (models / "encoder.json").write_text("{}")
    elif spoil == "people":
        photos = tmp_path / "models"
    else:
        for file in (photos / "p0").iterdir():
            file.unlink()
        for file in (photos / "p1").iterdir():
            file.unlink()
    with pytest.raises(DataError):
        calibrate.calibrate_site(photos, models, tmp_path / "site.json")
    assert not (tmp_path / "site.json").exists()
