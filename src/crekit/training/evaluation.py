"""Models judged on the same sites: who is scored on what, the figures with their intervals, and the comparisons.

Sites that several models are compared on are those that every one of them can score: all are in the test set of each,
and none was dropped by any model's non-zero rule.
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from crekit.errors import InputError
from crekit.genome.chromosomes import abridged, natural_key, select
from crekit.genome.regions import Regions, concatenate
from crekit.labels.classes import background_index, order_classes
from crekit.models.file import SignalModel, SignalSettings
from crekit.models.registry import SIGNAL
from crekit.signal.tracks import Tracks
from crekit.training import bootstrap, metrics, splits
from crekit.training.data_sets import DataSet
from crekit.training.sites import Sites, load_for_model

log = logging.getLogger("crekit")

ENSEMBLE = "ensemble"


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
        SignalModel -> reason -> class -> regions.
    """

    classes: list[str]
    regions: Regions
    data_set: np.ndarray
    probabilities: dict[str, np.ndarray]
    missed: Regions
    missed_data_set: np.ndarray
    dropped: dict[str, dict[str, dict[str, int]]]

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


def shared_classes(models: Mapping[str, SignalModel]) -> list[str]:
    """The classes that all models tell apart, in DeepRegFinder's order.

    Raises
    ------
    InputError
        If models have different classes, or one does not take tracks.
    """
    found: list[str] | None = None
    for name, model in models.items():
        if model.settings.input != SIGNAL:
            raise InputError(
                f"{name}: a model of {model.settings.input}, not of tracks; evaluate it with its own input"
            )
        classes = order_classes(model.settings.classes)
        if found is not None and classes != found:
            raise InputError(
                f"{name} tells {', '.join(classes)} apart, but {next(iter(models))} {', '.join(found)}; "
                "only models of the same classes can be compared"
            )
        found = classes
    return found or []


def subset_of(regions: Regions, models: Mapping[str, SignalModel], expression: str, known: Sequence[str]) -> np.ndarray:
    """Which regions to score, shape (n_regions,), bool.

    Parameters
    ----------
    regions : Regions
    models : mapping of str to SignalModel
    expression : str
        ``test`` (in the test set of every model), ``all``, or chromosomes such as ``chr1,chr3-chr7``.
    known : sequence of str
        Chromosomes of the tracks.
    """
    if expression == "all":
        return np.ones(len(regions), dtype=bool)
    if expression != "test":
        return np.isin(regions.chrom.astype(str), select(expression, known))
    return np.all([splits.members(model.settings.split, "test", regions) for model in models.values()], axis=0)


def score(
    data_sets: Sequence[DataSet],
    models: Mapping[str, SignalModel],
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
    models : mapping of str to SignalModel
        By name.
    subset : str
        See `subset_of`.
    normalise : str, optional
        Overrides what each model was trained with.
    device : str
    ensemble : bool
        Add the mean of all models' probabilities as one more model.

    Raises
    ------
    InputError
        If tracks do not fit a model, a region has a class that the models do not know, or no site is left.
    """
    classes = shared_classes(models)
    parts = [
        _score_one(one, models, classes, subset, normalise, device)
        for one in sorted(data_sets, key=lambda one: one.name)
    ]
    regions = concatenate(part.regions for part in parts)
    if not len(regions):
        raise InputError(_nothing(models, subset, concatenate(part.missed for part in parts)))
    probabilities = {name: np.concatenate([part.probabilities[name] for part in parts]) for name in models}
    if ensemble:
        probabilities[ENSEMBLE] = _mean(probabilities)
    return Scored(
        classes,
        regions,
        np.concatenate([part.data_set for part in parts]),
        probabilities,
        concatenate(part.missed for part in parts),
        np.concatenate([part.missed_data_set for part in parts]),
        {name: _added([part.dropped[name] for part in parts]) for name in models},
    )


def _score_one(
    data_set: DataSet,
    models: Mapping[str, SignalModel],
    classes: list[str],
    subset: str,
    normalise: str | None,
    device: str,
) -> Scored:
    with Tracks(data_set.tracks) as tracks:
        regions = data_set.regions.sorted()
        Sites(np.zeros(0), regions).labels(classes)  # before the work: are all classes known?
        regions = regions[subset_of(regions, models, subset, list(tracks.sizes))]
        loaded = load_each(tracks, regions, models, normalise)
    kept = np.ones(len(regions), dtype=bool)
    for sites in loaded.values():
        kept &= among(regions, sites.regions)
    probabilities = {}
    for name, model in models.items():
        sites = loaded[_needs(model.settings, normalise)]
        shared = sites.values[among(sites.regions, regions[kept])]
        probabilities[name] = in_order(model, model.probabilities(shared, device=device), classes)
    return Scored(
        classes,
        regions[kept],
        np.full(int(kept.sum()), data_set.name, dtype=object),
        probabilities,
        regions[~kept],
        np.full(int((~kept).sum()), data_set.name, dtype=object),
        {name: loaded[_needs(model.settings, normalise)].dropped for name, model in models.items()},
    )


def load_each(
    tracks: Tracks, regions: Regions, models: Mapping[str, SignalModel], normalise: str | None = None
) -> dict[tuple, Sites]:
    """The sites of regions as each model wants them, by what it needs; models that need the same share them."""
    loaded: dict[tuple, Sites] = {}
    for model in models.values():
        key = _needs(model.settings, normalise)
        if key not in loaded:
            loaded[key] = load_for_model(tracks, regions, model.settings, normalise=normalise)
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


def _needs(settings: SignalSettings, normalise: str | None) -> tuple:
    """What decides the values and the choice of sites of a model."""
    return tuple(settings.marks), settings.n_bins, settings.min_nonzero, normalise or settings.normalise


def in_order(model: SignalModel, probabilities: np.ndarray, classes: Sequence[str]) -> np.ndarray:
    """Columns of a model's probabilities in the order of `classes`."""
    return probabilities[:, [model.settings.classes.index(name) for name in classes]]


def everywhere(
    tracks: Tracks,
    regions: Regions,
    models: Mapping[str, SignalModel],
    classes: Sequence[str],
    *,
    normalise: str | None = None,
    device: str = "cpu",
    ensemble: bool = False,
) -> dict[str, np.ndarray]:
    """Probabilities of every region, shape (n_regions, n_classes), by model; dropped regions count as background.

    Regions must be in natural order (see `Regions.sorted`). A dropped one has probability 1 of background and 0 of all
    else (0 of everything where the models know no background).
    """
    loaded = load_each(tracks, regions, models, normalise)
    result: dict[str, np.ndarray] = {}
    for name, model in models.items():
        sites = loaded[_needs(model.settings, normalise)]
        probabilities = np.zeros((len(regions), len(classes)), dtype=np.float32)
        if (background := background_index(classes)) is not None:
            probabilities[:, background] = 1
        probabilities[among(regions, sites.regions)] = in_order(
            model, model.probabilities(sites.values, device=device), classes
        )
        result[name] = probabilities
    if ensemble:
        result[ENSEMBLE] = _mean(result)
    return result


def _mean(probabilities: Mapping[str, np.ndarray]) -> np.ndarray:
    return np.asarray(np.mean(list(probabilities.values()), axis=0, dtype=np.float64), dtype=np.float32)


def _added(dropped: Sequence[Mapping[str, Mapping[str, int]]]) -> dict[str, dict[str, int]]:
    """Reason -> class -> regions, summed over data sets."""
    total: dict[str, Counter[str]] = {}
    for reasons in dropped:
        for reason, classes in reasons.items():
            total.setdefault(reason, Counter()).update(classes)
    return {reason: dict(sorted(counter.items())) for reason, counter in total.items()}


def _nothing(models: Mapping[str, SignalModel], subset: str, missed: Regions) -> str:
    """Why no site is left."""
    if len(missed):
        return f"all {len(missed)} regions of --subset {subset} were dropped by the non-zero rule; check the tracks"
    if subset != "test":
        return f"no region lies on --subset {subset}; choose other chromosomes"
    split = next(iter(models.values())).settings.split
    tested = abridged(split["test"], 5) if split["kind"] == "chromosomes" else "sites drawn at random"
    together = " that all models share" if len(models) > 1 else ""
    return f"no region lies in the test set{together} ({tested}); give regions of it, or --subset all or CHROMS"


def figures(scored: Scored, n_resamples: int = 3000, seed: int = 1) -> dict[str, Any]:
    """Figures of each model with bootstrap intervals, and paired comparisons of all pairs.

    Parameters
    ----------
    scored : Scored
    n_resamples : int
        0 leaves intervals and comparisons out.
    seed : int

    Returns
    -------
    results : dict
        ``models``: model -> `metrics.summary`, with ``intervals`` (figure -> [low, high]) beside the figures of the
        model and of each class; ``comparisons``: a list of first, second, difference of mAP, interval and p.
    """
    labels = scored.labels
    results = {name: metrics.summary(labels, p, scored.classes) for name, p in scored.probabilities.items()}
    if not n_resamples:
        return {"models": results, "comparisons": []}
    drawn = bootstrap.figures(labels, list(scored.probabilities.values()), scored.classes, n_resamples, seed)
    resampled = dict(zip(scored.probabilities, drawn, strict=True))
    for name, result in results.items():
        values = resampled[name]
        result["intervals"] = {figure: bootstrap.interval(v) for figure, v in values.items() if v.ndim == 1}
        for i, of_class in enumerate(scored.classes):
            result["classes"][of_class]["intervals"] = {
                figure: bootstrap.interval(v[:, i]) for figure, v in values.items() if v.ndim == 2
            }
    comparisons = [
        {
            "first": first,
            "second": second,
            "mAP_difference": results[first]["mAP"] - results[second]["mAP"],
            **bootstrap.paired(resampled[first]["mAP"], resampled[second]["mAP"]),
        }
        for first, second in combinations(results, 2)
    ]
    return {"models": results, "comparisons": comparisons}


def by_data_set(scored: Scored) -> dict[str, Any]:
    """mAP of each model in each data set, and for each pair of models who wins how often (binomial sign test).

    Returns
    -------
    results : dict
        Empty where there is one data set. ``mAP``: data set -> model -> mAP; ``wins``: a list of first, second, won
        (by the first), of (data sets that are no draw) and the two-sided p.
    """
    from scipy.stats import binomtest

    names = sorted(set(scored.data_set))
    if len(names) < 2:
        return {}
    labels, background = scored.labels, background_index(scored.classes)
    means = {
        one: {
            model: metrics.mean_average_precision(labels[here], probabilities[here], background)
            for model, probabilities in scored.probabilities.items()
        }
        for one in names
        for here in [scored.data_set == one]
    }
    wins = []
    for first, second in combinations(scored.probabilities, 2):
        gaps = np.array([means[one][first] - means[one][second] for one in names])
        won, decided = int((gaps > 0).sum()), int((gaps != 0).sum())
        p = float(binomtest(won, decided).pvalue) if decided else 1.0
        wins.append({"first": first, "second": second, "won": won, "of": decided, "p": p})
    return {"mAP": means, "wins": wins}


def chromosomes(regions: Regions) -> list[str]:
    """Chromosomes that hold a region, in natural order."""
    return sorted(set(regions.chrom), key=natural_key)
