"""Who is nearest in a frame, and what they are told."""

import pytest

from agent.gallery.sitting import Hint
from agent.glance import Glance, glance
from agent.types import Box, Rejection
from agent.vision.quality import QualityLimits

LIMITS = QualityLimits()  # a face of 64 px is near
NEAR, FAR, PASSING = Box(100, 80, 120, 150), Box(400, 90, 50, 60), Box(500, 90, 20, 25)
BESIDE = Box(300, 80, 100, 120)


def rejected(code):
    return Rejection(code, "")


@pytest.mark.parametrize(
    ("tracks", "refused", "wanted"),
    [
        pytest.param([], {}, None, id="nobody"),
        pytest.param([(1, PASSING)], {}, None, id="somebody passes far away"),
        pytest.param([(1, FAR)], {}, Glance(FAR, Hint.CLOSER), id="somebody comes"),
        pytest.param([(1, NEAR)], {}, Glance(NEAR, None), id="all is well"),
        pytest.param([(2, PASSING), (1, NEAR)], {}, Glance(NEAR, None), id="somebody in the background"),
        pytest.param([(2, BESIDE), (1, NEAR)], {}, Glance(NEAR, Hint.ONE_AT_A_TIME), id="two at once"),
        pytest.param([(1, NEAR)], {1: rejected("too_dark")}, Glance(NEAR, Hint.TOO_DARK), id="too dark"),
        pytest.param([(1, NEAR)], {1: rejected("turned_away")}, Glance(NEAR, Hint.LOOK_HERE), id="looks away"),
        pytest.param([(1, NEAR)], {1: rejected("too_blurred")}, Glance(NEAR, Hint.HOLD_STILL), id="moves"),
        pytest.param([(1, NEAR)], {2: rejected("too_dark")}, Glance(NEAR, None), id="another one is in the dark"),
    ],
)
def test_the_nearest_is_told_what_can_be_mended(tracks, refused, wanted):
    assert glance(tracks, refused, LIMITS) == wanted
