"""Judging by what others say: annotations as predictors on our sites, and outside sets of tested elements."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from crekit.errors import InputError
from crekit.evaluation.evaluation import Scored
from crekit.genome.regions import Regions, overlaps, read_bed
from crekit.labels.classes import BACKGROUND


def annotation_points(scored: Scored, annotation: Regions) -> dict[str, dict[str, float]]:
    """Precision and recall of an annotation that calls a site positive where it overlaps the site's region.

    Parameters
    ----------
    scored : Scored
    annotation : Regions
        Where all its names are classes of the models, each counts for its own class; else all of it counts for every
        class but background.

    Returns
    -------
    points : dict of str to dict
        Class -> ``precision``, ``recall`` (NaN where undefined) and ``called`` (sites that it overlaps).
    """
    by_class = bool(len(annotation)) and set(annotation.name) <= set(scored.classes)
    points = {}
    for name in scored.classes:
        if name == BACKGROUND or (by_class and name not in set(annotation.name)):
            continue
        called = overlaps(scored.regions, annotation[annotation.name == name] if by_class else annotation)
        points[name] = {**precision_recall(scored.regions.name == name, called), "called": int(called.sum())}
    return points


def precision_recall(actual: np.ndarray, called: np.ndarray) -> dict[str, float]:
    """Precision, recall and F1 of calls, both bool of one shape; NaN where undefined."""
    hits, n_actual, n_called = int((actual & called).sum()), int(actual.sum()), int(called.sum())
    return {
        "precision": hits / n_called if n_called else float("nan"),
        "recall": hits / n_actual if n_actual else float("nan"),
        "F1": 2 * hits / (n_actual + n_called) if n_actual + n_called else float("nan"),
    }


def members(name: str, classes: Sequence[str]) -> list[str]:
    """The classes that a name of a tested element stands for: itself, or its kinds (enhancer: active and poised)."""
    return [known for known in classes if known == name or known.endswith(f"_{name}")]


def read_validated(path: str | Path, classes: Sequence[str], sizes: Mapping[str, int]) -> tuple[Regions, str]:
    """An outside set of tested elements, in natural order, and the checksum of its contents.

    Raises
    ------
    InputError
        If a name is no class of the models, nor one that has active and poised kinds there.
    """
    regions, checksum = read_bed(path, sizes=sizes, sizes_source="the tracks")
    unknown = sorted(name for name in set(regions.name) if not members(name, classes))
    if unknown:
        raise InputError(
            f"{path}: {unknown[0]!r} in column 4 is no class of the model ({', '.join(classes)}); rename it"
        )
    return regions.sorted(), checksum


def validated(regions: Regions, probabilities: np.ndarray, classes: Sequence[str]) -> dict[str, Any]:
    """How a model judges tested elements.

    Parameters
    ----------
    regions : Regions
        Named as `read_validated` allows.
    probabilities : np.ndarray, shape (n_regions, n_classes), float
        Dropped regions as `crekit.evaluation.evaluation.everywhere` gives them.
    classes : sequence of str

    Returns
    -------
    result : dict
        ``classes``: name -> precision, recall, F1, support; a name counts as found where the most probable class is one
        of its `members`. ``predicted``: name -> class -> regions.
    """
    called = np.array(classes, dtype=object)[probabilities.argmax(axis=1)]
    called[~probabilities.any(axis=1)] = "none"
    names = sorted(set(regions.name), key=lambda name: (name != BACKGROUND, name))
    shown = [*classes, *(["none"] if "none" in called else [])]
    result: dict[str, Any] = {"classes": {}, "predicted": {}}
    for name in names:
        actual = regions.name == name
        right = np.isin(called.astype(str), members(name, classes))
        result["classes"][name] = {**precision_recall(actual, right), "support": int(actual.sum())}
        found = Counter(called[actual])
        result["predicted"][name] = {known: found[known] for known in shown}
    return result
