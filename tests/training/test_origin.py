"""A run knows what it was trained on: it goes on with nothing else, and nothing else is measured by it."""

import csv

import numpy as np
import pytest

from tests.training.shorts import packed
from training import preset as presets
from training import sources
from training.commands import packaging_of
from training.data.collection import load, load_pictures
from training.data.made_up import made_up
from training.data.splits import split
from training.errors import RunError
from training.learn import learn
from training.loop import origin
from training.loop.run import Run


def preset(folder, words="people who are drawn"):
    return presets.load(str(packed(folder, words=words)))


def prepared(folder, *, seed=0, people=18, validated=6, named=True):
    """A folder as `prepare` leaves it; the last people are for validation."""
    drawn = made_up(people, 4, seed=seed)
    folder.mkdir(exist_ok=True)
    np.save(folder / "faces.npy", np.stack(drawn.samples))
    with (folder / "index.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", "identity", "split"])
        for row, person in enumerate(drawn.identity.tolist()):
            split = "val" if person >= people - validated else "train"
            table.writerow([f"{row}.png", f"{seed}-{person}" if named else "", split])
    return folder


def noted(one, run, work, more=()):
    """Leaves a run that has gone on these data already."""
    run.open(one)
    run.state.touch()
    goes_on(one, run, work, more)


def goes_on(one, run, work, more=()):
    rows = len(load_pictures(work))
    origin.keep(run, sources.make(one, None, work, more).collection, work, more, rows=rows)


@pytest.fixture
def mine(tmp_path):
    """A run of some people, and where they are."""
    one, run, work = preset(tmp_path), Run(tmp_path / "run"), prepared(tmp_path / "mine")
    noted(one, run, work)
    return one, run, work


def test_training_goes_on_with_the_same_data_alone(tmp_path):
    one, run, work = preset(tmp_path), tmp_path / "run", prepared(tmp_path / "mine")
    for _ in range(2):
        learn(one, run, data=None, work=work, device="cpu")
    others = prepared(tmp_path / "others", seed=1)  # as many: every shape fits
    with pytest.raises(RunError, match=rf"other data than {others} holds now, by who is on.*--work {work}\).*--run"):
        learn(one, run, data=None, work=others, device="cpu")


@pytest.mark.parametrize(
    ("otherwise", "words"),
    [
        pytest.param({"seed": 1}, "by who is on which picture:", id="other people"),
        pytest.param({"validated": 7}, "by who is validated on, what is trained on:", id="another split"),
        pytest.param({"people": 19}, "further pictures", id="somebody new"),
    ],
)
def test_a_folder_that_was_filled_anew_is_refused(mine, otherwise, words):
    one, run, work = mine
    goes_on(one, run, work)
    prepared(work, **otherwise)
    with pytest.raises(RunError, match=words):
        goes_on(one, run, work)
    for joined in (True, False):
        with pytest.raises(RunError, match=words):
            packaging_of(run.folder, None, joined=joined)


def test_a_run_that_was_split_by_the_seed_of_its_preset_is_refused(tmp_path):
    one, run, work = preset(tmp_path), Run(tmp_path / "run"), prepared(tmp_path / "mine", validated=0)
    run.open(one)
    table = (work / "index.csv").read_text().replace("train", "").replace(",split", ",group")
    (work / "index.csv").write_text(table)
    origin.keep(run, split(load(work), seed=13, least=6), work, (), rows=72)
    with pytest.raises(RunError, match=r"by who is validated on, what is trained on: .*train anew"):
        packaging_of(run.folder, None)


def test_a_folder_that_was_moved_is_named_again(mine, tmp_path):
    one, run, work = mine
    goes_on(one, run, work.rename(tmp_path / "moved"))
    assert len(packaging_of(run.folder, None).source.collection) == 72


def test_what_is_made_of_a_run_is_made_with_what_it_was_trained_on(mine, tmp_path):
    _, run, work = mine
    for joined in (True, False):
        assert packaging_of(run.folder, None, joined=joined).source.collection.names[0] == "0-0"
        with pytest.raises(RunError, match=rf"{run.folder} was trained on other data than .*--work {work}"):
            packaging_of(run.folder, None, prepared(tmp_path / "others", seed=1), joined=joined)


def test_a_run_of_before_goes_on_and_knows_from_then_on(mine):
    one, run, work = mine
    (run.folder / origin.DATA).unlink()
    assert len(packaging_of(run.folder, None, work).source.collection) == 72
    goes_on(one, run, work)
    assert len(packaging_of(run.folder, None).source.collection) == 72


def test_a_damaged_note_is_said(mine):
    _, run, work = mine
    (run.folder / origin.DATA).write_text('{"work": "x"')
    with pytest.raises(RunError, match=r"data\.json does not say what was trained on .*--work"):
        packaging_of(run.folder, None, work)


def test_a_card_says_on_whom_it_was_trained(mine):
    _, run, work = mine
    told = packaging_of(run.folder, None)._trained()["people"]
    assert told == origin.people(load_pictures(work)) == origin.read(run).people
    assert told != origin.people(load_pictures(prepared(work, seed=1)))


def test_what_was_trained_on_as_well_is_learnt_from_again_and_not_measured(tmp_path):
    one, run, work = preset(tmp_path), Run(tmp_path / "run"), prepared(tmp_path / "mine")
    noted(one, run, work, [prepared(tmp_path / "blends", seed=2, named=False)])
    assert len(packaging_of(run.folder, None, joined=True).source.collection) == 72 + 72
    assert len(packaging_of(run.folder, None).source.collection) == 72
    with pytest.raises(RunError, match=r"by further pictures, what is trained on:.*--more .*blends"):
        goes_on(one, run, work)
    with pytest.raises(RunError, match="by further pictures:"):
        packaging_of(run.folder, None, work, [prepared(tmp_path / "other", seed=3)], joined=True)
    prepared(work, seed=4)
    with pytest.raises(RunError, match="by who is on which picture:"):
        packaging_of(run.folder, None)
    assert not list(run.folder.glob("*.part"))


def test_what_the_reference_encoders_say_is_a_part_of_it(tmp_path):
    one, run, work = presets.load(str(packed(tmp_path, loss="distillation"))), tmp_path / "run", tmp_path / "mine"
    prepared(work)
    vectors = np.random.default_rng(0).standard_normal((72, 16)).astype(np.float16)

    def goes():
        learn(one, run, data=None, work=work, device="cpu")

    np.save(work / "teacher.npy", vectors)
    goes()
    np.save(work / "teacher.npy", vectors[:, ::-1])  # as if they were asked in another order
    with pytest.raises(RunError, match="by what the reference encoders say: name"):
        goes()
    with pytest.raises(RunError, match="by what the reference encoders say: name"):
        packaging_of(run, None, joined=True)
    assert len(packaging_of(run, None).source.collection) == 72  # who measures does not ask them
    np.save(work / "teacher.npy", vectors)
    goes()


def test_who_does_not_learn_from_reference_encoders_may_ask_them_later(tmp_path):
    one, work = preset(tmp_path), prepared(tmp_path / "mine")
    learn(one, tmp_path / "run", data=None, work=work, device="cpu")
    np.save(work / "teacher.npy", np.eye(72, dtype=np.float16))
    learn(one, tmp_path / "run", data=None, work=work, device="cpu")
