"""Enhancer-MDLF (Zhang et al. 2024): a branch on k-mer embeddings, a branch on motif frequencies, and both joined."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from crekit.encoding.encoders import KMER, MOTIF, sizes
from crekit.models.encoded import EncodedNetwork

_FILTERS, _WIDTH, _STEP = 64, 7, 3
_SEQUENCE, _MOTIF = 500, 16
NEEDS = {"mdlf": (KMER, MOTIF), "mdlf-sequence": (KMER,), "mdlf-motif": (MOTIF,)}
"""The encodings that each network reads."""


class TwoLogits(nn.Module):
    """One logit as two, the first of them zero: the softmax of both is the sigmoid of the one."""

    def forward(self, logit: torch.Tensor) -> torch.Tensor:
        return nn.functional.pad(logit, (1, 0))


def output_layers(n_inputs: int, n_classes: int) -> list[nn.Module]:
    """The last layer: one sigmoid for two classes, as published, else a logit for each class."""
    return [nn.Linear(n_inputs, 1), TwoLogits()] if n_classes == 2 else [nn.Linear(n_inputs, n_classes)]


def sequence_branch(size: int, outputs: int = _SEQUENCE) -> nn.Sequential:
    """Three strided convolutions over an embedding, shape (n, size), and a dense layer.

    Raises
    ------
    ValueError
        If the embedding is too short for them.
    """
    layers: list[nn.Module] = [nn.Unflatten(1, (1, size))]
    channels, width = 1, size
    for _ in range(3):
        after = -(-width // _STEP)  # "same" padding, the odd zero behind
        zeros = max((after - 1) * _STEP + _WIDTH - width, 0)
        layers += [
            nn.ZeroPad1d((zeros // 2, zeros - zeros // 2)),
            nn.Conv1d(channels, _FILTERS, _WIDTH, stride=_STEP),
            nn.ReLU(),
            nn.MaxPool1d(2),
        ]
        channels, width = _FILTERS, after // 2
    if width < 1:
        raise ValueError(f"embeddings of {size} numbers are too short for the network's convolutions")
    return nn.Sequential(*layers, nn.Dropout(0.6), nn.Flatten(), nn.Linear(channels * width, outputs), nn.ReLU())


def motif_branch(n_motifs: int) -> nn.Sequential:
    """Three dense layers over motif frequencies, shape (n, n_motifs)."""
    layers: list[nn.Module] = []
    for before, after in ((n_motifs, 128), (128, 64), (64, _MOTIF)):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers, nn.Dropout(0.6))


class Mdlf(nn.Module):
    """The branches and what joins them; see `mdlf`."""

    def __init__(self, n_inputs: Mapping[str, int], n_classes: int) -> None:
        super().__init__()
        makes: dict[str, Callable[[int], nn.Module]] = {KMER: sequence_branch, MOTIF: motif_branch}
        self.branches = nn.ModuleDict({name: makes[name](size) for name, size in n_inputs.items()})
        n_joined = sum({KMER: _SEQUENCE, MOTIF: _MOTIF}[name] for name in n_inputs)
        between: list[nn.Module] = [nn.Dropout(0.5)] if len(n_inputs) > 1 else []
        self.join = nn.Sequential(*between, *output_layers(n_joined, n_classes))
        _initialise(self)

    def forward(self, encodings: Mapping[str, torch.Tensor]) -> torch.Tensor:
        return self.join(torch.cat([branch(encodings[name]) for name, branch in self.branches.items()], dim=1))


def mdlf(name: str, n_classes: int, window: int, encoders: Mapping[str, Mapping[str, Any]]) -> EncodedNetwork:
    """Enhancer-MDLF, or one of its branches alone.

    Parameters
    ----------
    name : str
        ``mdlf``, ``mdlf-sequence`` or ``mdlf-motif``.
    n_classes : int
        With two classes, one sigmoid, as published.
    window : int
        Of no weight here: every encoding has one size whatever the length of the DNA.
    encoders : dict
        See `crekit.encoding.encoders.Encoders.facts`; those that the network does not read are left out.
    """
    facts = {one: encoders[one] for one in NEEDS[name]}
    return EncodedNetwork(facts, Mdlf(sizes(facts), n_classes))


def _initialise(network: nn.Module) -> None:
    """Glorot-uniform weights and zero biases: Keras's defaults."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv1d | nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
