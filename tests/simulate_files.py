"""Files of simulated reads: BAM, CRAM and bigWig, the same bytes in any folder."""

import hashlib
import os
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import pyBigWig
import pysam


class Reads(NamedTuple):
    """Reads of one chromosome, sorted by start: 0-based starts, and whether each lies on the minus strand."""

    start: np.ndarray
    reverse: np.ndarray


def header(sequences: Mapping[str, str]) -> pysam.AlignmentHeader:
    """A header without paths; the checksums are what CRAM finds its reference by."""
    lines = [{"SN": chrom, "LN": len(bases), "M5": _checksum(bases)} for chrom, bases in sequences.items()]
    return pysam.AlignmentHeader.from_dict({"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": lines})


def _checksum(sequence: str) -> str:
    return hashlib.md5(sequence.encode(), usedforsecurity=False).hexdigest()


def write_reads(
    path: Path,
    reads: Mapping[str, Reads],
    length: int,
    header: pysam.AlignmentHeader,
    sequences: Mapping[str, str],
    index: bool = True,
) -> None:
    """Write reads to BAM. Every 50th maps anywhere (MAPQ 0), every 40th is marked as a duplicate."""
    quality, number = "I" * length, 0
    with pysam.AlignmentFile(str(path), "wb", header=header) as bam:
        for chrom, (starts, reverses) in reads.items():
            sequence = sequences[chrom]
            for start, reverse in zip(starts.tolist(), reverses.tolist(), strict=True):
                number += 1
                flag = 16 * reverse + 1024 * (number % 40 == 0)
                mapq = 0 if number % 50 == 0 else 30
                bases = sequence[start : start + length]
                line = f"r{number}\t{flag}\t{chrom}\t{start + 1}\t{mapq}\t{length}M\t*\t0\t0\t{bases}\t{quality}"
                bam.write(pysam.AlignedSegment.fromstring(line, header))
    if index:
        pysam.index(str(path))


def write_cram(path: Path, bam: Path, sequences: Mapping[str, str]) -> Path:
    """The reads of a BAM file as CRAM, with its index.

    The bytes must not depend on the folder. So the reference is found by its checksums (given as a FASTA, its path
    would stand in the header), and the file's id, bytes 6 to 25, which htslib makes from its path, is blanked.
    """
    before = os.environ.get("REF_PATH")
    with TemporaryDirectory() as folder, pysam.AlignmentFile(str(bam)) as source:
        for sequence in sequences.values():
            (Path(folder) / _checksum(sequence)).write_text(sequence)
        os.environ["REF_PATH"] = f"{folder}/%s"
        try:
            with pysam.AlignmentFile(str(path), "wc", header=source.header) as cram:
                for read in source:
                    cram.write(read)
        finally:
            os.environ.pop("REF_PATH") if before is None else os.environ.update(REF_PATH=before)
    with open(path, "r+b") as handle:
        handle.seek(6)
        handle.write(bytes(20))
    pysam.index(str(path))
    return path


def write_bigwig(
    path: Path, reads: Mapping[str, Reads], length: int, sizes: Mapping[str, int], *, reverse: bool
) -> Path:
    """Coverage by the reads of one strand; that of the minus strand is negative, as it is often stored."""
    with pyBigWig.open(str(path), "w") as bigwig:
        bigwig.addHeader(list(sizes.items()))
        for chrom, (starts, reverses) in reads.items():
            mine = starts[reverses == reverse]
            change = np.zeros(sizes[chrom] + 1, dtype=np.int64)
            np.add.at(change, mine, 1)
            np.add.at(change, mine + length, -1)
            edges = np.append(np.flatnonzero(change), sizes[chrom])
            depth = np.cumsum(change)
            spans = [(a, b, depth[a]) for a, b in pairwise(edges.tolist()) if depth[a]]
            first, last, value = zip(*spans, strict=True)
            values = [float(-one if reverse else one) for one in value]
            bigwig.addEntries([chrom] * len(first), list(first), ends=list(last), values=values)
    return path
