"""What is folded into the last layer, of a pool in which nobody can be told to be the same person twice."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason='training is not installed: pip install "latchkey[training]"')

from training import nets  # noqa: E402
from training.data.augment import Augmentation  # noqa: E402
from training.data.made_up import made_up  # noqa: E402
from training.finish import finish  # noqa: E402
from training.loop.learner import embed, to_input  # noqa: E402
from training.sources import Pictures  # noqa: E402


@pytest.mark.parametrize(
    "once", [pytest.param(False, id="nobody has a name"), pytest.param(True, id="named people have one picture each")]
)
def test_where_nobody_has_two_pictures_everybody_s_spread_is_all(once):
    drawn = made_up(12, 6, seed=1)
    identity = np.arange(len(drawn)) if once else np.full(len(drawn), -1)
    everybody = np.arange(len(drawn))
    names = tuple(map(str, everybody))
    source = Pictures(
        replace(drawn, identity=identity, names=names, train=everybody, val=everybody[:0]), Augmentation()
    )
    samples = np.stack([source.plain(int(row), 32) for row in everybody])
    torch.manual_seed(0)
    net = nets.make("door", dimension=16, width=0.25)
    with torch.no_grad():
        for _ in range(30):
            net.train()(to_input(samples))  # until batch norms know what they see: else all faces are one point
    net.eval().fix(32)
    before = embed(net, samples)
    finish(net, source, samples, side=32)
    after = embed(net, samples)
    assert np.isfinite(after).all()
    assert np.abs(after.mean(0)).max() < np.abs(before.mean(0)).max()  # centred
    spread = [np.linalg.eigvalsh(np.cov(rows.T.astype(np.float64))) for rows in (before, after)]
    assert spread[1][-1] / spread[1].sum() < spread[0][-1] / spread[0].sum()  # and more even
