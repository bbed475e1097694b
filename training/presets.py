"""How our own two models are made. Minutes are those of two x86 cores without AVX-512; see training/README.md."""

from __future__ import annotations

from training.train_detector import Plan
from training.train_encoder import Phase

# Small pictures first: a step at 48 pixels costs a third of one at 80. The rate falls from phase to phase.
ENCODER = (
    Phase(side=48, minutes=20, peak_rate=1.5, last_rate=0.8),
    Phase(side=64, minutes=20, peak_rate=0.9, last_rate=0.3, seed=1),
    Phase(side=80, minutes=32, peak_rate=0.35, last_rate=0.003, seed=2),
)

DETECTOR = (Plan(minutes=13), Plan(minutes=4, peak_rate=6e-4, width=320, height=240, batch=16, seed=1))
