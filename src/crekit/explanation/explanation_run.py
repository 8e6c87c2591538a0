"""One explanation from files to figures: what explain-model does for models of tracks."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from crekit.errors import InputError
from crekit.evaluation import evaluation
from crekit.evaluation.evaluation import Scored
from crekit.evaluation.evaluation_run import renamed
from crekit.files import output_text
from crekit.models import file as model_file
from crekit.models import first_layer
from crekit.models.device import device_of
from crekit.models.file import SignalModel
from crekit.models.first_layer import FirstLayer
from crekit.models.fitting import require_fitting
from crekit.provenance import Input, record
from crekit.signal.tracks import Tracks
from crekit.training.data_sets import DataSet
from crekit.training.sites import load_for_model

log = logging.getLogger("crekit")


@dataclass(frozen=True)
class Plan:
    """What to explain, apart from the model and the data.

    Parameters
    ----------
    per_class : int
        Regions of each class, at most.
    subset : str
        ``test``, ``all`` or chromosomes.
    normalise : str, optional
    device : str
    threads : int
    """

    per_class: int = 100
    subset: str = "test"
    normalise: str | None = None
    device: str = "cpu"
    threads: int = 2


@dataclass(frozen=True)
class Chosen:
    """The regions of one class that were looked at.

    Parameters
    ----------
    name : str
        The class.
    shown, available : int
        How many were chosen, and among how many.
    lowest : float, optional
        The least probability of the class among the chosen; None where there is none.
    """

    name: str
    shown: int
    available: int
    lowest: float | None


@dataclass(frozen=True)
class Explanation:
    """What came out.

    Parameters
    ----------
    layer : FirstLayer
    arch : str
    bin_size : int
        In bases.
    chosen : list of Chosen
        Of each class, in the model's order.
    chroms : list of str
        Where the regions lie.
    subset : str
    record : dict
        See `crekit.provenance.record`.
    """

    layer: FirstLayer
    arch: str
    bin_size: int
    chosen: list[Chosen]
    chroms: list[str]
    subset: str
    record: dict[str, Any]


def load_model(path: str | Path) -> SignalModel:
    """A model that has filters to explain.

    Raises
    ------
    InputError
        If the file is no model of tracks, or its network has no first convolution.
    """
    model = model_file.load_signal_model(path)
    try:
        first_layer.first_convolution(model)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    return model


def run(data_sets: Sequence[DataSet], model: SignalModel, plan: Plan) -> Explanation:
    """Explain the first layer of a model by the regions that it is surest of.

    Raises
    ------
    InputError
        If tracks or regions do not fit the model, or no region is left.
    """
    device = device_of(plan.device).type
    torch.set_num_threads(plan.threads)
    models = {"model": model}
    data_sets = sorted((renamed(one, models, {}) for one in data_sets), key=lambda one: one.name)
    scored = evaluation.score(data_sets, models, plan.subset, normalise=plan.normalise, device=device)
    log.info("device: %s, %d compute threads", device, plan.threads)
    best = surest(scored, model.settings.classes, plan.per_class)
    chosen = _chosen(scored, best, model.settings.classes)
    for one in chosen:
        log.info("%s: %d of %d regions", one.name, one.shown, one.available)
    values, inputs = _load(data_sets, scored, best, model, plan.normalise)
    labels = evaluation.positions(scored.regions.name[best], model.settings.classes)
    layer = first_layer.describe(model, values, labels, device=device)
    if silent := len(layer.order) - len(layer.alive):
        log.info("%d of %d filters do not vary between these regions", silent, len(layer.order))
    options = {"per-class": plan.per_class, "subset": plan.subset, "normalise": plan.normalise}
    return Explanation(
        layer,
        model.settings.arch,
        model.settings.bin_size,
        chosen,
        evaluation.chromosomes(scored.regions[best]),
        plan.subset,
        record("explain-model", options, [Input("model", "", model.sha256), *inputs]),
    )


def surest(scored: Scored, classes: Sequence[str], per_class: int) -> np.ndarray:
    """The regions of each class to which the model gives that class the highest probability.

    Parameters
    ----------
    scored : Scored
        Of one model.
    classes : sequence of str
    per_class : int

    Returns
    -------
    chosen : np.ndarray, shape (n_chosen,), int64
        Positions in `scored`, class by class in the order of `classes`, surest first; ties in the order of the genome.
    """
    (probabilities,) = scored.probabilities.values()
    parts = []
    for name in classes:
        members = np.flatnonzero(scored.regions.name == name)
        order = np.argsort(-probabilities[members, scored.classes.index(name)], kind="stable")
        parts.append(members[order[:per_class]])
    return np.concatenate(parts)


def _chosen(scored: Scored, best: np.ndarray, classes: Sequence[str]) -> list[Chosen]:
    (probabilities,) = scored.probabilities.values()
    found = []
    for name in classes:
        mine = best[scored.regions.name[best] == name]
        lowest = float(probabilities[mine, scored.classes.index(name)].min()) if len(mine) else None
        found.append(Chosen(name, len(mine), int(np.sum(scored.regions.name == name)), lowest))
    return found


def _load(
    data_sets: Sequence[DataSet], scored: Scored, best: np.ndarray, model: SignalModel, normalise: str | None
) -> tuple[np.ndarray, list[Input]]:
    """Tracks of the chosen regions, in their order, and what the record says of the files."""
    values = np.zeros((len(best), len(model.settings.marks), model.settings.n_bins), dtype=np.float32)
    inputs = []
    for data_set in data_sets:
        mine = np.flatnonzero(scored.data_set[best] == data_set.name)
        with Tracks(data_set.tracks) as tracks:
            for text in require_fitting(tracks, model.settings):
                log.warning("warning: %s", text)
            inputs.append(Input("tracks", data_set.name, tracks.sha256()))
            inputs.append(Input("regions", data_set.name, data_set.regions_sha256))
            wanted = scored.regions[best[mine]]
            sites = load_for_model(tracks, wanted, model.settings, normalise=normalise)
        position = {span: i for i, span in enumerate(sites.regions.ids)}
        values[mine] = sites.values[[position[span] for span in wanted.ids]]
    return values, inputs


def write_table(path: str | Path, layer: FirstLayer) -> None:
    """Write all figures of the filters, one a line: filter, quantity, name, position, value.

    Quantities are ``weight`` (of a mark; position in bins from the middle of the filter), ``mean_activation`` and
    ``specificity`` (of a class), ``share`` (of the squares that the reduced activation stands for) and ``order`` (in
    the heatmap, from 1). Filters are counted from 1.
    """
    half = layer.weights.shape[2] // 2
    place = np.argsort(layer.order) + 1
    with output_text(path) as handle:
        handle.write("filter\tquantity\tname\tposition\tvalue\n")
        for number, weights in enumerate(layer.weights):
            rows: list[tuple[str, str, str, float]] = [
                ("weight", mark, str(bin_ - half), weight)
                for mark, of_mark in zip(layer.marks, weights, strict=True)
                for bin_, weight in enumerate(of_mark)
            ]
            for quantity, table in (("mean_activation", layer.means), ("specificity", layer.specificity)):
                rows += [(quantity, name, "", x) for name, x in zip(layer.classes, table[number], strict=True)]
            rows.append(("share", "", "", layer.share[number]))
            for quantity, name, position, value in rows:
                text = "" if np.isnan(value) else f"{value:.6g}"
                handle.write(f"{number + 1}\t{quantity}\t{name}\t{position}\t{text}\n")
            handle.write(f"{number + 1}\torder\t\t\t{place[number]}\n")
