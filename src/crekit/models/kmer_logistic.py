"""Logistic regression on k-mer shares: the floor that a network on sequence has to be above.

A k-mer and its reverse complement are one feature. A feature's value is its share of all k-mers without an N, so that a
region's length does not show.
"""

import logging
import warnings
from typing import Any

import numpy as np
import torch
from torch import nn

from crekit.errors import InputError
from crekit.genome.fasta import N, complement_codes
from crekit.models.bases import codes_of

LOG = logging.getLogger("crekit")

K = 5
C = 0.001
"""The best of 1e-4 to 1 on every set that was tried: see docs/architectures-kmer.md."""

MOST_K = 8
_ROUNDS = 2000
_BATCH = 256


def canonical(k: int) -> np.ndarray:
    """The feature of each k-mer: the same for its reverse complement.

    Returns
    -------
    features : np.ndarray, shape (4^k,), int64
        By the k-mer's number (two bits a base, A C G T = 0 1 2 3, the first base highest); counted from 0 in the order
        of the smaller number of each pair.
    """
    numbers = np.arange(4**k)
    powers = 4 ** np.arange(k)[::-1]
    letters = (numbers[:, None] // powers % 4).astype(np.uint8)
    return np.unique(np.minimum(numbers, complement_codes(letters) @ powers), return_inverse=True)[1]


class KmerLogistic(nn.Module):
    """A linear model on standardised k-mer shares: ``kmer-logistic``.

    Takes one-hot DNA, shape (n, 4, width), any width, N where nothing is known; returns logits, shape (n, n_classes).
    A sequence without a k-mer has all shares zero. It has no gradient by its input.

    Parameters
    ----------
    n_classes : int
    k : int
        1 to 8.
    """

    feature: torch.Tensor
    weight: torch.Tensor
    bias: torch.Tensor
    mean: torch.Tensor
    scale: torch.Tensor

    def __init__(self, n_classes: int, k: int = K) -> None:
        super().__init__()
        if not 1 <= k <= MOST_K:
            raise InputError(f"kmer-logistic counts k-mers of 1 to {MOST_K} bases, not {k}; choose k in that range")
        self.k = k
        features = torch.from_numpy(canonical(k))
        n_features = int(features.max()) + 1
        self.register_buffer("feature", features, persistent=False)
        self.register_buffer("weight", torch.zeros(n_classes, n_features))
        self.register_buffer("bias", torch.zeros(n_classes))
        self.register_buffer("mean", torch.zeros(n_features))
        self.register_buffer("scale", torch.ones(n_features))

    def shares(self, codes: torch.Tensor) -> torch.Tensor:
        """Share of each k-mer, both strands together.

        Parameters
        ----------
        codes : torch.Tensor, shape (n, width), uint8

        Returns
        -------
        shares : torch.Tensor, shape (n, n_features), float32
            They sum to 1, or to 0 where there is no k-mer without an N.
        """
        counts = torch.zeros(len(codes), len(self.mean), device=codes.device)
        n_kmers = codes.shape[1] - self.k + 1
        if n_kmers < 1:
            return counts
        number = torch.zeros(len(codes), n_kmers, dtype=torch.int64, device=codes.device)
        known = torch.ones_like(number, dtype=torch.bool)
        for i in range(self.k):
            base = codes[:, i : i + n_kmers]
            known &= base < N
            number = number * 4 + base
        counts.scatter_add_(1, self.feature[number.where(known, 0)], known.float())
        return counts / counts.sum(dim=1, keepdim=True).clamp_min(1)

    def forward(self, one_hot: torch.Tensor) -> torch.Tensor:
        return (self.shares(codes_of(one_hot)) - self.mean) / self.scale @ self.weight.T + self.bias


def fit_kmer_logistic(
    codes: list[np.ndarray],
    labels: np.ndarray,
    weights: np.ndarray | None,
    *,
    n_classes: int,
    k: int = K,
    c: float = C,
    seed: int = 0,
    threads: int = 1,
) -> tuple[KmerLogistic, dict[str, Any]]:
    """Fit the regression (scikit-learn's, L-BFGS, an L2 penalty).

    Parameters
    ----------
    codes : list of np.ndarray, uint8
        Of each sequence, of any length.
    labels : np.ndarray, shape (n,), int64
        0 to n_classes - 1, each of them present.
    weights : np.ndarray, shape (n,), float, optional
        Weight of each sequence in the loss.
    n_classes, k : int
    c : float
        Inverse strength of the penalty, scikit-learn's C: on features of standard deviation 1.
    seed, threads : int
        As of every architecture; nothing here is random, and one thread is used, so that sums have one order.

    Returns
    -------
    module : KmerLogistic
    parameters : dict
        What `KmerLogistic` must be made with, besides `n_classes`, to load the same tensors.

    Raises
    ------
    InputError
        If `k` is out of range.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits

    module = KmerLogistic(n_classes, k)
    parts = [module.shares(padded(codes[i : i + _BATCH])) for i in range(0, len(codes), _BATCH)]
    values = torch.cat(parts).numpy().astype(np.float64)
    scaler = StandardScaler().fit(values)
    regression = LogisticRegression(C=c, max_iter=_ROUNDS)
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning, module="sklearn")  # said below, in one line
        regression.fit(scaler.transform(values), labels, sample_weight=weights)
    if int(regression.n_iter_.max()) >= _ROUNDS:
        LOG.warning("kmer-logistic did not converge in %d rounds; a smaller C would help", _ROUNDS)
    weight, bias = regression.coef_, regression.intercept_
    if n_classes == 2:  # one row: the second class against the first
        weight, bias = np.concatenate([0 * weight, weight]), np.concatenate([0 * bias, bias])
    fitted = {"weight": weight, "bias": bias, "mean": scaler.mean_, "scale": scaler.scale_}
    module.load_state_dict({name: torch.from_numpy(array).float() for name, array in fitted.items()})
    return module, {"k": k}


def padded(codes: list[np.ndarray]) -> torch.Tensor:
    """Sequences as the rows of one array, filled up with N on the right."""
    rows = np.full((len(codes), max(map(len, codes), default=0)), N, dtype=np.uint8)
    for row, sequence in zip(rows, codes, strict=True):
        row[: len(sequence)] = sequence
    return torch.from_numpy(rows)
