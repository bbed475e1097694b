"""How our own detector is made: phase after phase, each from the weights of the one before; see training/README.md."""

from __future__ import annotations

from training.train_detector import Plan

# Small canvases first: what a face teaches does not grow with the empty wall around it. Larger ones show the last phase
# whole bodies and much that is no face. From nothing, put Plan(minutes=34, peak_rate=0.1) before them; ours began with
# the weights of the first version (`grow`). Minutes are those of a third of a core.
PLANS = (
    Plan(minutes=45, peak_rate=0.05, last_rate=2e-3, batch=48, width=160, height=128, seed=2),
    Plan(minutes=13.6, peak_rate=0.02, last_rate=1e-4, keep=0.998, seed=4),
)
