"""Scanning DNA: windows of every chromosome of a FASTA scored, and then as for tracks (`crekit.scanning.run`).

One chromosome at a time is in memory. Of a stream, the probabilities wait on the disk until its last record has come:
only then are all sizes known.
"""

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from crekit import progress
from crekit.errors import InputError
from crekit.files import STDIO, scratch
from crekit.genome.chromosomes import abridged, natural_key, select
from crekit.genome.fasta import Genome, genome_sha256, read_records
from crekit.labels.classes import background_index
from crekit.models.device import device_of
from crekit.models.file import SequenceModel, load_sequence_model
from crekit.provenance import Input
from crekit.scanning import outputs, sequence_score, summary
from crekit.scanning.run import Rule, Scan, Source, called_classes, read_annotations, run

log = logging.getLogger("crekit")

STEP = 50
"""Bases from one window to the next, unless told otherwise."""


@dataclass(frozen=True)
class Windows:
    """How the windows of a chromosome are scored.

    Parameters
    ----------
    model : SequenceModel
    step, width : int
        Bases between the starts of two windows, and of a window.
    both_strands : bool
        Whether the probabilities of both strands are averaged.
    threads : int
    device : torch.device
    """

    model: SequenceModel
    step: int
    width: int
    both_strands: bool
    threads: int
    device: torch.device

    def probabilities(self, codes: np.ndarray) -> np.ndarray:
        """Of all windows of a chromosome, shape (n_windows, n_classes), float32.

        A window without a base that is known is background, or where the model has none, no class at all: what a
        network says of nothing is no call.
        """
        probabilities = sequence_score.along(
            self.model, codes, self.step, width=self.width, both_strands=self.both_strands,
            threads=self.threads, device=self.device,
        )  # fmt: skip
        unknown = ~sequence_score.known_windows(codes, self.width, self.step)
        probabilities[unknown] = 0
        if (background := background_index(self.model.settings.classes)) is not None:
            probabilities[unknown, background] = 1
        return probabilities


class _Digests(dict[str, str]):
    """Chromosome -> checksum of its bases, of those that were scanned."""

    def add(self, chrom: str, codes: np.ndarray) -> None:
        self[chrom] = hashlib.sha256(codes.data).hexdigest()


@dataclass(frozen=True)
class GenomeSource:
    """Probabilities along the chromosomes of an indexed FASTA; see `crekit.scanning.run.Source`."""

    genome: Genome
    windows: Windows
    digests: _Digests = field(default_factory=_Digests)

    @property
    def sizes(self) -> Mapping[str, int]:
        return self.genome.sizes

    def probabilities(self, chrom: str) -> np.ndarray:
        codes = self.genome.codes(chrom)
        self.digests.add(chrom, codes)
        return self.windows.probabilities(codes)

    def facts(self, chrom: str) -> dict[str, Any]:
        return {summary.SHA256: self.digests[chrom]}

    def read(self) -> Input:
        return Input(summary.GENOME, "", genome_sha256(self.digests))


@dataclass(frozen=True)
class StreamSource:
    """Probabilities that were computed while records came, kept in a folder; see `crekit.scanning.run.Source`."""

    folder: Path
    n_classes: int
    sizes: dict[str, int] = field(default_factory=dict)
    digests: _Digests = field(default_factory=_Digests)

    def add(self, chrom: str, codes: np.ndarray, windows: Windows) -> None:
        """Score a record."""
        self.sizes[chrom] = len(codes)
        self.digests.add(chrom, codes)
        windows.probabilities(codes).tofile(self._path(chrom))

    def probabilities(self, chrom: str) -> np.ndarray:
        return np.fromfile(self._path(chrom), dtype=np.float32).reshape(-1, self.n_classes)

    def facts(self, chrom: str) -> dict[str, Any]:
        return {summary.SHA256: self.digests[chrom]}

    def read(self) -> Input:
        return Input(summary.GENOME, "", genome_sha256(self.digests))

    def _path(self, chrom: str) -> Path:
        """By number: the name of a record may hold what the name of a file cannot."""
        return self.folder / f"{list(self.sizes).index(chrom)}.f4"


def scan_sequences(
    model: str | Path,
    genome: str | Path,
    prefix: str,
    rule: Rule,
    *,
    window: int | None = None,
    both_strands: bool = False,
    chroms: str | None = None,
    known_tss: str | Path | None = None,
    markers: str | Path | None = None,
    device: str = "auto",
    threads: int = 2,
) -> dict[str, Any]:
    """Scan the chromosomes of a FASTA with a model of sequences.

    Parameters
    ----------
    model : path
    genome : path
        FASTA, plain or bgzip; ``-`` reads records from standard input and scores them as they come.
    prefix : str
        What the names of the outputs begin with.
    rule : Rule
    window : int, optional
        Bases of a window, for a model that reads whole regions of any length, and only there.
    both_strands : bool
        Whether to average the probabilities of a window and of its reverse complement.
    chroms : str, optional
        As `crekit.genome.chromosomes.select` reads them; default all. Not for a stream.
    known_tss, markers, device, threads
        As in `crekit.scanning.scan.scan_genome`.

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
    loaded = load_sequence_model(model)
    windows = Windows(loaded, rule.step or STEP, width_of(loaded, window), both_strands, threads, where)
    names = outputs.Names(prefix, called_classes(loaded))
    names.check()
    if str(genome) == STDIO:
        _check_stream(chroms, known_tss, markers)
    with _opened(genome, windows, names) as source:
        chosen = sorted(source.sizes, key=natural_key) if chroms is None else select(chroms, source.sizes)
        options: dict[str, Any] = {"window": windows.width, "reverse_complement": both_strands}
        annotations = read_annotations(known_tss, markers, source.sizes, "the genome")
        if str(genome) != STDIO:
            log.info("scanning %d chromosome(s) with %s on %s", len(chosen), loaded.settings.arch, where.type)
        _warn_of_short(windows.width, source.sizes, chosen)
        scan = Scan(loaded, rule, windows.step, windows.width, options, **annotations)
        return run(scan, source, chosen, names)


def width_of(model: SequenceModel, window: int | None) -> int:
    """Bases of a window: the model's own, or for models of whole regions what was asked for.

    Raises
    ------
    InputError
        If the model has no width and none was given, or it has another one.
    """
    own = model.settings.window
    if not own and window is None:
        raise InputError(
            f"{model.name}: the model reads whole regions of any length; give --window, about the length of the "
            "regions that it was trained on"
        )
    if own and window not in {None, own}:
        raise InputError(f"--window {window}: the model's windows have {own} bases; leave the option out")
    return own or int(window)  # type: ignore[arg-type]


def _check_stream(chroms: str | None, *annotations: str | Path | None) -> None:
    """Check that what is asked for can be had from a stream."""
    if chroms is not None:
        raise InputError(
            "--chroms: what a stream holds is known at its end; choose before it (samtools faidx G.fa chr1)"
        )
    if any(str(path) == STDIO for path in annotations):
        raise InputError("-: standard input is the genome already; name the other file")


@contextmanager
def _opened(genome: str | Path, windows: Windows, names: outputs.Names) -> Iterator[Source]:
    """A genome, or what became of a stream."""
    if str(genome) != STDIO:
        with Genome(genome) as opened:
            yield GenomeSource(opened, windows)
        return
    log.info("scanning a stream with %s on %s", windows.model.settings.arch, windows.device.type)
    with scratch(names.summary.parent) as folder:
        source = StreamSource(folder, len(windows.model.settings.classes))
        for name, codes in progress.steps(read_records(genome), "scanning"):
            source.add(name, codes, windows)
        yield source


def _warn_of_short(width: int, sizes: Mapping[str, int], chroms: Sequence[str]) -> None:
    """Say which chromosomes have no window."""
    short = [chrom for chrom in chroms if sizes[chrom] < width]
    if short:
        log.warning("warning: shorter than a window of %d bases, and not scored: %s", width, abridged(short, 5))
