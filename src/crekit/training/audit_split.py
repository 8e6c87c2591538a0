"""The split that an audit looks across, and the one that a cleaned set gets."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from crekit.audit.read import Loaded
from crekit.audit.sample import TEST
from crekit.errors import InputError
from crekit.genome.chromosomes import natural_key
from crekit.genome.regions import Regions
from crekit.models import file as model_file
from crekit.provenance import Input
from crekit.training import folds, splits
from crekit.training.clusters import find_clusters
from crekit.training.train import SplitOptions

FOLDS = 5
_MOST = 0.6
log = logging.getLogger("crekit")


def apply(loaded: Loaded, options: SplitOptions, model: Path | None, seed: int) -> tuple[Loaded, dict[str, Any]]:
    """Sequences with their split: of test files, of a model, of train-model's options, or that of the sequence file.

    Parameters
    ----------
    loaded : Loaded
    options : SplitOptions
    model : Path, optional
    seed : int

    Returns
    -------
    loaded : Loaded
    split : dict
        ``kind``, and what belongs to it.

    Raises
    ------
    InputError
        If several splits are asked for, or one does not fit the sequences.
    """
    chosen = replace(options, by=None, block=SplitOptions.block) != SplitOptions()
    if sum([bool(loaded.held.any()), model is not None, chosen]) > 1:
        raise InputError("choose one split: --test files, a model (-m), chromosomes, --folds, or --random")
    if loaded.held.any():
        return loaded, {"kind": "files"}
    if model is not None:
        return _of_model(loaded, model)
    if chosen or options.by:
        return _of_options(loaded, options, seed)
    return loaded, {"kind": "none" if loaded.store is None or loaded.store.split is None else "stored"}


def _of_model(loaded: Loaded, path: Path) -> tuple[Loaded, dict[str, Any]]:
    model = model_file.load(path)
    record = model.settings.split
    if splits.follows_from_place(record) and not all(loaded.places.chrom):
        raise InputError(f"{path}: was split by places on a genome, which these records lack; give regions (-r -g)")
    part = np.full(len(loaded.sample), -1, dtype=np.int8)
    for number, name in enumerate(splits.PARTS):
        part[splits.members(record, name, loaded.places, loaded.names)] = number
    if (part < 0).all():
        raise InputError(f"{path}: none of the sequences is in its split; give the data that it was trained on")
    kept = {key: value for key, value in record.items() if splits.follows_from_place(record) or key not in splits.PARTS}
    loaded = loaded.with_parts(part)
    return replace(loaded, inputs=[*loaded.inputs, Input("model", "", model.sha256)]), kept


def _of_options(loaded: Loaded, options: SplitOptions, seed: int) -> tuple[Loaded, dict[str, Any]]:
    placed = all(loaded.places.chrom)
    wanted = options.wanted(seed, folds.BLOCK if placed else folds.CLUSTER)
    known = sorted(set(loaded.places.chrom) - {""}, key=natural_key)
    split = wanted.splits[0](known)
    kept = {key: value for key, value in split.record().items() if key not in splits.PARTS or options.train}
    if not isinstance(split, folds.FoldSplit):
        return loaded.with_parts(split.assign(loaded.places)), kept
    number = split.rule.number(loaded.places, lambda: find_clusters(loaded.sample.codes))
    parts = folds.as_parts(number, split.fold, split.rule.folds)
    if not options.fold:
        del kept["fold"]
    return loaded.with_parts(parts, None if options.fold else number), kept


def by_cluster(loaded: Loaded, seed: int) -> Loaded:
    """Sequences in five folds by clusters of likeness, of which neighbours on a chromosome are one too.

    Where a cluster is larger than a fold, it is the first fold; so the fourth is the test, and the fifth validates. A
    test set that there is stays the test.
    """
    clusters = join_near(find_clusters(loaded.sample.codes), loaded.places)
    largest = int(np.bincount(clusters).max(initial=0))
    if largest * FOLDS > len(clusters):
        few = "; too few are left for the others, so train with --folds and --by block"
        log.warning(
            "warning: %d of %d sequences are one cluster, by likeness or as neighbours, and so one fold%s",
            largest, len(clusters), few if largest > _MOST * len(clusters) else "",
        )  # fmt: skip
    number = folds.FoldRule(FOLDS, folds.CLUSTER, seed=seed).number(loaded.places, lambda: clusters)
    if not loaded.held.any():
        return loaded.with_parts(folds.as_parts(number, FOLDS - 1, FOLDS), number)
    parts = np.where(loaded.held, TEST, (number == FOLDS).astype(np.int64))
    return loaded.with_parts(parts)


def join_near(clusters: np.ndarray, places: Regions, distance: int = folds.NEAR) -> np.ndarray:
    """Clusters of which those with members so near one another, in bases, are one; numbered from 0.

    Parameters
    ----------
    clusters : np.ndarray, shape (n,), int64
    places : Regions
        A sequence without a chromosome is near nothing.
    distance : int
    """
    pairs: list[np.ndarray] = []
    for chrom in sorted(set(places.chrom) - {""}):
        mine = np.flatnonzero(places.chrom == chrom)
        mine = mine[np.lexsort((places.end[mine], places.start[mine]))]
        reach = np.maximum.accumulate(places.end[mine])
        near = places.start[mine][1:] - reach[:-1] <= distance
        pairs.append(np.stack([mine[:-1][near], mine[1:][near]]))
    first, second = clusters[np.concatenate(pairs, axis=1)] if pairs else np.zeros((2, 0), dtype=np.int64)
    n = int(clusters.max(initial=-1)) + 1
    graph = sparse.coo_matrix((np.ones(len(first), dtype=bool), (first, second)), shape=(n, n))
    return connected_components(graph, directed=False)[1][clusters].astype(np.int64)
