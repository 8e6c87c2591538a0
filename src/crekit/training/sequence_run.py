"""One training run on sequences, from files to a model: what train-model does for sequence architectures."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from crekit.encoding.encoders import Encoders
from crekit.errors import InputError
from crekit.files import require_writable
from crekit.genome.chromosomes import natural_key
from crekit.labels.classes import background_index, order_classes
from crekit.models import registry
from crekit.models.device import device_of
from crekit.models.encoded import EncodedNetwork, learner
from crekit.models.file import Model
from crekit.models.settings import SequenceSettings
from crekit.provenance import record
from crekit.training import calibration, encoded_sites, loop, quick_audit, results, signal_run, splits, transfer
from crekit.training.sequence_pool import Pool
from crekit.training.sequence_sites import SequenceSites
from crekit.training.settings import Training

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


def facts(pool: Pool, plan: Plan) -> dict[str, Any]:
    """What makes a run this run, for `crekit.training.fold_run.group_of`."""
    return {
        "arch": plan.arch, "training": plan.training.record(), "parameters": plan.parameters, "relabel": plan.relabel,
        "freeze": plan.freeze, "inputs": [one.sha256 for one in pool.inputs], **transfer.facts(plan.source),
        "signal": pool.signal.record() if pool.signal else {},
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
    if pool.has_tracks is not None:
        parts = np.where(pool.has_tracks, parts, -1)
    if plan.training.share < 1:
        parts = splits.thin(parts, pool.regions.name, plan.training.share, plan.training.seed)
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
    audited = quick_audit.of_pool(pool, parts, plan.training.seed)
    log.info("device: %s, %d compute threads", device.type, plan.training.threads)
    torch.set_num_threads(plan.training.threads)
    pool = _standardised(pool, parts)
    settings = _settings(pool, plan, split, parts, classes, counts)
    network = _begin(settings, plan, pool.encoders)
    sites = [_sites(pool, plan, parts == i, classes, network) for i in range(len(splits.PARTS))]
    checkpoint = results.beside(output, ".checkpoint")
    if network is None:
        network, settings["parameters"] = _fit_at_once(settings, sites[0], plan, device)
        history: list[dict[str, float]] = []
    else:
        rounds: list[loop.Round] = [(sites[0], sites[1])]
        if plan.training.iterative_folds:
            rounds = _rounds(pool, plan, parts, classes, network)
        history = _fit(network, rounds, settings, plan, device, checkpoint, resume)
    held = {}
    for i, part in enumerate(splits.PARTS):
        if part in results.HELD:
            mine = parts == i
            logits = sites[i].logits(learner(network), device).numpy()
            held[part] = results.Held(pool.ids[mine], pool.regions.name[mine], sites[i].region_labels, logits)
    temperature = calibration.of(plan.training, held["val"].logits, held["val"].labels)
    final = SequenceSettings(**{**settings, "temperature": temperature})
    metrics = {**results.metrics_of(final, network, history, held, plan.training.monitor), "audit": audited}
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
        "signal": pool.signal.record() if pool.signal else {},
    }


def _standardised(pool: Pool, parts: np.ndarray) -> Pool:
    """The pool with its tracks standardised by the training regions."""
    if pool.signal is None or pool.tracks is None:
        return pool
    mean, std = signal_run.standardisation(pool.tracks[parts == 0])
    signal = replace(pool.signal, mean=mean.tolist(), std=std.tolist())
    return replace(pool, signal=signal, tracks=signal.standardise(pool.tracks))


def _sites(
    pool: Pool, plan: Plan, mine: np.ndarray, classes: list[str], network: torch.nn.Module | None
) -> SequenceSites:
    """Some regions of the pool, as the network reads them."""
    position = {name: i for i, name in enumerate(classes)}
    labels = np.array([position[name] for name in pool.regions.name[mine]], dtype=np.int64)
    every = plan.training.windows_per_region == "all"
    what = (pool.files, pool.file[mine], pool.row[mine], labels, background_index(classes), every)
    encoded = encoded_sites.of_network(network, pool.encoders, plan.training.threads)
    if encoded is None:
        return SequenceSites(*what)
    tracks = None if pool.tracks is None else pool.tracks[mine]
    cache = pool.motif_cache(encoded["encoders"].motif)
    return encoded_sites.EncodedSites(*what, **encoded, tracks=tracks, cache=cache, place=np.flatnonzero(mine))


def _rounds(
    pool: Pool, plan: Plan, parts: np.ndarray, classes: list[str], network: torch.nn.Module
) -> list[loop.Round]:
    """Training and validation regions in folds, each fold the validation of a round (Enhancer-MDLF).

    From the second round on, a round's validation regions have been trained on, as published.
    """
    from sklearn.model_selection import StratifiedKFold

    together = np.flatnonzero((parts == 0) | (parts == 1))
    names = pool.regions.name[together].astype(str)
    if (least := min(Counter(names).values())) < plan.training.iterative_folds:
        raise InputError(
            f"--iterative-folds {plan.training.iterative_folds}: a class has {least} regions in training and validation"
            "; take fewer folds"
        )
    log.warning("warning: from round 2 on, the epoch is chosen by regions that were trained on, as published")
    dealt = StratifiedKFold(plan.training.iterative_folds, shuffle=True, random_state=plan.training.seed)
    rounds: list[loop.Round] = []
    for train, validation in dealt.split(together, names):
        masks = [np.isin(np.arange(len(parts)), together[chosen]) for chosen in (train, validation)]
        rounds.append((_sites(pool, plan, masks[0], classes, network), _sites(pool, plan, masks[1], classes, network)))
    return rounds


def _begin(settings: dict[str, Any], plan: Plan, encoders: Encoders) -> torch.nn.Module | None:
    """The network before its training, with what `settings` say of its encoders; None for what has no epochs."""
    architecture = registry.find(plan.arch)
    if not architecture.gradient:
        return None
    torch.manual_seed(plan.training.seed)
    facts = encoders.facts() if architecture.encoded else {}
    network = SequenceSettings(**settings, encoders=facts).build()
    if isinstance(network, EncodedNetwork):
        network.encoders.fill(encoders)
        settings["encoders"] = network.encoders.facts
    if plan.source is not None:
        transfer.begin(network, plan.source, plan.freeze, settings["split"])
    return network


def _fit(
    network: torch.nn.Module,
    rounds: Sequence[loop.Round],
    settings: dict[str, Any],
    plan: Plan,
    device: torch.device,
    checkpoint: Path,
    resume: bool,
) -> list[dict[str, float]]:
    """Train a network in place; its history."""
    kept = ("arch", "classes", "parameters", "training", "record", "split", "window", "stride")
    history = loop.fit(
        learner(network),
        rounds,
        plan.training,
        background=background_index(settings["classes"]),
        device=device,
        checkpoint_path=checkpoint,
        resume=resume,
        fingerprint={name: settings[name] for name in kept},
    )
    network.cpu().eval()
    return history


def _fit_at_once(
    settings: dict[str, Any], train: SequenceSites, plan: Plan, device: torch.device
) -> tuple[torch.nn.Module, dict[str, Any]]:
    """A model that has no epochs, from the middle window of each region, and what it is built with."""
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
        **{**registry.find(plan.arch).parameters, **plan.parameters},
    )
    return network.to(device).eval(), parameters
