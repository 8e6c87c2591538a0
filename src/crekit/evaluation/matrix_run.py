"""The matrix of models by data sets from files to results: what evaluate-model does with ``--matrix``."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from crekit import progress
from crekit.encoding.store import FASTA
from crekit.errors import InputError
from crekit.evaluation import evaluation, evaluation_run, matrix, sequence_evaluation, sequence_seen
from crekit.evaluation.entries import Entry
from crekit.evaluation.evaluation_run import Plan
from crekit.evaluation.matrix import Cell
from crekit.evaluation.matrix_seen import Held, Unseen, unseen
from crekit.genome.chromosomes import select
from crekit.genome.regions import Regions, concatenate
from crekit.models.fitting import require_fitting
from crekit.provenance import Input
from crekit.signal.tracks import Tracks
from crekit.training import sequence_pool
from crekit.training.data_sets import DataSet
from crekit.training.metrics import for_json
from crekit.training.sequence_pool import Pool
from crekit.training.sites import Sites

log = logging.getLogger("crekit")
Named = tuple[str | None, Path]


@dataclass(frozen=True)
class Found:
    """What came out.

    Parameters
    ----------
    results : dict
        What the metrics file holds.
    cells : list of Cell
    """

    results: dict[str, Any]
    cells: list[Cell]


def check(plan: Plan) -> None:
    """Check that no option asks for what a matrix has not.

    Raises
    ------
    InputError
    """
    for option, given in {
        "--ensemble": plan.ensemble,
        "--genome": plan.genome,
        "--annotation": plan.annotations,
        "--validated": plan.validated,
        "--published-windows": plan.published_windows,
    }.items():
        if given:
            raise InputError(f"{option}: not with --matrix; give it in a run of its own")
    if plan.subset == "all":
        raise InputError("--subset all: a matrix leaves out what a model has learned from; leave the option out")


def of_sequences(
    files: Sequence[Named], entries: Mapping[str, Entry], plan: Plan, tracks: Sequence[Named] = ()
) -> Found:
    """Judge models of sequences on each of several sequence files, with their `tracks` where a model reads some too.

    Raises
    ------
    InputError
        If sequences do not fit the models, two data sets share a name or their contents, or nothing can be scored.
    """
    device = evaluation_run.begin(entries, plan)
    classes = sequence_evaluation.classes_of_sequences(entries)
    names = _names(files, "-s NAME=H5")
    loaded = [sequence_pool.load([(name, path)], {}) for name, (_, path) in sorted(zip(names, files, strict=True))]
    _require_relabelled(plan, [one.regions for one in loaded])
    pools = [sequence_evaluation.prepare(one, entries, _mapping(plan, one.regions)) for one in loaded]
    pools = [sequence_evaluation.with_tracks(one, entries, _of(one.names[0], tracks, len(files))) for one in pools]
    numbers = sequence_seen.numbers(_together(pools))
    ends = np.cumsum([len(one.regions) for one in pools])
    odd, data_sets = [], []
    for pool, dna in zip(pools, np.split(numbers, ends[:-1]), strict=True):
        kinds, elsewhere = sequence_evaluation.require_fitting(pool, entries, classes, "all", averaged=True)
        # The last line of those is that places tell nothing; here the DNA does.
        odd.append({name: texts[:-1] if name in elsewhere else texts for name, texts in kinds.items()})
        sums = frozenset(one.sha256 for one in pool.inputs)
        chroms = () if pool.source == FASTA else tuple(pool.files[0].sizes)
        data_sets.append(Held(pool.names[0], pool.regions, pool.ids, sums, frozenset(elsewhere), chroms, dna))
    _require_different(data_sets)

    def score(number: int, name: str, chosen: np.ndarray) -> tuple[np.ndarray, Any]:
        pool = pools[number]
        chosen = chosen if pool.has_tracks is None else chosen & pool.has_tracks
        rows = np.flatnonzero(chosen)
        windows = sequence_evaluation.scored_windows(pool)
        return chosen, sequence_evaluation.scorer(pool, rows, windows, classes, device)

    cells = _cells(entries, data_sets, classes, odd, plan, score)
    inputs = [one for pool in pools for one in pool.inputs]
    return _finish(cells, entries, classes, plan, {"relabel": dict(plan.relabel or {})}, inputs)


def of_tracks(data_sets: Sequence[DataSet], entries: Mapping[str, Entry], plan: Plan) -> Found:
    """Judge models of tracks on each of several data sets.

    Raises
    ------
    InputError
        If tracks or regions do not fit the models, two data sets have the same contents, or nothing can be scored.
    """
    device = evaluation_run.begin(entries, plan)
    classes = evaluation.classes_of_tracks(entries)
    _require_relabelled(plan, [one.regions for one in data_sets])
    ordered = sorted(data_sets, key=lambda one: one.name)
    given = [evaluation_run.renamed(one, entries, _mapping(plan, one.regions)) for one in ordered]
    held, odd, inputs = [], [], []
    for one in given:
        regions = one.regions.sorted()
        Sites(np.zeros(0), regions).labels(classes)  # before the work: are all classes known?
        with Tracks(one.tracks) as tracks:
            odd.append({name: _odd(tracks, entry) for name, entry in entries.items()})
            checksum, chroms = tracks.sha256(), tuple(tracks.sizes)
        name, sums = one.name or one.tracks.stem, frozenset({checksum, one.regions_sha256})
        held.append(Held(name, regions, regions.ids, sums, chroms=chroms))
        inputs += [Input("tracks", name, checksum), Input("regions", name, one.regions_sha256)]
    _require_different(held)

    def score(number: int, name: str, chosen: np.ndarray) -> tuple[np.ndarray, Any]:
        with Tracks(given[number].tracks) as tracks:
            some = held[number].regions[chosen]
            loaded = evaluation.load_each(tracks, some, entries[name].models, plan.normalise)
        kept = np.ones(len(some), dtype=bool)
        for sites in loaded.values():
            kept &= evaluation.among(some, sites.regions)
        left = chosen.copy()
        left[chosen] = kept
        return left, evaluation.scorer(loaded, some[kept], classes, plan.normalise, device)

    cells = _cells(entries, held, classes, odd, plan, score)
    options = {"relabel": dict(plan.relabel or {}), "normalise": plan.normalise}
    return _finish(cells, entries, classes, plan, options, inputs)


def _cells(
    entries: Mapping[str, Entry],
    data_sets: Sequence[Held],
    classes: list[str],
    odd: Sequence[Mapping[str, list[str]]],
    plan: Plan,
    score: Callable[[int, str, np.ndarray], tuple[np.ndarray, Any]],
) -> list[Cell]:
    """All cells, model by model.

    Parameters
    ----------
    score : callable
        (number of the data set, entry, regions to score) -> regions that can be scored, and what scores some of them,
        as `crekit.evaluation.matrix.mean_of_judges` wants it.
    """
    wanted = [_wanted(plan.subset, one) for one in data_sets]
    pairs = [(name, number) for name in entries for number in range(len(data_sets))]
    cells = []
    for name, number in progress.steps(pairs, "matrix"):
        data, entry = data_sets[number], entries[name]
        found = unseen(name, entries, data, data_sets)
        free = found.judges.any(axis=0) & wanted[number]
        chosen, probabilities = free, np.zeros((0, len(classes)), dtype=np.float32)
        if free.any():
            chosen, score_some = score(number, name, free)
            probabilities = matrix.mean_of_judges(entry, found.judges[:, chosen], score_some, len(classes))
        labels = evaluation.positions(data.regions.name[chosen], classes)
        left_out = _left_out(found, free, chosen, wanted[number])
        marks = matrix.marks_of(entry, found, labels, classes, odd[number][name])
        rows = np.flatnonzero(chosen)
        cells.append(Cell(name, data.name, found.own, rows, data.ids[chosen], labels, probabilities, left_out, marks))
    if not any(len(cell.rows) for cell in cells):
        raise InputError("no model has a region that it has not seen; give data sets that they were not trained on")
    return cells


def _wanted(subset: str, data: Held) -> np.ndarray:
    """Regions on the chromosomes that were asked for, shape (n_regions,), bool."""
    if subset == "test":
        return np.ones(len(data), dtype=bool)
    if not data.placed:
        raise InputError(f"--subset {subset}: records of a FASTA ({data.name}) lie on no chromosome; leave it out")
    return np.isin(data.regions.chrom.astype(str), select(subset, list(data.chroms)))


def _left_out(found: Unseen, free: np.ndarray, chosen: np.ndarray, wanted: np.ndarray) -> dict[str, int]:
    copies = int((found.copies & wanted).sum())
    return {
        "seen": int((wanted & ~free).sum()) - copies,
        "same_dna": copies,
        "dropped": int((free & ~chosen).sum()),
    }


def _finish(
    cells: list[Cell],
    entries: Mapping[str, Entry],
    classes: list[str],
    plan: Plan,
    options: Mapping[str, Any],
    inputs: Sequence[Input],
) -> Found:
    made = matrix.results(cells, classes, plan.n_resamples, plan.seed)
    matrix.say(made)
    warnings = [f"{row['model']} on {row['data_set']}: {text}" for row in made["cells"] for text in row["marks"]]
    results = {
        "classes": classes,
        "subset": plan.subset,
        "models": {name: evaluation_run.describe(entry) for name, entry in entries.items()},
        "matrix": made,
        "audit": {"warnings": warnings},
        "record": evaluation_run.record_of(plan, entries, {"matrix": True, **options}, inputs),
    }
    return Found(for_json(results), cells)


def _names(files: Sequence[Named], example: str) -> list[str]:
    """Names of data sets; a file alone is called by its stem."""
    if len(files) == 1:
        return [files[0][0] or files[0][1].stem]
    names = [name or "" for name, _ in files]
    if "" in names or len(set(names)) < len(names):
        raise InputError(f"several data sets need a name each, and no name twice: {example}")
    return names


def _of(name: str, tracks: Sequence[Named], n_sets: int) -> list[Named]:
    """The track file of one of several data sets, which go by name."""
    if n_sets == 1:
        return list(tracks)
    mine = [one for one in tracks if one[0] == name]
    if tracks and not mine:
        raise InputError(f"no tracks are named as the data set {name}; give -t {name}=H5")
    return mine


def _together(pools: Sequence[Pool]) -> Pool:
    """All sequences in one, to number their DNA."""
    return Pool(
        [file for pool in pools for file in pool.files],
        [name for pool in pools for name in pool.names],
        concatenate(pool.regions for pool in pools),
        np.concatenate([pool.ids for pool in pools]),
        np.repeat(np.arange(len(pools)), [len(pool.regions) for pool in pools]),
        np.concatenate([pool.row for pool in pools]),
        [one for pool in pools for one in pool.inputs],
    )


def _odd(tracks: Tracks, entry: Entry) -> list[str]:
    """What is odd about tracks, for any of the models; checks that they fit."""
    return list(
        dict.fromkeys(text for model in entry.models for text in require_fitting(tracks, model.settings))  # type: ignore[arg-type]
    )


def _mapping(plan: Plan, regions: Regions) -> dict[str, str]:
    """The renaming of those classes that a data set has."""
    return {old: new for old, new in (plan.relabel or {}).items() if old in set(regions.name)}


def _require_relabelled(plan: Plan, parts: Sequence[Regions]) -> None:
    """Check that every class to be renamed is in one of the data sets."""
    known = sorted({name for one in parts for name in one.name})
    for old in plan.relabel or {}:
        if old not in known:
            raise InputError(f"--relabel {old}: no data set holds such a class, only {', '.join(known)}")


def _require_different(data_sets: Sequence[Held]) -> None:
    first: dict[frozenset[str], str] = {}
    for one in data_sets:
        if (same := first.setdefault(one.sums, one.name)) != one.name:
            raise InputError(f"data sets {same} and {one.name} have the same contents; give each once")
