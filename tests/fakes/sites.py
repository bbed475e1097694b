"""Site files for the encoder of `tests.fakes.blocks`, whose vectors have three numbers."""

import json

import numpy as np

from agent.gallery.site import Site
from agent.gallery.space import Space
from tests.fakes import blocks

TABLE = {
    "similarity": [0.0, 0.2, 0.4, 0.6],
    "fmr": [0.1, 1e-3, 1e-6, 1e-9],
    "upper": [0.2, 3e-3, 1e-5, 1e-7],
    "impostor_pairs": 66,
    "measured_down_to": 0.045,
}
MEAN = np.array([0.3, 0.0, -0.3], np.float32)


def site(**changes):
    parts = {
        "model": blocks.MODEL,
        "made_on": "2026-11-26",
        "people": 12,
        "photos": 48,
        "method": "centred",
        "space": Space(MEAN),
        "fmr": TABLE,
    }
    return Site(**parts | changes)


def write(path, **changes):
    """Writes a site file; returns the path."""
    path.write_text(json.dumps(site(**changes).as_json()))
    return path
