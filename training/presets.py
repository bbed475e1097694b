"""How our own two models are made. Minutes are those of x86 cores without AVX-512; see training/README.md."""

from __future__ import annotations

from training.train_detector import Plan
from training.train_encoder import Phase

# Small pictures first: a step at 48 pixels costs half of one at 64. As it happened: the first three phases on a loaded
# machine and with faces moved less by `augment`, the fourth on one core beside the detector's.
ENCODER = (
    Phase(side=48, minutes=20, peak_rate=1.5, last_rate=0.8),
    Phase(side=64, minutes=23, peak_rate=0.4, last_rate=0.15, seed=1),
    Phase(side=64, minutes=36, peak_rate=0.22, last_rate=0.001, seed=2),
    Phase(side=48, minutes=42, peak_rate=0.3, last_rate=0.2, seed=3),
    Phase(side=64, minutes=63, peak_rate=0.2, last_rate=0.0005, seed=9),
    Phase(side=64, minutes=125, peak_rate=0.25, last_rate=0.0005, seed=11),
)

DETECTOR = (
    Plan(minutes=34),
    Plan(minutes=10, peak_rate=0.02, last_rate=2e-4, width=320, height=240, batch=16, seed=1),
)
