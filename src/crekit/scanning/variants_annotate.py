"""Records in, records with the scores of their alleles out, batch by batch and in the same order."""

import logging
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np
import torch

from crekit.errors import InputError
from crekit.genome.fasta import Genome, encode
from crekit.models.file import SequenceModel
from crekit.scanning.variants_alleles import Change, covering, highest, trim, unscorable

if TYPE_CHECKING:
    from pysam import VariantHeader, VariantRecord

log = logging.getLogger("crekit")

MISSING = "NA"
DIGITS = 6
"""Decimals that are kept; float32 has about 7 digits."""

MISMATCH, AT_THE_END = "REF not of the genome", "too near a chromosome end"
_BATCH = 16_384
"""Windows, and also records, at a time."""


@dataclass(frozen=True)
class Fields:
    """The INFO fields of the classes.

    Parameters
    ----------
    prefix : str
        What their names begin with.
    classes : sequence of str
    """

    prefix: str
    classes: Sequence[str]

    @property
    def ref(self) -> list[str]:
        """Of each class, the field of the reference's score."""
        return self._names("REF")

    @property
    def delta(self) -> list[str]:
        """Of each class, the field of the change."""
        return self._names("DELTA")

    def _names(self, what: str) -> list[str]:
        return [f"{self.prefix}_{what}_{re.sub('[^A-Za-z0-9_.]', '_', name)}" for name in self.classes]

    def check(self) -> None:
        """Check that each class has fields of its own.

        Raises
        ------
        InputError
        """
        if len(set(self.ref)) < len(self.classes):
            raise InputError("two classes of the model give the same INFO field; rename one with train-model --relabel")

    def require_new(self, header: "VariantHeader", source: str) -> None:
        """Check that a header has none of them.

        Raises
        ------
        InputError
        """
        for name in self.ref + self.delta:
            if name in header.info:
                raise InputError(
                    f"{source}: has the INFO field {name} already; choose another --prefix, or remove it: "
                    f"bcftools annotate -x INFO/{name}"
                )

    def describe(self, header: "VariantHeader", window: int, step: int) -> None:
        """Add them to a header."""
        how = f"highest of the windows of {window} bases, every {step}, that cover the change; both strands averaged"
        for of_class, ref, delta in zip(self.classes, self.ref, self.delta, strict=True):
            shown = re.sub(r'["\\]', "_", of_class)
            header.info.add(ref, "A", "Float", f"Probability of {shown} with the REF allele: {how}")
            header.info.add(delta, "A", "Float", f"Probability of {shown} with the ALT allele less that with REF")


class Annotator:
    """Takes records in order, and writes them with scores when a batch of windows is full.

    Parameters
    ----------
    model : SequenceModel
    genome : Genome
    fields : Fields
    window, step : int
        Bases of a window, and between the starts of two.
    write : callable
        Takes a record as a line of VCF.
    table : text handle, optional
        Takes one row for each ALT allele; its header is written at once.
    threads : int
    device : torch.device
    """

    def __init__(
        self,
        model: SequenceModel,
        genome: Genome,
        fields: Fields,
        window: int,
        step: int,
        *,
        write: Callable[[str], object],
        table: TextIO | None,
        threads: int,
        device: torch.device,
    ) -> None:
        self._model, self._genome, self._fields = model, genome, fields
        self._window, self._step = window, step
        self._write, self._table = write, table
        self._threads, self._device = threads, device
        self._n_records, self._n_scored = 0, 0
        self._unscored: Counter[str] = Counter()
        self._largest: list[tuple[float, str]] = [(0.0, "")] * len(fields.classes)
        self._clear()
        if table is not None:
            columns = [f"{what}_{name}" for name in fields.classes for what in ("ref", "alt", "delta")]
            table.write("\t".join(["chrom", "pos", "id", "ref", "alt", *columns]) + "\n")

    def _clear(self) -> None:
        self._pending: list[tuple[VariantRecord, list[tuple[int, int] | None]]] = []
        self._sequences: list[np.ndarray] = []
        self._starts: list[np.ndarray] = []
        self._n_windows = 0

    def add(self, record: "VariantRecord", *, mismatched: bool = False) -> None:
        """One record; `mismatched` says that its REF is not of the genome, so that nothing is scored."""
        self._n_records += 1
        known: dict[Change, int | None] = {}
        pairs: list[tuple[int, int] | None] = []
        for alt in record.alts or ():
            reason = unscorable(alt) or (MISMATCH if mismatched else None)
            pair = None
            if reason is None:
                pair = self._pair(str(record.contig), trim(record.start, str(record.ref), alt), known)
                reason = AT_THE_END if pair is None else None
            if reason is not None:
                self._unscored[reason] += 1
            pairs.append(pair)
        self._pending.append((record, pairs))
        if self._n_windows >= _BATCH or len(self._pending) >= _BATCH:
            self.flush()

    def _pair(self, chrom: str, change: Change, known: dict[Change, int | None]) -> tuple[int, int] | None:
        """Numbers of the sequences of REF and ALT in the batch; None where a chromosome end leaves no window.

        Alleles of one record that change the same bases share the reference's.
        """
        unchanged = Change(change.start, change.ref, change.ref)
        for one in (unchanged, change):
            if one not in known:
                known[one] = self._sequence(chrom, one)
        ref, alt = known[unchanged], known[change]
        return None if ref is None or alt is None else (ref, alt)

    def _sequence(self, chrom: str, change: Change) -> int | None:
        """Put the sequence of an allele with its windows into the batch, and return its number."""
        end = change.start + len(change.ref)
        left = self._genome.fetch(chrom, max(change.start - self._window + 1, 0), change.start)
        right = self._genome.fetch(chrom, end, min(end + self._window - 1, self._genome.sizes[chrom]))
        starts = covering(len(left), len(change.alt), len(right), self._window, self._step)
        if not len(starts):
            return None
        self._sequences.append(np.concatenate([left, encode(change.alt), right]))
        self._starts.append(starts)
        self._n_windows += len(starts)
        return len(self._sequences) - 1

    def flush(self) -> None:
        """Score and write what is waiting."""
        scores = highest(
            self._model,
            self._sequences,
            self._starts,
            self._window,
            self._step,
            threads=self._threads,
            device=self._device,
        )
        # Rounded before the difference, so that a reader who adds REF and DELTA gets ALT.
        rounded = np.round(scores.astype(np.float64), DIGITS)
        for record, pairs in self._pending:
            values = [
                None if pair is None else np.stack([rounded[pair[0]], rounded[pair[1]]], axis=1) for pair in pairs
            ]
            self._put(record, values)
        self._clear()

    def _put(self, record: "VariantRecord", values: list[np.ndarray | None]) -> None:
        """Write a record and its rows.

        Parameters
        ----------
        record : VariantRecord
        values : list of (np.ndarray, shape (n_classes, 2), or None)
            Of each ALT allele, the scores of REF and ALT.
        """
        deltas = [None if one is None else np.round(one[:, 1] - one[:, 0], DIGITS) + 0.0 for one in values]
        self._note(record, deltas)
        if any(one is not None for one in values):
            for i, (ref, delta) in enumerate(zip(self._fields.ref, self._fields.delta, strict=True)):
                record.info[ref] = tuple(None if one is None else float(one[i, 0]) for one in values)
                record.info[delta] = tuple(None if one is None else float(one[i]) for one in deltas)
        self._write(str(record))
        if self._table is None:
            return
        for alt, scores, change in zip(record.alts or (), values, deltas, strict=True):
            shown = [MISSING] * (3 * len(self._fields.classes))
            if scores is not None and change is not None:
                shown = [f"{number:.{DIGITS}f}" for number in np.column_stack([scores, change]).ravel()]
            cells = [str(record.contig), str(record.pos), record.id or ".", str(record.ref), alt, *shown]
            self._table.write("\t".join(cells) + "\n")

    def _note(self, record: "VariantRecord", deltas: list[np.ndarray | None]) -> None:
        """Count what is scored, and keep each class's largest change for the report."""
        for alt, delta in zip(record.alts or (), deltas, strict=True):
            if delta is None:
                continue
            self._n_scored += 1
            for i, change in enumerate(delta):
                if abs(change) > abs(self._largest[i][0]):
                    self._largest[i] = (float(change), f"{record.contig}:{record.pos} {record.ref}>{alt}")

    def report(self) -> dict[str, Any]:
        """Say what was done, and return it: ``records``, ``scored`` and ``not_scored`` alleles."""
        if not self._n_records:
            log.warning("warning: the file holds no record")
        elif not self._n_scored:
            log.warning("warning: no allele was scored")
        log.info("%d allele(s) of %d record(s) scored", self._n_scored, self._n_records)
        if self._unscored:
            reasons = ", ".join(f"{number} {reason}" for reason, number in sorted(self._unscored.items()))
            log.warning("warning: %d allele(s) not scored: %s", self._unscored.total(), reasons)
        for name, (change, where) in zip(self._fields.classes, self._largest, strict=True):
            if where:
                log.info(
                    "largest change of %s: %+.3f (%s)", name, change, where if len(where) <= 80 else f"{where[:80]}..."
                )
        return {"records": self._n_records, "scored": self._n_scored, "not_scored": dict(self._unscored)}
