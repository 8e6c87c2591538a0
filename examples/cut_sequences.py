#!/usr/bin/env python3
"""Remakes the sequence example: FANTOM5 enhancers of chrX, 400 bases each, and a background of the same GC, as FASTA.

Usage: python examples/cut_sequences.py GENOME ENHANCERS EXCLUDE... [-o OUTPUT]

GENOME is hg19 (or its chrX), ENHANCERS a BED of FANTOM5's permissive enhancers, EXCLUDE are BED files that the
background keeps off. OUTPUT is examples/data by default. crekit and bedtools must be installed. The same source gives
the same bytes. Records are named by their place, as bedtools getfasta does.
"""

import argparse
import gzip
import subprocess
import tempfile
from pathlib import Path

from crekit.genome.regions import make, read_bed, write_bed

WIDTH = 400


def main() -> None:
    """Cut both files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("genome", type=Path)
    parser.add_argument("enhancers", type=Path)
    parser.add_argument("exclude", type=Path, nargs="*")
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).resolve().parent / "data")
    options = parser.parse_args()
    known, _ = read_bed(options.enhancers, name="enhancer", unique=False)
    starts = sorted(set((known.midpoint[known.chrom == "chrX"] - WIDTH // 2).tolist()))
    apart = [one for one, before in zip(starts, [-WIDTH, *starts], strict=False) if one - before >= WIDTH]
    with tempfile.TemporaryDirectory() as folder:
        enhancers, background = Path(folder) / "enhancer.bed", Path(folder) / "background.bed"
        with enhancers.open("w") as handle:
            write_bed(handle, make(["chrX"] * len(apart), apart, [start + WIDTH for start in apart], "enhancer"))
        exclude = [word for path in [*options.exclude, options.enhancers] for word in ("--exclude", str(path))]
        command = ["sample-background", "-r", enhancers, "-g", options.genome, *exclude, "-o", background]
        subprocess.run([*map(str, command)], check=True)
        for bed in (enhancers, background):
            command = ["bedtools", "getfasta", "-fi", options.genome, "-bed", bed]
            text = subprocess.run([*map(str, command)], check=True, capture_output=True).stdout
            (options.output / f"fantom5.chrX.{bed.stem}.fa.gz").write_bytes(gzip.compress(text, 9, mtime=0))


if __name__ == "__main__":
    main()
