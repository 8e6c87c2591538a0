"""From the probabilities of windows, chromosome by chromosome, to the files of a scan, whatever the windows hold.

What is found on a chromosome depends on nothing outside it, so that scans of single chromosomes put together
(`crekit.scanning.join`) equal one scan of all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from crekit import progress, provenance
from crekit.errors import InputError
from crekit.genome.regions import overlaps
from crekit.labels.classes import BACKGROUND, is_enhancer
from crekit.models.file import Model
from crekit.scanning import browser, outputs, summary
from crekit.scanning.annotation import Annotation, read_markers, read_tss
from crekit.scanning.blocks import FILTERS, Blocks, find_runs, to_blocks
from crekit.scanning.validation import generator_of, validate
from crekit.signal.tracks import NORMALISATIONS


@dataclass(frozen=True)
class Rule:
    """What a scan does with the windows.

    Parameters
    ----------
    step : int, optional
        Bases between the starts of two windows. For tracks a multiple of the model's bins, default one bin; for
        sequences default 50.
    cutoff : float
        A probability must be above it.
    filter : str
        ``window`` (each window must pass the cutoff) or ``block`` (the best of a block must).
    tss_distance : int
        Blocks of enhancer classes within so many bases of a known TSS are removed.
    marker_distance : int
        A block with a positive marker within so many bases counts as validated.
    normalise : str, optional
        Of tracks: ``rpm`` or ``none``; default what the model was trained on.
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


class Source(Protocol):
    """Where the probabilities come from.

    Attributes
    ----------
    sizes : mapping of str to int
        All chromosomes that there are, and their bases.
    """

    @property
    def sizes(self) -> Mapping[str, int]: ...

    def probabilities(self, chrom: str) -> np.ndarray:
        """Of every window of a chromosome, shape (n_windows, n_classes), float32; zeros where nothing is known."""

    def facts(self, chrom: str) -> dict[str, Any]:
        """What the summary keeps of a chromosome besides; asked after its probabilities."""

    def read(self) -> provenance.Input:
        """What was read; asked after the last chromosome."""


@dataclass(frozen=True)
class Scan:
    """What a scan needs besides the probabilities.

    Parameters
    ----------
    model : SignalModel or SequenceModel
    rule : Rule
    step, width : int
        Bases between the starts of two windows, and of a window.
    options : dict
        Of the record, those that belong to tracks or sequences alone.
    tss, markers : Annotation or None
    """

    model: Model
    rule: Rule
    step: int
    width: int
    options: dict[str, Any] = field(default_factory=dict)
    tss: Annotation | None = None
    markers: Annotation | None = None

    @property
    def classes(self) -> list[str]:
        """The classes that make blocks: all but background."""
        return called_classes(self.model)

    def record(self, read: provenance.Input) -> dict[str, Any]:
        """See `crekit.provenance.record`."""
        rule = self.rule
        options: dict[str, Any] = {"step": self.step, "cutoff": rule.cutoff, "filter": rule.filter, **self.options}
        inputs = [provenance.Input("model", "", self.model.sha256), read]
        if self.tss is not None:
            options["tss_distance"] = rule.tss_distance
            inputs.append(provenance.Input("known-tss", "", self.tss.sha256))
        if self.markers is not None:
            options |= {"marker_distance": rule.marker_distance, "seed": rule.seed}
            inputs.append(provenance.Input("markers", "", self.markers.sha256))
        return provenance.record("scan-genome", options, inputs)


def called_classes(model: Model) -> list[str]:
    """The classes of a model that make blocks: all but background."""
    return [name for name in model.settings.classes if name != BACKGROUND]


def read_annotations(
    known_tss: str | Path | None, markers: str | Path | None, sizes: Mapping[str, int], source: str
) -> dict[str, Annotation | None]:
    """Known TSS and markers, as `Scan` takes them; `source` is what to call the holder of the sizes in messages."""
    return {
        "tss": read_tss(known_tss, sizes, source) if known_tss is not None else None,
        "markers": read_markers(markers, sizes, source) if markers is not None else None,
    }


def run(scan: Scan, source: Source, chroms: Sequence[str], names: outputs.Names) -> dict[str, Any]:
    """Scan chromosome by chromosome, and write.

    Parameters
    ----------
    scan : Scan
    source : Source
    chroms : sequence of str
        In natural order.
    names : outputs.Names

    Returns
    -------
    summary : dict
        As it is written.
    """
    layout = outputs.Layout(scan.step, scan.width)
    genome = browser.genome_of(source.sizes)
    figures: dict[str, dict[str, Any]] = {}
    with outputs.create(names, layout, {chrom: source.sizes[chrom] for chrom in chroms}, genome) as sink:
        for chrom in progress.steps(chroms, "scanning"):
            probabilities = source.probabilities(chrom)
            blocks, figures[chrom] = _on_chromosome(scan, chrom, source.sizes[chrom], probabilities)
            figures[chrom] |= source.facts(chrom)
            of_class = dict(zip(scan.model.settings.classes, probabilities.T, strict=True))
            sink.add(chrom, browser.bed_lines(blocks, scan.classes), of_class)
        sink.summary = summary.build(
            scan.classes, figures, step=layout.step, width=layout.width, genome=genome,
            record=scan.record(source.read()),
        )  # fmt: skip
    summary.tell(sink.summary)
    return sink.summary


def _on_chromosome(scan: Scan, chrom: str, size: int, probabilities: np.ndarray) -> tuple[Blocks, dict[str, Any]]:
    """Blocks of a chromosome, and what the summary says of it."""
    classes, rule = scan.model.settings.classes, scan.rule
    called = [classes.index(name) for name in scan.classes]
    runs = find_runs(probabilities, called, rule.cutoff, rule.filter)
    found = to_blocks(runs, chrom, size, classes, step=scan.step, width=scan.width)
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
