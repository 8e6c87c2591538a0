"""What a killed training run needs to go on to the same bytes: written after every epoch, without pickle."""

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialise
from torch import nn

from crekit.errors import InputError
from crekit.files import output_path, require

Tensors = dict[str, torch.Tensor]


@dataclass
class State:
    """Where a training run stands between two epochs.

    Parameters
    ----------
    epoch : int
        Epochs done.
    best : dict of str to torch.Tensor
        Weights of the best epoch.
    best_score : float
        Its validation score (mAP, or the loss with its sign turned); -inf before the first epoch.
    waited : int
        Epochs since the best of the round.
    history : list of dict
        A row an epoch.
    round, round_epoch : int
        The round of training, and the epochs done in it.
    round_score : float
        As `best_score`, of this round alone.
    """

    epoch: int = 0
    best: Tensors = field(default_factory=dict)
    best_score: float = -math.inf
    waited: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    round: int = 1
    round_epoch: int = 0
    round_score: float = -math.inf

    def begin_round(self, number: int) -> None:
        """Count epochs and patience from here; the best epoch so far stays."""
        self.round, self.round_epoch, self.round_score, self.waited = number, 0, -math.inf, 0

    def add(self, row: dict[str, float], score: float, network: nn.Module) -> None:
        """Take note of an epoch, and of its weights if it is the best."""
        self.history.append(row)
        self.epoch, self.round_epoch, self.waited = self.epoch + 1, self.round_epoch + 1, self.waited + 1
        if score > self.round_score:
            self.round_score, self.waited = score, 0
        if score > self.best_score:
            self.best_score = score
            self.best = {name: tensor.detach().cpu().clone() for name, tensor in network.state_dict().items()}


def save(
    path: Path,
    state: State,
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    scheduler: Any,
    fingerprint: dict[str, Any],
) -> None:
    """Write a checkpoint.

    Parameters
    ----------
    path : Path
    state : State
    network, optimiser
        As they stand.
    scheduler : torch.optim.lr_scheduler.LRScheduler or None
    fingerprint : dict
        What the run is: resuming another run from it is refused.
    """
    optimiser_state = optimiser.state_dict()
    tensors: Tensors = {f"now/{name}": tensor for name, tensor in network.state_dict().items()}
    tensors |= {f"best/{name}": tensor for name, tensor in state.best.items()}
    for index, values in optimiser_state["state"].items():
        tensors |= {f"optimiser/{index}/{name}": torch.as_tensor(value) for name, value in values.items()}
    metadata = {
        "epoch": state.epoch,
        "best_score": state.best_score,
        "waited": state.waited,
        "history": state.history,
        "round": [state.round, state.round_epoch, state.round_score],
        "groups": optimiser_state["param_groups"],
        "scheduler": _plain(scheduler.state_dict()) if scheduler is not None else None,
        "fingerprint": fingerprint,
    }
    copies = {name: tensor.detach().cpu().clone() for name, tensor in tensors.items()}
    content = serialise(copies, metadata={"checkpoint": json.dumps(metadata)})
    with output_path(path) as temporary:
        temporary.write_bytes(content)


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """The numbers and texts of a scheduler's state; what else it holds is made anew."""
    return {name: value for name, value in values.items() if isinstance(value, int | float | str | list | None)}


def restore(
    path: Path, network: nn.Module, optimiser: torch.optim.Optimizer, scheduler: Any, fingerprint: dict[str, Any]
) -> State:
    """Read a checkpoint into network, optimiser and scheduler.

    Raises
    ------
    InputError
        If it is damaged, or of a run with other inputs or settings.
    """
    try:
        with safe_open(require(path), framework="pt") as handle:
            metadata = json.loads(handle.metadata()["checkpoint"])
            tensors = {name: handle.get_tensor(name) for name in handle.keys()}  # noqa: SIM118 (not a dict)
        differing = _differing(metadata["fingerprint"], fingerprint)
        if differing:
            raise InputError(
                f"{path}: a checkpoint of another run (other {', '.join(differing)}); "
                "repeat that run's options, or start again without --resume"
            )
        network.load_state_dict(_below(tensors, "now"))
        moments: dict[int, Tensors] = {}
        for name, tensor in _below(tensors, "optimiser").items():
            index, _, key = name.partition("/")
            moments.setdefault(int(index), {})[key] = tensor
        optimiser.load_state_dict({"state": moments, "param_groups": metadata["groups"]})
        if scheduler is not None:
            scheduler.load_state_dict(metadata["scheduler"])
    except (SafetensorError, OSError, KeyError, TypeError, RuntimeError, json.JSONDecodeError) as error:
        raise InputError(f"{path}: the checkpoint is damaged; remove it and start again without --resume") from error
    best = _below(tensors, "best")
    kept = [metadata[name] for name in ("best_score", "waited", "history")]
    return State(metadata["epoch"], best, *kept, *metadata["round"])


def _differing(kept: dict[str, Any], own: dict[str, Any]) -> list[str]:
    """What two runs differ in; of the settings of training, which."""
    names = [name for name, value in own.items() if kept.get(name) != value]
    if "training" not in names:
        return names
    settings = [
        f"--{name.replace('_', '-')}, {kept['training'].get(name)}"
        for name, value in own["training"].items()
        if kept["training"].get(name) != value
    ]
    return [name for name in names if name != "training"] + settings


def _below(tensors: Tensors, prefix: str) -> Tensors:
    return {
        name.removeprefix(f"{prefix}/"): tensor for name, tensor in tensors.items() if name.startswith(f"{prefix}/")
    }
