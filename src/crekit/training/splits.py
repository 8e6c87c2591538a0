"""Which sites train, which choose the epoch, and which are held back for the test."""

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np

from crekit.errors import InputError
from crekit.genome.chromosomes import select
from crekit.genome.regions import Regions
from crekit.training import folds
from crekit.training.folds import Clusters, FoldSplit

log = logging.getLogger("crekit")

PARTS = ("train", "val", "test")
MIN_TRAIN, MIN_VAL = 5, 2


@dataclass(frozen=True)
class ChromosomeSplit:
    """Whole chromosomes for each part.

    Parameters
    ----------
    train, val, test : tuple of str
        Names of chromosomes; no name in two parts.
    """

    train: tuple[str, ...]
    val: tuple[str, ...]
    test: tuple[str, ...]

    def assign(self, regions: Regions, clusters: Clusters = None) -> np.ndarray:
        """Part of each region (0 train, 1 val, 2 test, -1 none), shape (n_regions,), int."""
        part = {chrom: i for i, name in enumerate(PARTS) for chrom in getattr(self, name)}
        return np.array([part.get(chrom, -1) for chrom in regions.chrom], dtype=np.int64)

    def record(self) -> dict[str, Any]:
        """What the model file keeps."""
        return {"kind": "chromosomes", **{name: list(value) for name, value in asdict(self).items()}}


@dataclass(frozen=True)
class RandomSplit:
    """Sites drawn by lot, class by class: neighbours fall in different parts, so the test flatters the model.

    Parameters
    ----------
    train, val, test : float
        Shares; their sum is 1.
    seed : int
    """

    train: float
    val: float
    test: float
    seed: int

    def assign(self, regions: Regions, clusters: Clusters = None) -> np.ndarray:
        """Part of each region (0 train, 1 val, 2 test), shape (n_regions,), int."""
        generator = np.random.default_rng(self.seed)
        parts = np.zeros(len(regions), dtype=np.int64)
        for name in sorted(set(regions.name)):
            mine = np.flatnonzero(regions.name == name)
            order = generator.permutation(len(mine))
            cuts = np.round(np.cumsum([self.train, self.val]) * len(mine)).astype(int)
            parts[mine[order]] = np.searchsorted(cuts, np.arange(len(mine)), side="right")
        return parts

    def record(self) -> dict[str, Any]:
        """What the model file keeps, but for the ids of the regions: see `with_ids`."""
        return {"kind": "random", "shares": [self.train, self.val, self.test], "seed": self.seed}


@dataclass(frozen=True)
class StoredSplit:
    """The split that a sequence file holds.

    Parameters
    ----------
    parts : np.ndarray, shape (n_regions,), int64
        Part of each region (0 train, 1 val, 2 test, -1 none), in the order of the files' regions.
    """

    parts: np.ndarray

    def assign(self, regions: Regions, clusters: Clusters = None) -> np.ndarray:
        """Part of each region, shape (n_regions,), int."""
        return self.parts

    def record(self) -> dict[str, Any]:
        """What the model file keeps, but for the ids of the regions: see `with_ids`."""
        return {"kind": "stored"}


Split = ChromosomeSplit | RandomSplit | FoldSplit | StoredSplit
SplitOf = Callable[[list[str]], Split]


@dataclass(frozen=True)
class Wanted:
    """The splits that one run of train-model goes through.

    Parameters
    ----------
    splits : list of callable
        (known chromosomes) -> split; one, or one for each fold.
    folds : list of int
        Number of each fold; empty for a single split.
    """

    splits: list[SplitOf]
    folds: list[int]


def of_folds(chosen: list[FoldSplit]) -> Wanted:
    """Folds as the splits of a run."""
    if chosen[0].rule.by == folds.RANDOM:
        log.warning("warning: --by random puts neighbours into different folds, so that the test flatters the model")
    return Wanted([partial(_constant, split) for split in chosen], [split.fold for split in chosen])


def _constant(split: Split, known: list[str]) -> Split:
    return split


def choose(train: str | None, val: str | None, test: str | None, random: str | None, seed: int) -> SplitOf:
    """The split that train-model's options ask for, once the chromosomes are known.

    Raises
    ------
    InputError
        If neither all three lists of chromosomes are given nor shares, or both.
    """
    lists = [train, val, test]
    if random is not None:
        if any(lists):
            raise InputError("--random goes without --train --val --test; choose one kind of split")
        split = at_random(random, seed)
        log.warning("warning: --random puts neighbours into different parts, so that the test flatters the model")
        return lambda known: split
    if train is None or val is None or test is None:
        missing = [f"--{name}" for name, given in zip(PARTS, lists, strict=True) if given is None]
        if len(missing) < len(PARTS):
            raise InputError(f"a split by chromosomes has --train, --val and --test; give {' and '.join(missing)} too")
        raise InputError(
            "no split; give --train, --val and --test chromosomes, --folds, --random 0.6,0.2,0.2, or train-model "
            "--split stored"
        )
    return lambda known: by_chromosome(train, val, test, known)


def by_chromosome(train: str, val: str, test: str, known: list[str]) -> ChromosomeSplit:
    """A split from three expressions such as ``chr1-chr7``.

    Parameters
    ----------
    train, val, test : str
        See `crekit.genome.chromosomes.select`.
    known : list of str
        Chromosomes that there are.

    Raises
    ------
    InputError
        If a chromosome is unknown or in two parts.
    """
    if not known:
        raise InputError("--train --val --test: records of a FASTA lie on no chromosome; use --folds K or --random")
    parts = {name: select(expression, known) for name, expression in zip(PARTS, (train, val, test), strict=True)}
    seen: dict[str, str] = {}
    for name, chroms in parts.items():
        for chrom in chroms:
            if chrom in seen:
                raise InputError(f"{chrom} is in both --{seen[chrom]} and --{name}; a chromosome belongs to one part")
            seen[chrom] = name
    return ChromosomeSplit(*(tuple(parts[name]) for name in PARTS))


def at_random(shares: str, seed: int) -> RandomSplit:
    """A split from three shares such as ``0.6,0.2,0.2``.

    Raises
    ------
    InputError
        If they are not three positive numbers with the sum 1.
    """
    try:
        numbers = [float(share) for share in shares.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != 3 or min(numbers) <= 0 or abs(sum(numbers) - 1) > 1e-9:
        raise InputError(f"--random {shares}: give three positive shares with the sum 1, such as 0.6,0.2,0.2")
    return RandomSplit(train=numbers[0], val=numbers[1], test=numbers[2], seed=seed)


def assign_all(split: Split, regions: Regions, ids: np.ndarray, clusters: Clusters = None) -> np.ndarray:
    """Part of each region of all data sets, shape (n_regions,), int; what is in two data sets has one part.

    Parameters
    ----------
    split : Split
    regions : Regions
        Of all data sets, one after the other.
    ids : np.ndarray, shape (n_regions,), object
    clusters : callable, optional
        See `crekit.training.folds.Clusters`.
    """
    parts = split.assign(regions, clusters)
    _, first, position = np.unique(ids.astype(str), return_index=True, return_inverse=True)
    return parts[first[position]]


def thin(parts: np.ndarray, names: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Leave out training regions by lot, class by class, until a share of them is left.

    Parameters
    ----------
    parts : np.ndarray, shape (n_regions,), int
        As of `assign_all`.
    names : np.ndarray, shape (n_regions,), object
        Their classes.
    share : float
        More than 0, at most 1.
    seed : int

    Returns
    -------
    parts : np.ndarray, shape (n_regions,), int
        -1 for what was left out.
    """
    kept = parts.copy()
    generator = np.random.default_rng(seed)
    for name in sorted(set(names)):
        mine = generator.permutation(np.flatnonzero((names == name) & (parts == 0)))
        kept[mine[max(1, round(share * len(mine))) :]] = -1
    return kept


def with_ids(split: Split, regions: Regions, parts: np.ndarray, ids: np.ndarray | None = None) -> dict[str, Any]:
    """The split as the model file keeps it: chromosomes, parts of a rule, or the ids of the regions of each part.

    Parameters
    ----------
    split : Split
    regions : Regions
    parts : np.ndarray, shape (n_regions,), int
    ids : np.ndarray, shape (n_regions,), object, optional
        Names of records that are no regions of a genome.
    """
    record = split.record()
    if follows_from_place(record):
        return record
    names = regions.ids if ids is None else ids
    return record | {name: list(names[parts == i]) for i, name in enumerate(PARTS)}


def follows_from_place(record: dict[str, Any]) -> bool:
    """Whether a region's part follows from where it lies, so that no ids are kept."""
    return record["kind"] == "chromosomes" or (record["kind"] == "folds" and record["by"] == folds.BLOCK)


def members(record: dict[str, Any], part: str, regions: Regions, ids: np.ndarray | None = None) -> np.ndarray:
    """Which regions belong to a part of a model's split, shape (n_regions,), bool; `ids` as in `with_ids`.

    Raises
    ------
    InputError
        If the split goes by places on a genome, and the regions are records of a FASTA.
    """
    if not follows_from_place(record):
        return np.isin((regions.ids if ids is None else ids).astype(str), record[part])
    if record["kind"] == "chromosomes":
        return np.isin(regions.chrom.astype(str), record[part])
    rule = folds.FoldRule(record["folds"], record["by"], record["block"], record["seed"])
    return np.isin(rule.number(regions), record[part])


def count(regions: Regions, parts: np.ndarray) -> dict[str, dict[str, int]]:
    """Part -> class -> number of regions."""
    names = sorted(set(regions.name))
    return {
        part: {name: int(np.sum((regions.name == name) & (parts == i))) for name in names}
        for i, part in enumerate(PARTS)
    }


def require_enough(counts: dict[str, dict[str, int]], classes: list[str], split: Split | None = None) -> None:
    """Check that no part is empty and every class can be learned and judged.

    Parameters
    ----------
    counts : dict of str to dict of str to int
        See `count`.
    classes : list of str
    split : Split, optional
        Of folds, the test too must hold every class.

    Raises
    ------
    InputError
        If a part has no site, or a class too few in training or validation.
    """
    if len(classes) < 2:
        raise InputError(f"the regions hold the class {classes[0]} alone; a model needs at least two, so add another")
    fold = split.fold if isinstance(split, FoldSplit) else None
    remedy = _remedy(split)
    for part in PARTS:
        if sum(counts[part].values()) == 0:
            raise InputError(f"{_called(part, fold)} holds no site: no region that is kept lies there; {remedy}")
    for part, least in (("train", MIN_TRAIN), ("val", MIN_VAL), ("test", 0 if fold is None else 1)):
        for name in classes:
            if (there := counts[part].get(name, 0)) < least:
                raise InputError(
                    f"class {name} has {there} site(s) in {_called(part, fold)}, and needs at least {least}; "
                    f"{'add chromosomes or regions' if fold is None else remedy}, or merge classes with --relabel"
                )


def _remedy(split: Split | None) -> str:
    """What helps where a part is too small."""
    if not isinstance(split, FoldSplit):
        return "choose other chromosomes"
    of_kind = {
        folds.BLOCK: "use a smaller --block or more regions",
        folds.CHROMOSOME: "use --by block, or regions on more chromosomes",
        folds.CLUSTER: "use more sequences",
        folds.RANDOM: "use more regions",
    }[split.rule.by]
    return of_kind + (", or fewer folds" if split.rule.folds > 3 else "")


def _called(part: str, fold: int | None) -> str:
    """What a part is called in messages."""
    return f"--{part}" if fold is None else f"the {part} part of fold {fold}"
