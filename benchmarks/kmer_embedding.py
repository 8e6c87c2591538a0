#!/usr/bin/env python3
"""What the two poolings of the k-mer embedding tell of a sequence's length, and how long they take.

Random sequences of 100 to 1,000 bases, 2,000 to learn from and 2,000 to test on. Learners: logistic regression on all
10,000 numbers, on 200 principal components, and boosted trees on 50 principal components and on every 20th number.
Asked are whether the length modulo 10 is 1 or 6 (as in the NHLF training set of Enhancer-MDLF), all ten remainders (the
mean AUROC of one against the rest), and, as a property that both poolings keep on purpose, whether the sequence is
shorter than 550 bases. Prints a table of AUROC, then seconds for the NHLF training set, with torch's
adaptive_avg_pool1d for flat pooling beside it.

Usage: benchmarks/kmer_embedding.py [--sequences 2000] [--seeds 3]
Data: dna2vec/ and sequences/ in $CREKIT_DATA (default: shared/data beside the repository).
"""

import argparse
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from crekit.encoding.kmer_embedding import POOLINGS, embed
from crekit.encoding.kmer_vectors import KmerVectors, read
from crekit.genome.fasta import read_records

DATA = Path(os.environ.get("CREKIT_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
N = 4
QUESTIONS = ("modulo 10: 1 or 6", "modulo 10, ten", "below 550")


def batch(sequences: list[np.ndarray]) -> np.ndarray:
    """Sequences as rows, padded with N on the right."""
    codes = np.full((len(sequences), max(map(len, sequences))), N, dtype=np.uint8)
    for row, sequence in zip(codes, sequences, strict=True):
        row[: len(sequence)] = sequence
    return codes


def draw(random: np.random.Generator, n: int, question: str) -> tuple[np.ndarray, np.ndarray]:
    """Random sequences and what is to be told of them."""
    lengths = random.integers(100, 1001, n)
    if question == QUESTIONS[0]:
        lengths = lengths // 10 * 10 + np.tile([1, 6], n)[:n]
    codes = batch([random.integers(0, 4, length) for length in lengths])
    return codes, lengths < 550 if question == QUESTIONS[2] else lengths % 10


def learners(seed: int) -> dict[str, Any]:
    """What tries to tell it."""
    return {
        "regression": make_pipeline(StandardScaler(), LogisticRegression(C=1e-3, max_iter=200)),
        "regression, 200 PC": make_pipeline(
            PCA(200, svd_solver="randomized", random_state=seed), StandardScaler(), LogisticRegression(max_iter=500)
        ),
        "trees, 50 PC": make_pipeline(
            PCA(50, svd_solver="randomized", random_state=seed),
            HistGradientBoostingClassifier(max_iter=50, random_state=seed),
        ),
        "trees, every 20th": make_pipeline(
            FunctionTransformer(lambda values: values[:, ::20]),
            HistGradientBoostingClassifier(max_iter=50, random_state=seed),
        ),
    }


def auroc(learner: Any, values: np.ndarray, true: np.ndarray) -> float:
    """Area under the curve; of more than two classes, the mean of each against the rest."""
    found = learner.predict_proba(values)
    if found.shape[1] == 2:
        return float(roc_auc_score(true == learner.classes_[1], found[:, 1]))
    return float(roc_auc_score(true, found, multi_class="ovr", average="macro"))


def leaks(vectors: KmerVectors, n: int, seeds: int) -> None:
    print(f"{'question':<20}{'learner':<22}" + "".join(f"{pooling:>8}" for pooling in POOLINGS) + "   (AUROC, mean)")
    for question in QUESTIONS:
        found: dict[tuple[str, str], list[float]] = {}
        for seed in range(1, seeds + 1):
            random = np.random.default_rng(seed)
            (train, known), (test, true) = draw(random, n, question), draw(random, 2000, question)
            for pooling in POOLINGS:
                values, held_out = embed(train, vectors, pooling), embed(test, vectors, pooling)
                for name, learner in learners(seed).items():
                    if question == QUESTIONS[1] and name == "trees, every 20th":
                        continue  # ten times the trees
                    learner.fit(values, known)
                    found.setdefault((name, pooling), []).append(auroc(learner, held_out, true))
        for name in learners(1):
            row = [found[name, pooling] for pooling in POOLINGS if (name, pooling) in found]
            if row:
                print(f"{question:<20}{name:<22}" + "".join(f"{np.mean(one):>8.3f}" for one in row), flush=True)


def times(vectors: KmerVectors) -> None:
    codes = batch([codes for _, codes in read_records(DATA / "sequences" / "nhlf.train.fa")])
    bases = int((codes < N).sum())
    print(f"\n{len(codes)} sequences of NHLF, {bases / len(codes):.0f} bases on average, one thread")
    spent = {}
    for pooling in POOLINGS:
        embed(codes[:2], vectors, pooling)
        started = time.perf_counter()
        embed(codes, vectors, pooling)
        spent[pooling] = time.perf_counter() - started
    words = codes[:, :-2].astype(np.int64) * 16 + codes[:, 1:-1] * 4 + codes[:, 2:]
    lengths = (codes < N).sum(axis=1) - 2
    started = time.perf_counter()
    for row, length in zip(words, lengths, strict=True):
        flat = torch.from_numpy(vectors.vectors[row[:length]].reshape(1, 1, -1))
        torch.nn.functional.adaptive_avg_pool1d(flat, 10_000).numpy()
    spent["torch, flat"] = time.perf_counter() - started
    for name, seconds in spent.items():
        print(f"{name:<14}{seconds:>7.2f} s{seconds / spent['torch, flat']:>8.2f} of torch")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sequences", type=int, default=2000)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    vectors = read(DATA / "dna2vec" / "dna2veck3_vec.txt", 3)
    leaks(vectors, options.sequences, options.seeds)
    times(vectors)


if __name__ == "__main__":
    main()
