"""What train-model does: from its options to one model, or one for each fold."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from crekit.errors import InputError
from crekit.models import registry
from crekit.models.file import Model
from crekit.models.registry import SEQUENCE, SIGNAL, Architecture
from crekit.training import (
    data_sets,
    fold_run,
    folds,
    sequence_pool,
    sequence_run,
    sequence_signal,
    settings,
    signal_run,
    splits,
    transfer,
)

Named = tuple[str | None, Path]


@dataclass(frozen=True)
class SplitOptions:
    """The options of a split as they were given: chromosomes, shares, or folds."""

    train: str | None = None
    val: str | None = None
    test: str | None = None
    random: str | None = None
    folds: int | None = None
    fold: int | None = None
    by: str | None = None
    block: int = 1_000_000
    stored: bool = False

    def wanted(self, seed: int, default_by: str, parts: np.ndarray | None = None) -> splits.Wanted:
        """The splits that they ask for; `parts` are those that the sequence files hold.

        Raises
        ------
        InputError
            If they do not go together.
        """
        if self.stored:
            return self._as_stored(parts)
        if self.folds is None:
            if self.fold is not None or self.by is not None:
                raise InputError("--fold and --by belong to --folds K; give it too")
            return splits.Wanted([splits.choose(self.train, self.val, self.test, self.random, seed)], [])
        if self.train or self.val or self.test or self.random:
            raise InputError("--folds goes without --train --val --test and --random; choose one kind of split")
        return splits.of_folds(folds.choose(self.folds, self.fold, self.by, self.block, seed, default_by))

    def _as_stored(self, parts: np.ndarray | None) -> splits.Wanted:
        """The split that the sequence files hold."""
        if any((self.train, self.val, self.test, self.random, self.folds, self.fold, self.by)):
            raise InputError("--split stored goes without --train --val --test, --random and --folds; choose one")
        if parts is None:
            raise InputError("--split stored: the sequences hold no split; audit-dataset --fix stores one")
        split = splits.StoredSplit(parts)
        return splits.Wanted([lambda known: split], [])

    def rule(self, default_by: str) -> list[Any]:
        """What models of all folds share, for the name of their group."""
        return [self.folds, self.by or default_by, self.block]


@dataclass(frozen=True)
class Order:
    """What was asked for, apart from the data.

    Parameters
    ----------
    arch : str
    output : Path
    training : dict
        Settings by name; None is the paper's.
    split : SplitOptions
    relabel : dict of str to str
    device : str
    init_from : Path, optional
    freeze : str, optional
    resume : bool
    """

    arch: str
    output: Path
    training: dict[str, Any]
    split: SplitOptions
    relabel: dict[str, str]
    device: str = "auto"
    init_from: Path | None = None
    freeze: str | None = None
    resume: bool = False

    def architecture(self, kind: str) -> Architecture:
        """The architecture, which must take tracks or sequences as `kind` says.

        Raises
        ------
        InputError
        """
        found = registry.find(self.arch)
        if found.input != kind:
            wants = "sequences (-s)" if kind == SIGNAL else "tracks and regions (-t -r)"
            raise InputError(f"--arch {self.arch}: takes {wants}; give those, or another architecture")
        return found

    def source(self, architecture: Architecture) -> Model | None:
        """The model to begin with."""
        if self.init_from is None:
            if self.freeze is not None:
                raise InputError("--freeze keeps layers of another model as they are; give it with --init-from")
            return None
        if not architecture.gradient:
            raise InputError(f"--init-from: {self.arch} has no weights to go on from; leave it out")
        return transfer.load_source(self.init_from, self.arch)

    def group(self, by: str, facts: dict[str, Any]) -> str:
        """The name that fold models share; empty for a single model."""
        return fold_run.group_of({**facts, "rule": self.split.rule(by)}) if self.split.folds else ""


def on_sequences(
    order: Order,
    files: Sequence[Named],
    *,
    padding: str | None = None,
    k: str | None = None,
    c: float | None = None,
    encodings: str | None = None,
    tracks: Sequence[Named] = (),
    marks: tuple[str, ...] | None = None,
    n_bins: int = 20,
    normalise: str | None = None,
) -> list[dict[str, Any]]:
    """Train on sequence files; returns the metrics of each model.

    Raises
    ------
    InputError
        If options, files and architecture do not go together.
    """
    architecture = order.architecture(SEQUENCE)
    training = settings.of_paper(architecture, **order.training)
    parameters = shape(order.arch, architecture, padding, k, c, encodings)
    pool = sequence_pool.load(files, order.relabel)
    sequence_pool.require_readable(pool, order.arch, parameters)
    if tracks:
        if order.arch != "fusion":
            raise InputError(f"--arch {order.arch}: reads sequences or tracks, not both; give --arch fusion")
        signal = sequence_signal.describe(tracks[0][1], marks, n_bins, normalise)
        pool = sequence_pool.with_tracks(pool, tracks, signal)
    by = sequence_pool.default_folds(pool)
    wanted = order.split.wanted(training.seed, by, pool.stored_split)
    plan = sequence_run.Plan(
        arch=order.arch,
        training=training,
        split=wanted.splits[0],
        relabel=order.relabel,
        parameters=parameters,
        device=order.device,
        source=order.source(architecture),
        freeze=order.freeze,
    )
    plan = replace(plan, group=order.group(by, sequence_run.facts(pool, plan)))
    return fold_run.run_all(
        wanted,
        lambda split, path: sequence_run.run(pool, replace(plan, split=split), path, resume=order.resume),
        order.output,
        plan.group,
        resume=order.resume,
    )


def on_tracks(
    order: Order,
    tracks: Sequence[Named],
    regions: Sequence[Named],
    *,
    marks: tuple[str, ...] | None,
    n_bins: int,
    min_nonzero: int,
    normalise: str | None,
) -> list[dict[str, Any]]:
    """Train on tracks and regions; returns the metrics of each model.

    Raises
    ------
    InputError
        If options, files and architecture do not go together.
    """
    architecture = order.architecture(SIGNAL)
    training = settings.of_paper(architecture, **order.training)
    if order.split.stored:
        raise InputError("--split stored: only sequence files hold a split; choose another for tracks")
    wanted = order.split.wanted(training.seed, folds.BLOCK)
    plan = signal_run.Plan(
        arch=order.arch,
        training=training,
        split=wanted.splits[0],
        marks=marks,
        relabel=order.relabel,
        n_bins=n_bins,
        min_nonzero=min_nonzero,
        normalise=normalise,
        device=order.device,
        source=order.source(architecture),
        freeze=order.freeze,
    )
    sets = data_sets.pair(tracks, regions)
    if order.split.folds:
        plan = replace(plan, group=order.group(folds.BLOCK, signal_run.facts(sets, plan)))
    return fold_run.run_all(
        wanted,
        lambda split, path: signal_run.run(sets, replace(plan, split=split), path, resume=order.resume),
        order.output,
        plan.group,
        resume=order.resume,
    )


def shape(
    arch: str,
    architecture: Architecture,
    padding: str | None,
    k: str | None,
    c: float | None,
    encodings: str | None = None,
) -> dict[str, Any]:
    """What the options say about an architecture's shape.

    Raises
    ------
    InputError
        If the architecture has no such setting, or its value cannot be right.
    """
    chosen: dict[str, Any] = dict(architecture.parameters)
    for name, value in {"padding": padding, "k": k, "c": c, "encodings": encodings}.items():
        if value is None:
            continue
        if name not in chosen:
            raise InputError(f"--{name}: nothing for {arch}; leave it out")
        if name == "k":
            chosen |= _lengths(k or "", "l" in chosen)
        else:
            chosen[name] = [one.strip() for one in str(value).split(",")] if name == "encodings" else value
    return chosen


def _lengths(text: str, gapped: bool) -> dict[str, int]:
    """``5``, or for gapped k-mers ``10,6,3``: length, informative positions, mismatches."""
    numbers = [int(part) if part.strip().isdecimal() else 0 for part in text.split(",")]
    if gapped:
        if len(numbers) != 3 or not 0 < numbers[1] <= numbers[0] <= 12 or not 0 <= numbers[2] <= numbers[0]:
            raise InputError(f"--k {text}: give l,k,d such as 10,6,3, with k and d at most l, and l at most 12")
        return dict(zip("lkd", numbers, strict=True))
    if len(numbers) != 1 or not 1 <= numbers[0] <= 8:
        raise InputError(f"--k {text}: give one number from 1 to 8")
    return {"k": numbers[0]}
