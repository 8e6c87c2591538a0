"""Precision where a class is as rare as in the genome.

On a test set with as many elements as background, precision flatters. Here every tile of the evaluated chromosomes, as
wide as a window, is scored. The false-positive rate of a class comes from all tiles that overlap no region of it, its
prevalence is the share of tiles that do, and precision = r * pi / (r * pi + fpr * (1 - pi)) with recall r on the
regions. As in a scan of the genome, the non-zero rule leaves nothing out: not a tile, and not a region either.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from crekit import progress
from crekit.genome.regions import Regions, overlaps
from crekit.labels.classes import BACKGROUND
from crekit.models.file import SignalModel
from crekit.signal.tracks import Tracks
from crekit.training.data_sets import DataSet
from crekit.training.evaluation import Scored, chromosomes, everywhere

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


def along_genome(
    data_sets: Sequence[DataSet],
    models: Mapping[str, SignalModel],
    scored: Scored,
    *,
    normalise: str | None = None,
    device: str = "cpu",
) -> dict[str, dict[str, OfClass]]:
    """SignalModel -> class (all but background) -> figures, over the chromosomes that hold a scored site.

    Parameters
    ----------
    data_sets, models, normalise, device
        As in `crekit.training.evaluation.score`.
    scored : Scored
        The sites, for recall; an ensemble among its models is scored here too.
    """
    asked: dict[str, Any] = {
        "models": {name: replace(m, settings=replace(m.settings, min_nonzero=0)) for name, m in models.items()},
        "classes": scored.classes,
        "normalise": normalise,
        "device": device,
        "ensemble": len(scored.probabilities) > len(models),
    }
    elements = {i: name for i, name in enumerate(scored.classes) if name != BACKGROUND}
    width = next(iter(models.values())).settings.width
    outside, inside = _of_tiles(data_sets, scored, width, elements, asked)
    names = np.concatenate([scored.regions.name, scored.missed.name])
    return {
        model: {
            name: of_class(_of(values[names == name], i), outside[model, i], inside[i]) for i, name in elements.items()
        }
        for model, values in _of_regions(data_sets, scored, asked).items()
    }


def _of_tiles(
    data_sets: Sequence[DataSet], scored: Scored, width: int, elements: Mapping[int, str], asked: Mapping[str, Any]
) -> tuple[dict[tuple[str, int], Answers], dict[int, int]]:
    """(SignalModel, class) -> answers in the tiles outside that class; class -> number of tiles inside."""
    inside = dict.fromkeys(elements, 0)
    parts: dict[tuple[str, int], list[Answers]] = {(model, i): [] for model in scored.probabilities for i in elements}
    todo = [
        (one, chrom)
        for one in sorted(data_sets, key=lambda one: one.name)
        for chrom in chromosomes(scored.regions[scored.data_set == one.name])
    ]
    for data_set, chrom in progress.steps(todo, "scoring tiles"):
        with Tracks(data_set.tracks) as tracks:
            spans = tiles(chrom, tracks.sizes[chrom], width)
            found = everywhere(tracks, spans, **asked)
        for i, name in elements.items():
            hit = overlaps(spans, data_set.regions[data_set.regions.name == name])
            inside[i] += int(hit.sum())
            for model, values in found.items():
                parts[model, i].append(_of(values[~hit], i))
    joined = {
        key: (np.concatenate([chance for chance, _ in of]), np.concatenate([called for _, called in of]))
        for key, of in parts.items()
    }
    return joined, inside


def _of_regions(data_sets: Sequence[DataSet], scored: Scored, asked: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Probabilities of the scored regions and, after them, of those that the non-zero rule left out, by model."""
    missed = {name: np.zeros((len(scored.missed), len(scored.classes)), np.float32) for name in scored.probabilities}
    for data_set in data_sets:
        here = scored.missed_data_set == data_set.name
        if here.any():
            with Tracks(data_set.tracks) as tracks:
                for name, values in everywhere(tracks, scored.missed[here], **asked).items():
                    missed[name][here] = values
    return {name: np.concatenate([values, missed[name]]) for name, values in scored.probabilities.items()}


def _of(probabilities: np.ndarray, index: int) -> Answers:
    """What probabilities of all classes say of one; it is never the most probable where everything is 0."""
    chance = probabilities[:, index]
    return chance, (probabilities.argmax(axis=1) == index) & (chance > 0)
