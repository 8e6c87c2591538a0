"""What each base of a window contributes to a class: DeepLIFT/SHAP, or mutation of every base, both by tangermeme.

In: codes of windows, shape (n, width). Out: contributions, shape (n, 4, width), channels A, C, G, T, in units of the
output that is explained: the class's logit, over the model's temperature, less the mean of the other classes' (of two
classes, the log odds).
"""

import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from typing import TypeVar

import numpy as np
import torch
from torch import nn

from crekit import progress
from crekit.encoding.onehot import one_hot
from crekit.errors import InputError, WorkError
from crekit.genome.fasta import N
from crekit.models.file import SequenceModel

AUTO, DEEP_LIFT, MUTAGENESIS = "auto", "deep-lift", "mutagenesis"
METHODS = (AUTO, DEEP_LIFT, MUTAGENESIS)
TOLERANCE = 1e-3
"""Largest error of additivity, in logits, or as a share of the mean difference where that is above 1."""

_LINEAR = (nn.Conv1d, nn.BatchNorm1d, nn.Linear, nn.Flatten, nn.Dropout, nn.Identity)  # in evaluation mode
_RULES = (nn.ReLU, nn.MaxPool1d)  # those of tangermeme's rules that our networks need
_WINDOWS, _PAIRS, _EDITS = 16, 64, 256

Result = TypeVar("Result")
_Part = tuple[np.ndarray, np.ndarray, float]  # hypothetical contributions, differences, error
_Work = Callable[[nn.Module, np.ndarray], _Part]


@dataclass(frozen=True)
class Attributions:
    """Contributions of windows.

    Parameters
    ----------
    codes : np.ndarray, shape (n, width), uint8
    hypothetical : np.ndarray, shape (n, 4, width), float32
        What each base contributes at each position, or would if it stood there; 0 where the base is not known.
    differences : np.ndarray, shape (n,), float32
        Output of each window, less the mean output of its references; for mutagenesis the output itself.
    error : float or None
        Largest difference, over windows and references, between the sum of contributions and what they should sum to;
        None for mutagenesis, which is not additive.
    """

    codes: np.ndarray
    hypothetical: np.ndarray
    differences: np.ndarray
    error: float | None

    @property
    def contributions(self) -> np.ndarray:
        """Of the base that stands there, shape (n, width), float32; 0 where it is not known."""
        return (self.hypothetical * one_hot(self.codes)).sum(axis=1)


def method_for(model: SequenceModel, method: str) -> str:
    """The method to use: DeepLIFT for ``auto`` where it knows every layer, else mutagenesis.

    Raises
    ------
    InputError
        If the method is not known, or DeepLIFT is asked for and cannot explain the network.
    """
    if method not in METHODS:
        raise InputError(f"--method {method}: choose {', '.join(METHODS)}")
    if method == MUTAGENESIS:
        return method
    if unknown := _unknown_layer(model.network):
        if method == DEEP_LIFT:
            raise InputError(
                f"{model.name}: DeepLIFT has no rule for {unknown} of {model.settings.arch}; use --method mutagenesis"
            )
        return MUTAGENESIS
    return DEEP_LIFT


def _unknown_layer(network: nn.Module) -> str:
    """Name of the first layer without a rule; what stands in a forward function of its own cannot be seen."""
    for layer in network.modules():
        known = (nn.Sequential,) if list(layer.children()) else (*_LINEAR, *_RULES)
        if type(layer) not in known:
            return type(layer).__name__
    return ""


def explained(model: SequenceModel) -> nn.Sequential:
    """The network with what is explained as its outputs: (n, 4, width) -> (n, n_classes); see the module."""
    n = len(model.settings.classes)
    contrast = nn.Linear(n, n, bias=False)
    with torch.no_grad():
        contrast.weight.copy_((n * torch.eye(n) - 1) / (n - 1) / model.settings.temperature)
    # In evaluation mode itself too: tangermeme restores the mode of the whole, dropout included.
    return nn.Sequential(model.network, contrast).eval()


def attribute(
    model: SequenceModel,
    codes: np.ndarray,
    target: int,
    *,
    method: str = AUTO,
    shuffles: int = 20,
    seed: int = 1,
    device: str = "cpu",
    threads: int = 1,
) -> Attributions:
    """Contributions of every base of some windows to one class.

    Parameters
    ----------
    model : SequenceModel
    codes : np.ndarray, shape (n, width), uint8
        At least one window.
    target : int
        Position of the class.
    method : str
        ``deep-lift``: contributions against the mean of references, which are shuffles of the window that keep its
        dinucleotides (Shrikumar 2017, Lundberg 2017); ``mutagenesis``: the output less the mean output over the four
        bases at that position; ``auto``: see `method_for`.
    shuffles : int
        References of each window.
    seed : int
        Reference k of every window is drawn with the seed ``seed + k``.
    device : str
    threads : int
        The result does not depend on it.

    Raises
    ------
    InputError
        If the method cannot explain the network.
    WorkError
        If contributions do not sum to the difference that they explain.
    """
    network = explained(model)
    if method_for(model, method) == MUTAGENESIS:
        work: _Work = partial(_mutagenesis, target=target, device=device)
        hypothetical, outputs, _ = _spread(work, network, codes, 1, device, threads)
        return Attributions(codes, hypothetical, outputs, None)
    work = partial(_deep_lift, target=target, device=device, shuffles=shuffles, seed=seed)
    hypothetical, differences, error = _spread(work, network, codes, _WINDOWS, device, threads)
    if not error <= TOLERANCE * max(1.0, float(np.abs(differences).mean())):
        raise WorkError(
            f"{model.name}: contributions miss the difference that they explain by up to {error:.3g} logits; "
            "DeepLIFT does not fit this network, use --method mutagenesis"
        )
    return Attributions(codes, hypothetical, differences, error)


def _spread(
    work: _Work, network: nn.Module, codes: np.ndarray, each: int, device: str, threads: int
) -> tuple[np.ndarray, np.ndarray, float]:
    """Work on `each` windows at a time, each thread on its own copy of the network: DeepLIFT's hooks keep state."""
    networks: SimpleQueue[nn.Module] = SimpleQueue()
    for _ in range(threads):
        networks.put(deepcopy(network).requires_grad_(False).to(device))

    def one(first: int) -> _Part:
        borrowed = networks.get()
        try:
            return work(borrowed, codes[first : first + each])
        finally:
            networks.put(borrowed)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of unknown bases, which are dealt with; of errors, which are looked at
        parts = in_threads(one, range(0, len(codes), each), threads, "attributing")
    hypothetical = np.where((codes < N)[:, None], np.concatenate([part[0] for part in parts]), 0)
    return hypothetical, np.concatenate([part[1] for part in parts]), max(part[2] for part in parts)


def in_threads(work: Callable[[int], Result], tasks: Sequence[int], threads: int, what: str) -> list[Result]:
    """Results of tasks, in their order; each is computed by one thread alone, so that sums have always the same order.

    Parameters
    ----------
    work : callable
    tasks : sequence of int
    threads : int
        How many tasks are worked on at once.
    what : str
        For the progress bar.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    pool = ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,))
    try:
        return list(progress.steps(pool.map(work, tasks), what, len(tasks)))
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(before)


def _deep_lift(network: nn.Module, codes: np.ndarray, target: int, device: str, shuffles: int, seed: int) -> _Part:
    from tangermeme.deep_lift_shap import deep_lift_shap, hypothetical_attributions

    windows, drawn = torch.from_numpy(one_hot(codes)), references(codes, shuffles, seed)
    multipliers = deep_lift_shap(
        network, windows, target=target, batch_size=_PAIRS, references=drawn, raw_outputs=True, only_warn=True,
        device=device,
    )  # fmt: skip
    with torch.inference_mode():
        of_windows = network(windows.to(device))[:, target].cpu()
        of_drawn = torch.stack([network(one.to(device))[:, target].cpu() for one in drawn])
    wanted = of_windows[:, None] - of_drawn
    repeated = windows[:, None].expand_as(drawn)
    error = ((repeated - drawn) * multipliers).sum(dim=(2, 3)) - wanted
    pairs = [(one.flatten(0, 1),) for one in (multipliers, repeated, drawn)]
    (each,) = hypothetical_attributions(*pairs)
    hypothetical = each.unflatten(0, drawn.shape[:2]).mean(dim=1).numpy()
    return hypothetical, wanted.mean(dim=1).numpy(), float(error.abs().max())


def references(codes: np.ndarray, shuffles: int, seed: int) -> torch.Tensor:
    """Shuffles of windows that keep their dinucleotides; unknown bases stay where they are.

    Parameters
    ----------
    codes : np.ndarray, shape (n, width), uint8
    shuffles, seed : int
        Shuffle k of every window is drawn with the seed ``seed + k``.

    Returns
    -------
    drawn : torch.Tensor, shape (n, shuffles, 4, width), float32
    """
    from tangermeme.ersatz import dinucleotide_shuffle

    drawn = torch.from_numpy(one_hot(codes)).repeat_interleave(shuffles, dim=0)
    seeds = [(seed + k) % 2**31 for k in range(shuffles)]
    known = codes < N
    whole = known.all(axis=1)
    # One at a time: several of a repeat such as ATATAT, which are all alike, would be refused.
    rows = torch.from_numpy(np.repeat(whole, shuffles))
    if whole.any():
        drawn[rows] = dinucleotide_shuffle(drawn[rows], n=1, random_state=seeds * int(whole.sum()))[:, 0]
    for i in np.flatnonzero(~whole & known.any(axis=1)):
        place = torch.from_numpy(np.flatnonzero(known[i]))
        mine = slice(i * shuffles, (i + 1) * shuffles)
        shuffled = dinucleotide_shuffle(drawn[mine][:, :, place], n=1, random_state=seeds)[:, 0]
        drawn[mine] = drawn[mine].index_copy(2, place, shuffled)
    return drawn.unflatten(0, (len(codes), shuffles))


def _mutagenesis(network: nn.Module, codes: np.ndarray, target: int, device: str) -> _Part:
    from tangermeme.saturation_mutagenesis import saturation_mutagenesis

    hypothetical = np.zeros((len(codes), 4, codes.shape[1]), dtype=np.float32)
    outputs = np.zeros(len(codes), dtype=np.float32)
    for i, window in enumerate(codes):
        last = int(np.flatnonzero(window < N).max(initial=-1)) + 1  # N on the right is padding
        if not last:
            continue
        values = torch.from_numpy(one_hot(window[None]))
        # Its fast way is chosen by a clock, and would give other last digits from run to run.
        found = saturation_mutagenesis(
            network, values, end=last, target=target, hypothetical=True, batch_size=_EDITS, device=device, fast=False
        )
        hypothetical[i, :, :last] = found[0].numpy()
        with torch.inference_mode():
            outputs[i] = float(network(values.to(device))[0, target])
    return hypothetical, outputs, 0.0
