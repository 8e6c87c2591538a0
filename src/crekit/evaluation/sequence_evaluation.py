"""Models judged on the same regions of sequence files.

A region's score is that of its best window among those that are scored: as many for one class as for another (see
`crekit.encoding.windows.match_numbers`). DeepEnhancer as published took the best of all windows of an enhancer, and a
background of one window each; `published_windows` gives those, for comparison.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from crekit.encoding.store import FASTA
from crekit.encoding.windows import spread
from crekit.errors import InputError
from crekit.evaluation.entries import Entry, choose, judged, shared_classes
from crekit.evaluation.evaluation import Scored, folds_of, in_order, nothing, with_ensemble
from crekit.evaluation.judged_sites import signal_of, sites_of
from crekit.genome.chromosomes import abridged
from crekit.genome.regions import concatenate
from crekit.labels.classes import BACKGROUND
from crekit.models.file import Model
from crekit.models.registry import SEQUENCE
from crekit.training import metrics, sequence_pool, splits
from crekit.training.sequence_pool import Pool
from crekit.training.sequence_signal import SignalInput
from crekit.training.sites import relabel

log = logging.getLogger("crekit")


def prepare(pool: Pool, entries: Mapping[str, Entry], given: Mapping[str, str]) -> Pool:
    """The pool with its classes renamed as asked, and as the models' training renamed them.

    Raises
    ------
    InputError
        If a class to be renamed is not there.
    """
    mapping, known = dict(given), set(pool.regions.name)
    for entry in entries.values():
        for model in entry.models:
            own = model.settings.record["options"].get("relabel", {})
            mapping |= {old: new for old, new in own.items() if old in known and old not in given}
    return replace(pool, regions=relabel(pool.regions, mapping, "the sequences"))


def with_tracks(pool: Pool, entries: Mapping[str, Entry], named: Sequence[sequence_pool.Named]) -> Pool:
    """The pool with the tracks that some of the models read, and where they reach.

    Raises
    ------
    InputError
        If a model reads tracks and none are given, or the reverse, or they do not fit.
    """
    wanted = [facts for entry in entries.values() for model in entry.models if (facts := signal_of(model))]
    if not wanted:
        if named:
            raise InputError("none of the models reads tracks beside sequences; leave out -t")
        return pool
    pool = sequence_pool.with_track_files(pool, named) if named else pool
    inside = np.logical_and.reduce([pool.read_tracks(SignalInput(**facts))[1] for facts in wanted])
    if left := int((~inside).sum()):
        log.warning("warning: %d regions lie too near to an end of a chromosome for the tracks; left out", left)
    return replace(pool, has_tracks=inside)


def classes_of_sequences(entries: Mapping[str, Entry]) -> list[str]:
    """The classes of models of sequences; an InputError for models of anything else."""
    for name, entry in entries.items():
        if entry.settings.input != SEQUENCE:
            raise InputError(f"{name}: a model of tracks, not of sequences; evaluate it with its own input (-t and -r)")
    return shared_classes(entries)


def require_fitting(
    pool: Pool, entries: Mapping[str, Entry], classes: Sequence[str], subset: str, averaged: bool = False
) -> tuple[dict[str, list[str]], list[str]]:
    """Check that sequences fit the models.

    Parameters
    ----------
    pool, entries, subset, averaged
        As in `crekit.evaluation.entries.choose`.
    classes : sequence of str
        Of the models.

    Returns
    -------
    kinds : dict of str to list of str
        Model -> what is odd about the sequences, a line each.
    elsewhere : list of str
        Models that were trained on another genome, so that what they may have seen of these regions is not known.

    Raises
    ------
    InputError
        If windows have another width, a class is not known, or a test set of places lies on another genome.
    """
    if unknown := sorted(set(pool.regions.name) - set(classes)):
        raise InputError(
            f"{pool.files[0].path}: holds class {unknown[0]}, but the model has {', '.join(classes)}; "
            "rename it with --relabel OLD=NEW"
        )
    kinds: dict[str, list[str]] = {}
    elsewhere = []
    for name, entry in entries.items():
        kinds[name] = _odd(pool, name, entry.settings)
        by_place = any(splits.follows_from_place(model.settings.split) for model in entry.models)
        other = _other_genome(pool, name, entry)
        if other and by_place and (subset == "test" or (entry.pooled and not averaged)):
            raise InputError(f"{other}; or give --subset all{' with --ensemble' if entry.pooled else ''}")
        if other:
            elsewhere.append(name)
            kinds[name].append("was trained on other DNA than this genome; what it may have seen of it is not known")
    return kinds, elsewhere


def _odd(pool: Pool, name: str, settings: Any) -> list[str]:
    rule, path = pool.files[0].rule, pool.files[0].path
    if rule.width != settings.window:
        sizes = [f"windows of {width} bases" if width else "whole regions" for width in (rule.width, settings.window)]
        raise InputError(
            f"{path}: holds {sizes[0]}, but {name} takes {sizes[1]}; encode with --window {settings.window}, "
            "and judge models of other windows in a run of their own"
        )
    texts = []
    for what, here, there in (
        ("--stride", rule.stride, settings.stride),
        ("--short", rule.short, settings.short),
        ("--ambiguous", rule.ambiguous, settings.ambiguous),
    ):
        if rule.width and here != there:
            texts.append(f"the sequences were encoded with {what} {here}, those of its training with {there}")
    if (
        settings.encoders
        and (known := pool.encoders.facts())
        and any(known.get(name) != one for name, one in settings.encoders.items())
    ):
        texts.append("the sequences are encoded with other k-mer vectors or motifs; the model reads them by its own")
    return texts


def _other_genome(pool: Pool, name: str, entry: Entry) -> str:
    """Why chromosomes here say nothing about those of an entry's training; empty where they do, or there are none."""
    there = entry.settings.sizes
    for file in pool.files:
        if file.source == FASTA and not there:
            continue
        if file.source == FASTA:
            return f"{file.path}: records of a FASTA have no place on the genome by which {name} knows its test set"
        shared = sorted(set(file.sizes) & set(there))
        if not shared:
            names = [abridged(sizes, 3) or "records of a FASTA" for sizes in (file.sizes, there)]
            return f"{file.path}: chromosomes are called {names[0]}, but in the training of {name} {names[1]}"
        for chrom in shared:
            if file.sizes[chrom] != there[chrom]:
                here, other = file.sizes[chrom], there[chrom]
                return f"{file.path}: {chrom} has {here} bases, but {other} where {name} was trained; take its genome"
    return ""


def scored_windows(pool: Pool) -> np.ndarray:
    """Windows of each region that its score is the best of, shape (n_regions,), int64."""
    return np.concatenate([file.n_scored for file in pool.files])


def published_windows(pool: Pool) -> np.ndarray:
    """The same as published: all windows of an element, one of a background region."""
    every = np.concatenate([file.n_windows for file in pool.files])
    return np.where(pool.regions.name == BACKGROUND, 1, every)


def score(
    pool: Pool,
    entries: Mapping[str, Entry],
    subset: str = "test",
    *,
    device: str = "cpu",
    ensemble: bool = False,
    windows: np.ndarray | None = None,
) -> tuple[Scored, np.ndarray]:
    """Score the regions of sequence files with all models.

    Parameters
    ----------
    pool : Pool
        See `prepare`.
    entries : mapping of str to Entry
    subset : str
        See `crekit.evaluation.entries.choose`.
    device : str
    ensemble : bool
        As in `crekit.evaluation.evaluation.score`.
    windows : np.ndarray, shape (n_regions,), int64, optional
        How many windows of each region to take the best of; default `scored_windows`.

    Returns
    -------
    scored : Scored
        In the order of the files.
    rows : np.ndarray, shape (n_sites,), int64
        Positions of the sites in the pool.

    Raises
    ------
    InputError
        If sequences do not fit a model, or no region is left.
    """
    classes = classes_of_sequences(entries)
    windows = scored_windows(pool) if windows is None else windows
    if pool.source == FASTA and subset not in {"test", "all"}:
        raise InputError(f"--subset {subset}: records of a FASTA lie on no chromosome; give test or all")
    parts, order = [], []
    for number, file in enumerate(pool.files):
        rows = np.flatnonzero(pool.file == number)
        mixed = any(entry.mixed for entry in entries.values())
        sums = {file.sha256()} if mixed else set()
        chosen, judges = choose(
            entries, pool.regions[rows], subset, list(file.sizes), ids=pool.ids[rows], sums=sums, averaged=ensemble
        )
        if pool.has_tracks is not None:
            chosen &= pool.has_tracks[rows]
        rows = rows[chosen]
        probabilities, mine = {}, {}
        for name, entry in entries.items():
            judge = judges[name][chosen]
            score_some = scorer(pool, rows, windows, classes, device)
            probabilities[name] = judged(entry, judge, entry.members(sums), score_some, len(classes))
            if entry.pooled:
                mine[name] = judge
        parts.append((probabilities, mine))
        order.append(rows)
    rows = np.concatenate(order)
    if not len(rows):
        raise InputError(nothing(entries, subset, concatenate([])))
    names = np.array(pool.names, dtype=object)
    judge = _joined([one for _, one in parts])
    scored = Scored(
        classes,
        pool.regions[rows],
        names[pool.file[rows]],
        with_ensemble(_joined([one for one, _ in parts]), ensemble),
        pool.regions[rows[:0]],
        names[:0],
        {name: {} for name in entries},
        {name: folds_of(entries[name], one) for name, one in judge.items()},
        judge,
        None if pool.source != FASTA else pool.ids[rows],
    )
    return scored, rows


def _joined(parts: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def scorer(
    pool: Pool, rows: np.ndarray, windows: np.ndarray, classes: Sequence[str], device: str
) -> Callable[[Model, np.ndarray], np.ndarray]:
    """For `crekit.evaluation.entries.judged`: a model's probabilities of some of the regions at `rows`."""

    def score_some(model: Model, some: np.ndarray) -> np.ndarray:
        mine = rows[some]
        model.network.to(device)
        sites, network = sites_of(pool, model, mine)
        region, window = spread(sites.n_windows, windows[mine])
        logits = sites.best(network, region, window, torch.device(device))
        return in_order(model, torch.softmax(logits / model.settings.temperature, dim=1).numpy(), classes)

    return score_some


def as_published(
    pool: Pool, entries: Mapping[str, Entry], scored: Scored, subset: str, *, device: str, ensemble: bool
) -> dict[str, dict[str, dict[str, float]]]:
    """Model -> class -> AUROC with the same number of windows for all classes (``matched``), and as published.

    Raises
    ------
    InputError
        If there is no background, or every region is one window.
    """
    if BACKGROUND not in scored.classes:
        raise InputError("--published-windows: the models know no background, which it treats apart; leave it out")
    if not pool.files[0].window:
        raise InputError("--published-windows: the regions are whole, and have no windows; leave it out")
    other, _ = score(pool, entries, subset, device=device, ensemble=ensemble, windows=published_windows(pool))
    found: dict[str, dict[str, dict[str, float]]] = {}
    for name in scored.probabilities:
        both = [metrics.auroc(one.labels, one.probabilities[name], len(one.classes)) for one in (scored, other)]
        found[name] = {
            of_class: {"matched": float(both[0][i]), "published": float(both[1][i])}
            for i, of_class in enumerate(scored.classes)
        }
    return found
