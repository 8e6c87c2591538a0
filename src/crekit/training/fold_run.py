"""All folds of a split, one model after the other."""

import hashlib
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from crekit.models import file as model_file
from crekit.training import results, splits

log = logging.getLogger("crekit")

RunOne = Callable[[splits.SplitOf, Path], dict[str, Any]]


def run_all(wanted: splits.Wanted, run_one: RunOne, output: Path, group: str, *, resume: bool) -> list[dict[str, Any]]:
    """Train the model of each split.

    Parameters
    ----------
    wanted : splits.Wanted
    run_one : callable
        (split, output) -> metrics.
    output : Path
        Of the model; for several folds, ``.foldI`` comes before its suffix.
    group : str
        See `group_of`.
    resume : bool
        Leave alone the folds that are complete.

    Returns
    -------
    metrics : list of dict
        Of the models that were trained.
    """
    if len(wanted.splits) == 1:
        return [run_one(wanted.splits[0], output)]
    found = []
    for fold, split in zip(wanted.folds, wanted.splits, strict=True):
        path = results.of_fold(output, fold)
        if resume and path.exists() and model_file.load(path).settings.group == group:
            log.info("fold %d: complete", fold)
            continue
        log.info("fold %d of %d", fold, len(wanted.folds))
        found.append(run_one(split, path))
    if len(found) > 1:
        scores = np.array([one["test"]["mAP"] for one in found])
        log.info("test mAP of %d folds: %.3f +- %.3f", len(scores), scores.mean(), scores.std(ddof=1))
    return found


def group_of(facts: dict[str, Any]) -> str:
    """A name that the models of all folds of a run share: the same data, settings and rule give the same."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]
