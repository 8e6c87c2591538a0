"""One evaluation from files to results: what evaluate-model does."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from crekit.errors import InputError
from crekit.files import output_text
from crekit.genome.regions import Regions, read_bed
from crekit.models import file as model_file
from crekit.models import registry
from crekit.models.device import device_of
from crekit.models.file import SignalModel
from crekit.models.fitting import require_fitting
from crekit.provenance import Input, record
from crekit.signal.tracks import Tracks
from crekit.training import evaluation, outside, prevalence, seen
from crekit.training.data_sets import DataSet, Named
from crekit.training.evaluation import ENSEMBLE, Scored
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
    device: str = "cpu"
    seed: int = 1
    threads: int = 2


@dataclass(frozen=True)
class Evaluation:
    """What came out.

    Parameters
    ----------
    results : dict
        What the metrics file holds.
    scored : Scored
    genome : dict
        SignalModel -> class -> `crekit.training.prevalence.OfClass`; empty without it.
    """

    results: dict[str, Any]
    scored: Scored
    genome: dict[str, dict[str, prevalence.OfClass]]

    @property
    def curves(self) -> dict[str, dict[str, tuple[np.ndarray, np.ndarray]]]:
        """SignalModel -> class -> (recalls, precisions) at the genome's prevalence."""
        return {m: {c: (one.recalls, one.precisions) for c, one in found.items()} for m, found in self.genome.items()}


def load_models(named: Sequence[Named], ensemble: bool) -> dict[str, SignalModel]:
    """Models by name: the one given, or the file's stem.

    Raises
    ------
    InputError
        If a file is no model, two have one name, or an ensemble is asked of one.
    """
    models: dict[str, SignalModel] = {}
    for name, path in named:
        model = model_file.load_signal_model(path)
        label = name or model.name
        if label in models:
            raise InputError(f"{path}: two models are called {label}; name them: -m NAME={path.name}")
        models[label] = model
    if ensemble and len(models) < 2:
        raise InputError("--ensemble averages several models; give -m more than once")
    if ensemble and ENSEMBLE in models:
        raise InputError(f"a model is called {ENSEMBLE}, as --ensemble will be; name it: -m NAME=PATH")
    return models


def run(data_sets: Sequence[DataSet], models: Mapping[str, SignalModel], plan: Plan) -> Evaluation:
    """Evaluate models on data sets.

    Raises
    ------
    InputError
        If tracks, regions, annotations or the validated set do not fit the models, or nothing is left to score.
    """
    device = device_of(plan.device).type
    log.info("device: %s, %d compute threads", device, plan.threads)
    torch.set_num_threads(plan.threads)
    data_sets = [renamed(one, models, plan.relabel or {}) for one in data_sets]
    classes = evaluation.shared_classes(models)
    annotations = [(name or path.stem, *read_bed(path, unique=False, named=False)) for name, path in plan.annotations]
    if len({name for name, _, _ in annotations}) < len(annotations):
        raise InputError("two annotations have one name; give --annotation NAME=BED")
    tested = _read_validated(plan.validated, data_sets, classes) if plan.validated else None
    inputs, kinds = _inputs_and_kinds(data_sets, models)
    settings: dict[str, Any] = {"normalise": plan.normalise, "device": device}
    scored = evaluation.score(data_sets, models, plan.subset, ensemble=plan.ensemble, **settings)
    _say(scored)
    genome = prevalence.along_genome(data_sets, models, scored, **settings) if plan.genome_wide else {}
    figures = _figures(scored, models, plan)
    _say_figures(figures["models"])
    findings = seen.audit(scored, models, inputs, kinds)
    for text in findings["warnings"]:
        log.warning("warning: %s", text)
    results = {
        "classes": classes,
        "subset": plan.subset,
        "sites": _sites(scored),
        **figures,
        "by_data_set": evaluation.by_data_set(scored),
        "prevalence": {m: {c: one.record() for c, one in found.items()} for m, found in genome.items()},
        "annotations": {name: outside.annotation_points(scored, regions) for name, regions, _ in annotations},
        "validated": _validated(tested, models, classes, plan, settings) if tested else {},
        "audit": findings,
        "record": _record(plan, models, data_sets, inputs, annotations, tested),
    }
    return Evaluation(for_json(results), scored, genome)


def renamed(data_set: DataSet, models: Mapping[str, SignalModel], given: Mapping[str, str]) -> DataSet:
    """A data set with its classes renamed as asked, and as the models' training renamed them."""
    mapping = dict(given)
    for model in models.values():
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
    data_sets: Sequence[DataSet], models: Mapping[str, SignalModel]
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Checksums of tracks and regions, and per model what is odd about the tracks; checks that they fit."""
    inputs: dict[str, list[str]] = {"tracks": [], "regions": []}
    kinds: dict[str, list[str]] = {name: [] for name in models}
    for data_set in sorted(data_sets, key=lambda one: one.name):
        with Tracks(data_set.tracks) as tracks:
            for name, model in models.items():
                kinds[name] += require_fitting(tracks, model.settings)
            inputs["tracks"].append(tracks.sha256())
        inputs["regions"].append(data_set.regions_sha256)
    return inputs, kinds


def _say(scored: Scored) -> None:
    """Tell how many sites there are."""
    for what, regions in (("scored", scored.regions), ("dropped", scored.missed)):
        counts = evaluation.counts_by_class(regions, scored.classes)
        log.info("%s: %s", what, ", ".join(f"{number} {name}" for name, number in counts.items()))


def _say_figures(models: Mapping[str, Any]) -> None:
    """Tell how good the models are, in a line each."""
    for name, found in models.items():
        low, high = found.get("intervals", {}).get("mAP", (None, None))
        spread = "" if low is None else f" ({low:.3f} to {high:.3f})"
        classes = ", ".join(f"{of_class} {one['AP']:.3f}" for of_class, one in found["classes"].items())
        log.info("%s: mAP %.3f%s; AP %s", name, found["mAP"], spread, classes)


def _sites(scored: Scored) -> dict[str, Any]:
    return {
        "scored": evaluation.counts_by_class(scored.regions, scored.classes),
        "dropped": evaluation.counts_by_class(scored.missed, scored.classes),
        "dropped_by_model": scored.dropped,
        "chromosomes": evaluation.chromosomes(scored.regions),
    }


def _figures(scored: Scored, models: Mapping[str, SignalModel], plan: Plan) -> dict[str, Any]:
    """Figures of `crekit.training.evaluation.figures`, each model's with what it is."""
    found = evaluation.figures(scored, plan.n_resamples, plan.seed)
    described = {
        name: {
            "arch": model.settings.arch,
            "parameters": registry.n_parameters(model.network),
            "marks": model.settings.marks,
            "temperature": model.settings.temperature,
            "sha256": model.sha256,
        }
        for name, model in models.items()
    }
    models_and_figures = {name: {**described.get(name, {}), **figures} for name, figures in found["models"].items()}
    return {"models": models_and_figures, "comparisons": found["comparisons"]}


def _validated(
    tested: DataSet,
    models: Mapping[str, SignalModel],
    classes: Sequence[str],
    plan: Plan,
    settings: Mapping[str, Any],
) -> dict[str, Any]:
    """SignalModel -> figures of all tested elements, and of those away from its training regions."""
    with Tracks(tested.tracks) as tracks:
        probabilities = evaluation.everywhere(
            tracks, tested.regions, models, classes, ensemble=plan.ensemble, **settings
        )
    near = {name: seen.near_training(tested.regions, model.settings) for name, model in models.items()}
    near[ENSEMBLE] = np.any(list(near.values()), axis=0)
    return {
        name: {
            **outside.validated(tested.regions, values, classes),
            "away_from_training": outside.validated(tested.regions[~near[name]], values[~near[name]], classes),
        }
        for name, values in probabilities.items()
    }


def _record(
    plan: Plan,
    models: Mapping[str, SignalModel],
    data_sets: Sequence[DataSet],
    inputs: Mapping[str, Sequence[str]],
    annotations: Sequence[tuple[str, Regions, str]],
    tested: DataSet | None,
) -> dict[str, Any]:
    options = {
        "subset": plan.subset,
        "ensemble": plan.ensemble,
        "bootstrap": plan.n_resamples,
        "genome-wide": plan.genome_wide,
        "relabel": dict(plan.relabel or {}),
        "normalise": plan.normalise,
        "seed": plan.seed,
    }
    names = sorted(one.name for one in data_sets)
    given = [Input("model", "", model.sha256) for model in models.values()]
    for role, sums in inputs.items():
        given += [Input(role, name, checksum) for name, checksum in zip(names, sums, strict=True)]
    given += [Input("annotation", name, checksum) for name, _, checksum in annotations]
    if tested:
        given.append(Input("validated", tested.name, tested.regions_sha256))
    return record("evaluate-model", options, given)


def write_predictions(path: str | Path, scored: Scored) -> None:
    """A line per model and site: model, data set, id, class, predicted class, and the probability of every class."""
    ids, labels = scored.regions.ids, scored.regions.name
    with output_text(path) as handle:
        handle.write("\t".join(["model", "data_set", "id", "class", "predicted", *scored.classes]) + "\n")
        for model, probabilities in scored.probabilities.items():
            best = np.array(scored.classes, dtype=object)[probabilities.argmax(axis=1)]
            rows = zip(scored.data_set, ids, labels, best, probabilities, strict=True)
            for data_set, one, label, called, row in rows:
                handle.write("\t".join([model, data_set, one, label, called, *(f"{p:.6f}" for p in row)]) + "\n")
