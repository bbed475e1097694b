import pytest

torch = pytest.importorskip("torch", reason="the [training] extra is not installed: losses are not tested")
pytest.importorskip("pytorch_metric_learning", reason="the [training] extra is not installed: losses are not tested")

from agent.errors import ConfigError  # noqa: E402
from training.losses import Loss, make, names, options, table  # noqa: E402


@pytest.mark.parametrize("name", names())
def test_every_loss_is_made_with_its_own_defaults_said_aloud(name):
    assert isinstance(make(name, classes=3, dimension=4), Loss)
    assert isinstance(make(name, classes=3, dimension=4, **options(name)), Loss)
    assert f"\n{name}: " in f"\n{table()}"


@pytest.mark.parametrize(
    ("name", "wrong", "said"),
    [
        ("tripel", {}, r"unknown loss 'tripel'; did you mean 'triplet'\? There are: distillation, relation"),
        ("zzz", {}, "unknown loss 'zzz'; there are: distillation, relation"),
        (
            "triplet",
            {"minning": "all"},
            r"'triplet' has no option 'minning'; did you mean 'mining'\? There are: mining, ",
        ),
        ("relation", {"weight": 1}, "'relation' has no option 'weight'; it has none"),
        ("triplet", {"mining": "most"}, "'triplet': mining = 'most': want 'all', 'hard', 'semi-hard' or 'batch-hard'"),
        ("triplet", {"margin": -1}, "margin = -1: want greater than or equal to 0"),
        ("triplet", {"margin": "0.2"}, "margin = '0.2': want a valid number"),
        ("triplet", {"soft": 1}, "soft = 1: want a valid boolean"),
        ("infonce", {"temperature": 0}, "temperature = 0: want greater than 0"),
        ("contrastive", {"positive": float("nan")}, "positive = nan: want "),
        ("bank", {"rows": 1.5}, "rows = 1.5: want a valid integer"),
        ("arcface", {"classes": 1}, "'arcface' tells people apart, and 1 are named"),
    ],
)
def test_what_cannot_be_is_said_with_what_can(name, wrong, said):
    with pytest.raises(ConfigError, match=said):
        make(name, **{"classes": 3, "dimension": 4, **wrong})


def test_all_that_is_wrong_is_said_at_once():
    with pytest.raises(ConfigError) as caught:
        make("triplet", classes=3, dimension=4, soft="yes", colour="red")
    assert len(str(caught.value).splitlines()) == 2
