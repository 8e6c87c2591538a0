"""What a training run leaves beside the model: history, predictions and metrics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from crekit.files import output_text, write_json
from crekit.models import file as model_file
from crekit.models import registry
from crekit.models.settings import Settings
from crekit.training import splits
from crekit.training.metrics import for_json, summary

HELD = splits.PARTS[1:]
_HISTORY = ("lr", "train_loss", "val_loss", "val_map")


@dataclass(frozen=True)
class Held:
    """Regions of the validation or the test set, judged.

    Parameters
    ----------
    ids : np.ndarray, shape (n,), object
    names : np.ndarray, shape (n,), object
        Their classes.
    labels : np.ndarray, shape (n,), int64
    logits : np.ndarray, shape (n, n_classes), float32
        Not divided by a temperature.
    """

    ids: np.ndarray
    names: np.ndarray
    labels: np.ndarray
    logits: np.ndarray

    def probabilities(self, temperature: float) -> np.ndarray:
        """Class probabilities, shape (n, n_classes), float32."""
        return torch.softmax(torch.from_numpy(self.logits / temperature), dim=1).numpy()


def metrics_of(
    settings: Settings,
    network: nn.Module,
    history: Sequence[Mapping[str, float]],
    held: Mapping[str, Held],
    monitor: str = "map",
) -> dict[str, Any]:
    """What ``.metrics.json`` holds.

    Parameters
    ----------
    settings : Settings
    network : nn.Module
    history : sequence of mapping
        A row an epoch; empty where nothing was trained in epochs.
    held : mapping of str to Held
        ``val`` and ``test``.
    monitor : str
        What the best epoch was chosen by.
    """
    metrics: dict[str, Any] = {
        "arch": settings.arch,
        "parameters": registry.n_parameters(network),
        "classes": settings.classes,
    }
    if marks := getattr(settings, "marks", None):
        metrics["marks"] = marks
    metrics |= {
        "counts": settings.counts,
        "best_epoch": _best_epoch(history, monitor),
        "temperature": settings.temperature,
        **{
            part: summary(one.labels, one.probabilities(settings.temperature), settings.classes)
            for part, one in held.items()
        },
        "record": settings.record,
    }
    return for_json(metrics)


def _best_epoch(history: Sequence[Mapping[str, float]], monitor: str) -> float | None:
    """The epoch whose weights were kept: the first of the best."""
    if not history:
        return None
    score = (lambda row: row["val_loss"]) if monitor == "loss" else (lambda row: -row["val_map"])
    return min(history, key=score)["epoch"]


def write(
    output: Path,
    settings: Settings,
    network: nn.Module,
    metrics: dict[str, Any],
    history: Sequence[Mapping[str, float]],
    held: Mapping[str, Held],
) -> None:
    """Write the model last, so that whoever finds it finds the rest too."""
    with output_text(beside(output, ".history.tsv")) as handle:
        columns = (*_HISTORY, "round") if history and "round" in history[0] else _HISTORY
        handle.write("\t".join(("epoch", *columns)) + "\n")
        for row in history:
            numbers = (f"{row[name]:.6g}" for name in columns)
            handle.write("\t".join([str(row["epoch"]), *numbers]) + "\n")
    with output_text(beside(output, ".predictions.tsv")) as handle:
        handle.write("\t".join(["id", "part", "class", "predicted", *settings.classes]) + "\n")
        for part, one in held.items():
            for name, label, row in zip(one.ids, one.names, one.probabilities(settings.temperature), strict=True):
                best = settings.classes[int(row.argmax())]
                handle.write("\t".join([name, part, label, best, *(f"{p:.6f}" for p in row)]) + "\n")
    write_json(beside(output, ".metrics.json"), metrics)
    model_file.save(output, settings, network)


def beside(output: Path, suffix: str) -> Path:
    """A file beside a model, under its name without ``.safetensors``."""
    return output.with_suffix(suffix)


def of_fold(output: Path, fold: int) -> Path:
    """Where the model of a fold goes: ``model.fold3.safetensors`` for ``model.safetensors``."""
    return output.with_name(f"{output.stem}.fold{fold}{output.suffix}")
