"""One training run on sequences, from files to a model: what train-model does for sequence architectures."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from crekit.encoding.store import FASTA, Sequences
from crekit.errors import InputError
from crekit.files import require_writable
from crekit.genome.chromosomes import natural_key
from crekit.genome.regions import Regions, concatenate
from crekit.labels.classes import background_index, order_classes
from crekit.models import registry
from crekit.models.device import device_of
from crekit.models.file import Model
from crekit.models.registry import Architecture
from crekit.models.settings import SequenceSettings
from crekit.provenance import Input, record
from crekit.training import calibration, loop, results, splits, transfer
from crekit.training.clusters import find_clusters
from crekit.training.sequence_sites import SequenceSites
from crekit.training.settings import Training
from crekit.training.sites import relabel

log = logging.getLogger("crekit")
Named = tuple[str | None, Path]


@dataclass(frozen=True)
class Plan:
    """What to train, apart from the data.

    Parameters
    ----------
    arch : str
    training : Training
    split : callable
        (known chromosomes) -> split.
    relabel : dict of str to str
    parameters : dict
        What the user chose about the architecture: padding, k and so on.
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
    relabel: dict[str, str]
    parameters: dict[str, Any] = field(default_factory=dict)
    device: str = "auto"
    source: Model | None = None
    freeze: str | None = None
    group: str = ""


@dataclass(frozen=True)
class Pool:
    """The regions of all sequence files of a run.

    Parameters
    ----------
    files : list of Sequences
    names : list of str
        Of the data sets; empty where there is one.
    regions : Regions
        With their classes renamed where that was asked for.
    ids : np.ndarray, shape (n_regions,), object
    file, row : np.ndarray, shape (n_regions,), int64
        Which file each region is in, and which of its regions it is.
    inputs : list of Input
    """

    files: list[Sequences]
    names: list[str]
    regions: Regions
    ids: np.ndarray
    file: np.ndarray
    row: np.ndarray
    inputs: list[Input]

    @property
    def source(self) -> str:
        """``genome`` or ``fasta``."""
        return self.files[0].source

    @cached_property
    def clusters(self) -> np.ndarray:
        """Cluster of each region, found once for all folds: see `crekit.training.clusters`."""
        return find_clusters(self.codes)

    @cached_property
    def codes(self) -> list[np.ndarray]:
        """DNA of each region, with what its windows reach round it, uint8."""
        return [self.files[file].codes(row) for file, row in zip(self.file, self.row, strict=True)]


def require_window(pool: Pool, arch: str, parameters: dict[str, Any]) -> None:
    """Check that an architecture can read the windows of sequence files.

    Raises
    ------
    InputError
        If it wants windows of one width and the files hold whole regions, or the windows are too narrow for it.
    """
    architecture, first = registry.find(arch), pool.files[0]
    if not architecture.gradient:
        return
    if not first.window and arch.startswith("deepenhancer"):
        raise InputError(f"{first.path}: holds whole regions, but {arch} reads windows; encode with --window 300")
    try:
        architecture.build(2, first.window, **parameters)
    except ValueError as error:
        raise InputError(f"{first.path}: {error}; encode with a wider --window") from error


def load(named: Sequence[Named], mapping: dict[str, str]) -> Pool:
    """Read the sequence files of a run.

    Parameters
    ----------
    named : sequence of (str or None, path)
    mapping : dict of str to str
        Classes to rename.

    Raises
    ------
    InputError
        If a file is wrong, files have other windows or another kind of source, or two data sets share a name or a
        region.
    """
    names = [name or "" for name, _ in named]
    if len(named) > 1 and ("" in names or len(set(names)) < len(names)):
        raise InputError("several sequence files need a name each, and no name twice: -s NAME=H5")
    ordered = sorted(named, key=lambda one: one[0] or "")
    files = [Sequences(path) for _, path in ordered]
    digests = [one.sha256() for one in files]
    if len(set(digests)) < len(digests):
        raise InputError(f"{files[-1].path}: two data sets have the same contents; give each once")
    for one in files[1:]:
        if one.rule != files[0].rule or one.source != files[0].source:
            raise InputError(
                f"{one.path}: not encoded as {files[0].path} (window, stride, short regions, N, genome or FASTA); "
                "run encode-seq with the same options"
            )
    regions = concatenate(relabel(one.regions, _known(mapping, one), str(one.path)) for one in files)
    _require_all(mapping, files)
    return Pool(
        files,
        sorted(names),
        regions,
        np.concatenate([one.ids for one in files]),
        np.repeat(np.arange(len(files)), [len(one) for one in files]),
        np.concatenate([np.arange(len(one)) for one in files]),
        [Input("sequences", name, one) for name, one in zip(sorted(names), digests, strict=True)],
    )


def _known(mapping: dict[str, str], one: Sequences) -> dict[str, str]:
    return {old: new for old, new in mapping.items() if old in one.classes}


def _require_all(mapping: dict[str, str], files: Sequence[Sequences]) -> None:
    """Check that every class to be renamed is in one of the files."""
    known = sorted({name for one in files for name in one.classes})
    for old in mapping:
        if old not in known:
            raise InputError(f"--relabel {old}: the sequences hold no such class, only {', '.join(known)}")


def facts(pool: Pool, plan: Plan) -> dict[str, Any]:
    """What makes a run this run, for `crekit.training.fold_run.group_of`."""
    return {
        "arch": plan.arch, "training": plan.training.record(), "parameters": plan.parameters, "relabel": plan.relabel,
        "freeze": plan.freeze, "inputs": [one.sha256 for one in pool.inputs], **transfer.facts(plan.source),
    }  # fmt: skip


def run(pool: Pool, plan: Plan, output: Path, *, resume: bool = False) -> dict[str, Any]:
    """Train a model and write it with its metrics, history and predictions.

    Parameters
    ----------
    pool : Pool
    plan : Plan
    output : Path
        Of the model; see `crekit.training.signal_run.run`.
    resume : bool
        Go on from the checkpoint of a killed run.

    Returns
    -------
    metrics : dict
        What was written to ``.metrics.json``.

    Raises
    ------
    InputError
        If a part of the split or a class is too small, or the network does not fit the window.
    """
    require_writable(output)
    device = device_of(plan.device)
    split = plan.split(_chromosomes(pool))
    parts = splits.assign_all(split, pool.regions, pool.ids, lambda: pool.clusters)
    if not (parts >= 0).any():
        raise InputError("no region lies in any part of the split; check the split's options")
    classes = order_classes(pool.regions.name)
    if len(classes) < 2:
        raise InputError(
            f"{pool.files[0].path}: holds the class {classes[0]} alone; encode another with it (-r CLASS=BED)"
        )
    counts: dict[str, Any] = dict(splits.count(pool.regions, parts))
    splits.require_enough(counts, classes, split)
    counts["dropped"] = _dropped(pool, parts)
    for part in splits.PARTS:
        log.info("%s: %s", part, ", ".join(f"{number} {name}" for name, number in counts[part].items()))
    log.info("device: %s, %d compute threads", device.type, plan.training.threads)
    torch.set_num_threads(plan.training.threads)
    settings = _settings(pool, plan, split, parts, classes, counts)
    sites = [_sites(pool, plan, parts == i, classes) for i in range(len(splits.PARTS))]
    checkpoint = results.beside(output, ".checkpoint")
    network, parameters, history = _fit(settings, sites, plan, device, checkpoint, resume)
    held = {}
    for i, part in enumerate(splits.PARTS):
        if part in results.HELD:
            mine = parts == i
            logits = sites[i].logits(network, device).numpy()
            held[part] = results.Held(pool.ids[mine], pool.regions.name[mine], sites[i].region_labels, logits)
    temperature = calibration.of(plan.training, held["val"].logits, held["val"].labels)
    final = SequenceSettings(**{**settings, "parameters": parameters, "temperature": temperature})
    metrics = results.metrics_of(final, network, history, held, plan.training.monitor)
    results.write(output, final, network, metrics, history, held)
    checkpoint.unlink(missing_ok=True)
    log.info("test: mAP %.3f", metrics["test"]["mAP"])
    return metrics


def _chromosomes(pool: Pool) -> list[str]:
    """Chromosomes that regions lie on, for a split by them."""
    return sorted(set(pool.regions.chrom) - {""}, key=natural_key)


def _dropped(pool: Pool, parts: np.ndarray) -> dict[str, dict[str, int]]:
    """Reason -> class -> regions that were encoded but not used, or not encoded."""
    near = pool.regions.name[parts < 0]
    found = {"in no part of the split": {name: int((near == name).sum()) for name in sorted(set(near))}}
    for one in pool.files:
        for reason, counts in one.dropped.items():
            known = found.setdefault(reason, {})
            for name, number in counts.items():
                known[name] = known.get(name, 0) + number
    return {reason: counts for reason, counts in found.items() if counts}


def _settings(
    pool: Pool, plan: Plan, split: splits.Split, parts: np.ndarray, classes: list[str], counts: dict[str, Any]
) -> dict[str, Any]:
    """What the model file keeps, but for what the fit finds out."""
    rule = pool.files[0].rule
    options = {"relabel": plan.relabel, **transfer.described(plan.freeze)}
    return {
        "arch": plan.arch,
        "classes": classes,
        "split": splits.with_ids(split, pool.regions, parts, pool.ids),
        "training": {**plan.training.record(), **plan.parameters},
        "counts": counts,
        "record": record("train-model", options, pool.inputs + transfer.inputs(plan.source)),
        "parameters": plan.parameters,
        "sizes": pool.files[0].sizes,
        "group": plan.group,
        "window": rule.width,
        "stride": rule.stride,
        "short": rule.short,
        "ambiguous": rule.ambiguous,
    }


def _sites(pool: Pool, plan: Plan, mine: np.ndarray, classes: list[str]) -> SequenceSites:
    position = {name: i for i, name in enumerate(classes)}
    labels = np.array([position[name] for name in pool.regions.name[mine]], dtype=np.int64)
    every = plan.training.windows_per_region == "all"
    return SequenceSites(pool.files, pool.file[mine], pool.row[mine], labels, background_index(classes), every)


def _fit(
    settings: dict[str, Any],
    sites: Sequence[SequenceSites],
    plan: Plan,
    device: torch.device,
    checkpoint: Path,
    resume: bool,
) -> tuple[torch.nn.Module, dict[str, Any], list[dict[str, float]]]:
    """The trained network, what it is built with besides its shape, and its history (empty without epochs)."""
    architecture = registry.find(plan.arch)
    if not architecture.gradient:
        return (*_fit_at_once(architecture, settings, sites[0], plan, device), [])
    torch.manual_seed(plan.training.seed)
    network = SequenceSettings(**settings).build()
    if plan.source is not None:
        transfer.begin(network, plan.source, plan.freeze, settings["split"])
    kept = ("arch", "classes", "parameters", "training", "record", "split", "window", "stride")
    history = loop.fit(
        network,
        sites[0],
        sites[1],
        plan.training,
        background=background_index(settings["classes"]),
        device=device,
        checkpoint_path=checkpoint,
        resume=resume,
        fingerprint={name: settings[name] for name in kept},
    )
    return network.cpu(), plan.parameters, history


def _fit_at_once(
    architecture: Architecture,
    settings: dict[str, Any],
    train: SequenceSites,
    plan: Plan,
    device: torch.device,
) -> tuple[torch.nn.Module, dict[str, Any]]:
    """A model that has no epochs, from the middle window of each region."""
    from crekit.models.gkm import fit_gkm_svm
    from crekit.models.kmer_logistic import fit_kmer_logistic

    fit = fit_gkm_svm if plan.arch == "gkm-svm" else fit_kmer_logistic
    network, parameters = fit(
        train.middles(),
        train.region_labels,
        None,
        n_classes=len(settings["classes"]),
        seed=plan.training.seed,
        threads=plan.training.threads,
        **{**architecture.parameters, **plan.parameters},
    )
    return network.to(device).eval(), parameters


def default_folds(pool: Pool) -> str:
    """What folds go by unless told otherwise: blocks of a genome, clusters of records."""
    return "cluster" if pool.source == FASTA else "block"
