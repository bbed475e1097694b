"""Model files that are damaged, mixed up or missing; and people who were enrolled with another model."""

import hashlib
import json
import random
import shutil

import pytest

from agent.config.tables import BUNDLED_MODELS
from agent.store.db import open_db
from tests.end_to_end.patience import wait_for
from tests.end_to_end.pictures import visit
from tests.end_to_end.terminal import refused


@pytest.fixture
def terminal(make_terminal, pictures):
    """One whose models are its own, to be spoiled."""
    made = make_terminal()
    models = shutil.copytree(BUNDLED_MODELS, made.folder / "models", ignore=shutil.ignore_patterns("__pycache__"))
    made.set(**{f"models__{name}": str(models / f"{name}.tflite") for name in ("encoder", "aligner", "detector")})
    made.show([pictures.empty])
    return made


def flipped(content):
    spoiled = bytearray(content)
    spoiled[len(spoiled) // 2] ^= 1
    return bytes(spoiled)


ENDINGS = ("tflite", "json")
SPOIL = {
    "a bit has flipped": flipped,
    "cut short": lambda content: content[: len(content) // 2],
    "empty": lambda content: b"",
    "too long": lambda content: content + bytes(1000),
    "noise of the right size": lambda content: random.Random(1).randbytes(len(content)),
    "a text": lambda content: b"<html>404 not found</html>" * 10,
}


@pytest.mark.parametrize("how", SPOIL)
@pytest.mark.parametrize("which", ["encoder", "aligner", "detector"])
def test_a_damaged_model(terminal, which, how):
    model = terminal.folder / "models" / f"{which}.tflite"
    model.write_bytes(SPOIL[how](model.read_bytes()))
    refused(terminal, model)


def test_a_detector_in_the_place_of_the_encoder(terminal):
    folder = terminal.folder / "models"
    shutil.copy(folder / "detector.tflite", folder / "encoder.tflite")
    refused(terminal, folder / "encoder.tflite", "card")
    card = json.loads((folder / "encoder.json").read_text())
    card["sha256"] = hashlib.sha256((folder / "encoder.tflite").read_bytes()).hexdigest()
    (folder / "encoder.json").write_text(json.dumps(card))
    refused(terminal, "encoder")  # a card that lies does not help
    shutil.copy(folder / "detector.json", folder / "encoder.json")
    refused(terminal, "latchkey-detector", "card")


@pytest.mark.parametrize("which", ["detector", "aligner"])
def test_an_encoder_in_the_place_of_another(terminal, which):
    folder = terminal.folder / "models"
    for ending in ENDINGS:
        shutil.copy(folder / f"encoder.{ending}", folder / f"{which}.{ending}")
    refused(terminal, which)


@pytest.mark.parametrize("name", [f"{kind}.{end}" for kind in ("encoder", "aligner", "detector") for end in ENDINGS])
def test_a_missing_file(terminal, name):
    (terminal.folder / "models" / name).unlink()
    refused(terminal, name)


def test_a_card_that_is_none(terminal):
    card = terminal.folder / "models" / "encoder.json"
    card.write_text("{")
    refused(terminal, card, "card")


def test_people_of_another_model_are_told_of_and_nobody_is_taken_for_them(make_terminal, pictures):
    terminal = make_terminal()
    terminal.seed(ada=pictures.ada)
    with open_db(terminal.database) as db, db.transaction() as sql:
        sql.execute("UPDATE templates SET model = 'latchkey-encoder-0-00000000'")
    terminal.show(visit(pictures, "ada"))
    running = terminal.start()
    running.wait_said("1 templates were made by another model and are not compared: enrol again")
    wait_for(lambda: len(terminal.decisions()) >= 2, what="decisions")
    assert running.stop() == 0
    assert set(terminal.decisions()) == {("denied", "empty_gallery", None)}
    assert "door unlocked" not in running.said()
