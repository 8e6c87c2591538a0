#!/usr/bin/env python3
"""scan-genome against scoring window by window, on dense tracks: windows a second and memory.

Makes tracks of 12 marks (Poisson counts in every bin, as deep sequencing gives) and a convolutional model with random
weights, runs scan-genome as a process of its own (reading, scoring, writing), and, in turn with it, scores a part of
the same windows as DeepRegFinder does: each window cut out in Python, batches of 10,000 through a DataLoader without
workers. Prints a table.

Usage: benchmarks/scan_genome.py [--bins 4000000] [--threads 2] [--rounds 3] [--peer-windows 100000]
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from crekit.models.deepregfinder import ConvolutionalNetwork
from crekit.models.file import SignalSettings, load, save
from crekit.signal.tracks import COUNTS, SIGNAL, Track, Tracks, create

MARKS = [f"mark{i:02d}" for i in range(12)]
CLASSES = ["background", "enhancer", "promoter"]
BIN, N_BINS, BATCH, LONGEST = 100, 20, 10_000, 2_500_000


class Windows(Dataset):
    """One window at a time, cut and standardised in Python."""

    def __init__(self, bins: np.ndarray, mean: np.ndarray, std: np.ndarray, n: int) -> None:
        self.bins, self.mean, self.std, self.n = bins, mean, std, n

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, index: int) -> np.ndarray:
        return (self.bins[:, index : index + N_BINS] - self.mean) / self.std


def make_tracks(path: Path, n_bins: int) -> dict[str, int]:
    """Dense counts on chromosomes as long as the human chr1, and a rest."""
    lengths = [LONGEST] * (n_bins // LONGEST) + ([n_bins % LONGEST] if n_bins % LONGEST else [])
    sizes = {f"chr{i}": length * BIN for i, length in enumerate(lengths, 1)}
    rng = np.random.default_rng(1)
    with create(path, sizes, BIN) as writer:
        for i, mark in enumerate(MARKS):
            record = {"inputs": [{"role": "reads", "name": mark, "sha256": f"{i:064d}"}]}
            track = writer.add(Track(mark, SIGNAL, COUNTS, record))
            for chrom, size in sizes.items():
                track.put(chrom, rng.poisson(rng.gamma(2.0, 1.0, size // BIN)).astype(np.uint32))
            track.finish(30_000_000)
    return sizes


def make_model(path: Path, sizes: dict[str, int]) -> None:
    """A network whose batch norms have seen something, on the scale of the tracks."""
    torch.manual_seed(1)
    network = ConvolutionalNetwork(len(MARKS), len(CLASSES)).train()
    with torch.inference_mode():
        for _ in range(20):
            network(torch.randn(256, len(MARKS), N_BINS))
    settings = SignalSettings(
        arch="deepregfinder-cnn", classes=CLASSES, marks=MARKS, bin_size=BIN, n_bins=N_BINS, sizes=sizes,
        kinds=dict.fromkeys(MARKS, COUNTS), normalise="rpm", min_nonzero=5, mean=[0.067] * 12, std=[0.067] * 12,
        split={"kind": "chromosomes", "train": [], "val": [], "test": []}, training={}, counts={}, record={},
    )  # fmt: skip
    save(path, settings, network.eval())


# Runs a command from a small process: memory that the one who starts a process holds would count as its child's.
MEASURE = """
import resource, subprocess, sys, time
started = time.perf_counter()
status = subprocess.run(sys.argv[1:]).returncode
print(time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6)
sys.exit(status)
"""


def scan(folder: Path, threads: int) -> tuple[float, float]:
    """Seconds and peak memory (GB) of the whole process."""
    tool = Path(sys.executable).parent / "scan-genome"
    files = ["-m", folder / "model.safetensors", "-t", folder / "tracks.h5", "-o", folder / "scan"]
    command = [sys.executable, "-c", MEASURE, tool, *files, "-p", threads, "--device", "cpu", "--quiet"]
    ended = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, text=True, check=True)
    seconds, memory = map(float, ended.stdout.split())
    return seconds, memory


def peer(folder: Path, threads: int, n: int) -> float:
    """Seconds for `n` windows of the first chromosome, reading left out."""
    model = load(folder / "model.safetensors")
    with Tracks(folder / "tracks.h5") as tracks:
        bins = tracks.read("chr1", MARKS)
    mean, std = (np.array(column, dtype=np.float32)[:, None] for column in (model.settings.mean, model.settings.std))
    torch.set_num_threads(threads)
    started = time.perf_counter()
    with torch.inference_mode():
        for batch in DataLoader(Windows(bins, mean, std, n), batch_size=BATCH, num_workers=0):
            torch.softmax(model.network(batch), dim=1)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bins", type=int, default=4_000_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peer-windows", type=int, default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sizes = make_tracks(folder / "tracks.h5", options.bins)
        make_model(folder / "model.safetensors", sizes)
        n_windows = sum(size // BIN - N_BINS + 1 for size in sizes.values())
        n_peer = min(options.peer_windows, max(sizes.values()) // BIN - N_BINS + 1)
        chromosome = max(sizes.values()) // BIN * len(MARKS) * 4 / 1e9
        print(f"{n_windows:,} windows of 12 marks on {len(sizes)} chromosome(s), {options.threads} threads")
        print(f"the largest chromosome's tracks are {chromosome:.2f} GB")
        print(f"{'round':>5} {'scan-genome':>14} {'memory':>8} {'one by one':>14} {'ratio':>6}")
        for number in range(1, options.rounds + 1):
            seconds, memory = scan(folder, options.threads)
            ours, theirs = n_windows / seconds, n_peer / peer(folder, options.threads, n_peer)
            print(
                f"{number:>5} {ours:>10,.0f} w/s {memory:>5.2f} GB {theirs:>10,.0f} w/s {ours / theirs:>6.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
