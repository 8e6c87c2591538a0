"""What each motif's frequency contributes to a class: SHAP values by the shap library's DeepExplainer.

All inputs of a network are explained together, so that contributions sum to what they explain; those of k-mers and of
bases are given as one sum each. The unit is that of `crekit.explanation.attribution`: the class's logit, over the
model's temperature, less the mean of the other classes' (of two classes, the log odds).
"""

import warnings
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, cast

import numpy as np
import torch
from torch import nn

from crekit.encoding.encoders import MOTIF
from crekit.encoding.onehot import one_hot
from crekit.errors import InputError, WorkError
from crekit.explanation.attribution import TOLERANCE, explained, in_threads
from crekit.models.encoded import EncodedNetwork
from crekit.models.file import SequenceModel
from crekit.models.fusion import TRACKS

_WINDOWS, _EACH = 64, 8

Values = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Encoded:
    """Windows as they are explained.

    Parameters
    ----------
    values : dict of str to torch.Tensor
        Motif frequencies, shape (n, n_motifs); of any other encoding the outputs of its own branch of the network.
    outputs : np.ndarray, shape (n, n_classes), float32
        What is explained, of each class.
    """

    values: Values
    outputs: np.ndarray

    @property
    def frequency(self) -> np.ndarray:
        """Motif frequencies, shape (n, n_motifs), float32."""
        return self.values[MOTIF].numpy()


@dataclass(frozen=True)
class Shap:
    """SHAP values of some windows, for one class.

    Parameters
    ----------
    motifs : np.ndarray, shape (n, n_motifs), float64
    parts : dict of str to np.ndarray, shape (n,), float64
        Sums over all that is not a motif, by the encoding's name.
    base : float
        Mean output of the references.
    outputs : np.ndarray, shape (n,), float32
    error : float
        Largest difference between the sum of a window's values and its output less `base`.
    """

    motifs: np.ndarray
    parts: dict[str, np.ndarray]
    base: float
    outputs: np.ndarray
    error: float


def reads_motifs(model: SequenceModel) -> bool:
    """Whether motif frequencies are among what the network reads."""
    return isinstance(model.network, EncodedNetwork) and MOTIF in model.network.encoders.facts


def motif_names(model: SequenceModel) -> list[str]:
    """Names of the motifs, in the order of the network's inputs.

    Raises
    ------
    InputError
        If the network reads no motif frequencies, or tracks too.
    """
    return list(_network(model).encoders.names)


def _network(model: SequenceModel) -> EncodedNetwork:
    if not reads_motifs(model) or not isinstance(model.network, EncodedNetwork):
        raise InputError(f"{model.name}: {model.settings.arch} reads no motif frequencies; explain it by its bases")
    if TRACKS in getattr(model.network.head, "branches", {}):
        raise InputError(
            f"{model.name}: reads histone tracks too, which -s does not hold; explain a model without them"
        )
    return model.network


def encode(model: SequenceModel, codes: np.ndarray, *, device: str = "cpu", threads: int = 1) -> Encoded:
    """Motif frequencies and the like of windows, and the model's outputs.

    The rules of DeepLIFT conserve contributions: what the inputs of a branch contribute sums to what its outputs do.
    So a branch over k-mers or bases is computed once, and only its outputs are explained.

    Parameters
    ----------
    model : SequenceModel
        Reads motif frequencies.
    codes : np.ndarray, shape (n, width), uint8
        N on the right of shorter ones.
    device : str
    threads : int
        The result does not depend on it.
    """
    network, contrast = _network(model).to(device), _contrast(model).to(device)
    branches = _branches(network.head)

    def of_chunk(first: int) -> tuple[Values, torch.Tensor]:
        windows = torch.from_numpy(one_hot(codes[first : first + _WINDOWS])).to(device)
        with torch.no_grad():
            values = network.encode(windows)
            outputs = contrast(network.head(values))
            kept = {name: branches[name](value) if name in branches else value for name, value in values.items()}
        return {name: value.cpu() for name, value in kept.items()}, outputs.cpu()

    parts = in_threads(of_chunk, range(0, len(codes), _WINDOWS), threads, "encoding")
    values = {name: torch.cat([part[0][name] for part in parts]) for name in parts[0][0]}
    return Encoded(values, torch.cat([part[1] for part in parts]).numpy())


def _contrast(model: SequenceModel) -> nn.Linear:
    """From logits to what is explained, shape (n, n_classes)."""
    (*_, last) = explained(model)
    return cast(nn.Linear, last)


def _branches(head: nn.Module) -> Mapping[str, nn.Module]:
    """The parts of a network that read one encoding each, but for that of the motifs."""
    branches = getattr(head, "branches", None)
    return {name: one for name, one in branches.items() if name != MOTIF} if isinstance(branches, nn.ModuleDict) else {}


class _Explained(nn.Module):
    """What shap is given: encodings as a list of tensors -> outputs of some classes, shape (n, n_targets)."""

    def __init__(self, model: SequenceModel, names: Sequence[str], targets: Sequence[int]) -> None:
        super().__init__()
        self.names = list(names)
        self.head = deepcopy(_network(model).head)
        branches = getattr(self.head, "branches", None)
        for name in _branches(self.head):
            branches[name] = nn.Identity()  # type: ignore[index]
        whole = _contrast(model)
        self.contrast = nn.Linear(whole.in_features, len(targets), bias=False)
        with torch.no_grad():
            self.contrast.weight.copy_(whole.weight[list(targets)])
        # Differences of frequencies, about 0.001, are lost in single precision where the rules divide by them.
        self.double().eval().requires_grad_(False)

    def forward(self, *values: torch.Tensor) -> torch.Tensor:
        return self.contrast(self.head(dict(zip(self.names, values, strict=True))))


def explain(
    model: SequenceModel,
    windows: Encoded,
    references: Encoded,
    targets: Sequence[int],
    *,
    device: str = "cpu",
    threads: int = 1,
) -> list[Shap]:
    """SHAP values of windows against the mean of references (Lundberg 2017), for each of some classes.

    Parameters
    ----------
    model : SequenceModel
    windows, references : Encoded
        At least one of each.
    targets : sequence of int
        Positions of the classes.
    device : str
    threads : int
        The result does not depend on it.

    Raises
    ------
    WorkError
        If the values of a window do not sum to its output less the mean output of the references.
    """
    import shap

    names = list(windows.values)
    given, drawn = ([one.values[name].double() for name in names] for one in (windows, references))
    explainers: SimpleQueue[Any] = SimpleQueue()
    for _ in range(threads):  # shap keeps state in the network
        on_device = [value.to(device) for value in drawn]
        explainers.put(shap.DeepExplainer(_Explained(model, names, targets).to(device), on_device))

    def of_chunk(first: int) -> list[np.ndarray]:
        borrowed = explainers.get()
        try:
            found = borrowed.shap_values([one[first : first + _EACH] for one in given], check_additivity=False)
        finally:
            explainers.put(borrowed)
        return [
            values if name == MOTIF else values.reshape(len(values), -1, len(targets)).sum(axis=1)
            for name, values in zip(names, found, strict=True)
        ]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of layers that shap has no rule for; the sums are checked below
        parts = in_threads(of_chunk, range(0, len(given[0]), _EACH), threads, "explaining")
    values = {name: np.concatenate(part) for name, part in zip(names, zip(*parts, strict=True), strict=True)}
    return [_checked(model, values, windows, references, i, target) for i, target in enumerate(targets)]


def _checked(
    model: SequenceModel, values: Mapping[str, np.ndarray], windows: Encoded, references: Encoded, i: int, target: int
) -> Shap:
    """The values of one class, if they sum to what they explain."""
    motifs = values[MOTIF][:, :, i]
    parts = {name: value[:, i] for name, value in values.items() if name != MOTIF}
    outputs, base = windows.outputs[:, target], float(references.outputs[:, target].mean(dtype=np.float64))
    wanted = outputs.astype(np.float64) - base
    error = float(np.abs(motifs.sum(axis=1) + sum(parts.values()) - wanted).max())
    if not error <= TOLERANCE * max(1.0, float(np.abs(wanted).mean())):
        raise WorkError(
            f"{model.name}: SHAP values miss the difference that they explain by up to {error:.3g} logits; "
            "shap's rules do not fit this network, use --method mutagenesis"
        )
    return Shap(motifs, parts, base, outputs, error)
