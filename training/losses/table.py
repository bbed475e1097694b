"""All losses by name, with their options: what a preset's [loss.NAME] may say."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, ValidationError, validate_call

from agent.errors import ConfigError
from training.losses.adaface import AdaFace
from training.losses.distil import LOOK_ALIKE, BankDistillation, Distillation, Relation
from training.losses.loss import Loss
from training.losses.projection import Kind, Projection
from training.losses.siamese import Pairs, contrastive, contrastive_euclidean, infonce

Cosine = Annotated[float, Field(ge=-1, le=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Margin = Annotated[float, Field(ge=0, le=2)]
Scale = Annotated[float, Field(gt=0, le=1000)]
Temperature = Annotated[float, Field(gt=0, le=10)]
Mining = Literal["all", "hard", "semi-hard", "batch-hard"]
Distance = Literal["cosine", "euclidean", "squared"]
TAUGHT = frozenset({"distillation", "relation", "bank"})
"""Those that learn from reference encoders."""


def make(name: str, *, classes: int, dimension: int, **options: object) -> Loss:
    """Returns a loss.

    Args:
        name: one of `names()`.
        classes: how many people are named; labels are below that.
        dimension: of the embeddings.
        options: those of `options(name)`; what is not given has its default.

    Raises:
        ConfigError: the name or an option does not exist or cannot be; says which do.
    """
    if name not in _TABLE:
        raise ConfigError(f"unknown loss '{name}'{_nearest(name, names())}")
    task, asked = {"classes": classes, "dimension": dimension}, inspect.signature(_TABLE[name]).parameters
    if "classes" in asked and classes < 2:
        raise ConfigError(f"loss '{name}' tells people apart, and {classes} are named: it wants two or more")
    try:
        return _TABLE[name](**{key: value for key, value in task.items() if key in asked}, **options)
    except ValidationError as error:
        raise ConfigError("\n".join(_sentence(name, detail) for detail in error.errors(include_url=False))) from None
    except ModuleNotFoundError as error:
        raise ConfigError(f"loss '{name}' needs {error.name}: pip install -e '.[training]'") from error


def names() -> list[str]:
    """Returns all names of losses."""
    return list(_TABLE)


def options(name: str) -> dict[str, object]:
    """Returns the options of a loss, each with its default."""
    parameters = inspect.signature(_TABLE[name]).parameters
    return {key: parameter.default for key, parameter in parameters.items() if key not in {"classes", "dimension"}}


def table() -> str:
    """Returns a line for each loss: name, what it is, options with their defaults."""
    lines = []
    for name, build in _TABLE.items():
        keys = ", ".join(f"{key} = {value!r}" for key, value in options(name).items())
        lines.append(f"{name}: {inspect.getdoc(build)}" + (f" {keys}" if keys else ""))
    return "\n".join(lines)


def _sentence(name: str, detail: Mapping[str, Any]) -> str:
    key = str(detail["loc"][0])
    if detail["type"] == "unexpected_keyword_argument":
        return f"loss '{name}' has no option '{key}'{_nearest(key, options(name))}"
    wanted = detail["msg"].removeprefix("Input should be ").removeprefix("Input should ")
    return f"loss '{name}': {key} = {detail['input']!r}: want {wanted}"


def _nearest(word: str, known: Iterable[str]) -> str:
    known = list(known)
    if not known:
        return "; it has none"
    close = get_close_matches(word, known, n=1)
    return (f"; did you mean '{close[0]}'? There are" if close else "; there are") + f": {', '.join(known)}"


_checked = validate_call(config=ConfigDict(strict=True))


@_checked
def _distillation(*, dimension: int, target: Kind = "leading", shrinkage: Share = 0.5) -> Loss:
    """1 - cosine to the reference encoders' embedding, turned to the student's dimensions."""
    return Distillation(Projection(target, dimension, shrinkage=shrinkage))


@_checked
def _relation() -> Loss:
    """Squared difference between the similarities within the batch and those of the reference encoders (Park 2019)."""
    return Relation()


@_checked
def _bank(
    *,
    dimension: int,
    target: Kind = "leading",
    shrinkage: Share = 0.5,
    rows: Annotated[int, Field(ge=2, le=65536)] = 4096,
    temperature: Temperature = 0.07,
    look_alike: Cosine = LOOK_ALIKE,
) -> Loss:
    """Nearer to the reference encoders' embedding of the same picture than to those of others (Tian 2020)."""
    projection = Projection(target, dimension, shrinkage=shrinkage)
    return BankDistillation(projection, rows=rows, temperature=temperature, look_alike=look_alike)


@_checked
def _contrastive(*, positive: Cosine = 0.5, negative: Cosine = 0.2) -> Loss:
    """Siamese contrastive on cosine, a margin on either side, both sides balanced (after Hadsell 2006)."""
    return Pairs(contrastive, positive=positive, negative=negative)


@_checked
def _contrastive_euclidean(*, margin: Margin = 1.25) -> Loss:
    """Siamese contrastive on Euclidean distance, both sides balanced (Hadsell 2006)."""
    return Pairs(contrastive_euclidean, margin=margin)


@_checked
def _triplet(
    *,
    mining: Mining = "batch-hard",
    distance: Distance = "cosine",
    margin: Margin | None = None,
    soft: bool = False,
) -> Loss:
    """Triplets of the batch (Schroff 2015, Hermans 2017); margin 0.2, or none where soft. Library."""
    from training.losses import library

    return library.triplet(mining=mining, distance=distance, margin=margin, soft=soft)


@_checked
def _multi_similarity(
    *,
    positive_scale: Scale = 2.0,
    negative_scale: Scale = 50.0,
    base: Cosine = 0.5,
    epsilon: Margin = 0.1,
) -> Loss:
    """All pairs weighted by how near and how relatively near they are, hard ones mined (Wang 2019). Library."""
    from training.losses import library

    return library.multi_similarity(
        positive_scale=positive_scale, negative_scale=negative_scale, base=base, epsilon=epsilon
    )


@_checked
def _circle(*, relaxation: Share = 0.25, scale: Scale = 256.0) -> Loss:
    """Pairs weighted by how far they are from where they should be (Sun 2020). Library."""
    from training.losses import library

    return library.circle(relaxation=relaxation, scale=scale)


@_checked
def _infonce(*, temperature: Temperature = 0.07) -> Loss:
    """Each match against all strangers of the batch: InfoNCE with labels, NT-Xent (van den Oord 2018)."""
    return Pairs(infonce, temperature=temperature)


@_checked
def _supcon(*, temperature: Temperature = 0.1) -> Loss:
    """Supervised contrastive: all matches of a picture together (Khosla 2020). Library."""
    from training.losses import library

    return library.supcon(temperature=temperature)


@_checked
def _arcface(
    *,
    classes: int,
    dimension: int,
    margin: Margin = 0.5,
    scale: Scale = 64.0,
    centres: Annotated[int, Field(ge=1, le=10)] = 1,
) -> Loss:
    """Softmax over people, margin in radians; several centres a person for noisy labels (Deng 2019, 2020). Library."""
    from training.losses import library

    return library.arcface(classes, dimension, margin=margin, scale=scale, centres=centres)


@_checked
def _cosface(*, classes: int, dimension: int, margin: Margin = 0.35, scale: Scale = 64.0) -> Loss:
    """Softmax over people, margin in cosine (Wang 2018). Library."""
    from training.losses import library

    return library.cosface(classes, dimension, margin=margin, scale=scale)


@_checked
def _adaface(
    *, classes: int, dimension: int, margin: Margin = 0.4, scale: Scale = 64.0, concentration: Scale = 0.333
) -> Loss:
    """Softmax over people, the margin by the picture's quality, which is the length of its row (Kim 2022)."""
    return AdaFace(classes, dimension, margin=margin, scale=scale, concentration=concentration)


_TABLE: dict[str, Callable[..., Loss]] = {
    "distillation": _distillation,
    "relation": _relation,
    "bank": _bank,
    "contrastive": _contrastive,
    "contrastive-euclidean": _contrastive_euclidean,
    "triplet": _triplet,
    "multi-similarity": _multi_similarity,
    "circle": _circle,
    "infonce": _infonce,
    "supcon": _supcon,
    "arcface": _arcface,
    "cosface": _cosface,
    "adaface": _adaface,
}
