"""Presets are read and checked without PyTorch."""

import pytest

from agent.errors import ConfigError
from training import preset

WHOLE = """
about = "a test"
[data]
kind = "made-up"
[net]
family = "door"
[loss.contrastive]
[[phase]]
side = 32
samples = 100
peak_rate = 0.1
last_rate = 0.01
[export]
data = "nobody's pictures"
"""


def written(tmp_path, text):
    file = tmp_path / "mine.toml"
    file.write_text(text)
    return str(file)


@pytest.mark.parametrize("name", preset.names())
def test_what_comes_with_latchkey_is_whole(name):
    chosen = preset.load(name)
    assert chosen.name == name
    assert chosen.about
    assert chosen.export.most_bytes <= 3_000_000


def test_all_presets_of_the_issue_are_there():
    assert {"tiny", "door", "coral", "signature-online", "signature-offline"} <= set(preset.names())


def test_a_file_of_ones_own(tmp_path):
    mine = preset.load(written(tmp_path, WHOLE))
    assert (mine.name, mine.side, mine.batch.size) == ("mine", 32, 64)
    assert mine.loss == {"contrastive": {}}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("samples = 100", "samples = 0", r"phase.1.samples: Input should be greater than 0, not 0"),
        ("side = 32", "side = 33", r"phase.1.side: Input should be a multiple of 16, not 33"),
        ("side = 32", "", r"phase 1: side is missing"),
        ('kind = "made-up"', 'kind = "signature-online"', r"pen trajectories have no side"),
        ('kind = "made-up"', 'kind = "made up"', r"data.kind: Input should be 'prepared', 'made-up'"),
        ('family = "door"', "", r"net.family is missing"),
        ("[loss.contrastive]", "", r"loss is missing"),
        ("[net]", "[batch]\nsize = 8\npeople = 5\n[net]", r"5 people with 2 pictures are more than size = 8"),
        ("[net]", "[nets]\n[net]", r"nets: no such key"),
        ("[data]", "seed = -1\n[data]", r"seed: Input should be greater than or equal to 0, not -1"),
        ('family = "door"', 'family = "tcn"', r"net: data of the kind made-up want a family for pictures, not tcn"),
        ("[net]", "[hint]\nweight = 0.5\n[net]", r"hint: its maps are of prepared faces, and data are made-up"),
        ("[net]", "[augment]\nzoom = inf\ngrey = nan\n[net]", r"augment: want finite numbers, and neither inf"),
        ("[net]", "[net", r"mine.toml: Expected"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path, old, new, said):
    assert old in WHOLE
    with pytest.raises(ConfigError, match=said) as error:
        preset.load(written(tmp_path, WHOLE.replace(old, new)))
    assert "mine.toml" in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('family = "tcn"', 'family = "door"', r"signature-online want a family for sequences \(gru, tcn\), not door"),
        ("[batch]", "[hint]\nweight = 0.5\n[batch]", r"hint: its maps are of prepared faces"),
        ('family = "tcn"', 'family = "gru"', r"export.tune: a recurrent net cannot be tuned to int8"),
    ],
)
def test_what_sequences_cannot_have_is_said_before_they_are_trained_on(tmp_path, old, new, said):
    text = (preset.FOLDER / "signature-online.toml").read_text() + "\n[export.tune]\nsamples = 8\n"
    assert old in text
    preset.load(written(tmp_path, text))
    with pytest.raises(ConfigError, match=said):
        preset.load(written(tmp_path, text.replace(old, new)))


def test_several_mistakes_are_said_at_once(tmp_path):
    text = WHOLE.replace("samples = 100", "samples = 0").replace("peak_rate = 0.1", "peak_rate = -1")
    with pytest.raises(ConfigError) as error:
        preset.load(written(tmp_path, text))
    assert len(str(error.value).splitlines()) == 2


@pytest.mark.parametrize(
    ("name", "said"), [("dor", "did you mean door"), ("nothing-like-it", "there are .*door"), ("x/y.toml", "y.toml")]
)
def test_a_preset_that_is_not_there(name, said):
    with pytest.raises(ConfigError, match=said):
        preset.load(name)
