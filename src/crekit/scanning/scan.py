"""Scanning: every window of every chromosome scored, joined to blocks, checked against what is known, and written.

One chromosome at a time is in memory. What is found on it depends on nothing outside it, so that scans of single
chromosomes put together (`crekit.scanning.join`) equal one scan of all.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from crekit import progress, provenance
from crekit.errors import InputError
from crekit.genome.chromosomes import abridged, natural_key, select
from crekit.genome.regions import overlaps
from crekit.labels.classes import BACKGROUND, is_enhancer
from crekit.models.device import device_of
from crekit.models.file import SIGNAL, Model, load
from crekit.models.fitting import require_fitting
from crekit.scanning import browser, outputs, score, summary
from crekit.scanning.annotation import Annotation, read_markers, read_tss
from crekit.scanning.blocks import FILTERS, Blocks, find_runs, to_blocks
from crekit.scanning.validation import generator_of, validate
from crekit.signal.tracks import NORMALISATIONS, Tracks

log = logging.getLogger("crekit")


@dataclass(frozen=True)
class Rule:
    """What a scan does with the windows.

    Parameters
    ----------
    step : int, optional
        Bases between the starts of two windows, a multiple of the model's bins; default one bin.
    cutoff : float
        A probability must be above it.
    filter : str
        ``window`` (each window must pass the cutoff) or ``block`` (the best of a block must).
    tss_distance : int
        Blocks of enhancer classes within so many bases of a known TSS are removed.
    marker_distance : int
        A block with a positive marker within so many bases counts as validated.
    normalise : str, optional
        ``rpm`` or ``none``; default what the model was trained on.
    seed : int
        Of the random places that the validation rate is held against.
    """

    step: int | None = None
    cutoff: float = 0.5
    filter: str = "window"
    tss_distance: int = 2000
    marker_distance: int = 2500
    normalise: str | None = None
    seed: int = 1

    def check(self) -> None:
        """Check what does not depend on the model.

        Raises
        ------
        InputError
        """
        if self.filter not in FILTERS:
            raise InputError(f"--filter {self.filter}: choose {' or '.join(FILTERS)}")
        if self.normalise is not None and self.normalise not in NORMALISATIONS:
            raise InputError(f"--normalise {self.normalise}: choose {' or '.join(NORMALISATIONS)}")
        if not 0 <= self.cutoff <= 1:
            raise InputError(f"--cutoff {self.cutoff}: a probability lies between 0 and 1")


@dataclass(frozen=True)
class Scan:
    """All that a scan needs besides the tracks.

    Parameters
    ----------
    model : Model
    rule : Rule
    step : int
        Bases between the starts of two windows.
    tss, markers : Annotation or None
    """

    model: Model
    rule: Rule
    step: int
    tss: Annotation | None = None
    markers: Annotation | None = None

    @property
    def classes(self) -> list[str]:
        """The classes that make blocks: all but background."""
        return [name for name in self.model.settings.classes if name != BACKGROUND]

    @property
    def normalise(self) -> str:
        return self.rule.normalise or self.model.settings.normalise

    def record(self, tracks: Tracks) -> dict[str, Any]:
        """See `crekit.provenance.record`."""
        rule = self.rule
        options: dict[str, Any] = {"step": self.step, "cutoff": rule.cutoff, "filter": rule.filter}
        options["normalise"] = self.normalise
        inputs = [provenance.Input("model", "", self.model.sha256), provenance.Input("tracks", "", tracks.sha256())]
        if self.tss is not None:
            options["tss_distance"] = rule.tss_distance
            inputs.append(provenance.Input("known-tss", "", self.tss.sha256))
        if self.markers is not None:
            options |= {"marker_distance": rule.marker_distance, "seed": rule.seed}
            inputs.append(provenance.Input("markers", "", self.markers.sha256))
        return provenance.record("scan-genome", options, inputs)


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
    loaded = load_for_scan(model)
    with Tracks(tracks) as opened:
        check_fit(loaded, opened)
        step = _step(rule.step, loaded.settings.bin_size)
        chosen = sorted(opened.sizes, key=natural_key) if chroms is None else select(chroms, opened.sizes)
        scan = Scan(
            loaded,
            rule,
            step,
            tss=read_tss(known_tss, opened.sizes) if known_tss is not None else None,
            markers=read_markers(markers, opened.sizes) if markers is not None else None,
        )
        names = outputs.Names(prefix, scan.classes)
        names.check()
        _warn_of_short(loaded, opened, chosen)
        log.info("scanning %d chromosome(s) with %s on %s", len(chosen), loaded.settings.arch, where.type)
        return _run(scan, opened, chosen, names, where, threads)


def load_for_scan(path: str | Path) -> Model:
    """A model of tracks.

    Raises
    ------
    InputError
        If the model reads sequences, or the file cannot be read.
    """
    model = load(path)
    if model.settings.input != SIGNAL:
        raise InputError(f"{path}: a model of {model.settings.input}, which -t cannot feed; give a model of tracks")
    return model


def check_fit(model: Model, tracks: Tracks) -> None:
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


def _warn_of_short(model: Model, tracks: Tracks, chroms: Sequence[str]) -> None:
    """Say which chromosomes have no window."""
    width = model.settings.width
    short = [chrom for chrom in chroms if tracks.sizes[chrom] <= width - model.settings.bin_size]
    if short:
        log.warning("warning: shorter than a window of %d bases, and not scored: %s", width, abridged(short, 5))


def _run(
    scan: Scan, tracks: Tracks, chroms: Sequence[str], names: outputs.Names, device: torch.device, threads: int
) -> dict[str, Any]:
    """Scan chromosome by chromosome, and write."""
    settings = scan.model.settings
    layout = outputs.Layout(scan.step, settings.width)
    genome = browser.genome_of(tracks.sizes)
    figures: dict[str, dict[str, Any]] = {}
    with outputs.create(names, layout, {chrom: tracks.sizes[chrom] for chrom in chroms}, genome) as sink:
        for chrom in progress.steps(chroms, "scanning"):
            bins = tracks.read(chrom, settings.marks, normalise=scan.normalise)
            stride = scan.step // settings.bin_size
            probabilities = score.along(scan.model, bins, stride, threads=threads, device=device)
            del bins  # the largest array; the rest of the chromosome's work must not come on top of it
            blocks, figures[chrom] = _on_chromosome(scan, chrom, tracks.sizes[chrom], probabilities)
            of_class = dict(zip(settings.classes, probabilities.T, strict=True))
            sink.add(chrom, browser.bed_lines(blocks, scan.classes), of_class)
        sink.summary = summary.build(
            scan.classes, figures, step=layout.step, width=layout.width, genome=genome, record=scan.record(tracks)
        )
    summary.tell(sink.summary)
    return sink.summary


def _on_chromosome(scan: Scan, chrom: str, size: int, probabilities: np.ndarray) -> tuple[Blocks, dict[str, Any]]:
    """Blocks of a chromosome, and what the summary says of it."""
    settings, rule = scan.model.settings, scan.rule
    called = [settings.classes.index(name) for name in scan.classes]
    runs = find_runs(probabilities, called, rule.cutoff, rule.filter)
    found = to_blocks(runs, chrom, size, settings.classes, step=scan.step, width=settings.width)
    kept = found if scan.tss is None else found[~_near(found, scan.tss, rule.tss_distance)]
    counts = {name: _counts(scan, name, found, kept, chrom, size) for name in scan.classes}
    return kept, {"size": size, "windows": len(probabilities), "classes": counts}


def _near(blocks: Blocks, tss: Annotation, distance: int) -> np.ndarray:
    """Which blocks are of an enhancer class and near a known TSS, shape (n_blocks,), bool."""
    enhancer = np.array([is_enhancer(name) for name in blocks.regions.name], dtype=bool)
    return enhancer & overlaps(blocks.regions, tss.regions, distance)


def _counts(scan: Scan, name: str, found: Blocks, kept: Blocks, chrom: str, size: int) -> summary.Counts:
    """What the summary says of a class on a chromosome."""
    mine = kept.regions[kept.regions.name == name]
    counts = {summary.BLOCKS: len(mine), summary.BASES: int((mine.end - mine.start).sum())}
    if scan.tss is not None and is_enhancer(name):
        counts[summary.NEAR_TSS] = int((found.regions.name == name).sum()) - len(mine)
    if scan.markers is not None:
        random = generator_of(scan.rule.seed, chrom, name)
        checked = validate(mine, size, scan.markers.regions, scan.rule.marker_distance, random)
        counts[summary.VALIDATED] = checked.validated
        counts[summary.SHUFFLED] = checked.shuffled
        counts[summary.SHUFFLED_VALIDATED] = checked.shuffled_validated
    return counts
