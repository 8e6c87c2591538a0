"""Models as they are judged: one alone, or the models of all folds of a run as one.

Of the models of one entry, a region is judged by the one whose test set holds it, so that the figures of an entry are
pooled over the test sets of its folds.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from crekit.errors import InputError
from crekit.genome.chromosomes import select
from crekit.genome.regions import Regions
from crekit.labels.classes import order_classes
from crekit.models.file import Model
from crekit.training import folds, splits

ENSEMBLE = "ensemble"
NONE, ALL = -1, -2
"""Judges that are no single model: nobody, and the mean of all models of an entry."""

_DATA = {"tracks", "regions", "sequences"}


@dataclass(frozen=True)
class Entry:
    """What is judged as one.

    Parameters
    ----------
    models : tuple of Model
        One; or the models of the folds of a run; or several of either, each trained on a data set of its own.
    """

    models: tuple[Model, ...]

    @property
    def settings(self) -> Any:
        """Of the first model; what is asked of it here, all share."""
        return self.models[0].settings

    @property
    def pooled(self) -> bool:
        """Whether there are several models, each with test regions of its own."""
        return len(self.models) > 1

    @property
    def mixed(self) -> bool:
        """Whether the models come from several runs, one for each data set."""
        return len({run_of(model) for model in self.models}) > 1

    @property
    def folds(self) -> np.ndarray:
        """Fold of each model, shape (n_models,), int64; 0 for a model of no fold."""
        return np.array([fold_of(model) for model in self.models], dtype=np.int64)

    @property
    def missing(self) -> list[int]:
        """Folds of the rule whose model was not given."""
        if not self.folds.all():
            return []
        return sorted(set(range(1, self.settings.split["folds"] + 1)) - set(self.folds.tolist()))

    def members(self, sums: Collection[str] = ()) -> list[int]:
        """Positions of the models that a data set is judged by; `sums` are the checksums of its files.

        Raises
        ------
        InputError
            If each model belongs to a data set, and none to this one.
        """
        if not self.mixed:
            return list(range(len(self.models)))
        mine = [i for i, model in enumerate(self.models) if set(sums) <= trained_from(model)]
        if not mine:
            names = ", ".join(model.name for model in self.models)
            raise InputError(
                f"none of the models {names} was trained on one of these data sets; models of one name need one each"
            )
        return mine

    def owners(self, regions: Regions, ids: np.ndarray | None = None, sums: Collection[str] = ()) -> np.ndarray:
        """Position of the model whose test set holds each region, shape (n_regions,), int64; `NONE` without one.

        Parameters
        ----------
        regions : Regions
        ids : np.ndarray, shape (n_regions,), object, optional
            As in `crekit.training.splits.members`.
        sums : collection of str
            Checksums of the files that the regions come from.

        Raises
        ------
        InputError
            If a region is in the test sets of two of the models.
        """
        owner = np.full(len(regions), NONE, dtype=np.int64)
        numbers: dict[str, np.ndarray] = {}
        for i in self.members(sums):
            mine = _tested(self.models[i], regions, ids, numbers)
            if (twice := mine & (owner != NONE)).any():
                first = int(np.argmax(twice))
                name = (regions.ids if ids is None else ids)[first]
                raise InputError(
                    f"{name} is in the test sets of {self.models[owner[first]].name} and {self.models[i].name}, which "
                    "are to be judged as one; give the models of one run, on data sets that share no region"
                )
            owner[mine] = i
        return owner

    def by_place(self, regions: Regions) -> np.ndarray | None:
        """The model whose test part of the genome holds each span, as `owners`; None where parts are no places."""
        if not self.pooled:
            return np.zeros(len(regions), dtype=np.int64)
        if all(splits.follows_from_place(model.settings.split) for model in self.models) and not self.mixed:
            return self.owners(regions)
        if self.mixed or any(model.settings.split.get("by") != folds.CHROMOSOME for model in self.models):
            return None
        owner = np.full(len(regions), NONE, dtype=np.int64)
        for i, model in enumerate(self.models):
            owner[np.isin(regions.chrom.astype(str), chromosomes_of(model.settings.split["test"]))] = i
        return owner


def run_of(model: Model) -> str:
    """What the models of one training run share."""
    return model.settings.group or model.sha256


def _tested(model: Model, regions: Regions, ids: np.ndarray | None, numbers: dict[str, np.ndarray]) -> np.ndarray:
    """Which regions a model tests; parts of a rule are worked out once for all folds."""
    split = model.settings.split
    if split["kind"] != "folds" or not splits.follows_from_place(split):
        return splits.members(split, "test", regions, ids)
    key = str(rule_of(model))
    if key not in numbers:
        rule = folds.FoldRule(split["folds"], split["by"], split["block"], split["seed"])
        numbers[key] = rule.number(regions)
    return np.isin(numbers[key], split["test"])


def chromosomes_of(ids: Sequence[str]) -> list[str]:
    """Chromosomes of regions from their ids, ``chrom:start-end``."""
    return sorted({one.rpartition(":")[0] for one in ids})


def fold_of(model: Model) -> int:
    """Number of a model's fold; 0 for a model of no fold."""
    split = model.settings.split
    return int(split["fold"]) if split["kind"] == "folds" else 0


def rule_of(model: Model) -> dict[str, Any]:
    """What decides which region is in which fold: K, by what, the size of a block, and the seed."""
    return {key: model.settings.split.get(key) for key in ("kind", "folds", "by", "block", "seed")}


def trained_from(model: Model) -> set[str]:
    """Checksums of the data that a model was trained on."""
    return {one["sha256"] for one in model.settings.record["inputs"] if one["role"] in _DATA}


def as_entries(models: Mapping[str, Any]) -> dict[str, Entry]:
    """Models and entries by name, all as entries."""
    return {name: one if isinstance(one, Entry) else Entry((one,)) for name, one in models.items()}


def shared_classes(entries: Mapping[str, Entry]) -> list[str]:
    """The classes that all models tell apart, in DeepRegFinder's order.

    Raises
    ------
    InputError
        If models have different classes.
    """
    found: list[str] | None = None
    for name, entry in entries.items():
        for model in entry.models:
            classes = order_classes(model.settings.classes)
            if found is not None and classes != found:
                raise InputError(
                    f"{name} tells {', '.join(classes)} apart, but {next(iter(entries))} {', '.join(found)}; "
                    "only models of the same classes can be compared"
                )
            found = classes
    return found or []


def choose(
    entries: Mapping[str, Entry],
    regions: Regions,
    subset: str,
    known: Sequence[str],
    *,
    ids: np.ndarray | None = None,
    sums: Collection[str] = (),
    averaged: bool = False,
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Which regions of a data set to score, and who judges them.

    Parameters
    ----------
    entries : mapping of str to Entry
    regions : Regions
    subset : str
        ``test`` (in the test set of every entry), ``all``, or chromosomes such as ``chr1,chr3-chr7``. Folds judge the
        regions of their test sets alone, unless `averaged`.
    known : sequence of str
        Chromosomes that there are.
    ids, sums
        As in `Entry.owners`.
    averaged : bool
        Whether all folds judge every region, and their mean counts.

    Returns
    -------
    chosen : np.ndarray, shape (n_regions,), bool
    judges : dict of str to np.ndarray, shape (n_regions,), int64
        By entry: positions of models, `ALL` or `NONE`.
    """
    chosen = np.ones(len(regions), dtype=bool)
    if subset not in {"all", "test"}:
        chosen = np.isin(regions.chrom.astype(str), select(subset, known))
    judges = {}
    for name, entry in entries.items():
        members = entry.members(sums)
        if subset != "test" and (averaged or len(members) == 1):
            judge = members[0] if len(members) == 1 else ALL
            judges[name] = np.full(len(regions), judge, dtype=np.int64)
        else:
            judges[name] = entry.owners(regions, ids, sums)
        chosen &= judges[name] != NONE
    return chosen, judges


def judged(entry: Entry, judge: np.ndarray, members: Sequence[int], score: Any, n_classes: int) -> np.ndarray:
    """Probabilities of regions, each from its judge; zeros where there is none.

    Parameters
    ----------
    entry : Entry
    judge : np.ndarray, shape (n_regions,), int64
        See `choose`.
    members : sequence of int
        Models that `ALL` stands for.
    score : callable
        (model, positions of regions) -> probabilities, shape (n, n_classes).
    n_classes : int

    Returns
    -------
    probabilities : np.ndarray, shape (n_regions, n_classes), float32
    """
    result = np.zeros((len(judge), n_classes), dtype=np.float32)
    for i in range(len(entry.models)):
        rows = np.flatnonzero(judge == i)
        if len(rows):
            result[rows] = score(entry.models[i], rows)
    if len(rows := np.flatnonzero(judge == ALL)):
        result[rows] = mean_of([score(entry.models[i], rows) for i in members])
    return result


def mean_of(probabilities: Sequence[np.ndarray]) -> np.ndarray:
    """Mean of the probabilities of several models, float32."""
    return np.asarray(np.mean(probabilities, axis=0, dtype=np.float64), dtype=np.float32)
