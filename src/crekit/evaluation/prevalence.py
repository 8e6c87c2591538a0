"""Precision where a class is as rare as in the genome.

On a test set with as many elements as background, precision flatters. Here every tile of the evaluated chromosomes, as
wide as a window, is scored. The false-positive rate of a class comes from all tiles that overlap no region of it, its
prevalence is the share of tiles that do, and precision = r * pi / (r * pi + fpr * (1 - pi)) with recall r on the
regions. As in a scan of the genome, the non-zero rule leaves nothing out: not a tile, and not a region either.
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from crekit import progress
from crekit.evaluation.entries import ALL, ENSEMBLE, NONE, Entry, as_entries
from crekit.evaluation.evaluation import Judged, Scored, chromosomes
from crekit.evaluation.everywhere import everywhere
from crekit.genome.regions import Regions, concatenate, overlaps
from crekit.labels.classes import BACKGROUND
from crekit.signal.tracks import Tracks
from crekit.training.data_sets import DataSet

log = logging.getLogger("crekit")

Answers = tuple[np.ndarray, np.ndarray]
"""Of one class, shape (n,) each: its probability (float), and whether it is the most probable one (bool)."""


@dataclass(frozen=True)
class OfClass:
    """What one model does with one class along the genome.

    Parameters
    ----------
    prevalence : float
        Share of tiles that overlap a region of the class.
    outside : int
        Tiles that do not.
    recall, false_positive_rate, precision : float
        With the most probable class as the prediction.
    recalls, precisions : np.ndarray, shape (n_points,)
        Both, as the threshold on the probability falls.
    """

    prevalence: float
    outside: int
    recall: float
    false_positive_rate: float
    precision: float
    recalls: np.ndarray
    precisions: np.ndarray

    @property
    def average_precision(self) -> float:
        """Step-wise sum of precision over recall; what is never found adds nothing."""
        return float(np.sum(np.diff(self.recalls, prepend=0) * self.precisions))

    def record(self) -> dict[str, Any]:
        """What the metrics file keeps."""
        return {
            "prevalence": self.prevalence,
            "tiles_outside": self.outside,
            "recall": self.recall,
            "false_positive_rate": self.false_positive_rate,
            "precision": self.precision,
            "AP": self.average_precision,
        }


def tiles(chrom: str, size: int, width: int) -> Regions:
    """Spans of `width` bases, one after the other from the start of a chromosome; the rest at its end is not used."""
    start = np.arange(0, size - width + 1, width, dtype=np.int64)
    names = np.full((2, len(start)), "", dtype=object)
    names[0] = chrom
    return Regions(names[0], start, start + width, names[1])


def at_prevalence(prevalence: float, recall: np.ndarray, false_positive_rate: np.ndarray) -> np.ndarray:
    """Precision of a test of known recall and false-positive rate; NaN where it finds nothing at all."""
    right, wrong = recall * prevalence, false_positive_rate * (1 - prevalence)
    return np.divide(right, right + wrong, out=np.full(np.shape(right), np.nan), where=(right + wrong) > 0)


def of_class(own: Answers, outside: Answers, n_inside: int) -> OfClass:
    """Figures of one class.

    Parameters
    ----------
    own : Answers
        In the regions of the class.
    outside : Answers
        In the tiles that overlap none of them.
    n_inside : int
        Tiles that overlap one.
    """
    (found, called), (wrong, called_wrong) = own, outside
    n_tiles = len(wrong) + n_inside
    prevalence = n_inside / n_tiles if n_tiles else np.nan
    recall = called.mean() if len(called) else np.nan
    rate = called_wrong.mean() if len(wrong) else np.nan
    thresholds = np.unique(found[found > 0])[::-1]
    recalls = _share_at_least(found, thresholds)
    precisions = at_prevalence(prevalence, recalls, _share_at_least(wrong, thresholds))
    precision = float(at_prevalence(prevalence, np.array(recall), np.array(rate)))
    return OfClass(float(prevalence), len(wrong), float(recall), float(rate), precision, recalls, precisions)


def _share_at_least(values: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Share of the values that reach each threshold."""
    below = np.searchsorted(np.sort(values), thresholds, side="left")
    return 1 - below / max(len(values), 1)


class Tally:
    """What models say of tiles, gathered chromosome by chromosome.

    Parameters
    ----------
    elements : mapping of int to str
        Position -> name of the classes, without background.
    """

    def __init__(self, elements: Mapping[int, str]) -> None:
        self.elements = elements
        self._inside: Counter[tuple[str, int]] = Counter()
        self._outside: dict[tuple[str, int], list[Answers]] = {}

    def add(
        self, spans: Regions, regions: Regions, found: Mapping[str, np.ndarray], used: Mapping[str, np.ndarray]
    ) -> None:
        """Take in the tiles of a chromosome of a data set: probabilities by model, and which tiles it judged."""
        for i, name in self.elements.items():
            hit = overlaps(spans, regions[regions.name == name])
            for model, values in found.items():
                self._inside[model, i] += int((hit & used[model]).sum())
                self._outside.setdefault((model, i), []).append(of_one(values[~hit & used[model]], i))

    def of_models(self, own: Mapping[str, np.ndarray], names: np.ndarray) -> dict[str, dict[str, OfClass]]:
        """Model -> class -> figures, with the probabilities and the classes of regions for recall."""
        return {
            model: {
                name: of_class(of_one(values[names == name], i), self._joined(model, i), self._inside[model, i])
                for i, name in self.elements.items()
            }
            for model, values in own.items()
            if (model, next(iter(self.elements))) in self._outside
        }

    def _joined(self, model: str, index: int) -> Answers:
        parts = self._outside[model, index]
        return np.concatenate([chance for chance, _ in parts]), np.concatenate([called for _, called in parts])


def of_one(probabilities: np.ndarray, index: int) -> Answers:
    """What probabilities of all classes say of one; it is never the most probable where everything is 0."""
    chance = probabilities[:, index]
    return chance, (probabilities.argmax(axis=1) == index) & (chance > 0)


def elements_of(classes: Sequence[str]) -> dict[int, str]:
    """Position -> name of every class but background."""
    return {i: name for i, name in enumerate(classes) if name != BACKGROUND}


def placed(entries: Mapping[str, Entry], scored: Scored) -> dict[str, Entry]:
    """The entries whose judge of any place is known; folds of similar regions, or of random ones, are no places."""
    found = {}
    nowhere = concatenate([])
    for name, entry in entries.items():
        if averages(scored, name) or entry.by_place(nowhere) is not None:
            found[name] = entry
        else:
            log.info("%s: no precision in the genome, because its test sets are no places of it", name)
    return found


def averages(scored: Scored, name: str) -> bool:
    """Whether the mean of all models of an entry judged the sites."""
    return name in scored.judge and bool((scored.judge[name] == ALL).all())


def judges_of(entries: Mapping[str, Entry], scored: Scored, spans: Regions) -> dict[str, np.ndarray]:
    """Who judges each span, by entry (all of them `placed`): see `crekit.evaluation.entries.choose`."""
    found = {}
    for name, entry in entries.items():
        place = None if averages(scored, name) else entry.by_place(spans)
        found[name] = np.full(len(spans), ALL, dtype=np.int64) if place is None else place
    return found


def used_tiles(judges: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Which spans each entry judges, and which all of them do (under the name of the ensemble)."""
    used = {name: judge != NONE for name, judge in judges.items()}
    return used | {ENSEMBLE: np.all(list(used.values()), axis=0)}


def along_genome(
    data_sets: Sequence[DataSet],
    models: Judged,
    scored: Scored,
    *,
    normalise: str | None = None,
    device: str = "cpu",
) -> dict[str, dict[str, OfClass]]:
    """Model -> class (all but background) -> figures, over the chromosomes that hold a scored site.

    Each tile is judged by the fold that tests its place.

    Parameters
    ----------
    data_sets, models, normalise, device
        As in `crekit.evaluation.evaluation.score`.
    scored : Scored
        The sites, for recall; an ensemble among its models is scored here too.
    """
    entries = as_entries(models)
    known = placed(entries, scored)
    if not known:
        return {}
    asked: dict[str, Any] = {
        "models": {name: _without_rule(entry) for name, entry in known.items()},
        "classes": scored.classes,
        "normalise": normalise,
        "device": device,
        "ensemble": ENSEMBLE in scored.probabilities and len(known) == len(entries),
    }
    tally = Tally(elements_of(scored.classes))
    width = next(iter(known.values())).settings.width
    todo = [
        (one, chrom)
        for one in sorted(data_sets, key=lambda one: one.name)
        for chrom in chromosomes(scored.regions[scored.data_set == one.name])
    ]
    for data_set, chrom in progress.steps(todo, "scoring tiles"):
        with Tracks(data_set.tracks) as tracks:
            spans = tiles(chrom, tracks.sizes[chrom], width)
            judges = judges_of(known, scored, spans)
            tally.add(spans, data_set.regions, everywhere(tracks, spans, judges=judges, **asked), used_tiles(judges))
    names = np.concatenate([scored.regions.name, scored.missed.name])
    return tally.of_models(_of_regions(data_sets, known, scored, asked), names)


def _without_rule(entry: Entry) -> Entry:
    """The same models without the non-zero rule."""
    return Entry(
        tuple(replace(model, settings=replace(model.settings, min_nonzero=0)) for model in entry.models)  # type: ignore[arg-type]
    )


def _of_regions(
    data_sets: Sequence[DataSet], known: Mapping[str, Entry], scored: Scored, asked: Mapping[str, Any]
) -> dict[str, np.ndarray]:
    """Probabilities of the scored regions and, after them, of those that the non-zero rule left out, by model."""
    missed = {name: np.zeros((len(scored.missed), len(scored.classes)), np.float32) for name in scored.probabilities}
    for data_set in data_sets:
        here = scored.missed_data_set == data_set.name
        if here.any():
            regions = scored.missed[here]
            judges = judges_of(known, scored, regions)
            with Tracks(data_set.tracks) as tracks:
                for name, values in everywhere(tracks, regions, judges=judges, **asked).items():
                    missed[name][here] = values
    return {name: np.concatenate([values, missed[name]]) for name, values in scored.probabilities.items()}
