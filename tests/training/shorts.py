"""A training of a second or two, on people who are drawn: in two phases, with hard people and centres."""

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
