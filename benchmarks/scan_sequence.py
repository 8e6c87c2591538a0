#!/usr/bin/env python3
"""scan-genome on DNA against window by window: DeepEnhancer's 4conv2pool4norm, windows of 300 bases every 50, float32.

Makes a genome of random bases with some gaps and a model with random weights. In turn: scan-genome as a process of its
own (reading, scoring, writing), the same scoring alone, and the network itself on a part of the same windows, cut and
encoded in numpy and put through it in batches, with as many threads. Prints a table; the ratio is of scoring alone, to
the quickest of the batch sizes and to the slowest. Run it on a machine that does nothing else.

Usage: benchmarks/scan_sequence.py [--bases 2000000] [--step 50] [--threads 2] [--rounds 3] [--peer-windows 2048]
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from crekit.encoding.onehot import one_hot
from crekit.models.file import SequenceModel, load_sequence_model, save
from crekit.models.settings import SequenceSettings
from crekit.scanning import sequence_score

ARCH, WINDOW = "deepenhancer-4conv2pool4norm", 300
BATCHES = (64, 256, 1024)


def make_genome(path: Path, n: int) -> np.ndarray:
    """Random bases, a hundredth of them in gaps."""
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 4, n).astype(np.uint8)
    for start in rng.integers(0, n - 1000, n // 100_000):
        codes[start : start + 1000] = 4
    lines = np.frombuffer(b"ACGTN", dtype=np.uint8)[codes]
    with open(path, "wb") as handle:
        handle.write(b">chr1\n")
        for first in range(0, n, 60):
            handle.write(lines[first : first + 60].tobytes() + b"\n")
    return codes


def make_model(path: Path) -> None:
    """A network whose batch norms have seen DNA."""
    torch.manual_seed(1)
    settings = SequenceSettings(
        arch=ARCH, classes=["background", "enhancer"], window=WINDOW, stride=2, short="contain", ambiguous="drop",
        split={"kind": "chromosomes", "train": [], "val": [], "test": []}, training={}, counts={}, record={},
    )  # fmt: skip
    network = settings.build().train()
    rng = np.random.default_rng(2)
    with torch.inference_mode():
        for _ in range(20):
            network(torch.from_numpy(one_hot(rng.integers(0, 4, (32, WINDOW)).astype(np.uint8))))
    save(path, settings, network.eval())


# Runs a command from a small process: memory that the one who starts a process holds would count as its child's.
MEASURE = """
import resource, subprocess, sys, time
started = time.perf_counter()
status = subprocess.run(sys.argv[1:]).returncode
print(time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6)
sys.exit(status)
"""


def scan(folder: Path, step: int, threads: int) -> tuple[float, float]:
    """Seconds and peak memory (GB) of the whole process."""
    tool = Path(sys.executable).parent / "scan-genome"
    files = ["-m", folder / "model.safetensors", "-g", folder / "genome.fa", "-o", folder / "scan", "--step", step]
    command = [sys.executable, "-c", MEASURE, tool, *files, "-p", threads, "--device", "cpu", "--quiet"]
    ended = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, text=True, check=True)
    seconds, memory = map(float, ended.stdout.split())
    return seconds, memory


def shared(model: SequenceModel, codes: np.ndarray, step: int, threads: int) -> tuple[float, np.ndarray]:
    """Seconds and probabilities of all windows."""
    started = time.perf_counter()
    probabilities = sequence_score.along(model, codes, step, threads=threads)
    return time.perf_counter() - started, probabilities


def naive(
    model: SequenceModel, codes: np.ndarray, step: int, threads: int, n: int, batch: int
) -> tuple[float, np.ndarray]:
    """Seconds and probabilities of the first `n` windows."""
    torch.set_num_threads(threads)
    views = np.lib.stride_tricks.sliding_window_view(codes, WINDOW)[::step][:n]
    parts = []
    started = time.perf_counter()
    with torch.inference_mode():
        for first in range(0, n, batch):
            windows = torch.from_numpy(one_hot(views[first : first + batch]))
            parts.append(torch.softmax(model.network(windows), dim=1).numpy())
    return time.perf_counter() - started, np.concatenate(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bases", type=int, default=2_000_000)
    parser.add_argument("--step", type=int, default=50)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peer-windows", type=int, default=2_048)
    options = parser.parse_args()
    step, threads = options.step, options.threads
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        codes = make_genome(folder / "genome.fa", options.bases)
        make_model(folder / "model.safetensors")
        model = load_sequence_model(folder / "model.safetensors")
        n = (options.bases - WINDOW) // step + 1
        n_peer = min(options.peer_windows, n)
        print(f"{ARCH}: {n:,} windows of {WINDOW} bases every {step}, {threads} thread(s), float32; windows a second")
        peers = "".join(f"{f'in {batch}s':>10}" for batch in BATCHES)
        print(f"{'round':>5} {'scan-genome':>12} {'memory':>8} {'scoring':>9}{peers} {'ratio':>11} {'largest dp':>10}")
        for number in range(1, options.rounds + 1):
            whole, memory = scan(folder, step, threads)
            seconds, found = shared(model, codes, step, threads)
            rates, apart = [], 0.0
            for batch in BATCHES:
                taken, expected = naive(model, codes, step, threads, n_peer, batch)
                rates.append(n_peer / taken)
                apart = max(apart, float(np.abs(expected - found[:n_peer]).max()))
            ratios = f"{n / seconds / max(rates):.1f} to {n / seconds / min(rates):.1f}"
            cells = "".join(f"{rate:>10,.0f}" for rate in rates)
            ours = f"{n / whole:>12,.0f} {memory:>5.2f} GB {n / seconds:>9,.0f}"
            print(f"{number:>5} {ours}{cells} {ratios:>11} {apart:>10.0e}", flush=True)


if __name__ == "__main__":
    main()
