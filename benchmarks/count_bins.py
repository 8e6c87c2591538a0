#!/usr/bin/env python3
"""count-bins against featureCounts and deepTools on one generated BAM: time and memory of whole processes.

Makes a sorted, indexed BAM file of 50-base reads spread over the chromosomes of hg19 (seeded; the same bytes each
time), and a SAF file of its 100-base bins. Then each tool runs in turn, round by round: count-bins, featureCounts as
DeepRegFinder calls it, deepTools multiBamSummary where it is installed, and `samtools view -c`, the least that any
reader of the file takes. Memory is the largest sum over a tool's processes of their proportional set sizes (of the
resident size where there is one process), CPU time the sum over them, both looked at every 50 ms. At the end the counts
of count-bins and featureCounts are compared, bin by bin.

count-bins compiles its loops at its first run on a machine (5 to 10 seconds, then kept): a run before the first round
takes care of that, and its time is printed too. The time to write the SAF file is not held against featureCounts.

Usage: benchmarks/count_bins.py [--reads 10000000] [--threads 2] [--rounds 2] [--folder DIR] [--sizes FILE]
                                [--deeptools /path/to/multiBamSummary]
"""

import argparse
import contextlib
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import deflate
import numpy as np
import pandas as pd
import pysam

from crekit.genome.chromosomes import read_sizes
from crekit.signal import bgzf
from crekit.signal.tracks import Tracks

HG19 = [
    249250621, 243199373, 198022430, 191154276, 180915260, 171115067, 159138663, 146364022, 141213431, 135534747,
    135006516, 133851895, 115169878, 107349540, 102531392, 90354753, 81195210, 78077248, 59128983, 63025520, 48129895,
    51304566, 155270560, 59373566,
]  # fmt: skip
NAMES = [f"chr{name}" for name in [*range(1, 23), "X", "Y"]]
LENGTH, BIN, BLOCK = 50, 100, 65_280
RECORD = np.dtype(
    [
        ("size", "<i4"), ("reference", "<i4"), ("position", "<i4"), ("name_length", "u1"), ("mapq", "u1"),
        ("bin", "<u2"), ("operations", "<u2"), ("flag", "<u2"), ("length", "<i4"), ("mate_reference", "<i4"),
        ("mate_position", "<i4"), ("template", "<i4"), ("name", "S11"), ("cigar", "<u4"),
        ("sequence", "u1", LENGTH // 2), ("quality", "u1", LENGTH), ("tags", "u1", 8),
    ]
)  # fmt: skip


def records(number: int, size: int, first: int, reference: int, rng: np.random.Generator) -> np.ndarray:
    """BAM records of one chromosome, sorted."""
    reads = np.zeros(number, RECORD)
    start = np.sort(rng.integers(0, size - LENGTH, number))
    reads["size"] = RECORD.itemsize - 4
    reads["reference"], reads["position"], reads["cigar"] = reference, start, LENGTH << 4
    reads["name_length"], reads["operations"], reads["length"] = 11, 1, LENGTH
    reads["mate_reference"] = reads["mate_position"] = -1
    reads["name"] = np.char.zfill(np.arange(first, first + number).astype("S10"), 10)
    reads["flag"] = np.where(rng.random(number) < 0.5, 16, 0)
    reads["mapq"] = rng.integers(0, 43, number)
    last = start + LENGTH - 1
    for shift, offset in ((26, 1), (23, 9), (20, 73), (17, 585), (14, 4681)):  # the bins of the BAI index
        same = start >> shift == last >> shift
        reads["bin"][same] = offset + (start[same] >> shift)
    bases = np.array([1, 2, 4, 8], dtype=np.uint8)[rng.integers(0, 4, (2, number, LENGTH // 2))]
    reads["sequence"] = bases[0] << 4 | bases[1]
    # Qualities as sequencers write them now: a few values, worse towards the end.
    good = rng.integers(20, LENGTH, number)
    reads["quality"] = np.where(np.arange(LENGTH) > good[:, None], 25, 37)
    reads["quality"][rng.random((number, LENGTH)) < 0.05] = 11
    reads["tags"] = np.frombuffer(b"NHC\1NMC\0", np.uint8)
    return reads


def make_bam(path: Path, sizes: dict[str, int], number: int) -> None:
    """A sorted BAM file with its index."""
    rng = np.random.default_rng(1)
    text = "@HD\tVN:1.6\tSO:coordinate\n" + "".join(f"@SQ\tSN:{chrom}\tLN:{size}\n" for chrom, size in sizes.items())
    header = b"BAM\1" + struct.pack("<i", len(text)) + text.encode() + struct.pack("<i", len(sizes))
    for chrom, size in sizes.items():
        header += struct.pack("<i", len(chrom) + 1) + chrom.encode() + b"\0" + struct.pack("<i", size)
    parts = np.diff(np.round(np.cumsum([0, *sizes.values()]) / sum(sizes.values()) * number).astype(int))
    first, whole = 0, BLOCK // RECORD.itemsize * RECORD.itemsize
    with open(path, "wb") as handle:
        handle.write(compressed(header))
        for reference, (size, part) in enumerate(zip(sizes.values(), parts, strict=True)):
            data = records(part, size, first, reference, rng).tobytes()
            first += part
            for at in range(0, len(data), whole):
                handle.write(compressed(data[at : at + whole]))
        handle.write(bgzf.EOF)
    pysam.index(str(path))


def compressed(data: bytes) -> bytes:
    """One BGZF block."""
    body = bytes(deflate.deflate_compress(data, 6))
    start = bgzf.MAGIC + bytes(5) + b"\xff\6\0BC\2\0" + struct.pack("<H", len(body) + 25)
    return start + body + struct.pack("<II", deflate.crc32(data), len(data))


def make_saf(path: Path, sizes: dict[str, int]) -> None:
    """All bins, as featureCounts takes them."""
    with open(path, "w") as handle:
        handle.write("GeneID\tChr\tStart\tEnd\tStrand\n")
        for chrom, size in sizes.items():
            starts = range(0, size, BIN)
            handle.writelines(f"{chrom}_{at}\t{chrom}\t{at + 1}\t{min(at + BIN, size)}\t+\n" for at in starts)


def tree(pid: int) -> Iterator[int]:
    """A process and all below it."""
    yield pid
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from tree(int(child))


def look(pid: int, ticks: dict[int, int]) -> int:
    """Memory of a process and all below it, in kB; notes the CPU time of each."""
    total = 0
    processes = list(tree(pid))
    for one in processes:
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            ticks[one] = int(fields[11]) + int(fields[12])
            # Shares of pages are slow to work out for a process of gigabytes, and there is nobody to share with.
            name, key = ("status", "VmRSS:") if len(processes) == 1 else ("smaps_rollup", "Pss:")
            lines = Path(f"/proc/{one}/{name}").read_text().splitlines()
            total += next((int(line.split()[1]) for line in lines if line.startswith(key)), 0)
    return total


def run(command: list[object]) -> tuple[float, float, float]:
    """Seconds, CPU seconds and peak memory (MB) of a command."""
    ticks: dict[int, int] = {}
    started = time.perf_counter()
    process = subprocess.Popen(
        [str(part) for part in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    peak = 0
    while process.poll() is None:
        peak = max(peak, look(process.pid, ticks))
        time.sleep(0.05)
    seconds = time.perf_counter() - started
    if process.returncode:
        sys.exit(f"{command[0]} failed: {process.stderr.read() if process.stderr else ''}")
    return seconds, sum(ticks.values()) / os.sysconf("SC_CLK_TCK"), peak / 1000


def compare(tracks: Path, table: Path, sizes: dict[str, int]) -> str:
    """Whether both counted the same in every bin."""
    theirs = pd.read_csv(table, sep="\t", comment="#", usecols=[6], dtype=np.int64).iloc[:, 0].to_numpy()
    with Tracks(tracks) as ours:
        (track,) = ours.tracks
        mine = np.concatenate([ours.raw(track, chrom) for chrom in sizes])
    differing = np.count_nonzero(mine != theirs)
    return f"{len(mine):,} bins compared, {differing:,} differ; {int(mine.sum()):,} counts"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reads", type=int, default=10_000_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="keep the generated files there, and use them again")
    parser.add_argument("--sizes", type=Path, help="chromosome sizes (default: hg19, chr1-22, X, Y)")
    parser.add_argument("--deeptools", default=shutil.which("multiBamSummary"))
    options = parser.parse_args()
    sizes = read_sizes(options.sizes) if options.sizes else dict(zip(NAMES, HG19, strict=True))
    with contextlib.ExitStack() as stack:
        folder = options.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(exist_ok=True, parents=True)
        compete(folder, sizes, options)


def compete(folder: Path, sizes: dict[str, int], options: argparse.Namespace) -> None:
    bam, saf = folder / f"reads_{options.reads}.bam", folder / "bins.saf"
    if not bam.exists():
        make_bam(bam, sizes, options.reads)
    if not saf.exists():
        started = time.perf_counter()
        make_saf(saf, sizes)
        print(f"writing the SAF took {time.perf_counter() - started:.1f} s more")
    threads = options.threads
    ours = [Path(sys.executable).parent / "count-bins", f"M={bam}", "-o", folder / "tracks.h5", "-p", threads, "-q"]
    commands: dict[str, list[object]] = {"count-bins": ours}
    if shutil.which("featureCounts"):
        rule = ["-O", "-F", "SAF", "--fracOverlap", "0.5", "-T", threads]
        commands["featureCounts"] = ["featureCounts", *rule, "-a", saf, "-o", folder / "counts.txt", bam]
    if options.deeptools:
        summary = ["bins", "-b", bam, "-bs", BIN, "-p", threads, "-o", folder / "summary.npz"]
        commands["multiBamSummary"] = [options.deeptools, *summary]
    if shutil.which("samtools"):
        commands["samtools view -c"] = ["samtools", "view", "-c", f"-@{threads}", bam]
    for name, program in (("featureCounts", "featureCounts"), ("multiBamSummary", "deepTools")):
        if name not in commands:
            print(f"{program} is not installed: left out")
    print(f"first run of count-bins here: {run(ours)[0]:.1f} s")
    print(f"{options.reads:,} reads, {bam.stat().st_size / 1e6:.0f} MB, {threads} threads or processes")
    print("round tool               wall s   CPU s  M reads/s  peak MB  featureCounts / it")
    for number in range(1, options.rounds + 1):
        results = {name: run(command) for name, command in commands.items()}
        for name, (seconds, cpu, peak) in results.items():
            ratio = f"{results['featureCounts'][0] / seconds:.1f}" if "featureCounts" in results else "."
            row = f"{number:>5} {name:<17} {seconds:>7.1f} {cpu:>7.1f} {options.reads / seconds / 1e6:>10.2f}"
            print(f"{row} {peak:>8.0f} {ratio:>19}", flush=True)
    if "featureCounts" in commands:
        print(compare(folder / "tracks.h5", folder / "counts.txt", sizes))


if __name__ == "__main__":
    main()
