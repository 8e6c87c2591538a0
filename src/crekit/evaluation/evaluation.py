"""Models judged on the same sites of tracks: who is scored on what.

Sites that several models are compared on are those that every one of them can score: all are in the test set of each,
and none was dropped by any model's non-zero rule.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from crekit.errors import InputError
from crekit.evaluation.entries import ENSEMBLE, Entry, as_entries, choose, judged, mean_of, shared_classes
from crekit.genome.chromosomes import abridged, natural_key
from crekit.genome.regions import Regions, concatenate
from crekit.models.file import Model, SignalModel
from crekit.models.registry import SIGNAL
from crekit.signal.tracks import Tracks
from crekit.training.data_sets import DataSet
from crekit.training.sites import Sites, load_for_model

Judged = Mapping[str, SignalModel] | Mapping[str, Entry]
"""Models of tracks by name, or entries of them."""


@dataclass(frozen=True)
class Scored:
    """Sites with the probabilities that each model gives them.

    Parameters
    ----------
    classes : list of str
        Of all models, in DeepRegFinder's order.
    regions : Regions
        Data set by data set, in natural order in each.
    data_set : np.ndarray, shape (n_sites,), object
        Name of the data set of each site; empty where there is only one.
    probabilities : dict of str to np.ndarray, shape (n_sites, n_classes), float32
        By model.
    missed : Regions
        Regions that were to be scored, but that a model dropped.
    missed_data_set : np.ndarray, shape (n_missed,), object
        Their data sets.
    dropped : dict of str to dict
        Model -> reason -> class -> regions.
    fold, judge : dict of str to np.ndarray, shape (n_sites,), int64
        Of each entry of several models, the fold that tests each site (0 where all judged it), and the position of the
        model that judged it: see `crekit.evaluation.entries.choose`.
    names : np.ndarray, shape (n_sites,), object, optional
        What sites are called, where they are no regions of a genome.
    """

    classes: list[str]
    regions: Regions
    data_set: np.ndarray
    probabilities: dict[str, np.ndarray]
    missed: Regions
    missed_data_set: np.ndarray
    dropped: dict[str, dict[str, dict[str, int]]]
    fold: dict[str, np.ndarray] = field(default_factory=dict)
    judge: dict[str, np.ndarray] = field(default_factory=dict)
    names: np.ndarray | None = None

    @property
    def ids(self) -> np.ndarray:
        """``chrom:start-end`` of each site, or the name of its record, shape (n_sites,), object."""
        return self.regions.ids if self.names is None else self.names

    @property
    def labels(self) -> np.ndarray:
        """Position of each site's class in `classes`, shape (n_sites,), int64."""
        return positions(self.regions.name, self.classes)


def positions(names: np.ndarray, classes: Sequence[str]) -> np.ndarray:
    """Position of each name in `classes`, shape (n,), int64."""
    where = {name: i for i, name in enumerate(classes)}
    return np.array([where[name] for name in names], dtype=np.int64)


def counts_by_class(regions: Regions, classes: Sequence[str]) -> dict[str, int]:
    """Class -> number of regions, for every class."""
    found = Counter(regions.name)
    return {name: found[name] for name in classes}


def score(
    data_sets: Sequence[DataSet],
    models: Judged,
    subset: str = "test",
    *,
    normalise: str | None = None,
    device: str = "cpu",
    ensemble: bool = False,
) -> Scored:
    """Score the regions of all data sets with all models.

    Parameters
    ----------
    data_sets : sequence of DataSet
    models : mapping of str to SignalModel or Entry
        By name.
    subset : str
        See `crekit.evaluation.entries.choose`.
    normalise : str, optional
        Overrides what each model was trained with.
    device : str
    ensemble : bool
        Add the mean of all models' probabilities as one more model; off the test set, take the mean of all folds.

    Raises
    ------
    InputError
        If tracks do not fit a model, a region has a class that the models do not know, or no site is left.
    """
    entries = as_entries(models)
    classes = classes_of_tracks(entries)
    parts = [
        _score_one(one, entries, classes, subset, normalise, device, ensemble)
        for one in sorted(data_sets, key=lambda one: one.name)
    ]
    regions = concatenate(part.regions for part in parts)
    if not len(regions):
        raise InputError(nothing(entries, subset, concatenate(part.missed for part in parts)))
    probabilities = {name: np.concatenate([part.probabilities[name] for part in parts]) for name in entries}
    return Scored(
        classes,
        regions,
        np.concatenate([part.data_set for part in parts]),
        with_ensemble(probabilities, ensemble),
        concatenate(part.missed for part in parts),
        np.concatenate([part.missed_data_set for part in parts]),
        {name: _added([part.dropped[name] for part in parts]) for name in entries},
        {name: np.concatenate([part.fold[name] for part in parts]) for name in parts[0].fold},
        {name: np.concatenate([part.judge[name] for part in parts]) for name in parts[0].judge},
    )


def classes_of_tracks(entries: Mapping[str, Entry]) -> list[str]:
    """The classes of models of tracks; an InputError for models of anything else."""
    for name, entry in entries.items():
        if (kind := entry.settings.input) != SIGNAL:
            raise InputError(f"{name}: a model of {kind}, not of tracks; evaluate it with its own input (-s)")
    return shared_classes(entries)


def with_ensemble(probabilities: dict[str, np.ndarray], wanted: bool) -> dict[str, np.ndarray]:
    """Probabilities by model, with the mean of several models as one more where it is wanted."""
    if wanted and len(probabilities) > 1:
        return probabilities | {ENSEMBLE: mean_of(list(probabilities.values()))}
    return probabilities


def _score_one(
    data_set: DataSet,
    entries: Mapping[str, Entry],
    classes: list[str],
    subset: str,
    normalise: str | None,
    device: str,
    averaged: bool,
) -> Scored:
    with Tracks(data_set.tracks) as tracks:
        regions = data_set.regions.sorted()
        Sites(np.zeros(0), regions).labels(classes)  # before the work: are all classes known?
        sums = sums_of(tracks, data_set, entries)
        chosen, judges = choose(entries, regions, subset, list(tracks.sizes), sums=sums, averaged=averaged)
        regions = regions[chosen]
        members = {name: entry.members(sums) for name, entry in entries.items()}
        loaded = load_each(tracks, regions, models_of(entries, members), normalise)
    kept = np.ones(len(regions), dtype=bool)
    for sites in loaded.values():
        kept &= among(regions, sites.regions)
    judges = {name: judge[chosen][kept] for name, judge in judges.items()}
    probabilities = {}
    for name, entry in entries.items():
        score_some = scorer(loaded, regions[kept], classes, normalise, device)
        probabilities[name] = judged(entry, judges[name], members[name], score_some, len(classes))
    return Scored(
        classes,
        regions[kept],
        np.full(int(kept.sum()), data_set.name, dtype=object),
        probabilities,
        regions[~kept],
        np.full(int((~kept).sum()), data_set.name, dtype=object),
        {
            name: loaded[needs(entry.models[members[name][0]].settings, normalise)].dropped
            for name, entry in entries.items()
        },
        {name: folds_of(entry, judges[name]) for name, entry in entries.items() if entry.pooled},
        {name: judges[name] for name, entry in entries.items() if entry.pooled},
    )


def sums_of(tracks: Tracks, data_set: DataSet, entries: Mapping[str, Entry]) -> set[str]:
    """Checksums of a data set, where some models belong to one data set each."""
    if not any(entry.mixed for entry in entries.values()):
        return set()
    return {tracks.sha256(), data_set.regions_sha256}


def folds_of(entry: Entry, judge: np.ndarray) -> np.ndarray:
    """Fold of the model that judges each region, 0 where none or all do."""
    return np.where(judge >= 0, entry.folds[judge], 0)


def models_of(entries: Mapping[str, Entry], members: Mapping[str, Sequence[int]]) -> list[Model]:
    """Those members of all entries."""
    return [entry.models[i] for name, entry in entries.items() for i in members[name]]


def scorer(
    loaded: Mapping[tuple, Sites], regions: Regions, classes: Sequence[str], normalise: str | None, device: str
) -> Callable[[SignalModel, np.ndarray], np.ndarray]:
    """For `judged`: a model's probabilities of some of the regions, all of which have sites for it."""
    places: dict[tuple, np.ndarray] = {}

    def score_some(model: SignalModel, rows: np.ndarray) -> np.ndarray:
        key = needs(model.settings, normalise)
        if key not in places:  # both are in natural order
            places[key] = np.flatnonzero(among(loaded[key].regions, regions))
        values = loaded[key].values[places[key][rows]]
        return in_order(model, model.probabilities(values, device=device), classes)

    return score_some


def load_each(
    tracks: Tracks, regions: Regions, models: Sequence[Model], normalise: str | None = None
) -> dict[tuple, Sites]:
    """The sites of regions as each model wants them, by what it needs; models that need the same share them."""
    loaded: dict[tuple, Sites] = {}
    for model in models:
        key = needs(model.settings, normalise)
        if key not in loaded:
            loaded[key] = load_for_model(tracks, regions, model.settings, normalise=normalise)  # type: ignore[arg-type]
    return loaded


def among(regions: Regions, others: Regions) -> np.ndarray:
    """Which regions are spans of `others` too, shape (n_regions,), bool."""
    found = np.zeros(len(regions), dtype=bool)
    for chrom in set(regions.chrom):
        mine = np.flatnonzero(regions.chrom == chrom)
        here, there = regions[mine], others[others.chrom == chrom]
        # Both coordinates in one number: chromosomes are shorter than 2^31 bases.
        found[mine] = np.isin((here.start << 31) + here.end, (there.start << 31) + there.end)
    return found


def needs(settings: Any, normalise: str | None) -> tuple:
    """What decides the values and the choice of sites of a model."""
    return tuple(settings.marks), settings.n_bins, settings.min_nonzero, normalise or settings.normalise


def in_order(model: Model, probabilities: np.ndarray, classes: Sequence[str]) -> np.ndarray:
    """Columns of a model's probabilities in the order of `classes`."""
    return probabilities[:, [model.settings.classes.index(name) for name in classes]]


def _added(dropped: Sequence[Mapping[str, Mapping[str, int]]]) -> dict[str, dict[str, int]]:
    """Reason -> class -> regions, summed over data sets."""
    total: dict[str, Counter[str]] = {}
    for reasons in dropped:
        for reason, classes in reasons.items():
            total.setdefault(reason, Counter()).update(classes)
    return {reason: dict(sorted(counter.items())) for reason, counter in total.items()}


def nothing(entries: Mapping[str, Entry], subset: str, missed: Regions) -> str:
    """Why no site is left."""
    if len(missed):
        return f"all {len(missed)} regions of --subset {subset} were dropped by the non-zero rule; check the tracks"
    pooled = any(entry.pooled for entry in entries.values())
    if subset not in {"test", "all"}:
        folds = " in the test set of a fold" if pooled else ""
        return f"no region lies on --subset {subset}{folds}; choose other chromosomes"
    split = next(iter(entries.values())).settings.split
    tested = {"chromosomes": abridged(map(str, split["test"]), 5), "random": "sites drawn at random"}.get(
        split["kind"], f"folds by {split.get('by')}"
    )
    together = " that all models share" if len(entries) > 1 else ""
    if pooled and subset == "all":
        return f"no region lies in the test set of a fold ({tested}); add --ensemble, the mean of the folds"
    remedy = "--subset all with --ensemble" if pooled else "--subset all or CHROMS"
    return f"no region lies in the test set{together} ({tested}); give regions of it, or {remedy}"


def chromosomes(regions: Regions) -> list[str]:
    """Chromosomes that hold a region, in natural order; none for records of a FASTA."""
    return sorted(set(regions.chrom) - {""}, key=natural_key)
