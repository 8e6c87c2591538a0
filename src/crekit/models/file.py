"""The model file: weights, and all that is needed to use them on new tracks, in one safetensors file.

Its metadata is one JSON object, so that a file from a stranger can hold numbers and text but no code.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialise
from torch import nn

from crekit.encoding.onehot import one_hot
from crekit.errors import InputError
from crekit.files import output_path, require, sha256_file
from crekit.models.registry import SEQUENCE, SIGNAL
from crekit.models.settings import SequenceSettings, Settings, SignalSettings

FORMAT = "crekit model"
VERSION = 1


@dataclass(frozen=True)
class SignalModel:
    """A trained network of tracks and its settings.

    Parameters
    ----------
    settings : SignalSettings
    network : nn.Module
        (n, n_marks, n_bins) standardised tracks -> (n, n_classes) logits; in evaluation mode.
    sha256 : str
        Checksum of the file; empty for a model that was not read from one.
    name : str
        What to call it in reports: the file's stem.
    """

    settings: SignalSettings
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
        _move(self.network, device)
        parts = [np.zeros((0, len(self.settings.classes)), dtype=np.float32)]
        with torch.inference_mode():
            for first in range(0, len(values), batch_size):
                batch = torch.from_numpy(self.standardise(values[first : first + batch_size])).to(device)
                logits = self.network(batch) / self.settings.temperature
                parts.append(torch.softmax(logits, dim=1).cpu().numpy())
        return np.concatenate(parts)


@dataclass(frozen=True)
class SequenceModel:
    """A trained network of sequences and its settings.

    Parameters
    ----------
    settings : SequenceSettings
    network : nn.Module
        (n, 4, width) one-hot sequences -> (n, n_classes) logits; in evaluation mode.
    sha256, name : str
        As of `SignalModel`.
    """

    settings: SequenceSettings
    network: nn.Module
    sha256: str = ""
    name: str = "model"

    def logits(self, codes: np.ndarray, *, device: str = "cpu", batch_size: int = 512) -> torch.Tensor:
        """Logits of windows, over the temperature, shape (n, n_classes), on the CPU; see `probabilities`."""
        _move(self.network, device)
        parts = [torch.zeros((0, len(self.settings.classes)))]
        with torch.inference_mode():
            for first in range(0, len(codes), batch_size):
                batch = torch.from_numpy(one_hot(codes[first : first + batch_size])).to(device)
                parts.append((self.network(batch) / self.settings.temperature).cpu())
        return torch.cat(parts)

    def probabilities(self, codes: np.ndarray, *, device: str = "cpu", batch_size: int = 512) -> np.ndarray:
        """Class probabilities of windows.

        Parameters
        ----------
        codes : np.ndarray, shape (n, width), uint8
            A 0, C 1, G 2, T 3, N 4; as wide as the model's window, or of any width (N on the right of shorter ones)
            where that is 0.
        device : str
            ``cpu`` or ``cuda``.
        batch_size : int
            Windows at a time.

        Returns
        -------
        probabilities : np.ndarray, shape (n, n_classes), float32
        """
        return torch.softmax(self.logits(codes, device=device, batch_size=batch_size), dim=1).numpy()


Model = SignalModel | SequenceModel


def _move(network: nn.Module, device: str) -> None:
    """Bring a network to a device; one that is there is not touched, because moving an LSTM disturbs other threads."""
    tensors = chain(network.parameters(), network.buffers())
    if any(tensor.device.type != torch.device(device).type for tensor in tensors):
        network.to(device)


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
    kinds = {SIGNAL: (SignalSettings, SignalModel), SEQUENCE: (SequenceSettings, SequenceModel)}
    try:
        of_settings, of_model = kinds[metadata["input"]]
        settings = of_settings(**metadata)
        settings.check()
        network = settings.build()
        network.load_state_dict(tensors)
    except (TypeError, ValueError, RuntimeError, KeyError, AttributeError) as error:
        reason = str(error).replace("\n", " ").strip()[:200]
        raise InputError(f"{path}: the model file is damaged ({reason}); train or copy the model again") from error
    return of_model(settings, network.eval(), sha256_file(path), path.stem)


def load_signal_model(path: str | Path) -> SignalModel:
    """A model of tracks; see `load`.

    Raises
    ------
    InputError
        If the model reads sequences.
    """
    model = load(path)
    if not isinstance(model, SignalModel):
        raise InputError(f"{path}: a model of sequences, which tracks cannot feed; give a model of tracks")
    return model


def load_sequence_model(path: str | Path) -> SequenceModel:
    """A model of sequences alone; see `load`.

    Raises
    ------
    InputError
        If the model reads tracks, alone or too.
    """
    model = load(path)
    if not isinstance(model, SequenceModel):
        raise InputError(f"{path}: a model of tracks, which sequences cannot feed; give a model of sequences")
    if model.settings.signal:
        raise InputError(
            f"{path}: reads tracks beside sequences ({', '.join(model.settings.signal['marks'])}), which only "
            "evaluate-model can give it (-s and -t); give a model of sequences alone"
        )
    return model
