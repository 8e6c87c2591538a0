"""How much of a training step is loading, and what the textbook way costs: a DataLoader that takes site by site.

Usage: python benchmarks/train_model.py [--sites 20000] [--marks 12] [--threads 2]

Both ways draw the same number of sites with the same weights and take the same steps of DeepRegFinder's CNN. Loading is
the share of an epoch that is left when every step computes on one batch that was cut out before.
"""

import argparse
import resource
import time
from statistics import median

import numpy as np
import torch
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler

from crekit.models.registry import find
from crekit.training import sampling

BATCH = 256


def ours(values: torch.Tensor, labels: torch.Tensor, weights: np.ndarray):
    chances = torch.from_numpy(weights)
    for batch in sampling.order(chances, "background", BATCH, sampling.generator(1, 1)).split(BATCH):
        yield values[batch], labels[batch]


def textbook(values: torch.Tensor, labels: torch.Tensor, weights: np.ndarray):
    sampler = WeightedRandomSampler(weights.tolist(), len(weights) // BATCH * BATCH)
    return DataLoader(TensorDataset(values, labels), batch_size=BATCH, sampler=sampler)


def seconds(batches, network: torch.nn.Module | None, steps: int) -> float:
    """Time of an epoch; without a network, of its loading alone."""
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01) if network is not None else None
    started = time.perf_counter()
    taken = 0
    for inputs, labels in batches:
        taken += 1
        if network is not None and optimiser is not None:
            optimiser.zero_grad(set_to_none=True)
            cross_entropy(network(inputs), labels).backward()
            optimiser.step()
    if taken != steps:
        raise SystemExit(f"{taken} steps, not {steps}")
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sites", type=int, default=20_000)
    parser.add_argument("--marks", type=int, default=12)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(1)
    values, labels = torch.randn(given.sites, given.marks, 20), torch.randint(3, (given.sites,))
    weights = sampling.weights(labels.numpy(), "background", 0)
    network, steps = find("deepregfinder-cnn").build(given.marks, 3, 20), given.sites // BATCH
    times: dict[tuple[str, str], list[float]] = {}
    for _ in range(given.repeats):  # in turn, so that both ways meet the same machine
        for name, way in (("crekit", ours), ("DataLoader", textbook)):
            times.setdefault((name, "loading"), []).append(seconds(way(values, labels, weights), None, steps))
            times.setdefault((name, "epoch"), []).append(seconds(way(values, labels, weights), network, steps))
    print(f"{given.sites} sites of {given.marks} marks, {steps} steps of {BATCH}, {given.threads} threads, medians")
    print(f"{'way':<12}{'loading ms/step':>16}{'step ms':>10}{'loading share':>15}")
    for name in ("crekit", "DataLoader"):
        loading, epoch = (median(times[name, what]) / steps * 1000 for what in ("loading", "epoch"))
        print(f"{name:<12}{loading:>16.3f}{epoch:>10.2f}{loading / epoch:>15.1%}")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    ratio = median(times["crekit", "epoch"]) / median(times["DataLoader", "epoch"])
    print(f"epoch, crekit / DataLoader: {ratio:.2f}; peak memory {memory} MiB")


if __name__ == "__main__":
    main()
