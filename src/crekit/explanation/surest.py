"""The regions of each class that a model of sequences is surest of, each by the window that speaks for it."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crekit.encoding.store import FASTA, Sequences
from crekit.encoding.windows import spread
from crekit.errors import InputError
from crekit.explanation.attribution import in_threads
from crekit.genome.chromosomes import select
from crekit.labels.classes import BACKGROUND, background_index
from crekit.models.file import SequenceModel
from crekit.models.region_scores import best_window
from crekit.training import splits

log = logging.getLogger("crekit")

_CHUNK = 512  # windows


@dataclass(frozen=True)
class Surest:
    """The regions of one class that the model is surest of, surest first; ties in the order of the file.

    Parameters
    ----------
    name : str
        The class.
    available : int
        How many regions of the class there were to choose from.
    region : np.ndarray, shape (n,), int64
        Positions in the sequence file.
    ids : np.ndarray, shape (n,), object
    chrom : np.ndarray, shape (n,), object
        Empty for records of a FASTA.
    start : np.ndarray, shape (n,), int64
        Where the window that speaks for the region starts on its chromosome or record.
    probability : np.ndarray, shape (n,), float32
        Of the class, in that window.
    codes : np.ndarray, shape (n, width), uint8
        Of that window.
    """

    name: str
    available: int
    region: np.ndarray
    ids: np.ndarray
    chrom: np.ndarray
    start: np.ndarray
    probability: np.ndarray
    codes: np.ndarray


def surest(
    model: SequenceModel,
    sequences: Sequences,
    classes: Sequence[str] = (),
    per_class: int = 100,
    subset: str = "test",
    *,
    device: str = "cpu",
    threads: int = 1,
) -> list[Surest]:
    """The regions of each class to which the model gives that class the highest probability.

    Parameters
    ----------
    model : SequenceModel
    sequences : Sequences
    classes : sequence of str
        Empty for all but background.
    per_class : int
    subset : str
    device : str
    threads : int

    Returns
    -------
    found : list of Surest
        Of every class that has a region.

    Raises
    ------
    InputError
        If the sequences do not fit the model, a class is not known, or no region is left.
    """
    _require_fitting(model, sequences)
    wanted = wanted_classes(model, classes)
    names = _as_trained(sequences.regions.name, model)
    inside = _members(model, sequences, subset)
    found = []
    for name in wanted:
        mine = np.flatnonzero(inside & (names == name))
        if len(mine):
            found.append(_surest(model, sequences, name, mine, per_class, device, threads))
        else:
            log.warning("warning: %s: no region in the subset %s", name, subset)
    if not found:
        raise InputError(
            f"{sequences.path}: no region of {' or '.join(wanted)} in the subset {subset}; "
            "give the sequences of the model's test set, or --subset all"
        )
    return found


def wanted_classes(model: SequenceModel, classes: Sequence[str]) -> list[str]:
    """The classes to explain: those that were asked for, or all of the model but background.

    Raises
    ------
    InputError
        If the model does not know one.
    """
    known = model.settings.classes
    for name in classes:
        if name not in known:
            raise InputError(f"--class {name}: {model.name} knows {', '.join(known)}; choose among these")
    return list(dict.fromkeys(classes)) or [name for name in known if name != BACKGROUND]


def _require_fitting(model: SequenceModel, sequences: Sequences) -> None:
    window = model.settings.window
    if window and sequences.window != window:
        given = f"windows of {sequences.window} bases" if sequences.window else "whole regions"
        raise InputError(
            f"{sequences.path}: {given}, but {model.name} sees {window} bases; encode with --window {window}"
        )


def _as_trained(names: np.ndarray, model: SequenceModel) -> np.ndarray:
    """Classes as the model's training renamed them."""
    mapping = model.settings.record["options"].get("relabel", {})
    return np.array([mapping.get(name, name) for name in names], dtype=object)


def _members(model: SequenceModel, sequences: Sequences, subset: str) -> np.ndarray:
    """Which regions belong to a subset, shape (n_regions,), bool."""
    if subset == "all":
        return np.ones(len(sequences), dtype=bool)
    if subset == "test":
        return splits.members(model.settings.split, "test", sequences.regions, sequences.ids)
    if sequences.source == FASTA:
        raise InputError(f"--subset {subset}: records of a FASTA have no chromosome; choose test or all")
    return np.isin(sequences.regions.chrom.astype(str), select(subset, list(sequences.sizes)))


def _surest(
    model: SequenceModel,
    sequences: Sequences,
    name: str,
    mine: np.ndarray,
    per_class: int,
    device: str,
    threads: int,
) -> Surest:
    """The surest of some regions, all of one class; their scored windows stand for them, as in an evaluation."""
    classes = model.settings.classes
    region, window = spread(sequences.n_windows[mine], sequences.n_scored[mine])

    def of_chunk(first: int) -> np.ndarray:
        some = slice(first, first + _CHUNK)
        return model.probabilities(sequences.window_codes(mine[region[some]], window[some]), device=device)

    parts = in_threads(of_chunk, range(0, len(region), _CHUNK), threads, "scoring")
    probabilities = np.concatenate(parts)
    best = best_window(probabilities, region, len(mine), background_index(classes))
    of_class = probabilities[best, classes.index(name)]
    chosen = np.argsort(-of_class, kind="stable")[:per_class]
    rows, windows = mine[chosen], window[best[chosen]]
    return Surest(
        name,
        len(mine),
        rows,
        sequences.ids[rows],
        sequences.regions.chrom[rows],
        sequences.window_start(rows, windows),
        of_class[chosen],
        sequences.window_codes(rows, windows),
    )
