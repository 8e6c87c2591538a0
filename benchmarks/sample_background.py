#!/usr/bin/env python3
"""sample-background against tangermeme's extract_matching_loci, on real regions of chrX: GC, time and memory.

Both draw as many regions as there are positives, on the same chromosome, in turn, each as a process of its own.
tangermeme's regions have one length, so that the comparison is made twice: on the positives as they are (tangermeme
with windows of their median length), and on windows of that length round their midpoints. GC is counted in the same way
for both; the distance is that of Kolmogorov and Smirnov to the positives of that comparison. Prints a table.

Usage: benchmarks/sample_background.py [--rounds 3] [--sets fantom5_enhancers,ensreg_promoters]
Data: regions/ and genome/ in $CREKIT_DATA (default: shared/data beside the repository).
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from scipy.stats import ks_2samp

from crekit.genome.fasta import Genome
from crekit.genome.regions import Regions, read_bed, write_bed

DATA = Path(os.environ.get("CREKIT_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
GENOME = DATA / "genome" / "hg19.chrX.fa.gz"

PEER = """
import sys
from tangermeme.match import extract_matching_loci
bed, fasta, width, seed, output = sys.argv[1:]
loci = extract_matching_loci(bed, fasta, in_window=int(width), out_window=int(width), random_state=int(seed))
loci.to_csv(output, sep="\\t", header=False, index=False)
"""

# Runs a command from a small process: memory that the one who starts a process holds would count as its child's.
MEASURE = """
import resource, subprocess, sys, time
started = time.perf_counter()
status = subprocess.run(sys.argv[1:]).returncode
print(time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6)
sys.exit(status)
"""


def run(*command: object) -> tuple[float, float]:
    """Seconds and peak memory (GB) of a whole process."""
    words = [sys.executable, "-c", MEASURE, *map(str, command)]
    ended = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True)
    seconds, memory = map(float, ended.stdout.split())
    return seconds, memory


def windows(regions: Regions, width: int) -> Regions:
    """Windows of one width round the midpoints, each once."""
    start = np.unique(regions.midpoint - width // 2)
    chrom = np.full(len(start), "chrX", dtype=object)
    return Regions(chrom, start, start + width, np.full(len(start), "positive", dtype=object))


def gc(strong: np.ndarray, regions: Regions) -> np.ndarray:
    """Share of G and C in each region, from running sums over the chromosome."""
    return (strong[regions.end] - strong[regions.start]) / (regions.end - regions.start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sets", default="fantom5_enhancers,ensreg_enhancers,ensreg_promoters")
    options = parser.parse_args()
    with Genome(GENOME) as genome:
        codes = genome.codes("chrX")
    strong = np.concatenate([[0], np.cumsum((codes == 1) | (codes == 2), dtype=np.int64)])
    tool = Path(sys.executable).parent / "sample-background"
    print(f"{'regions':<20}{'compared on':<14}{'seed':>4}{'n':>7}{'KS GC':>8}{'peer':>8}", end="")
    print(f"{'time':>9}{'peer':>9}{'ratio':>7}{'memory':>10}{'peer':>10}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bed, ours, theirs = folder / "positives.bed", folder / "ours.bed", folder / "theirs.bed"
        for what in options.sets.split(","):
            whole = read_bed(DATA / "regions" / f"{what}.chrX.bed", name="positive")[0]
            width = int(np.median(whole.end - whole.start))
            for label, positives in (("regions", whole), (f"{width} bp", windows(whole, width))):
                with open(bed, "w") as handle:
                    write_bed(handle, positives)
                for seed in range(1, options.rounds + 1):
                    our_time, our_memory = run(tool, "-r", bed, "-g", GENOME, "-o", ours, "--seed", seed, "-q")
                    peer_time, peer_memory = run(sys.executable, "-c", PEER, bed, GENOME, width, seed, theirs)
                    like = gc(strong, positives)
                    distance = [
                        ks_2samp(like, gc(strong, read_bed(path, name="background")[0]), method="asymp").statistic
                        for path in (ours, theirs)
                    ]
                    print(
                        f"{what:<20}{label:<14}{seed:>4}{len(positives):>7}{distance[0]:>8.4f}{distance[1]:>8.4f}"
                        f"{our_time:>7.1f} s{peer_time:>7.1f} s{peer_time / our_time:>7.1f}"
                        f"{our_memory:>7.2f} GB{peer_memory:>7.2f} GB",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
