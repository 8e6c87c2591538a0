#!/usr/bin/env python3
"""encode-seq, and batches of its file, against windows fetched one by one (pyfaidx) and by tangermeme.extract_loci.

The regions are 43,011 spans with the lengths of FANTOM5's enhancers of chrX, at random places of the first 70 Mb of
hg19's chrX (real DNA). encode-seq runs as a process of its own, from bgzip; its file is read back in batches of 256
windows drawn at random, as codes and as one-hot values. The peers get a sample of the same windows and the plain FASTA,
which is faster for them, are run once before, and their values must equal ours. Prints a table.

With --whole, instead: FANTOM5's enhancers of all chromosomes on a genome of 24 chromosomes as long as hg19's. Its DNA
is that of chrX over and over, as the whole genome is not among the data; the file takes 3.2 GB.

Usage: benchmarks/encode_seq.py [--data ../shared/data] [--rounds 3] [--peer-windows 20000] [--whole]
"""

import argparse
import gzip
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from pyfaidx import Fasta
from tangermeme.io import extract_loci

from crekit.encoding.onehot import one_hot
from crekit.encoding.store import Sequences
from crekit.genome.chromosomes import read_sizes
from crekit.genome.fasta import Genome

N_REGIONS, WIDTH, BATCH, LINE = 43_011, 300, 256, 60
CODE = np.full(256, 4, dtype=np.uint8)
CODE[[ord(base) for base in "ACGT"]] = range(4)

# Runs a command from a small process: memory that the one who starts a process holds would count as its child's.
MEASURE = """
import resource, subprocess, sys, time
started = time.perf_counter()
status = subprocess.run(sys.argv[1:]).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(time.perf_counter() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / 1e6)
sys.exit(status)
"""


def encode(regions: Path, genome: Path, output: Path) -> tuple[float, float, float]:
    """Seconds, CPU-seconds and peak memory (GB) of the whole process."""
    tool = Path(sys.executable).parent / "encode-seq"
    command = [sys.executable, "-c", MEASURE, tool, "-r", regions, "-g", genome, "-o", output, "--quiet"]
    ended = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, text=True, check=True)
    seconds, cpu, memory = map(float, ended.stdout.split())
    return seconds, cpu, memory


def place_regions(lengths: np.ndarray, size: int, path: Path) -> None:
    """Spans of these lengths at random places of chrX, none twice."""
    rng = np.random.default_rng(1)
    spans: set[tuple[int, int]] = set()
    while len(spans) < N_REGIONS:
        start, length = int(rng.integers(0, size - lengths.max())), int(rng.choice(lengths))
        spans.add((start, start + length))
    path.write_text("".join(f"chrX\t{start}\t{end}\tenhancer\n" for start, end in sorted(spans)))


def write_plain(path: Path, letters: np.ndarray) -> None:
    """chrX as a plain FASTA."""
    whole = len(letters) // LINE * LINE
    lines = np.full((whole // LINE, LINE + 1), ord("\n"), dtype=np.uint8)
    lines[:, :LINE] = letters[:whole].reshape(-1, LINE)
    path.write_bytes(b">chrX\n" + lines.tobytes() + letters[whole:].tobytes() + b"\n")


def one_by_one(path: Path, starts: np.ndarray) -> np.ndarray:
    """Codes of windows of chrX, fetched in a loop."""
    codes = []
    with Fasta(str(path), as_raw=True, sequence_always_upper=True) as genome:
        for start in starts.tolist():
            text = genome["chrX"][start : start + WIDTH]
            codes.append(CODE[np.frombuffer(text.encode(), dtype=np.uint8)])
    return np.stack(codes)


def by_tangermeme(path: Path, starts: np.ndarray) -> np.ndarray:
    """One-hot values of windows of chrX, all at once."""
    loci = pd.DataFrame({"chrom": "chrX", "start": starts, "end": starts + WIDTH})
    return extract_loci(loci, str(path), in_window=WIDTH).numpy()


def timed(work: Callable[[Path, np.ndarray], np.ndarray], path: Path, starts: np.ndarray) -> tuple[float, np.ndarray]:
    started = time.perf_counter()
    made = work(path, starts)
    return time.perf_counter() - started, made


def read_back(stored: Sequences, regions: np.ndarray, windows: np.ndarray, hot: bool) -> float:
    """Seconds for all these windows in batches."""
    started = time.perf_counter()
    for i in range(0, len(regions), BATCH):
        codes = stored.window_codes(regions[i : i + BATCH], windows[i : i + BATCH])
        if hot:
            one_hot(codes)
    return time.perf_counter() - started


def compare(data: Path, folder: Path, rounds: int, n_peer: int) -> None:
    """The table on chrX."""
    genome, plain, output = data / "genome" / "hg19.chrX.fa.gz", folder / "chrX.fa", folder / "sequences.h5"
    with Genome(genome) as opened:
        letters = opened.letters("chrX")
    write_plain(plain, letters)
    spans = np.loadtxt(data / "regions" / "fantom5_enhancers.chrX.bed", usecols=(1, 2), dtype=np.int64)
    place_regions(spans[:, 1] - spans[:, 0], len(letters), folder / "regions.bed")
    encode(folder / "regions.bed", genome, output)  # warms the file cache
    for work in (one_by_one, by_tangermeme):
        work(plain, np.arange(60_000, 61_000))
    print(f"{'':>5} {'encode-seq':>26} {'read back':>29} {'pyfaidx':>11} {'tangermeme':>11}   ratios")
    print(f"{'round':>5} {'':>26} {'codes':>15} {'one-hot':>13} {'codes':>11} {'one-hot':>11}   "
          "encode-seq / pyfaidx, codes / pyfaidx, one-hot / tangermeme")  # fmt: skip
    for number in range(1, rounds + 1):
        seconds, cpu, memory = encode(folder / "regions.bed", genome, output)
        with Sequences(output) as stored:
            total = int(stored.n_windows.sum())
            region = np.repeat(np.arange(len(stored)), stored.n_windows)
            window = np.arange(total) - np.repeat(np.cumsum(stored.n_windows) - stored.n_windows, stored.n_windows)
            order = np.random.default_rng(number).permutation(total)
            region, window = region[order], window[order]
            codes, hot = (total / read_back(stored, region, window, kind) for kind in (False, True))
            starts = stored.window_start(region[:n_peer], window[:n_peer])
            truth = stored.window_codes(region[:n_peer], window[:n_peer])
        loop_s, values = timed(one_by_one, plain, starts)
        peer_s, others = timed(by_tangermeme, plain, starts)
        if not (np.array_equal(values, truth) and np.array_equal(others, one_hot(truth))):
            sys.exit("the windows differ")
        loop, peer = n_peer / loop_s, n_peer / peer_s
        print(
            f"{number:>5} {total / seconds:>12,.0f} w/s {memory:>5.2f} GB {codes:>12,.0f} w/s {hot:>9,.0f} w/s "
            f"{loop:>7,.0f} w/s {peer:>7,.0f} w/s   {total / seconds / loop:.0f}, {codes / loop:.0f}, {hot / peer:.1f}",
            flush=True,
        )
    size = output.stat().st_size / 1e6
    print(f"{len(stored):,} regions, {total:,} windows: {seconds:.1f} s in all, {cpu:.1f} CPU-s, {size:.1f} MB")


def encode_whole(data: Path, folder: Path) -> None:
    """FANTOM5's enhancers on a genome as long as hg19."""
    names = [f"chr{name}" for name in (*range(1, 23), "X", "Y")]
    sizes = read_sizes(data / "annotation" / "hg19.chrom.sizes")
    with Genome(data / "genome" / "hg19.chrX.fa.gz") as opened:
        letters = opened.letters("chrX")
    letters = letters[letters != ord("N")]
    with open(folder / "genome.fa", "wb") as handle:
        for name in names:
            handle.write(f">{name}\n".encode())
            whole = np.resize(letters, -(-sizes[name] // LINE) * LINE).reshape(-1, LINE)
            for rows in np.array_split(whole, 8):
                handle.write(np.pad(rows, ((0, 0), (0, 1)), constant_values=ord("\n")).tobytes())
    with gzip.open(data / "regions" / "fantom5_enhancers.bed.gz", "rt") as handle:
        spans = sorted({tuple(line.split()[:3]) for line in handle if line.split()[0] in names})
    (folder / "regions.bed").write_text("".join("\t".join((*span, "enhancer")) + "\n" for span in spans))
    for state in ("index made", "index there"):
        seconds, cpu, memory = encode(folder / "regions.bed", folder / "genome.fa", folder / "sequences.h5")
        with Sequences(folder / "sequences.h5") as stored:
            size = (folder / "sequences.h5").stat().st_size / 1e6
            print(
                f"{state}: {len(stored):,} regions, {stored.n_windows.sum():,} windows of 24 chromosomes: "
                f"{seconds:.1f} s, {cpu:.1f} CPU-s, {memory:.2f} GB, {size:.1f} MB"
            )
    print(f"the largest chromosome has {max(sizes[name] for name in names) / 1e6:.0f} M bases")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peer-windows", type=int, default=20_000)
    parser.add_argument("--whole", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        if options.whole:
            encode_whole(options.data, Path(name))
        else:
            compare(options.data, Path(name), options.rounds, options.peer_windows)


if __name__ == "__main__":
    main()
