"""Scoring given regions of a genome, or records of a FASTA, with a model of sequences: one row each, no labels needed.

A region is cut into windows by the rule that the model was trained with, and scored by the window in which one class
other than background is the most probable (`crekit.models.region_scores`). A model of whole regions reads it whole.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import torch

from crekit import progress
from crekit.encoding.windows import Rule, lay
from crekit.errors import InputError
from crekit.files import STDIO, output_text, require_writable
from crekit.genome.chromosomes import natural_key
from crekit.genome.fasta import Genome, N, read_records
from crekit.genome.regions import read_beds
from crekit.labels.classes import background_index
from crekit.models.device import device_of
from crekit.models.file import SequenceModel, load_sequence_model
from crekit.models.region_scores import best_window
from crekit.scanning import sequence_score
from crekit.scanning.records import MISSING, region_columns, write_header, write_rows

log = logging.getLogger("crekit")

_GROUP, _GROUP_BASES = 2_048, 4_000_000
"""Records of a FASTA that are scored together, and the bases after which a group is full."""


@dataclass(frozen=True)
class Scorer:
    """What scores regions, besides their bases.

    Parameters
    ----------
    model : SequenceModel
    both_strands : bool
        Whether the probabilities of both strands are averaged, window by window.
    threads : int
        CPU threads; the result does not depend on them.
    device : torch.device
    """

    model: SequenceModel
    both_strands: bool
    threads: int
    device: torch.device

    @property
    def rule(self) -> Rule:
        """How regions were cut when the model was trained."""
        settings = self.model.settings
        return Rule(settings.window, settings.stride, settings.short, settings.ambiguous)

    def regions(self, codes: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        """Class probabilities of regions of one chromosome.

        Parameters
        ----------
        codes : np.ndarray, shape (size,), uint8
        start, end : np.ndarray, shape (n_regions,), int64

        Returns
        -------
        probabilities : np.ndarray, shape (n_regions, n_classes), float32
            NaN where the rule leaves no window.
        """
        return self._best(cut(codes, start, end, self.rule))

    def records(self, sequences: Sequence[np.ndarray]) -> np.ndarray:
        """Class probabilities of whole records, with nothing around them; see `regions`."""
        stretches: list[np.ndarray] = []
        kept: list[np.ndarray] = []
        for codes in sequences:
            one = cut(codes, np.array([0]), np.array([len(codes)]), self.rule)
            stretches += one.stretches
            kept += one.kept
        return self._best(Cut(stretches, kept))

    def _best(self, cut: "Cut") -> np.ndarray:
        """The probabilities of each region's best window."""
        model, classes = self.model, self.model.settings.classes
        best = np.full((len(cut.kept), len(classes)), np.nan, dtype=np.float32)
        if self.rule.width:
            scored = sequence_score.of_stretches(
                model, cut.stretches, self.rule.stride, both_strands=self.both_strands,
                threads=self.threads, device=self.device,
            )  # fmt: skip
        else:
            scored = sequence_score.whole(
                model, cut.stretches, both_strands=self.both_strands, threads=self.threads, device=self.device
            )
        kept = np.concatenate([np.zeros(0, dtype=bool), *cut.kept])
        region = np.repeat(np.arange(len(cut.kept)), [len(one) for one in cut.kept])[kept]
        scored = scored[kept]
        found, number = np.unique(region, return_inverse=True)
        best[found] = scored[best_window(scored, number, len(found), background_index(classes))]
        return best


@dataclass(frozen=True)
class Cut:
    """Regions, cut into windows.

    Parameters
    ----------
    stretches : list of np.ndarray, uint8
        For each region the bases that its windows cover; none where it has no window.
    kept : list of np.ndarray, bool
        For each region, which of its windows count.
    """

    stretches: list[np.ndarray]
    kept: list[np.ndarray]


def cut(codes: np.ndarray, start: np.ndarray, end: np.ndarray, rule: Rule) -> Cut:
    """Cut regions of one chromosome; parameters as of `Scorer.regions`.

    Windows with an N do not count where the rule drops them, and those without a known base never do.
    """
    unknown = np.concatenate([[0], np.cumsum(codes == N, dtype=np.int32)])

    def known(first: np.ndarray, last: np.ndarray) -> np.ndarray:
        n = unknown[last] - unknown[first]
        return n == 0 if rule.ambiguous == "drop" else n < last - first

    if not rule.width:
        stretches = [codes[one:other] for one, other in zip(start, end, strict=True)]
        return Cut(stretches, list(known(start, end)[:, None]))
    region, first = lay(start, end, len(codes), rule)
    bounds = np.searchsorted(region, np.arange(len(start) + 1))
    of_window, of_region = known(first, first + rule.width), known(start, end)
    stretches, kept = [], []
    for i in range(len(start)):
        mine = slice(bounds[i], bounds[i + 1])
        if rule.short == "pad" and end[i] - start[i] < rule.width:
            stretches.append(_padded(codes[start[i] : end[i]], rule.width))
            kept.append(of_region[i : i + 1])
        elif bounds[i] < bounds[i + 1]:
            stretches.append(codes[first[mine][0] : first[mine][-1] + rule.width])
            kept.append(of_window[mine])
        else:
            stretches.append(codes[:0])
            kept.append(np.zeros(0, dtype=bool))
    return Cut(stretches, kept)


def score_regions(
    model: str | Path,
    genome: str | Path,
    regions: Sequence[tuple[str | None, Path]],
    output: str | Path,
    *,
    both_strands: bool = False,
    device: str = "auto",
    threads: int = 2,
) -> None:
    """Write a table of regions of a genome with their most probable class and the probability of every class.

    Parameters
    ----------
    model, genome : path
    regions : sequence of (str or None, path)
        As in `crekit.scanning.records.score_regions`.
    output : path
        Of the table, or ``-``: id, chrom, start, end, name, predicted, and a column for each class, in the order of the
        regions. A region for which the model's rule leaves no window has NA there.
    both_strands : bool
        Whether to average the probabilities of a window and of its reverse complement.
    device : str
        ``auto``, ``cpu`` or ``cuda``.
    threads : int
        CPU threads; the result does not depend on them.

    Raises
    ------
    InputError
        If the inputs do not fit together, or the output cannot be written.
    """
    if str(genome) == STDIO:
        raise InputError("-g -: regions cannot be looked up in a stream; name a FASTA file, or give records to --fasta")
    where = device_of(device)
    scorer = Scorer(load_sequence_model(model), both_strands, threads, where)
    with Genome(genome) as opened:
        found, _ = read_beds(regions, named=False, sizes=opened.sizes, sizes_source=str(genome))
        require_writable(output, text=True)
        classes = scorer.model.settings.classes
        probabilities = np.full((len(found), len(classes)), np.nan, dtype=np.float32)
        for chrom in progress.steps(sorted(set(found.chrom), key=natural_key), "scoring"):
            here = np.flatnonzero(found.chrom == chrom)
            probabilities[here] = scorer.regions(opened.codes(chrom), found.start[here], found.end[here])
    log.info("%d regions scored", len(found))
    _warn_of_missing(int(np.isnan(probabilities).any(axis=1).sum()), scorer.rule, "region")
    with output_text(output) as handle:
        names, columns = region_columns(found)
        write_header(handle, names, classes)
        write_rows(handle, columns, probabilities, classes)


def score_records(
    model: str | Path,
    fasta: str | Path,
    output: str | Path,
    *,
    both_strands: bool = False,
    device: str = "auto",
    threads: int = 2,
) -> None:
    """Write a table of the records of a FASTA; see `score_regions`.

    Records are scored and written as they come, so that a stream may be endless.

    Parameters
    ----------
    model : path
    fasta : path
        Plain, gzip or bgzip; ``-`` is standard input.
    output : path
        Of the table, or ``-``: id, length, predicted, and a column for each class, in the order of the records. A
        record for which the model's rule leaves no window has NA there.
    both_strands, device, threads
        As in `score_regions`.

    Raises
    ------
    InputError
        See `score_regions`.
    """
    where = device_of(device)
    scorer = Scorer(load_sequence_model(model), both_strands, threads, where)
    classes = scorer.model.settings.classes
    missing = n_records = 0
    groups = _groups(fasta)
    first = next(groups)  # before the header: a file that is wrong from the start leaves nothing on standard output
    with output_text(output) as handle:
        write_header(handle, ["id", "length"], classes)
        for group in progress.steps(chain([first], groups), "scoring"):
            n_records += len(group)
            names, sequences = zip(*group, strict=True)
            probabilities = scorer.records(sequences)
            missing += int(np.isnan(probabilities).any(axis=1).sum())
            write_rows(handle, [names, list(map(len, sequences))], probabilities, classes)
    log.info("%d records scored", n_records)
    _warn_of_missing(missing, scorer.rule, "record")


def _groups(fasta: str | Path) -> Iterator[list[tuple[str, np.ndarray]]]:
    """Records of a FASTA, some at a time."""
    group: list[tuple[str, np.ndarray]] = []
    bases = 0
    for name, codes in read_records(fasta):
        group.append((name, codes))
        bases += len(codes)
        if len(group) == _GROUP or bases >= _GROUP_BASES:
            yield group
            group, bases = [], 0
    if group:
        yield group


def _padded(codes: np.ndarray, width: int) -> np.ndarray:
    """A short sequence in the middle of a window of N, as encode-seq pads it."""
    before = (width - len(codes)) // 2
    return np.pad(codes, (before, width - len(codes) - before), constant_values=N)


def _warn_of_missing(number: int, rule: Rule, what: str) -> None:
    """Say how many rows have no score, and why that may be."""
    if not number:
        return
    width = f"windows of {rule.width} bases, --short {rule.short}" if rule.width else "whole regions"
    log.warning(
        "warning: %d %s(s) have %s: the model's rule (%s, --ambiguous %s) leaves them no window",
        number, what, MISSING, width, rule.ambiguous,
    )  # fmt: skip
