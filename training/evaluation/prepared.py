"""The cohorts of a collection: its named validation people, the same by attribute, and its pictures without names."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from agent.types import Box, Face, Image
from agent.vision.align import SIZE, TEMPLATE, align
from agent.vision.aligner import Aligner
from agent.vision.encode import Encoder
from training.data.collection import Collection, by_person
from training.evaluation.cohorts import FEWEST, Cohort, by_attribute, cohort_rows, labelled, terciles, unlabelled
from training.evaluation.detection import misplacement
from training.evaluation.pictures import central

EVERYBODY = "named people of the validation"
Embed = Callable[[NDArray[np.int64]], NDArray[np.float32]]
"""Rows of a collection in, (N, D) unit rows out."""
Find = Callable[[Image], list[Face]]
"""The agent's detector."""
ASKEW = 8.0
"""Pixels between a crop and the one that a door would make of it: our detector is 1.2 off, at the 98th percentile 5.

Crops that are askew are alike, whoever is on them: 18 of 2,000 portraits, with a part of a face each, were in eight of
the ten pairs most alike, and the threshold by the worst cohort stood at 0.776 with them and at 0.685 without.
"""
BORDER = 64  # pixels around a crop, so that the detector finds its face as in a picture
MOST = 6000
"""Validation samples of which every pair is compared: 18 million, for which 1.5 GB of memory are enough."""
LARGE = 100
"""So many of one person are drawn where there are more than `MOST`: a few people filmed for long stay several."""


class Remembered:
    """Rows of a collection through an encoder, aligned as at the door, each once."""

    def __init__(self, collection: Collection, aligner: Aligner, encoder: Encoder) -> None:
        self._collection, self._aligner, self._encoder = collection, aligner, encoder
        self._vectors: dict[int, NDArray[np.float32]] = {}

    def __call__(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        for row in rows.tolist():
            if row not in self._vectors:
                picture = as_at_a_door(np.asarray(self._collection.samples[row]), self._aligner)
                self._vectors[row] = self._encoder(picture).vector
        return np.stack([self._vectors[row] for row in rows.tolist()])


def as_at_a_door(crop: Image, aligner: Aligner) -> Image:
    """Returns a (112, 112, 3) uint8 RGB crop that somebody else aligned as the agent does; false match rates go by it.

    Of what lies outside of the crop nothing is known but its edge.
    """
    edge = SIZE // 8
    bordered = cv2.copyMakeBorder(crop, edge, edge, edge, edge, cv2.BORDER_REPLICATE)
    face = Face(Box(edge, edge, SIZE, SIZE), (TEMPLATE + edge).astype(np.float32), 1.0)
    return np.ascontiguousarray(align(bordered, aligner(bordered, face).landmarks))


def compared(collection: Collection, *, most: int = MOST) -> NDArray[np.int64]:
    """Returns the validation rows; where they are more than `most`, those of people drawn until no more fit."""
    rows = collection.val
    if len(rows) <= most:
        return rows
    random, people = np.random.default_rng(0), list(by_person(collection, rows).values())
    drawn, left = [], most
    for number in random.permutation(len(people)):
        mine = random.permutation(people[number])[:LARGE]
        if len(mine) <= left:
            drawn.append(mine)
            left -= len(mine)
    return np.sort(np.concatenate(drawn))


def validated(collection: Collection, rows: NDArray[np.int64]) -> dict[str, int]:
    """Returns what a card says of the samples that were compared, and of how many they are.

    A forgery is a sample of nobody: it is counted, but its forger is not one of the people.
    """
    forged = np.zeros(len(rows), bool) if collection.rival is None else collection.rival[rows] >= 0
    told = {"people": len(np.unique(collection.identity[rows[~forged]])), "samples": len(rows)}
    told |= {} if collection.rival is None else {"forgeries": int(forged.sum())}
    return told | {"of": len(collection.val)}


def named_people(collection: Collection, embed: Embed) -> Cohort:
    """Returns the validation people as one cohort: the one that thresholds are set by."""
    rows = compared(collection)
    return labelled(EVERYBODY, embed(rows), collection.identity[rows])


def unnamed(collection: Collection, embed: Embed, find: Find) -> list[Cohort]:
    """Returns a cohort for each group of pictures without names; those that were not trained on come first.

    Pictures without names are aligned by whoever had them: crops that no door would make are left out, and counted.
    """
    held_out = ~np.isin(np.arange(len(collection)), collection.train)
    chosen = cohort_rows(collection.group, collection.identity, held_out)
    teacher, cohorts = collection.teacher, []
    for name, drawn in chosen.items():
        rows = drawn[[upright(collection.samples[int(row)], find) for row in drawn]]
        if len(rows) >= FEWEST:
            told = None if teacher is None else np.asarray(teacher[rows])
            cohorts.append(unlabelled(name, embed(rows), told, askew=len(drawn) - len(rows)))
    return cohorts


def upright(crop: Image, find: Find) -> bool:
    """Returns whether a (112, 112, 3) crop is one that a door would make: its face is found, and where it should be."""
    bordered = np.pad(crop, ((BORDER, BORDER), (BORDER, BORDER), (0, 0)))
    face = central(find(bordered), bordered)
    return face is not None and misplacement(face.landmarks - BORDER, TEMPLATE) < ASKEW


def attributes(collection: Collection, embed: Embed, index: Path) -> list[Cohort]:
    """Returns the validation people by group, and by what columns of `index.csv` say of their pictures.

    `face_px` and `yaw` are cut into thirds, `grey` is 0 or 1; columns that are absent make no cohorts.
    """
    rows = compared(collection)
    parts: dict[str, NDArray[np.bool_]] = {}
    groups = collection.group[rows]
    if len(np.unique(groups)) > 1:
        parts |= {str(group): groups == group for group in np.unique(groups) if group}
    told = _columns(index, rows) if index.exists() else {}
    if "face_px" in told:
        parts |= terciles("face", " px", told["face_px"])
    if "yaw" in told:
        parts |= terciles("turned", " eye distances", np.abs(told["yaw"]))
    if "grey" in told:
        parts["grey pictures"] = told["grey"] > 0
    return by_attribute(embed(rows), collection.identity[rows], parts)


def _columns(index: Path, rows: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
    with index.open(newline="", encoding="utf-8-sig") as file:
        table = list(csv.DictReader(file))
    known = [key for key in ("face_px", "yaw", "grey") if key in table[0]]
    return {key: np.array([float(table[row][key] or "nan") for row in rows]) for key in known}
