"""What an encoder is trained to do: one module a loss, all made by `make` from a name and options, summed by `Total`.

`python -c "import training.losses as l; print(l.table())"` lists the names with their options. What is measured
afterwards, and how a distance becomes a probability, is in `head.py`.
"""

from __future__ import annotations

from training.losses.distil import distillation, relation
from training.losses.loss import Loss
from training.losses.siamese import contrastive
from training.losses.table import make, names, options, table
from training.losses.total import Total

__all__ = ["Loss", "Total", "contrastive", "distillation", "make", "names", "options", "relation", "table"]
