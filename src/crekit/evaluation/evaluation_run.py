"""One evaluation from files to results: what evaluate-model does for models of tracks, and what all kinds share."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from crekit.errors import InputError
from crekit.evaluation import comparison, evaluation, fold_evaluation, outside, prevalence, say, seen
from crekit.evaluation.entries import ALL, ENSEMBLE, NONE, Entry, as_entries
from crekit.evaluation.evaluation import Judged, Scored
from crekit.evaluation.everywhere import everywhere
from crekit.genome.regions import Regions, concatenate, read_bed
from crekit.models import registry
from crekit.models.device import device_of
from crekit.models.fitting import require_fitting
from crekit.models.registry import SIGNAL
from crekit.provenance import Input, record
from crekit.signal.tracks import Tracks
from crekit.training.data_sets import DataSet, Named
from crekit.training.metrics import for_json
from crekit.training.sites import relabel

log = logging.getLogger("crekit")


@dataclass(frozen=True)
class Plan:
    """What to evaluate, apart from models and data.

    Parameters
    ----------
    subset : str
        ``test``, ``all`` or chromosomes.
    ensemble : bool
    n_resamples : int
        0 for no intervals.
    genome_wide : bool
        Whether to score all tiles for the precision at the genome's prevalence.
    relabel : dict of str to str
        Classes of the regions to rename; the models' own renaming is known without it.
    annotations : sequence of (str or None, Path)
    validated : (str or None, Path), optional
        The name says which data set's tracks to take.
    normalise : str, optional
    published_windows : bool
        Whether to show what scoring as published does to AUROC (sequences).
    genome : Path, optional
        FASTA whose tiles give the precision at the genome's prevalence (sequences).
    device : str
    seed, threads : int
    """

    subset: str = "test"
    ensemble: bool = False
    n_resamples: int = 3000
    genome_wide: bool = True
    relabel: Mapping[str, str] | None = None
    annotations: Sequence[Named] = ()
    validated: Named | None = None
    normalise: str | None = None
    published_windows: bool = False
    genome: Path | None = None
    device: str = "cpu"
    seed: int = 1
    threads: int = 2

    @property
    def averaged(self) -> bool:
        """Whether all folds judge every region."""
        return self.ensemble and self.subset != "test"


@dataclass(frozen=True)
class Evaluation:
    """What came out.

    Parameters
    ----------
    results : dict
        What the metrics file holds.
    scored : Scored
    genome : dict
        Model -> class -> `crekit.evaluation.prevalence.OfClass`; empty without it.
    """

    results: dict[str, Any]
    scored: Scored
    genome: dict[str, dict[str, prevalence.OfClass]]

    @property
    def curves(self) -> dict[str, dict[str, tuple[np.ndarray, np.ndarray]]]:
        """Model -> class -> (recalls, precisions) at the genome's prevalence."""
        return {m: {c: (one.recalls, one.precisions) for c, one in found.items()} for m, found in self.genome.items()}


def run(data_sets: Sequence[DataSet], models: Judged, plan: Plan) -> Evaluation:
    """Evaluate models of tracks on data sets.

    Raises
    ------
    InputError
        If tracks, regions, annotations or the validated set do not fit the models, or nothing is left to score.
    """
    entries = as_entries(models)
    device = begin(entries, plan)
    data_sets = [renamed(one, entries, plan.relabel or {}) for one in data_sets]
    classes = evaluation.classes_of_tracks(entries)
    annotations = read_annotations(plan)
    tested = _read_validated(plan.validated, data_sets, classes) if plan.validated else None
    inputs, kinds = _inputs_and_kinds(data_sets, entries)
    settings: dict[str, Any] = {"normalise": plan.normalise, "device": device}
    scored = evaluation.score(data_sets, entries, plan.subset, ensemble=plan.ensemble, **settings)
    genome = prevalence.along_genome(data_sets, entries, scored, **settings) if plan.genome_wide else {}
    known = concatenate(one.regions for one in data_sets)
    found = judge(scored, entries, plan, lambda: seen.audit(scored, entries, inputs, kinds, known=known))
    names = sorted(one.name for one in data_sets)
    given = [Input(role, name, one) for role, sums in inputs.items() for name, one in zip(names, sums, strict=True)]
    given += [Input("annotation", name, checksum) for name, _, checksum in annotations]
    if tested:
        given.append(Input("validated", tested.name, tested.regions_sha256))
    options = {"genome-wide": plan.genome_wide, "relabel": dict(plan.relabel or {}), "normalise": plan.normalise}
    results = {
        **found,
        "prevalence": {m: {c: one.record() for c, one in of_model.items()} for m, of_model in genome.items()},
        "annotations": {name: outside.annotation_points(scored, regions) for name, regions, _ in annotations},
        "validated": _validated(tested, entries, classes, plan, settings) if tested else {},
        "published_windows": {},
        "record": record_of(plan, entries, options, given),
    }
    return Evaluation(for_json(results), scored, genome)


def begin(entries: Mapping[str, Entry], plan: Plan) -> str:
    """Settle where to compute; check what does not need the data.

    Raises
    ------
    InputError
        If an ensemble is asked of folds on their test sets.
    """
    device = device_of(plan.device).type
    log.info("device: %s, %d compute threads", device, plan.threads)
    torch.set_num_threads(plan.threads)
    if plan.ensemble and len(entries) == 1 and not plan.averaged:
        raise InputError(
            "--ensemble: no region is in the test sets of two folds; give --subset all or CHROMS, with data that the "
            "folds were not trained on, or several models"
        )
    return device


def read_annotations(plan: Plan) -> list[tuple[str, Regions, str]]:
    """Name, spans and checksum of each annotation."""
    found = [(name or path.stem, *read_bed(path, unique=False, named=False)) for name, path in plan.annotations]
    if len({name for name, _, _ in found}) < len(found):
        raise InputError("two annotations have one name; give --annotation NAME=BED")
    return found


def judge(
    scored: Scored, entries: Mapping[str, Entry], plan: Plan, audit: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    """All that follows from the probabilities, for any kind of model; it is said, too.

    Parameters
    ----------
    scored : Scored
    entries : mapping of str to Entry
    plan : Plan
    audit : callable
        () -> findings of `crekit.evaluation.seen.audit`.
    """
    say.sites(scored)
    found = comparison.figures(scored, plan.n_resamples, plan.seed)
    described = {name: describe(entry) for name, entry in entries.items()}
    models = {name: {**described.get(name, {}), **figures} for name, figures in found["models"].items()}
    every = np.ones(len(scored.regions), dtype=bool)
    overall = {name: fold_evaluation.of_sites(scored, name, every) for name in entries}
    folds = fold_evaluation.per_fold(scored, entries)
    results = {
        "classes": scored.classes,
        "subset": plan.subset,
        "sites": _sites(scored),
        "models": models,
        "comparisons": found["comparisons"],
        "folds": folds,
        "fold_comparisons": fold_evaluation.fold_by_fold(scored, entries, folds),
        "leaks": fold_evaluation.leaks(entries, overall, found["comparisons"]),
        "by_data_set": comparison.by_data_set(scored),
        "audit": audit(),
    }
    say.figures(results)
    return results


def renamed(data_set: DataSet, models: Judged, given: Mapping[str, str]) -> DataSet:
    """A data set with its classes renamed as asked, and as the models' training renamed them."""
    mapping = dict(given)
    for entry in as_entries(models).values():
        for model in entry.models:
            own = model.settings.record["options"].get("relabel", {})
            mapping |= {old: new for old, new in own.items() if old in set(data_set.regions.name) and old not in given}
    return DataSet(data_set.name, data_set.tracks, relabel(data_set.regions, mapping), data_set.regions_sha256)


def _read_validated(named: Named, data_sets: Sequence[DataSet], classes: Sequence[str]) -> DataSet:
    """The tested elements, with the tracks that they are scored on."""
    name, path = named
    chosen = [one for one in data_sets if name in {None, one.name}]
    if len(chosen) != 1:
        known = ", ".join(one.name for one in data_sets)
        raise InputError(f"--validated {path}: say on which tracks, as NAME=BED with one of {known or 'no name'}")
    with Tracks(chosen[0].tracks) as tracks:
        regions, checksum = outside.read_validated(path, classes, tracks.sizes)
    return DataSet(chosen[0].name, chosen[0].tracks, regions, checksum)


def _inputs_and_kinds(
    data_sets: Sequence[DataSet], entries: Mapping[str, Entry]
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Checksums of tracks and regions, and per model what is odd about the tracks; checks that they fit."""
    inputs: dict[str, list[str]] = {"tracks": [], "regions": []}
    kinds: dict[str, list[str]] = {name: [] for name in entries}
    for data_set in sorted(data_sets, key=lambda one: one.name):
        with Tracks(data_set.tracks) as tracks:
            for name, entry in entries.items():
                odd = {text: None for model in entry.models for text in require_fitting(tracks, model.settings)}  # type: ignore[arg-type]
                kinds[name] += odd
            inputs["tracks"].append(tracks.sha256())
        inputs["regions"].append(data_set.regions_sha256)
    return inputs, kinds


def _sites(scored: Scored) -> dict[str, Any]:
    return {
        "scored": evaluation.counts_by_class(scored.regions, scored.classes),
        "dropped": evaluation.counts_by_class(scored.missed, scored.classes),
        "dropped_by_model": scored.dropped,
        "chromosomes": evaluation.chromosomes(scored.regions),
    }


def describe(entry: Entry) -> dict[str, Any]:
    """What a model is; of folds, a list where they differ."""
    settings = entry.settings
    inputs = {"marks": settings.marks} if settings.input == SIGNAL else {"window": settings.window}
    temperatures = [model.settings.temperature for model in entry.models]
    sums = [model.sha256 for model in entry.models]
    return {
        "arch": settings.arch,
        "parameters": registry.n_parameters(entry.models[0].network),
        **inputs,
        "temperature": temperatures if entry.pooled else temperatures[0],
        "sha256": sums if entry.pooled else sums[0],
    }


def _validated(
    tested: DataSet,
    entries: Mapping[str, Entry],
    classes: Sequence[str],
    plan: Plan,
    settings: Mapping[str, Any],
) -> dict[str, Any]:
    """Model -> figures of all tested elements, and of those away from its training regions.

    An element is judged by the fold that tests its place, and by the mean of all folds where there is none.
    """
    judges = {name: np.full(len(tested.regions), ALL) for name in entries}
    for name, entry in entries.items():
        if not plan.averaged and (place := entry.by_place(tested.regions)) is not None:
            judges[name] = np.where(place == NONE, ALL, place)
    with Tracks(tested.tracks) as tracks:
        probabilities = everywhere(
            tracks, tested.regions, entries, classes, judges=judges, ensemble=plan.ensemble, **settings
        )
    near = {name: seen.near_of(entry, tested.regions, judges[name]) for name, entry in entries.items()}
    near[ENSEMBLE] = np.any(list(near.values()), axis=0)
    return {
        name: {
            **outside.validated(tested.regions, values, classes),
            "away_from_training": outside.validated(tested.regions[~near[name]], values[~near[name]], classes),
        }
        for name, values in probabilities.items()
    }


def record_of(
    plan: Plan, entries: Mapping[str, Entry], options: Mapping[str, Any], inputs: Sequence[Input]
) -> dict[str, Any]:
    """The record of an evaluation: what every kind shares, and the options and inputs of its own."""
    shared = {"subset": plan.subset, "ensemble": plan.ensemble, "bootstrap": plan.n_resamples}
    models = [Input("model", "", model.sha256) for entry in entries.values() for model in entry.models]
    return record("evaluate-model", {**shared, **options, "seed": plan.seed}, [*models, *inputs])
