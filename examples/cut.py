#!/usr/bin/env python3
"""Remakes examples/data from the full files: the same records, only those of chr13 to chr16.

Usage: python examples/cut.py SOURCE [OUTPUT]

SOURCE holds hela/ (bigWig, narrowPeak.gz and broadPeak.gz files) and annotation/ (GENCODE v19 TSS, blacklist v2 and
chromosome sizes of hg19); examples/README.md says where each comes from. OUTPUT is examples/data by default. The same
source gives the same bytes.
"""

import gzip
import sys
from pathlib import Path

import pyBigWig

CHROMS = ("chr13", "chr14", "chr15", "chr16")
BIGWIGS = ("hela", "*.bw")
TABLES = (
    ("hela", "p300.narrowPeak.gz"),
    ("hela", "dnase.narrowPeak.gz"),
    ("hela", "h3k4me3.broadPeak.gz"),
    ("hela", "pol2.narrowPeak.gz"),
    ("annotation", "gencode.v19.tss.bed.gz"),
    ("annotation", "hg19-blacklist.v2.bed.gz"),
    ("annotation", "hg19.chrom.sizes"),
)


def cut_table(source: Path, target: Path) -> None:
    """Keep the lines whose first column is one of the chromosomes, in their order; gzip stays gzip, without a time."""
    raw = source.read_bytes()
    packed = source.suffix == ".gz"
    text = (gzip.decompress(raw) if packed else raw).decode()
    kept = "".join(line for line in text.splitlines(keepends=True) if line.split("\t", 1)[0] in CHROMS).encode()
    target.write_bytes(gzip.compress(kept, 9, mtime=0) if packed else kept)


def cut_bigwig(source: Path, target: Path) -> None:
    """Keep the intervals and values of the chromosomes; the header holds these chromosomes only."""
    with pyBigWig.open(str(source)) as full, pyBigWig.open(str(target), "w") as part:
        part.addHeader([(chrom, full.chroms(chrom)) for chrom in CHROMS])
        for chrom in CHROMS:
            starts, ends, values = zip(*full.intervals(chrom), strict=True)
            part.addEntries([chrom] * len(starts), list(starts), ends=list(ends), values=list(values))


def main(source: Path, output: Path) -> None:
    """Remake every file, and say how large each is."""
    output.mkdir(parents=True, exist_ok=True)
    for folder, name in TABLES:
        cut_table(source / folder / name, output / name)
    for bigwig in sorted((source / BIGWIGS[0]).glob(BIGWIGS[1])):
        cut_bigwig(bigwig, output / bigwig.name)
    for path in sorted(output.iterdir()):
        print(f"{path.stat().st_size:>9,}  {path.name}")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) == 3 else Path(__file__).parent / "data")
