"""Which regions motif features are explained in, and which they are compared with.

Every region stands there by its best window, the one that its score comes from; a reference by its middle one.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crekit.encoding.store import Sequences
from crekit.errors import InputError
from crekit.explanation.surest import Surest, surest
from crekit.genome.fasta import N
from crekit.models.file import SequenceModel
from crekit.training import splits

log = logging.getLogger("crekit")


@dataclass(frozen=True)
class Plan:
    """What to explain, apart from the models and the sequences.

    Parameters
    ----------
    classes : sequence of str
        Classes to explain; empty for all but background.
    per_class : int
        Regions of each class in the sample, at most; those of the background too.
    subset : str
        ``test``, ``all`` or chromosomes.
    references : int
        Regions of the training set that the others are compared with, at most.
    drawn : int
        How many of the surest regions of each class are explained one by one.
    device : str
    threads, seed : int
        The result does not depend on the threads.
    """

    classes: Sequence[str] = ()
    per_class: int = 100
    subset: str = "test"
    references: int = 100
    drawn: int = 10
    device: str = "cpu"
    threads: int = 2
    seed: int = 1


@dataclass(frozen=True)
class Chosen:
    """The windows of one model's explanation.

    Parameters
    ----------
    codes : np.ndarray, shape (n, width), uint8
        One below the other the sample, the surest of each class that is explained, and the references; N on the right
        of shorter ones.
    ends : list of int
        Where the sample ends, and the surest of each class; what follows are references.
    counts : dict of str to (int, int)
        Class -> regions in the sample, and how many there were to draw from.
    surest : dict of str to Surest
    trained_on : bool
        Whether the references are regions of the model's training set.
    """

    codes: np.ndarray
    ends: list[int]
    counts: dict[str, tuple[int, int]]
    surest: dict[str, Surest]
    trained_on: bool


def choose(model: SequenceModel, sequences: Sequences, classes: Sequence[str], plan: Plan, device: str) -> Chosen:
    """Choose what to explain.

    Parameters
    ----------
    model : SequenceModel
    sequences : Sequences
    classes : sequence of str
        Those that are explained; the sample holds regions of all.
    plan : Plan
    device : str

    Raises
    ------
    InputError
        If the sequences do not fit the model, or a class has no region in the subset.
    """
    known = model.settings.classes
    found = surest(model, sequences, known, len(sequences), plan.subset, device=device, threads=plan.threads)
    everything = {one.name: one for one in found}
    if missing := [one for one in classes if one not in everything]:
        raise InputError(
            f"{sequences.path}: no region of {' or '.join(missing)} in the subset {plan.subset}; "
            "give the sequences of the model's test set, or --subset all"
        )
    drawn = {one: _drawn(of, plan, known.index(one)) for one, of in everything.items()}
    counts = {one: (len(rows), everything[one].available) for one, rows in drawn.items()}
    for one, (n, available) in counts.items():
        log.info("%s: %d of %d regions", one, n, available)
    references, trained_on = _references(model, sequences, plan)
    log.info("compared with %d regions of %s", len(references), "the training set" if trained_on else "the file")
    shown = {one: _first(everything[one], plan.drawn) for one in classes}
    of_sample = [everything[one].codes[rows] for one, rows in drawn.items()]
    of_surest = [shown[one].codes for one in classes]
    ends = np.cumsum([sum(map(len, of_sample)), *map(len, of_surest)]).tolist()
    return Chosen(_joined([*of_sample, *of_surest, references]), ends, counts, shown, trained_on)


def _drawn(found: Surest, plan: Plan, number: int) -> np.ndarray:
    """Which regions of a class are in the sample: drawn by lot, in the order of the file."""
    order = np.argsort(found.region)
    generator = np.random.default_rng([plan.seed, number])
    n = min(plan.per_class, len(order))
    return order[np.sort(generator.choice(len(order), n, replace=False))]


def _first(found: Surest, n: int) -> Surest:
    """The surest of a class only."""
    arrays = {name: value[:n] for name, value in vars(found).items() if isinstance(value, np.ndarray)}
    return Surest(found.name, found.available, **arrays)


def _references(model: SequenceModel, sequences: Sequences, plan: Plan) -> tuple[np.ndarray, bool]:
    """Middle windows of training regions, and whether the file holds any; else of all its regions."""
    try:
        trained_on = splits.members(model.settings.split, "train", sequences.regions, sequences.ids)
    except InputError:  # records of a FASTA without places, for a model split by place: none of its training set
        trained_on = np.zeros(len(sequences), dtype=bool)
    rows = np.flatnonzero(trained_on if trained_on.any() else np.ones(len(sequences), dtype=bool))
    generator = np.random.default_rng([plan.seed, len(model.settings.classes)])
    rows = np.sort(generator.choice(rows, min(plan.references, len(rows)), replace=False))
    return sequences.window_codes(rows, sequences.n_windows[rows] // 2), bool(trained_on.any())


def _joined(blocks: Sequence[np.ndarray]) -> np.ndarray:
    """Windows one below the other, filled up with N on the right to the widest."""
    joined = np.full((sum(map(len, blocks)), max(block.shape[1] for block in blocks)), N, dtype=np.uint8)
    first = 0
    for block in blocks:
        joined[first : first + len(block), : block.shape[1]] = block
        first += len(block)
    return joined
