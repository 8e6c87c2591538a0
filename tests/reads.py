"""Simulated reads: BAM files with everything that a counter can stumble over, and what other programs say of them."""

import random
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pyBigWig
import pysam
import pytest

SIZES = {"chr1": 10_050, "chr2": 5_000, "chr10": 777}

# CIGARs by what is in them; lengths of 20 to 330 bases. Some end or begin in ways that only few aligners write.
CIGARS = [
    "50M", "36M", "101M", "20M", "150M", "75M", "51M", "99M", "100M", "200M", "330M",
    "5S45M", "45M5S", "30S20M", "10S80M10S", "5H45M", "45M10H", "3H7S40M5S2H",
    "25M1D25M", "40M10D10M", "20M60D30M", "25M5I20M", "10M20I30M", "49M1I1M", "25=1X24=", "50=",
    "25M300N25M", "60M1000N40M", "10M90N40M80N20M", "30M5I10D65M100N50M", "10M5P40M",
    "26M5I69S", "40M5D10S", "12I40M", "5S5I40M",
]  # fmt: skip
NH_TYPES = "cCsSiI"


def write_bam(path: Path, records: list[dict], sizes: dict[str, int] = SIZES, order: str = "coordinate") -> Path:
    """Write records (flag, chrom, start, cigar, mapq, tags, mate, tlen) in the order given; index sorted ones."""
    header = pysam.AlignmentHeader.from_dict(
        {"HD": {"VN": "1.6", "SO": order}, "SQ": [{"SN": chrom, "LN": size} for chrom, size in sizes.items()]}
    )
    with pysam.AlignmentFile(str(path), "wb", header=header) as handle:
        for number, record in enumerate(records):
            read = pysam.AlignedSegment(header)
            read.query_name = record.get("name", f"r{number}")
            read.flag = record.get("flag", 0)
            read.reference_name = record.get("chrom", "chr1")
            read.reference_start = record["start"]
            read.mapping_quality = record.get("mapq", 30)
            read.cigarstring = record.get("cigar", "50M")
            length = read.infer_query_length() or 0
            if record.get("sequence", True):
                read.query_sequence = "ACGTN"[number % 5] * length
                read.query_qualities = pysam.qualitystring_to_array("I" * length)
            if "mate" in record:
                read.next_reference_name = record.get("chrom", "chr1")
                read.next_reference_start = record["mate"]
                read.template_length = record["tlen"]
            for tag in record.get("tags", ()):
                read.set_tag(*tag)
            handle.write(read)
    if order == "coordinate":
        pysam.index(str(path))
    return path


def write_bigwig(path: Path, entries: list[tuple[str, int, int, float]], sizes: dict[str, int]) -> Path:
    """Write sorted entries of chromosome, start, end, value."""
    handle = pyBigWig.open(str(path), "w")
    handle.addHeader(list(sizes.items()))
    chroms, starts, ends, values = zip(*entries, strict=True)
    handle.addEntries(list(chroms), list(starts), ends=list(ends), values=list(values))
    handle.close()
    return path


def simulate(n_reads: int, seed: int, paired: bool = False) -> list[dict]:
    """Sorted records on chr1 and chr2 (chr10 stays empty): all CIGARs, flags, NH types, hanging over either end."""
    draw = random.Random(seed)
    records = []
    for number in range(n_reads):
        chrom = draw.choice(["chr1", "chr1", "chr2"])
        cigar = draw.choice(CIGARS)
        start = draw.randrange(100) if number % 20 == 0 else draw.randrange(SIZES[chrom] - 20)
        if number % 50 == 7:
            start = draw.randrange(SIZES[chrom] - 120, SIZES[chrom] - 60)
        flag = draw.choice([0, 16]) | draw.choice([0] * 12 + [256, 512, 1024, 2048, 4, 256 | 1024])
        tags: list[tuple] = [("AS", 5), ("XZ", "text"), ("XB", [1, 2, 3])] if number % 3 == 0 else []
        if number % 4 == 0:
            tags.append(("NH", draw.choice([1, 1, 1, 2, 3, 100]), draw.choice(NH_TYPES)))
        tags += [("XY", "x")] if number % 5 == 0 else []
        record = {
            "chrom": chrom,
            "start": start,
            "cigar": cigar,
            "flag": flag,
            "mapq": draw.randrange(61),
            "tags": tags,
        }
        record["sequence"] = number % 7 != 0
        if paired and not flag & 4:
            gap = draw.randrange(30, 600)
            record |= {"flag": flag | 1 | draw.choice([2, 2, 0]) | draw.choice([64, 128]), "mate": start, "tlen": gap}
            if draw.random() < 0.5:
                record["tlen"] = -gap
        records.append(record)
    number = {chrom: i for i, chrom in enumerate(SIZES)}
    return sorted(records, key=lambda record: (number[record["chrom"]], record["start"]))


def feature_counts(bam: Path, folder: Path, bins: list[tuple[str, int, int]], *options: str) -> np.ndarray:
    """What featureCounts ``-O --fracOverlap 0.5`` counts in each span (0-based), shape (n_spans,)."""
    if shutil.which("featureCounts") is None:
        pytest.skip("featureCounts is not on the PATH (Debian package subread)")
    saf, table = folder / "bins.saf", folder / "counts.txt"
    lines = (f"{i}\t{chrom}\t{start + 1}\t{end}\t+" for i, (chrom, start, end) in enumerate(bins))
    saf.write_text("GeneID\tChr\tStart\tEnd\tStrand\n" + "\n".join(lines) + "\n")
    command = ["featureCounts", "-O", "-F", "SAF", "--fracOverlap", "0.5", *options, "-a", saf, "-o", table, bam]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stderr
    counts = np.zeros(len(bins), dtype=np.int64)
    for line in table.read_text().splitlines()[2:]:
        fields = line.split("\t")
        counts[int(fields[0])] = int(fields[-1])
    return counts


def bins_of(chrom: str, start: int, end: int, bin_size: int = 100) -> list[tuple[str, int, int]]:
    """Bins of [start, end); the last one ends there."""
    first = start // bin_size * bin_size
    return [(chrom, at, min(at + bin_size, end)) for at in range(first, end, bin_size)]
