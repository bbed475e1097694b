"""Trainings of a second or two on people who are drawn: in two phases, with hard people and centres; on packed ones."""

SHORT = """
about = "seconds of training"
look = {look}
seed = {seed}
[data]
kind = "made-up"
people = 12
pictures = 4
[net]
family = "door"
dimension = 16
options = {{ width = 0.125 }}
[loss.contrastive]
weight = 1.0
[loss.{classes}]
weight = 0.01
[batch]
size = 16
people = 4
hard = {hard}
[optimiser]
name = "{optimiser}"
[[phase]]
side = 32
samples = {samples}
peak_rate = 0.05
last_rate = 0.01
[[phase]]
side = 48
samples = 64
peak_rate = 0.01
last_rate = 0.001
[export]
data = "people who are drawn"
"""
USUAL = {"look": 64, "seed": 0, "classes": "arcface", "hard": 0.5, "optimiser": "sgd", "samples": 64}


def written(folder, name="short", **otherwise):
    """The preset as a file in a folder."""
    file = folder / f"{name}.toml"
    file.write_text(SHORT.format(**{**USUAL, **otherwise}))
    return file


PACKED = """
about = "two steps or three"
[data]
kind = "prepared"
[net]
family = "door"
dimension = 16
options = {{ width = 0.125 }}
[loss.{loss}]
weight = 1.0
[batch]
size = 8
people = 2
[[phase]]
side = 32
samples = {samples}
peak_rate = 0.01
last_rate = 0.001
[export]
samples = 8
data = "{words}"
"""


def packed(folder, *, loss="contrastive", samples=16, words="people who are drawn"):
    """A preset for packed people as a file in a folder."""
    file = folder / "mine.toml"
    file.write_text(PACKED.format(loss=loss, samples=samples, words=words))
    return file
