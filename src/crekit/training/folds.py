"""Folds: each region belongs to one of K parts, by its place on the genome, by its likeness to others, or by lot.

Fold I of K tests on part I, chooses the epoch on part I + 1 (after K comes 1) and trains on the rest. The part of a
block follows from chromosome, block, seed and K alone, so that it is the same for every data set.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from crekit.errors import InputError
from crekit.genome.chromosomes import natural_key
from crekit.genome.regions import Regions

BLOCK, CHROMOSOME, CLUSTER, RANDOM = "block", "chromosome", "cluster", "random"
BY = (BLOCK, CHROMOSOME, CLUSTER, RANDOM)
NEAR = 1000
"""Regions so near to a block of another fold, in bases, are dropped."""

Clusters = Callable[[], np.ndarray] | None
"""Gives the cluster of each region, shape (n_regions,), int64; called only where folds go by clusters."""


@dataclass(frozen=True)
class FoldRule:
    """How regions are dealt to K parts.

    Parameters
    ----------
    folds : int
        K.
    by : str
        ``block`` of the genome, ``chromosome``, ``cluster`` of similar sequences, or ``random`` (which puts neighbours
        into different parts, so that the test flatters the model).
    block : int
        Bases in a block.
    seed : int
    """

    folds: int
    by: str = BLOCK
    block: int = 1_000_000
    seed: int = 1

    def number(self, regions: Regions, clusters: Clusters = None) -> np.ndarray:
        """Part of each region, shape (n_regions,), int64: 1 to K, 0 for a region that is dropped.

        Raises
        ------
        InputError
            If the regions do not say what the rule needs.
        """
        if self.by in {BLOCK, CHROMOSOME} and not all(regions.chrom):
            raise InputError(
                f"--by {self.by}: records of a FASTA have no place on a genome, unless their names are places such as "
                "chrX:100-400; use --by cluster"
            )
        if self.by == BLOCK:
            return self._by_block(regions)
        if self.by == CHROMOSOME:
            return self._by_chromosome(regions)
        if self.by == RANDOM:
            return self._deal(regions.name, np.arange(len(regions)))
        if clusters is None:
            raise InputError("--by cluster: tracks have no sequence; use --by block or chromosome, or give -s")
        return self._deal(regions.name, clusters())

    def _by_block(self, regions: Regions) -> np.ndarray:
        """Parts of the midpoints' blocks; 0 where a block of another part is near."""
        parts = self._parts_of_blocks(regions.chrom, regions.midpoint // self.block)
        first = np.maximum(regions.start - NEAR, 0) // self.block
        last = (regions.end - 1 + NEAR) // self.block
        result = parts.copy()
        for shift in range(int((last - first).max(initial=0)) + 1):
            there = np.minimum(first + shift, last)
            result[self._parts_of_blocks(regions.chrom, there) != parts] = 0
        return result

    def _parts_of_blocks(self, chrom: np.ndarray, block: np.ndarray) -> np.ndarray:
        known: dict[tuple[str, int], int] = {}
        for key in zip(chrom, block.tolist(), strict=True):
            if key not in known:
                text = f"{key[0]}\t{key[1]}\t{self.block}\t{self.seed}\t{self.folds}"
                known[key] = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") % self.folds + 1
        return np.array([known[key] for key in zip(chrom, block.tolist(), strict=True)], dtype=np.int64)

    def _by_chromosome(self, regions: Regions) -> np.ndarray:
        """Whole chromosomes, the one with the most regions first, each to the part that has the fewest."""
        chroms = sorted(set(regions.chrom), key=natural_key)
        position = {chrom: i for i, chrom in enumerate(chroms)}
        return self._deal(regions.name, np.array([position[chrom] for chrom in regions.chrom], dtype=np.int64))

    def _deal(self, names: np.ndarray, groups: np.ndarray) -> np.ndarray:
        """Whole groups, large ones first and equal ones by lot, each to the part that lacks its classes most."""
        _, column = np.unique(names.astype(str), return_inverse=True)
        n_groups, n_classes = int(groups.max(initial=-1)) + 1, int(column.max(initial=-1)) + 1
        counts = np.zeros((n_groups, n_classes))
        np.add.at(counts, (groups, column), 1)
        share = counts / np.maximum(counts.sum(axis=0), 1)
        lot = np.random.default_rng(self.seed).permutation(n_groups)
        order = lot[np.argsort(-counts[lot].sum(axis=1), kind="stable")]
        filled, part_of = np.zeros((self.folds, n_classes)), np.zeros(n_groups, dtype=np.int64)
        for group in order:
            growth = ((filled + share[group]) ** 2 - filled**2).sum(axis=1)
            part = int(np.argmin(growth))
            filled[part] += share[group]
            part_of[group] = part + 1
        return part_of[groups]


@dataclass(frozen=True)
class FoldSplit:
    """One fold of a rule.

    Parameters
    ----------
    rule : FoldRule
    fold : int
        I, from 1 to K: the part that tests.
    """

    rule: FoldRule
    fold: int

    def assign(self, regions: Regions, clusters: Clusters = None) -> np.ndarray:
        """Part of each region (0 train, 1 val, 2 test, -1 none), shape (n_regions,), int."""
        return as_parts(self.rule.number(regions, clusters), self.fold, self.rule.folds)

    def record(self) -> dict[str, Any]:
        """What the model file keeps; ``train``, ``val`` and ``test`` are parts of the rule, or ids of regions."""
        rule = self.rule
        test, val = self.fold, self.fold % rule.folds + 1
        train = [part for part in range(1, rule.folds + 1) if part not in {test, val}]
        kept = {"kind": "folds", "by": rule.by, "folds": rule.folds, "fold": self.fold, "seed": rule.seed}
        if rule.by == BLOCK:
            kept |= {"block": rule.block}
        return kept | {"train": train, "val": [val], "test": [test]}


def as_parts(number: np.ndarray, fold: int, folds: int) -> np.ndarray:
    """What each region does in a fold (0 train, 1 val, 2 test, -1 none), from its part (0 for none)."""
    parts = np.zeros(len(number), dtype=np.int64)
    parts[number == fold % folds + 1] = 1
    parts[number == fold] = 2
    parts[number == 0] = -1
    return parts


def choose(folds: int, fold: int | None, by: str | None, block: int, seed: int, default: str) -> list[FoldSplit]:
    """The folds that train-model's options ask for.

    Parameters
    ----------
    folds : int
    fold : int, optional
        One of them; None is all.
    by : str, optional
    block, seed : int
    default : str
        What `by` is where it is not given.

    Raises
    ------
    InputError
        If a number cannot be right.
    """
    by = by or default
    if by not in BY:
        raise InputError(f"--by {by}: choose one of {', '.join(BY)}")
    if folds < 3:
        raise InputError(f"--folds {folds}: training, validation and test need at least 3")
    if fold is not None and not 1 <= fold <= folds:
        raise InputError(f"--fold {fold}: give a number from 1 to {folds}")
    if block <= 2 * NEAR:
        raise InputError(f"--block {block}: give more than {2 * NEAR} bases, because margins of {NEAR} are dropped")
    rule = FoldRule(folds, by, block, seed)
    return [FoldSplit(rule, number) for number in ([fold] if fold else range(1, folds + 1))]
