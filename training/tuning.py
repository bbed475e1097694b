"""Quantisation-aware fine-tuning of a finished encoder: the net that rounds learns to say what it said before.

Its teacher is itself in float, so that no label and no reference encoder is needed, and a few minutes are enough.
"""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from training.loop.learner import to_input
from training.loop.pace import schedule
from training.loop.progress import Progress
from training.preset import Tune
from training.qat import finish_qat, observe, prepare_qat
from training.quantise import Ranges
from training.sources import Source


def tune(
    net: nn.Module, source: Source, samples: torch.Tensor, options: Tune, *, side: int | None, seed: int
) -> tuple[nn.Module, Ranges]:
    """Returns the net with its weights moved to where rounding does least, and the range of every map.

    Args:
        net: finished (`training.finish`), of one size; it is changed.
        source: its training samples are learnt from, varied as in training.
        samples: what the net takes, from training data: where the ranges begin.
        options: how long and how fast.
        side: of pictures; None for sequences.
        seed: of what is drawn.
    """
    torch.manual_seed(seed)
    exact = copy.deepcopy(net).eval()
    tuned = prepare_qat(net, observe(net, samples))
    optimiser = torch.optim.Adam(tuned.parameters(), lr=0.0)
    random, train = np.random.default_rng((seed, 1)), source.collection.train
    with Progress(options.samples, shown=True) as bar:
        for seen in range(0, options.samples, options.batch):
            rows = random.choice(train, options.batch)
            x = to_input(np.stack([source.varied(int(row), side, random)[0] for row in rows]))
            for group in optimiser.param_groups:
                group["lr"] = schedule(seen / options.samples, options.rate, options.rate / 100)
            with torch.no_grad():
                wanted = F.normalize(exact(x))
            lost = (1 - (F.normalize(tuned(x)) * wanted).sum(1)).mean()
            optimiser.zero_grad(set_to_none=True)
            lost.backward()
            optimiser.step()
            bar.at(seen + options.batch)
    return finish_qat(tuned)
