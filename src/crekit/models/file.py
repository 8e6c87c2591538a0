"""The model file: weights, and all that is needed to use them on new tracks, in one safetensors file.

Its metadata is one JSON object, so that a file from a stranger can hold numbers and text but no code.
"""

import hashlib
import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialise
from torch import nn

from crekit.errors import InputError
from crekit.files import output_path, require, sha256_file
from crekit.models import registry

FORMAT = "crekit model"
VERSION = 1
SIGNAL = "signal"


@dataclass(frozen=True)
class Settings:
    """What a model of tracks needs besides its weights.

    Parameters
    ----------
    arch : str
        Name of the architecture, with what it was built with in `parameters`.
    classes : list of str
        In the order of the outputs.
    marks : list of str
        In the order of the inputs.
    bin_size, n_bins : int
        Width of a bin in bases, and bins in a window.
    sizes : dict of str to int
        Chromosome sizes of the tracks that it was trained on.
    kinds : dict of str to str
        Of each mark, ``counts`` or ``values``.
    normalise : str
        ``rpm`` or ``none``.
    min_nonzero : int
        The non-zero rule: windows with fewer non-zero bins, over all marks, were left out.
    mean, std : list of float
        Of each mark, over training sites and bins.
    split : dict
        ``kind`` (``chromosomes`` or ``random``) and ``train``, ``val``, ``test``: names of chromosomes or region ids.
    training : dict
        Settings of the training, and its number of compute threads.
    counts : dict
        Of each part of the split, how many sites of each class were used, and how many were dropped and why.
    record : dict
        See `crekit.provenance.record`.
    temperature : float
        Logits are divided by it; 1 for a model that is not calibrated.
    """

    arch: str
    classes: list[str]
    marks: list[str]
    bin_size: int
    n_bins: int
    sizes: dict[str, int]
    kinds: dict[str, str]
    normalise: str
    min_nonzero: int
    mean: list[float]
    std: list[float]
    split: dict[str, Any]
    training: dict[str, Any]
    counts: dict[str, Any]
    record: dict[str, Any]
    parameters: dict[str, Any] = field(default_factory=dict)
    temperature: float = 1.0
    input: str = SIGNAL

    @property
    def width(self) -> int:
        """Width of a window, in bases."""
        return self.bin_size * self.n_bins

    def check(self) -> None:
        """Check that what a file says holds together.

        Raises
        ------
        ValueError
            Naming the setting that does not.
        """
        numbers = [*self.mean, *self.std, self.temperature]
        facts = {
            "marks": len(self.marks) > 0 and len(set(self.marks)) == len(self.marks),
            "classes": len(self.classes) > 1 and len(set(self.classes)) == len(self.classes),
            "mean and std": len(self.mean) == len(self.std) == len(self.marks) and min(self.std) > 0,
            "mean, std and temperature": all(math.isfinite(number) for number in numbers) and self.temperature > 0,
            "bin_size and n_bins": self.bin_size > 0 and self.n_bins > 0,
            "sizes": len(self.sizes) > 0 and all(size > 0 for size in self.sizes.values()),
            "split": {"kind", "train", "val", "test"} <= set(self.split),
        }
        for name, holds in facts.items():
            if not holds:
                raise ValueError(f"{name} cannot be right")


@dataclass(frozen=True)
class Model:
    """A trained network and its settings.

    Parameters
    ----------
    settings : Settings
    network : nn.Module
        (n, n_marks, n_bins) standardised tracks -> (n, n_classes) logits; in evaluation mode.
    sha256 : str
        Checksum of the file; empty for a model that was not read from one.
    name : str
        What to call it in reports: the file's stem.
    """

    settings: Settings
    network: nn.Module
    sha256: str = ""
    name: str = "model"

    def standardise(self, values: np.ndarray) -> np.ndarray:
        """Tracks less the training mean, over the training standard deviation, mark by mark.

        Parameters
        ----------
        values : np.ndarray, shape (..., n_marks, n_bins), float32
        """
        mean, std = (np.array(column, dtype=np.float32)[:, None] for column in (self.settings.mean, self.settings.std))
        return (values - mean) / std

    def probabilities(self, values: np.ndarray, *, device: str = "cpu", batch_size: int = 4096) -> np.ndarray:
        """Class probabilities of windows.

        Parameters
        ----------
        values : np.ndarray, shape (n, n_marks, n_bins), float32
            Normalised tracks, not yet standardised.
        device : str
            ``cpu`` or ``cuda``.
        batch_size : int
            Windows at a time.

        Returns
        -------
        probabilities : np.ndarray, shape (n, n_classes), float32
        """
        self.network.to(device)
        parts = [np.zeros((0, len(self.settings.classes)), dtype=np.float32)]
        with torch.inference_mode():
            for first in range(0, len(values), batch_size):
                batch = torch.from_numpy(self.standardise(values[first : first + batch_size])).to(device)
                logits = self.network(batch) / self.settings.temperature
                parts.append(torch.softmax(logits, dim=1).cpu().numpy())
        return np.concatenate(parts)


def save(path: str | Path, settings: Settings, network: nn.Module) -> None:
    """Write a model file; it appears under its name when it is complete."""
    # One metadata key: safetensors does not keep the order of several, and the same model must give the same bytes.
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    metadata = {"format": FORMAT, "version": VERSION, "weights": _checksum(tensors), **asdict(settings)}
    content = serialise(tensors, metadata={"crekit": json.dumps(metadata, allow_nan=False)})
    with output_path(path) as temporary:
        temporary.write_bytes(content)


def _checksum(tensors: dict[str, torch.Tensor]) -> str:
    """SHA-256 over names and bytes of all tensors: a damaged weight may still be a number."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].contiguous().numpy().tobytes())
    return digest.hexdigest()


def load(path: str | Path) -> Model:
    """Read a model file.

    Raises
    ------
    InputError
        If it is missing, damaged, not of crekit, or of a newer format.
    """
    path = require(path)
    try:
        with safe_open(path, framework="pt") as handle:
            metadata = json.loads((handle.metadata() or {}).get("crekit", "null"))
            tensors = {name: handle.get_tensor(name) for name in handle.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError, json.JSONDecodeError) as error:
        raise InputError(f"{path}: not a safetensors file, or damaged; train or copy the model again") from error
    if not isinstance(metadata, dict) or metadata.pop("format", None) != FORMAT:
        raise InputError(f"{path}: a safetensors file, but not a model of crekit; make one with train-model")
    if (version := metadata.pop("version", 0)) > VERSION:
        raise InputError(f"{path}: written by a newer crekit (model format {version}); update crekit")
    if metadata.pop("weights", None) != _checksum(tensors):
        raise InputError(f"{path}: the model's weights are damaged; train or copy the model again")
    try:
        settings = Settings(**metadata)
        settings.check()
        build = registry.find(settings.arch).build
        network = build(len(settings.marks), len(settings.classes), settings.n_bins, **settings.parameters)
        network.load_state_dict(tensors)
    except (TypeError, ValueError, RuntimeError, KeyError, AttributeError) as error:
        reason = str(error).replace("\n", " ").strip()[:200]
        raise InputError(f"{path}: the model file is damaged ({reason}); train or copy the model again") from error
    return Model(settings, network.eval(), sha256_file(path), path.stem)
