#!/usr/bin/env python3
"""What each step of the signal workflow needs for a whole human genome, 12 marks x 2 replicates of 50 M reads.

Each step runs as a process of its own with 2 threads; CPU time (user and system, of all its processes) and the peak of
its memory are taken (as benchmarks/count_bins.py sums them). CPU time, unlike wall time, changes little with other work
on the machine. Costs are measured on smaller inputs, and a straight line through them (least squares) is read off at
the whole; where it falls, the largest that was seen is taken instead.

* count-bins, label-activity: BAM files of 1, 2 and 4 M reads of 50 bases spread over hg19; by reads.
* Joined tracks, train-model, evaluate-model, explain-model: two parts of the genome (chr20-chr22; chr1, chr8, chr12);
  by bases. All 24 track files are made as 50 M reads give them (counts drawn, mean 1.6 a bin); regions are K562's and
  a share of the background. Classes are learnt from drawn counts, so the models are worthless; they cost the same.
* define-regions: real peaks of K562, the whole genome; not scaled.
* scan-genome: chr12, chr8 and chr1, the largest; not scaled. Joined scans: by bases.

Usage: benchmarks/cluster_needs.py --data DATA --folder DIR [--threads 2] [--only count,regions,join,train,scan]
DATA: the folder of real data. DIR keeps what was made (0.5 GB), and what is there is used again.
"""

import argparse
import resource
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from count_bins import HG19, NAMES, make_bam, run

from crekit.signal.tracks import COUNTS, SIGNAL, Track, create

SIZES = dict(zip(NAMES, HG19, strict=True))
GENOME = sum(HG19) / 1e9
MARKS = [f"mark{i:02d}" for i in range(1, 13)]
REPLICATES = (1, 2)
READS, BIN = 50, 100
# Parts of the genome, each split into training, validation and test.
PARTS = {"small": ["chr20", "chr21", "chr22"], "large": ["chr1", "chr8", "chr12"]}
BACKGROUND = 30_000


@dataclass(frozen=True)
class Cost:
    """What a run of `amount` units cost: CPU seconds and MB at its peak."""

    amount: float
    cpu: float
    memory: float


class Bench:
    """Files in a folder, and runs of tools on them."""

    def __init__(self, data: Path, folder: Path, threads: int) -> None:
        self.data, self.folder, self.threads = data, folder, threads

    def cost(self, amount: float, tool: str, *words: object, threads: bool = True) -> Cost:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        more = ["--threads", self.threads] if threads else []
        _, seen, memory = run([Path(sys.executable).parent / tool, *words, *more, "--quiet"])
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        # Workers that nobody waited for are missing in what the system says, short ones in what was seen.
        told = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Cost(amount, max(told, seen), memory)

    def bam(self, millions: int) -> Path:
        path = self.folder / f"reads{millions}.bam"
        if not path.with_name(path.name + ".bai").exists():
            make_bam(path, SIZES, millions * 1_000_000)
        return path

    def link(self, mark: str, replicate: int) -> str:
        """A small file as that of a replicate: a check reads headers, and they are the same for any."""
        link, bam = self.folder / f"{mark}_rep{replicate}.bam", self.bam(replicate)
        for path, target in ((link, bam), (Path(f"{link}.bai"), Path(f"{bam}.bai"))):
            path.unlink(missing_ok=True)
            path.symlink_to(target.resolve())
        return f"{mark}={link}"

    def parts(self, part: str) -> list[Path]:
        """A track file a replicate: counts of clumped reads, as of deep sequencing, each shifted along the genome."""
        paths = [self.folder / f"{part}.{mark}.rep{one}.h5" for mark in MARKS for one in REPLICATES]
        if not all(path.exists() for path in paths):
            rng = np.random.default_rng(1)
            sizes = {name: SIZES[name] for name in PARTS[part]}
            drawn = {name: rng.poisson(rng.gamma(2.0, 0.8, -(-size // BIN))) for name, size in sizes.items()}
            for i, path in enumerate(paths):
                record = {"inputs": [{"role": "reads", "name": path.name, "sha256": f"{i:064d}"}]}
                with create(path, sizes, BIN) as writer:
                    track = writer.add(Track(path.name.split(".")[1], SIGNAL, COUNTS, record))
                    for name, counts in drawn.items():
                        track.put(name, np.roll(counts, 1009 * i).astype(np.uint32))
                    track.finish(READS * 1_000_000)
        return paths

    def regions(self, part: str) -> Path:
        return self.folder / f"{part}.regions.bed"

    def tracks(self, part: str) -> Path:
        return self.folder / f"{part}.tracks.h5"

    def sizes(self) -> Path:
        path = self.folder / "chrom.sizes"
        path.write_text("".join(f"{name}\t{size}\n" for name, size in SIZES.items()))
        return path

    def __truediv__(self, name: str) -> Path:
        return self.folder / name


def count(bench: Bench) -> Iterator[str]:
    bench.cost(0, "count-bins", bench.bam(1), "-o", bench / "warm.h5")  # compiles on its first run on a machine
    files = [bench.link(mark, one) for mark in MARKS for one in REPLICATES]
    yield from fixed("check of headers", "files", [bench.cost(len(files), "count-bins", "--check", *files)])
    costs = [bench.cost(n, "count-bins", f"m={bench.bam(n)}", "-o", bench / "counted.h5") for n in (1, 2, 4)]
    yield from scaled("count-bins, one file", "M reads", costs, READS)
    control = ["--control", bench.bam(4)]
    costs = [bench.cost(n, "count-bins", f"m={bench.bam(n)}", *control, "-o", bench / "counted.h5") for n in (4,)]
    yield from fixed("the same with a control of 4 M", "M reads", costs)


def regions(bench: Bench) -> Iterator[str]:
    k562, annotation = bench.data / "k562", bench.data / "annotation"
    cofactors = [k562 / f"{name}.narrowPeak.gz" for name in ("p300", "tfbs_tal1", "tfbs_gata1")]
    words = [
        *("--tss", annotation / "gencode.v19.tss.bed.gz", "--open", k562 / "dnase.narrowPeak.gz"),
        *(word for peaks in cofactors for word in ("--cofactor", peaks)),
        *("--h3k4me3", k562 / "h3k4me3.broadPeak.gz"),
        *("--sizes", bench.sizes(), "--blacklist", annotation / "hg19-blacklist.v2.bed.gz"),
    ]
    whole = bench.regions("whole")
    cost = bench.cost(0, "define-regions", *words, "-o", whole, threads=False)
    yield from fixed("define-regions", "regions", [Cost(lines(whole), cost.cpu, cost.memory)])
    for part, chroms in PARTS.items():
        share = ["--chroms", ",".join(chroms), "--background", round(BACKGROUND * bases(chroms) / GENOME)]
        bench.cost(0, "define-regions", *words, *share, "-o", bench.regions(part), threads=False)
    made = ["-o", bench / "labelled.bed"]
    costs = [
        bench.cost(n, "label-activity", "-r", whole, "--reads", bench.bam(n), *made, threads=False) for n in (1, 2, 4)
    ]
    yield from scaled("label-activity", "M reads", costs, READS)


def join(bench: Bench) -> Iterator[str]:
    costs = [
        bench.cost(bases(chroms), "count-bins", *bench.parts(part), "-o", bench.tracks(part))
        for part, chroms in PARTS.items()
    ]
    yield from scaled("join tracks, 24 files", "Gb", costs, GENOME)


def train(bench: Bench) -> Iterator[str]:
    costs: dict[str, list[Cost]] = {"train-model": [], "evaluate-model": [], "explain-model": []}
    for part, chroms in PARTS.items():
        data = ["-t", bench.tracks(part), "-r", bench.regions(part), "--device", "cpu"]
        model = bench / f"{part}.safetensors"
        split = [
            word for name, one in zip(("train", "val", "test"), chroms, strict=True) for word in (f"--{name}", one)
        ]
        words = {
            "train-model": ["--arch", "deepregfinder-cnn", *split, "-o", model],
            "evaluate-model": ["-m", model, "-o", bench / "metrics.json", "--html", bench / "report.html"],
            "explain-model": ["-m", model, "-o", bench / "explanation.html"],
        }
        for tool, measured in costs.items():
            measured.append(bench.cost(bases(chroms), tool, *words[tool], *data))
    for tool, measured in costs.items():
        yield from scaled(tool, "Gb", measured, GENOME)


def scan(bench: Bench) -> Iterator[str]:
    chroms = sorted(PARTS["large"], key=lambda one: SIZES[one])
    words = ["-m", bench / "large.safetensors", "-t", bench.tracks("large"), "--device", "cpu"]
    costs = [
        bench.cost(bases([one]), "scan-genome", *words, "--chroms", one, "-o", bench / f"scan.{one}") for one in chroms
    ]
    yield from fixed("scan-genome, one chromosome", "Gb", costs)
    costs = []
    for n in (1, 2, 3):
        prefixes = [word for one in chroms[:n] for word in ("--join", bench / f"scan.{one}")]
        costs.append(bench.cost(bases(chroms[:n]), "scan-genome", *prefixes, "-o", bench / "scan"))
    # Chromosomes are joined one by one, and the largest was among them: memory does not grow with more.
    yield from scaled("join scans", "Gb", costs, GENOME, memory_grows=False)


def bases(chroms: list[str]) -> float:
    return sum(SIZES[one] for one in chroms) / 1e9


def lines(path: Path) -> int:
    with path.open() as rows:
        return sum(1 for _ in rows)


def fixed(step: str, unit: str, costs: list[Cost]) -> Iterator[str]:
    """Rows of what was measured, the last one as it is needed."""
    for cost in costs:
        yield row(step, f"{cost.amount:,.3g} {unit}", cost)


def scaled(step: str, unit: str, costs: list[Cost], amount: float, memory_grows: bool = True) -> Iterator[str]:
    """Rows of what was measured, and of straight lines (least squares) through them at `amount`."""
    yield from fixed(step, unit, costs)
    cpu = line(costs, [cost.cpu for cost in costs], amount)
    peaks = [cost.memory for cost in costs]
    memory = line(costs, peaks, amount) if memory_grows else max(peaks)
    yield row(step, f"-> {amount:,.3g} {unit}", Cost(amount, cpu, memory))


def line(costs: list[Cost], values: list[float], amount: float) -> float:
    """The straight line through values at an amount; where it falls, the largest value."""
    return max(float(np.polyval(np.polyfit([cost.amount for cost in costs], values, 1), amount)), *values)


def row(step: str, amount: str, cost: Cost) -> str:
    return f"{step:<34} {amount:>22} {cost.cpu:>9.1f} {cost.memory / 1000:>7.2f}"


STEPS: dict[str, Callable[[Bench], Iterator[str]]] = {
    "count": count,
    "regions": regions,
    "join": join,
    "train": train,
    "scan": scan,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", default=",".join(STEPS), help="of " + ", ".join(STEPS))
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    bench = Bench(options.data, options.folder, options.threads)
    print(f"{'step':<34} {'measured':>22} {'CPU s':>9} {'GB':>7}   (-> scaled)")
    for name in options.only.split(","):
        for text in STEPS[name](bench):
            print(text, flush=True)


if __name__ == "__main__":
    main()
