"""How our own detector is made: phase after phase, each from the weights of the one before; see training/README.md."""

from __future__ import annotations

from training.train_detector import Plan

# Small canvases first: what a face teaches does not grow with the empty wall around it. From nothing, begin with
# Plan(minutes=34, peak_rate=0.1, last_rate=1e-3) of the first version; ours began with its weights (`grow`).
PLANS = (
    Plan(minutes=45, peak_rate=0.05, last_rate=2e-3, batch=48, width=160, height=128, seed=2),
    Plan(minutes=12, peak_rate=0.01, last_rate=1e-4, batch=20, seed=3),
)
