"""How much of a training step on sequences is loading, against the textbook way, and what bfloat16 does.

Usage: python benchmarks/train_sequences.py [--regions 4000] [--threads 2] [--steps 20]

The textbook way is a DataLoader over a dataset that fetches each window with pyfaidx and encodes it base by base. Both
feed DeepEnhancer's default network with the same batches of 300-base windows. Loading is the time of taking the batches
alone, over the time of taking and learning them. bfloat16 with channels last stands beside float32.
"""

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import torch
from pyfaidx import Fasta
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, Dataset

from crekit.encoding.encode import encode_regions
from crekit.encoding.store import Sequences
from crekit.encoding.windows import Rule
from crekit.models.registry import find
from crekit.training.channels_last import ChannelsLast
from crekit.training.sequence_sites import SequenceSites

BATCH, WIDTH = 128, 300
CPU = torch.device("cpu")


def made(folder: Path, n: int) -> tuple[Path, Path]:
    """A random genome, and regions of 289 bases on it (the median of FANTOM5's enhancers)."""
    random = np.random.default_rng(1)
    size = 600 * n
    text = "".join("ACGT"[i] for i in random.integers(0, 4, size))
    fasta, bed = folder / "g.fa", folder / "r.bed"
    fasta.write_text(">chr1\n" + "\n".join(text[i : i + 60] for i in range(0, size, 60)) + "\n")
    starts = np.sort(random.choice(size - 1000, n, replace=False)) + 400
    bed.write_text("".join(f"chr1\t{s}\t{s + 289}\t{'ab'[i % 2]}\n" for i, s in enumerate(starts)))
    return fasta, bed


class Textbook(Dataset):
    """Window by window."""

    def __init__(self, fasta: Path, sequences: Sequences) -> None:
        self._genome = Fasta(str(fasta))
        self._starts = sequences.window_start(np.arange(len(sequences)), np.zeros(len(sequences), dtype=np.int64))

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, i: int) -> torch.Tensor:
        text = self._genome["chr1"][int(self._starts[i]) : int(self._starts[i]) + WIDTH].seq
        values = torch.zeros(4, WIDTH)
        for place, letter in enumerate(text):
            values["ACGT".index(letter), place] = 1
        return values


def ours(sites: SequenceSites, steps: int):
    index = torch.randperm(len(sites.labels))
    for step in range(steps):
        yield sites.inputs(index[step * BATCH : (step + 1) * BATCH], torch.rand(BATCH, 2), "reverse-complement", CPU)


def textbook(data: Textbook, steps: int):
    for step, batch in enumerate(DataLoader(data, batch_size=BATCH, shuffle=True)):
        if step == steps:
            return
        yield batch


def seconds(batches, network: torch.nn.Module | None = None, *, bf16: bool = False) -> float:
    """Time of taking batches and, with a network, of learning from them."""
    began = time.perf_counter()
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-4) if network is not None else None
    for batch in batches:
        if network is not None and optimiser is not None:
            optimiser.zero_grad(set_to_none=True)
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                logits = network(batch)
            cross_entropy(logits.float(), torch.zeros(len(batch), dtype=torch.int64)).backward()
            optimiser.step()
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--regions", type=int, default=4_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    steps = min(options.steps, options.regions // BATCH)
    with tempfile.TemporaryDirectory() as folder:
        fasta, bed = made(Path(folder), options.regions)
        encode_regions([(None, bed)], fasta, Path(folder) / "s.h5", Rule(WIDTH, 2))
        sequences = Sequences(Path(folder) / "s.h5")
        n = len(sequences)
        sites = SequenceSites([sequences], np.zeros(n, dtype=np.int64), np.arange(n), np.zeros(n, dtype=np.int64), None)
        data = Textbook(fasta, sequences)
        network = find("deepenhancer-4conv2pool4norm").build(2, WIDTH)
        found: dict[str, list[float]] = {}
        for _ in range(options.repeats):  # in turn, so that all meet the same machine
            for name, batches, given in (
                ("crekit, loading", ours(sites, steps), {}),
                ("textbook, loading", textbook(data, steps), {}),
                ("crekit, learning, fp32", ours(sites, steps), {"network": network}),
                ("crekit, learning, bf16", ours(sites, steps), {"network": ChannelsLast(network), "bf16": True}),
            ):
                found.setdefault(name, []).append(seconds(batches, **given))
    middle = {name: median(times) for name, times in found.items()}
    print("| way | windows/s | share of crekit's fp32 step |\n|---|---|---|")
    for name, value in middle.items():
        print(f"| {name} | {steps * BATCH / value:,.0f} | {value / middle['crekit, learning, fp32']:.1%} |")
    print(f"\nloading: {middle['textbook, loading'] / middle['crekit, loading']:.0f} times the textbook way's speed")


if __name__ == "__main__":
    main()
