"""Scanning tracks: every window of every chromosome scored, joined to blocks, checked against what is known, written.

One chromosome at a time is in memory.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from crekit.errors import InputError
from crekit.genome.chromosomes import abridged, natural_key, select
from crekit.models.device import device_of
from crekit.models.file import SignalModel, load_signal_model
from crekit.models.fitting import require_fitting
from crekit.provenance import Input
from crekit.scanning import outputs, score
from crekit.scanning.run import Rule, Scan, called_classes, read_annotations, run
from crekit.signal.tracks import Tracks

log = logging.getLogger("crekit")


@dataclass(frozen=True)
class TrackSource:
    """Probabilities from tracks; see `crekit.scanning.run.Source`.

    Parameters
    ----------
    model : SignalModel
    tracks : Tracks
    step : int
        Bases between the starts of two windows.
    normalise : str
        ``rpm`` or ``none``.
    threads : int
    device : torch.device
    """

    model: SignalModel
    tracks: Tracks
    step: int
    normalise: str
    threads: int
    device: torch.device

    @property
    def sizes(self) -> Mapping[str, int]:
        return self.tracks.sizes

    def probabilities(self, chrom: str) -> np.ndarray:
        settings = self.model.settings
        bins = self.tracks.read(chrom, settings.marks, normalise=self.normalise)
        stride = self.step // settings.bin_size
        return score.along(self.model, bins, stride, threads=self.threads, device=self.device)

    def facts(self, chrom: str) -> dict[str, Any]:
        return {}

    def read(self) -> Input:
        return Input("tracks", "", self.tracks.sha256())


def scan_genome(
    model: str | Path,
    tracks: str | Path,
    prefix: str,
    rule: Rule,
    *,
    chroms: str | None = None,
    known_tss: str | Path | None = None,
    markers: str | Path | None = None,
    device: str = "auto",
    threads: int = 2,
) -> dict[str, Any]:
    """Scan the chromosomes of a track file with a model.

    Parameters
    ----------
    model, tracks : path
    prefix : str
        What the names of the outputs begin with.
    rule : Rule
    chroms : str, optional
        As `crekit.genome.chromosomes.select` reads them; default all of the tracks.
    known_tss, markers : path, optional
        See `Rule`.
    device : str
        ``auto``, ``cpu`` or ``cuda``.
    threads : int
        CPU threads; the result does not depend on them.

    Returns
    -------
    summary : dict
        As it is written.

    Raises
    ------
    InputError
        If the inputs do not fit together, or an output cannot be written.
    """
    rule.check()
    where = device_of(device)
    loaded = load_signal_model(model)
    with Tracks(tracks) as opened:
        check_fit(loaded, opened)
        step = _step(rule.step, loaded.settings.bin_size)
        chosen = sorted(opened.sizes, key=natural_key) if chroms is None else select(chroms, opened.sizes)
        normalise = rule.normalise or loaded.settings.normalise
        annotations = read_annotations(known_tss, markers, opened.sizes, "the tracks")
        scan = Scan(loaded, rule, step, loaded.settings.width, {"normalise": normalise}, **annotations)
        names = outputs.Names(prefix, called_classes(loaded))
        names.check()
        _warn_of_short(loaded, opened, chosen)
        log.info("scanning %d chromosome(s) with %s on %s", len(chosen), loaded.settings.arch, where.type)
        return run(scan, TrackSource(loaded, opened, step, normalise, threads, where), chosen, names)


def check_fit(model: SignalModel, tracks: Tracks) -> None:
    """Check that tracks are such as the model can read; warn where they are of another kind than its own.

    Raises
    ------
    InputError
    """
    for text in require_fitting(tracks, model.settings):
        log.warning("warning: %s: %s", tracks.path, text)


def _step(step: int | None, bin_size: int) -> int:
    """Bases from one window to the next: what was asked for, or a bin."""
    if step is None:
        return bin_size
    if step < 1 or step % bin_size:
        raise InputError(f"--step {step}: windows start at bins, so give a multiple of {bin_size}, the model's bins")
    return step


def _warn_of_short(model: SignalModel, tracks: Tracks, chroms: Sequence[str]) -> None:
    """Say which chromosomes have no window."""
    width = model.settings.width
    short = [chrom for chrom in chroms if tracks.sizes[chrom] <= width - model.settings.bin_size]
    if short:
        log.warning("warning: shorter than a window of %d bases, and not scored: %s", width, abridged(short, 5))
