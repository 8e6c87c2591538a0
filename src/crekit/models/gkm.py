"""A support vector machine on gapped k-mers (Ghandi et al. 2014), kept as one weight for each word.

The kernel is LS-GKM's default (see `crekit.models.gkm_kernel`), scaled to K(x, x) = 1, and scikit-learn's libsvm, which
LS-GKM is built on, finds the support vectors. They are then folded into a table of 4^l weights: a sequence's decision
value is a sum of look-ups over the root of its own kernel, and a model file holds no sequence of the training data.
"""

import logging
from typing import Any

import numpy as np
import torch
from torch import nn

from crekit.models.bases import codes_of
from crekit.models.gkm_kernel import distance_weights, fold, gram, norms, words_of

LOG = logging.getLogger("crekit")

L, K, D = 10, 6, 3
C = 1.0
MOST = 10_000
"""Most sequences that are learned from: their kernel takes 8 bytes a pair, 0.8 GB."""


class GkmSvm(nn.Module):
    """A folded gapped k-mer machine: ``gkm-svm``.

    Takes one-hot DNA, shape (n, 4, width), any width, N where nothing is known; returns logits, shape (n, n_classes):
    0 and the decision value for two classes, else each class's decision value against the rest. Their softmax puts
    the boundary of two classes at 0.5 but is not calibrated. Words with an N are left out; a sequence without a word
    gets the bias alone. It has no gradient by its input, and runs on the CPU, whatever the device.

    Parameters
    ----------
    n_classes : int
    l, k, d : int
        Length of a word, informative positions in it, most differing positions of a pair.
    """

    weight: torch.Tensor
    bias: torch.Tensor

    def __init__(self, n_classes: int, l: int = L, k: int = K, d: int = D) -> None:  # noqa: E741
        super().__init__()
        self.length = l
        self.distance_weights = distance_weights(l, k, d)
        n_machines = 1 if n_classes == 2 else n_classes
        self.register_buffer("weight", torch.zeros(n_machines, 4**l))
        self.register_buffer("bias", torch.zeros(n_machines))

    def forward(self, one_hot: torch.Tensor) -> torch.Tensor:
        from crekit.models.gkm_loops import add_up  # numba loads here, so that networks do without it

        n, width = len(one_hot), one_hot.shape[2]
        codes = codes_of(one_hot.detach()).cpu().numpy().ravel()
        words = words_of(codes, np.arange(n + 1) * width, self.length)
        sums = np.empty((n, len(self.weight)))
        add_up(words.forward, words.bounds, self.weight.cpu().numpy(), sums)
        norm = norms(words, self.distance_weights, self.length, torch.get_num_threads())
        scaled = sums / np.where(norm > 0, norm, 1)[:, None]
        decision = torch.from_numpy(scaled.astype(np.float32)).to(one_hot.device) + self.bias
        return torch.cat([torch.zeros_like(decision), decision], dim=1) if len(self.bias) == 1 else decision


def fit_gkm_svm(
    codes: list[np.ndarray],
    labels: np.ndarray,
    weights: np.ndarray | None,
    *,
    n_classes: int,
    l: int = L,  # noqa: E741
    k: int = K,
    d: int = D,
    c: float = C,
    seed: int = 0,
    threads: int = 1,
    most: int = MOST,
) -> tuple[GkmSvm, dict[str, Any]]:
    """Fit the machine, or for more than two classes one for each against the rest.

    Parameters
    ----------
    codes : list of np.ndarray, uint8
        Of each sequence, of any length.
    labels : np.ndarray, shape (n,), int64
        0 to n_classes - 1, each of them present.
    weights : np.ndarray, shape (n,), float, optional
        Each sequence's factor of `c`.
    n_classes, l, k, d : int
    c : float
        Price of a sequence on the wrong side of its margin.
    seed : int
        Of the draw where there are too many sequences.
    threads : int
        The result does not depend on it.
    most : int
        Of more sequences than this, a random part is used, with each class's share kept; a warning says so.

    Returns
    -------
    module : GkmSvm
    parameters : dict
        What `GkmSvm` must be made with, besides `n_classes`, to load the same tensors.

    Raises
    ------
    InputError
        If `l`, `k` or `d` is out of its range.
    """
    module = GkmSvm(n_classes, l, k, d)
    if len(codes) > most:
        LOG.warning(
            "gkm-svm learns from %d of the %d sequences, drawn at random: its kernel holds every pair",
            most, len(codes),
        )  # fmt: skip
        kept = _draw(labels, most, seed)
        codes, labels = [codes[i] for i in kept], labels[kept]
        weights = None if weights is None else weights[kept]
    bounds = np.concatenate([[0], np.cumsum([len(sequence) for sequence in codes])])
    words = words_of(np.concatenate(codes), bounds, l)
    kernel = gram(words, module.distance_weights, l, threads)
    norm = np.sqrt(kernel.diagonal())
    norm[norm == 0] = 1  # no word: zero in the kernel too
    kernel /= norm
    kernel /= norm[:, None]
    targets = [1] if n_classes == 2 else range(n_classes)
    for machine, target in enumerate(targets):
        dual, bias = _support(kernel, labels == target, weights, c)
        table = fold(dual / norm, words, module.distance_weights, l)
        module.weight[machine] = torch.from_numpy(table)
        module.bias[machine] = bias
    return module, {"l": l, "k": k, "d": d}


def _support(
    kernel: np.ndarray, positive: np.ndarray, weights: np.ndarray | None, c: float
) -> tuple[np.ndarray, float]:
    """Each sequence's signed dual coefficient, 0 where it is no support vector, and the bias."""
    from sklearn.svm import SVC

    machine = SVC(C=c, kernel="precomputed").fit(kernel, positive, sample_weight=weights)
    dual = np.zeros(len(kernel))
    dual[machine.support_] = machine.dual_coef_[0]
    return dual, float(machine.intercept_[0])


def _draw(labels: np.ndarray, most: int, seed: int) -> np.ndarray:
    """About `most` indices in order, each class keeping its share, and one of it at least."""
    rng = np.random.default_rng(seed)
    drawn = []
    for target in np.unique(labels):
        members = np.flatnonzero(labels == target)
        drawn.append(rng.choice(members, max(len(members) * most // len(labels), 1), replace=False))
    return np.sort(np.concatenate(drawn))
