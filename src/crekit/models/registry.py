"""The architectures by name: how each is built, and what its paper trains it with."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from torch import nn

from crekit.errors import InputError
from crekit.models.deepregfinder import ConvolutionalNetwork, RecurrentNetwork
from crekit.models.ep_dnn import EpDnn
from crekit.models.random_forest import TREES, RandomForest


@dataclass(frozen=True)
class Architecture:
    """One architecture.

    Parameters
    ----------
    summary : str
        A line for ``train-model --list``.
    build : callable
        (n_marks, n_classes, n_bins, **parameters) -> network.
    defaults : dict
        The training settings of its paper, by the names of train-model's options.
    gradient : bool
        Whether it learns by gradient descent (a forest does not).
    """

    summary: str
    build: Callable[..., nn.Module]
    defaults: dict[str, Any] = field(default_factory=dict)
    gradient: bool = True


_DEEPREGFINDER = {
    "optimiser": "adam",
    "epochs": 10,
    "batch_size": 256,
    "lr": 0.01,
    "weight_decay": 1e-4,
    "patience": 0,
    "balance": "background",
    "lr_decay": "plateau",
    "loss": "cross-entropy",
}

ARCHITECTURES: dict[str, Architecture] = {
    "deepregfinder-cnn": Architecture(
        "five convolutions over the bins (DeepRegFinder)", ConvolutionalNetwork, _DEEPREGFINDER
    ),
    "deepregfinder-rnn": Architecture(
        "a convolution and two LSTM layers (DeepRegFinder)", RecurrentNetwork, _DEEPREGFINDER
    ),
    "deepregfinder-lstm": Architecture(
        "the same without the convolution", partial(RecurrentNetwork, convolution=False), _DEEPREGFINDER
    ),
    "ep-dnn": Architecture("dense layers of 600, 500 and 400 (EP-DNN)", EpDnn, {**_DEEPREGFINDER, "optimiser": "sgd"}),
    "random-forest": Architecture(
        "a random forest on the same bins (as RFECS)", RandomForest, {"balance": "none", "trees": TREES}, gradient=False
    ),
}


def find(name: str) -> Architecture:
    """The architecture of that name.

    Raises
    ------
    InputError
        Listing the known names.
    """
    if name not in ARCHITECTURES:
        raise InputError(f"architecture {name!r} is not known; known are {', '.join(ARCHITECTURES)}")
    return ARCHITECTURES[name]


def n_parameters(network: nn.Module) -> int:
    """Trainable weights and biases."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
