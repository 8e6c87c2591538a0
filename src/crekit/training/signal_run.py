"""One training run on tracks, from files to a model: what train-model does for signal architectures."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from crekit.errors import InputError
from crekit.files import require_writable, sha256_file
from crekit.genome.regions import concatenate
from crekit.labels.classes import background_index, order_classes
from crekit.models import random_forest, registry
from crekit.models.device import device_of
from crekit.models.file import Model
from crekit.models.fitting import kinds
from crekit.models.settings import SignalSettings
from crekit.provenance import Input, record
from crekit.signal.tracks import Tracks
from crekit.training import calibration, loop, results, sampling, splits, transfer
from crekit.training.data_sets import DataSet
from crekit.training.settings import Training
from crekit.training.sites import Sites, load_sites, relabel

log = logging.getLogger("crekit")


@dataclass(frozen=True)
class Plan:
    """What to train, apart from the data.

    Parameters
    ----------
    arch : str
    training : Training
    split : callable
        (known chromosomes) -> split.
    marks : tuple of str, optional
        Default all that the first data set has.
    relabel : dict of str to str
    n_bins, min_nonzero : int
    normalise : str, optional
        Default what the first track file says.
    device : str
    source : Model, optional
        A model whose weights the network begins with.
    freeze : str, optional
        See `crekit.training.transfer.freeze`.
    group : str
        Shared by the models of all folds of one run.
    """

    arch: str
    training: Training
    split: splits.SplitOf
    marks: tuple[str, ...] | None
    relabel: dict[str, str]
    n_bins: int
    min_nonzero: int
    normalise: str | None
    device: str
    source: Model | None = None
    freeze: str | None = None
    group: str = ""


@dataclass(frozen=True)
class Prepared:
    """Sites of all data sets with their parts of the split (0 train, 1 val, 2 test), and what the model file keeps."""

    sites: Sites
    parts: np.ndarray
    classes: list[str]
    settings: dict[str, Any]


def prepare(data_sets: Sequence[DataSet], plan: Plan) -> Prepared:
    """Load, split and count the sites of all data sets.

    Raises
    ------
    InputError
        If data sets do not fit together, or a part of the split or a class is too small.
    """
    loaded: list[Sites] = []
    parts: list[np.ndarray] = []
    inputs: list[Input] = []
    split_record: dict[str, Any] = {}
    with Tracks(data_sets[0].tracks) as first:
        marks = list(plan.marks or first.marks)
        normalise = plan.normalise or first.normalise
        split = plan.split(list(first.sizes))
        shared: dict[str, Any] = {"sizes": first.sizes, "kinds": kinds(first, marks), "bin_size": first.bin_size}
    dropped: dict[str, dict[str, dict[str, int]]] = {}
    together = concatenate(relabel(data_set.regions, plan.relabel).sorted() for data_set in data_sets)
    assigned = splits.assign_all(split, together, together.ids)
    if plan.training.share < 1:
        assigned = splits.thin(assigned, together.name, plan.training.share, plan.training.seed)
    part_of = dict(zip(together.ids, assigned, strict=True))
    for data_set in data_sets:
        with Tracks(data_set.tracks) as tracks:
            tracks.require_like(shared["bin_size"], shared["sizes"], str(data_sets[0].tracks))
            regions = relabel(data_set.regions, plan.relabel).sorted()
            regions = regions[np.array([part_of[name] >= 0 for name in regions.ids], dtype=bool)]
            if not len(regions):
                raise InputError(
                    f"{data_set.tracks}: no region lies on a chromosome of the split; check --train --val --test"
                )
            sites = load_sites(
                tracks, regions, marks, n_bins=plan.n_bins, min_nonzero=plan.min_nonzero, normalise=normalise
            )
            own = np.array([part_of[name] for name in sites.regions.ids], dtype=np.int64)
            inputs += [Input("tracks", data_set.name, tracks.sha256())]
            inputs += [Input("regions", data_set.name, data_set.regions_sha256)]
        split_record = _merge(split_record, splits.with_ids(split, sites.regions, own))
        dropped[data_set.name] = sites.dropped
        loaded.append(sites)
        parts.append(own)
    sites = Sites(np.concatenate([s.values for s in loaded]), concatenate([s.regions for s in loaded]))
    all_parts = np.concatenate(parts)
    classes = order_classes(sites.regions.name) or order_classes(regions.name)
    counts: dict[str, Any] = dict(splits.count(sites.regions, all_parts))
    splits.require_enough(counts, classes, split)
    counts["dropped"] = dropped[""] if set(dropped) == {""} else dropped
    _report(counts, dropped)
    settings = {
        **shared,
        "arch": plan.arch,
        "classes": classes,
        "marks": marks,
        "n_bins": plan.n_bins,
        "normalise": normalise,
        "min_nonzero": plan.min_nonzero,
        "split": split_record,
        "group": plan.group,
        "training": plan.training.record(),
        "counts": counts,
        "record": record(
            "train-model",
            {"relabel": plan.relabel, **transfer.described(plan.freeze)},
            inputs + transfer.inputs(plan.source),
        ),
    }
    return Prepared(sites, all_parts, classes, settings)


def _merge(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """The split of several data sets: the same chromosomes, or the ids of all of them."""
    if not one or one["kind"] == "chromosomes":
        return other
    return {**one, **{name: sorted({*one[name], *other[name]}) for name in splits.PARTS}}


def _report(counts: dict[str, Any], dropped: dict[str, dict[str, dict[str, int]]]) -> None:
    for part in splits.PARTS:
        log.info("%s: %s", part, ", ".join(f"{number} {name}" for name, number in counts[part].items()))
    for data_set, reasons in dropped.items():
        for reason, classes in reasons.items():
            if classes:
                found = ", ".join(f"{number} {name}" for name, number in classes.items())
                log.info("dropped%s (%s): %s", f" of {data_set}" if data_set else "", reason, found)


def facts(data_sets: Sequence[DataSet], plan: Plan) -> dict[str, Any]:
    """What makes a run this run, for `crekit.training.fold_run.group_of`."""
    return {
        "arch": plan.arch, "training": plan.training.record(), "relabel": plan.relabel, "freeze": plan.freeze,
        "marks": plan.marks, "n_bins": plan.n_bins, "min_nonzero": plan.min_nonzero, "normalise": plan.normalise,
        "inputs": [[sha256_file(one.tracks), one.regions_sha256] for one in data_sets], **transfer.facts(plan.source),
    }  # fmt: skip


def standardisation(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each mark over sites and bins, from training sites alone.

    Parameters
    ----------
    values : np.ndarray, shape (n_sites, n_marks, n_bins), float32

    Returns
    -------
    mean, std : np.ndarray, shape (n_marks,), float32
        A mark that never varies has a std of 1, so that it becomes 0 and not a division by zero.
    """
    mean = values.mean(axis=(0, 2), dtype=np.float64)
    std = values.std(axis=(0, 2), dtype=np.float64)
    return mean.astype(np.float32), np.where(std > 0, std, 1).astype(np.float32)


def run(data_sets: Sequence[DataSet], plan: Plan, output: Path, *, resume: bool = False) -> dict[str, Any]:
    """Train a model and write it with its metrics, history and predictions.

    Parameters
    ----------
    data_sets : sequence of DataSet
    plan : Plan
    output : Path
        Of the model; ``.metrics.json``, ``.history.tsv``, ``.predictions.tsv`` and, while it runs, ``.checkpoint``
        stand beside it under its stem.
    resume : bool
        Go on from the checkpoint of a killed run.

    Returns
    -------
    metrics : dict
        What was written to ``.metrics.json``.
    """
    require_writable(output)
    device = device_of(plan.device)
    prepared = prepare(data_sets, plan)
    log.info("device: %s, %d compute threads", device.type, plan.training.threads)
    torch.set_num_threads(plan.training.threads)
    labels = prepared.sites.labels(prepared.classes)
    train = prepared.parts == 0
    mean, std = standardisation(prepared.sites.values[train])
    values = (prepared.sites.values - mean[:, None]) / std[:, None]
    labelled = [
        loop.Labelled(values[prepared.parts == i], labels[prepared.parts == i]) for i in range(len(splits.PARTS))
    ]
    checkpoint = output.with_suffix(".checkpoint")
    settings = {**prepared.settings, "mean": mean.tolist(), "std": std.tolist()}
    network, parameters, history = _fit(settings, labelled, plan, device, checkpoint, resume)
    held = {
        part: _judged(network, prepared, labelled[i], prepared.parts == i, device)
        for i, part in enumerate(splits.PARTS)
        if part in results.HELD
    }
    temperature = calibration.of(plan.training, held["val"].logits, held["val"].labels)
    final = SignalSettings(**settings, parameters=parameters, temperature=temperature)
    metrics = results.metrics_of(final, network, history, held, plan.training.monitor)
    results.write(output, final, network, metrics, history, held)
    checkpoint.unlink(missing_ok=True)
    return metrics


def _judged(
    network: torch.nn.Module, prepared: Prepared, labelled: loop.Labelled, chosen: np.ndarray, device: torch.device
) -> results.Held:
    """The sites of a part of the split, with the network's judgement."""
    regions = prepared.sites.regions[chosen]
    return results.Held(regions.ids, regions.name, labelled.labels, labelled.logits(network, device).numpy())


def _fit(
    settings: dict[str, Any],
    labelled: list[loop.Labelled],
    plan: Plan,
    device: torch.device,
    checkpoint: Path,
    resume: bool,
) -> tuple[torch.nn.Module, dict[str, Any], list[dict[str, float]]]:
    """The trained network, what it is built with besides its shape, and its history (empty for a forest)."""
    architecture = registry.find(plan.arch)
    background = background_index(settings["classes"])
    train, validation, _ = labelled
    if not architecture.gradient:
        weights = sampling.weights(train.labels, plan.training.balance, background)
        forest, parameters = random_forest.grow(
            train.values,
            train.labels,
            weights * len(weights),
            trees=plan.training.trees,
            seed=plan.training.seed,
            threads=plan.training.threads,
        )
        return forest.to(device).eval(), parameters, []
    torch.manual_seed(plan.training.seed)
    network = architecture.build(len(settings["marks"]), len(settings["classes"]), settings["n_bins"])
    if plan.source is not None:
        transfer.begin(network, plan.source, plan.freeze, settings["split"])
    fingerprint = {
        name: settings[name] for name in ("arch", "classes", "marks", "training", "record", "split", "normalise")
    }
    history = loop.fit(
        network,
        [(train, validation)],
        plan.training,
        background=background,
        device=device,
        checkpoint_path=checkpoint,
        resume=resume,
        fingerprint={**fingerprint, "n_bins": settings["n_bins"], "min_nonzero": settings["min_nonzero"]},
    )
    return network.cpu(), {}, history
