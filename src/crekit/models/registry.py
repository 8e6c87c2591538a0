"""The architectures by name: how each is built, and what its paper trains it with."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from torch import nn

from crekit.errors import InputError
from crekit.models import deepenhancer, fusion, mdlf
from crekit.models.deepregfinder import ConvolutionalNetwork, RecurrentNetwork
from crekit.models.ep_dnn import EpDnn
from crekit.models.random_forest import TREES, RandomForest
from crekit.models.sequence_lstm import SequenceLstm

SIGNAL, SEQUENCE = "signal", "sequence"


@dataclass(frozen=True)
class Architecture:
    """One architecture.

    Parameters
    ----------
    summary : str
        A line for ``train-model --list``.
    build : callable
        Of tracks: (n_marks, n_classes, n_bins, **parameters) -> network; of sequences: (n_classes, window,
        **parameters) -> network.
    defaults : dict
        The training settings of its paper, by the names of train-model's options.
    gradient : bool
        Whether it learns by gradient descent (a forest does not).
    input : str
        ``signal`` (tracks) or ``sequence``.
    parameters : dict
        What the user may choose about its shape, and the defaults.
    needs : tuple of str
        Encodings besides bases that it cannot do without: ``kmer``, ``motif``.
    encoded : bool
        Whether it reads such encodings, and so is built with the settings of the encoders too.
    """

    summary: str
    build: Callable[..., nn.Module]
    defaults: dict[str, Any] = field(default_factory=dict)
    gradient: bool = True
    input: str = SIGNAL
    parameters: dict[str, Any] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    encoded: bool = False

    def of_sequences(
        self, n_classes: int, window: int, parameters: dict[str, Any], encoders: dict[str, dict[str, Any]]
    ) -> nn.Module:
        """A network of sequences; the settings of the encoders go to those that read encodings."""
        inputs = {"encoders": encoders} if self.encoded else {}
        return self.build(n_classes, window, **parameters, **inputs)


def _gkm_svm(n_classes: int, window: int, **parameters: Any) -> nn.Module:
    from crekit.models.gkm import GkmSvm  # numba loads here, so that networks do without it

    return GkmSvm(n_classes, **parameters)


def _kmer_logistic(n_classes: int, window: int, **parameters: Any) -> nn.Module:
    from crekit.models.kmer_logistic import KmerLogistic

    return KmerLogistic(n_classes, **parameters)


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

_DEEPENHANCER = {
    "optimiser": "adam",
    "epochs": 30,
    "batch_size": 128,
    "lr": 1e-4,
    "weight_decay": 0.0,
    "patience": 8,
    "monitor": "loss",
    "balance": "none",
    "lr_decay": "none",
    "loss": "cross-entropy",
    "windows_per_region": "all",
}

_MDLF = {
    "optimiser": "adam",
    "epochs": 200,
    "batch_size": 100,
    "lr": 1e-4,
    "weight_decay": 0.0,
    "patience": 10,
    "monitor": "loss",
    "balance": "none",
    "lr_decay": "none",
    "loss": "focal",
    "focal_gamma": 3.0,
    "focal_alpha": 0.5,
    "focal_epsilon": 1e-7,
    "windows_per_region": "one",
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
    **{
        f"deepenhancer-{name}": Architecture(
            f"{text} on one-hot windows (DeepEnhancer)",
            partial(deepenhancer.deepenhancer, name),
            _DEEPENHANCER,
            input=SEQUENCE,
            parameters={"padding": "valid"},
        )
        for name, text in {
            "4conv": "four convolutions",
            "4conv2pool": "four convolutions, two poolings",
            "4conv2pool4norm": "the same with batch norm",
            "6conv3pool": "six convolutions, three poolings",
            "6conv3pool6norm": "the same with batch norm",
        }.items()
    },
    "lstm": Architecture(
        "convolutions and an LSTM over regions of any length",
        SequenceLstm,
        {**_DEEPENHANCER, "lr": 1e-3, "windows_per_region": "one"},
        input=SEQUENCE,
    ),
    **{
        name: Architecture(text, partial(mdlf.mdlf, name), _MDLF, input=SEQUENCE, needs=mdlf.NEEDS[name], encoded=True)
        for name, text in {
            "mdlf": "k-mer embedding and motif frequencies (Enhancer-MDLF)",
            "mdlf-sequence": "its branch on the k-mer embedding alone",
            "mdlf-motif": "its branch on motif frequencies alone",
        }.items()
    },
    "fusion": Architecture(
        "any of bases, k-mer embedding and motif frequencies in one net",
        fusion.fusion,
        {**_DEEPENHANCER, "batch_size": 64, "lr": 1e-3, "windows_per_region": "one"},
        input=SEQUENCE,
        parameters={"encodings": ()},
        encoded=True,
    ),
    "gkm-svm": Architecture(
        "gapped k-mers and a linear SVM (gkm-SVM)",
        _gkm_svm,
        {"windows_per_region": "one"},
        gradient=False,
        input=SEQUENCE,
        parameters={"l": 10, "k": 6, "d": 3, "c": 1.0},
    ),
    "kmer-logistic": Architecture(
        "logistic regression on k-mer frequencies, the floor",
        _kmer_logistic,
        {"windows_per_region": "one"},
        gradient=False,
        input=SEQUENCE,
        parameters={"k": 5, "c": 1e-3},
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
