"""Tuning of a finished net to the rounding of int8, for seconds, on people who are drawn."""

import copy

import numpy as np
import torch

from training import nets
from training.data.augment import NOTHING
from training.data.made_up import made_up
from training.loop.learner import to_input
from training.preset import Tune
from training.qat import observe
from training.sources import Pictures
from training.tuning import tune


def test_a_net_stays_what_it_was_and_its_ranges_come_back():
    source = Pictures(made_up(6, 4, seed=1), NOTHING)
    torch.manual_seed(0)
    net = nets.make("door", dimension=16, width=0.125)
    samples = to_input(np.stack([source.plain(int(row), 32) for row in source.collection.train[:16]]))
    with torch.no_grad():
        net.train()(samples)
    net.eval().fix(32)
    before = copy.deepcopy(net)
    tuned, ranges = tune(net, source, samples, Tune(samples=64, rate=1e-4, batch=16), side=32, seed=0)
    assert set(ranges) == set(observe(before, samples))
    assert all(low <= 0 <= high for low, high in ranges.values())
    with torch.no_grad():
        alike = torch.nn.functional.cosine_similarity(tuned(samples), before(samples))
    assert alike.min() > 0.95
    assert any((a != b).any() for a, b in zip(tuned.parameters(), before.parameters(), strict=True))
