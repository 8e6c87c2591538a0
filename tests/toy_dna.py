"""Small models of DNA, genomes to scan with them, and their scores by the plain definition: window by window."""

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import nn

from crekit.models import registry
from crekit.models.file import SequenceModel, save
from crekit.models.settings import SequenceSettings

SPLIT = {"kind": "chromosomes", "train": [], "val": [], "test": []}
TWO = ["background", "enhancer"]


def settings(arch: str, classes: list[str], **others) -> SequenceSettings:
    known = {
        "window": 300, "stride": 2, "short": "contain", "ambiguous": "drop", "split": SPLIT, "training": {},
        "counts": {}, "record": {}, "temperature": 0.5,
    }  # fmt: skip
    return SequenceSettings(arch=arch, classes=classes, **{**known, **others})


def random_dna_model(arch: str, classes: list[str] = TWO, seed: int = 0, **others) -> SequenceModel:
    """A model with random weights, whose batch norms do something."""
    torch.manual_seed(seed)
    made = settings(arch, classes, **others)
    network = made.build()
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm1d):
            layer.running_mean.normal_()
            layer.running_var.uniform_(0.5, 2)
            layer.weight.data.normal_(1, 0.2)
            layer.bias.data.normal_()
    if not registry.find(arch).gradient:
        for tensor in network.state_dict().values():
            if tensor.is_floating_point():
                tensor.normal_()
    return SequenceModel(made, network.eval())


def share_model(classes: list[str] = TWO, window: int = 300, **others) -> SequenceModel:
    """A network that counts T: the last class's logit over the first's is 0.1 x (number of T - 141).

    The T are those of a window's first 282 bases, which its convolutions leave of 300. Other classes stay improbable.
    """
    made = settings("deepenhancer-4conv", classes, **{"window": window, "temperature": 1.0, **others})
    network = made.build()
    with torch.no_grad():
        for tensor in network.parameters():
            tensor.zero_()
    layers = [layer for layer in network if isinstance(layer, nn.Conv1d | nn.Linear)]
    with torch.no_grad():
        layers[0].weight[0, 3, 0] = 1  # T at a position, carried through all convolutions by channel 0
        for layer in layers[1:4]:
            layer.weight[0, 0, 0] = 1
        width = window - 7 - 7 - 2 - 2
        layers[4].weight[0, :width] = 1  # channel 0 stands first in the flattened activations
        layers[5].weight[0, 0] = 1
        layers[6].weight[-1, 0] = 0.1
        layers[6].bias[-1] = -0.05 * width
        if len(classes) > 2:
            layers[6].bias[1:-1] = -20
    return SequenceModel(made, network.eval())


def save_model(path: Path, model: SequenceModel) -> Path:
    save(path, model.settings, model.network)
    return path


def random_dna(rng: np.random.Generator, n: int, share_n: float = 0.0) -> np.ndarray:
    """Codes of n bases, in which a share is not known."""
    codes = rng.integers(0, 4, n).astype(np.uint8)
    codes[rng.random(n) < share_n] = 4
    return codes


def write_fasta(path: Path, records: Mapping[str, np.ndarray | str], width: int = 60) -> Path:
    lines = []
    for name, sequence in records.items():
        text = sequence if isinstance(sequence, str) else "".join("ACGTN"[code] for code in sequence)
        lines += [f">{name}", *(text[i : i + width] for i in range(0, len(text), width))]
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def window_by_window(model: SequenceModel, codes: np.ndarray, step: int, width: int = 300) -> np.ndarray:
    """Class probabilities, each window cut in a plain loop and put through the network alone."""
    rows = []
    for start in range(0, len(codes) - width + 1, step):
        one_hot = torch.zeros(1, 4, width)
        for place, code in enumerate(codes[start : start + width].tolist()):
            if code < 4:
                one_hot[0, code, place] = 1
        with torch.inference_mode():
            rows.append(torch.softmax(model.network(one_hot) / model.settings.temperature, dim=1)[0].numpy())
    return np.array(rows).reshape(-1, len(model.settings.classes))


def stream(content: bytes) -> io.TextIOWrapper:
    """What stands for standard input in this process."""
    return io.TextIOWrapper(io.BufferedReader(io.BytesIO(content)))
