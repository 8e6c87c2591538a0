"""The training loop: epochs over sites, the best one by validation mAP, and the means to go on after a kill.

Everything random in an epoch follows from the seed and the epoch's number, so that a run that was resumed draws and
drops out what the unbroken run would have.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn

from crekit import progress
from crekit.errors import WorkError
from crekit.training import checkpoint, losses, sampling, transfer
from crekit.training.channels_last import ChannelsLast, fits
from crekit.training.metrics import mean_average_precision
from crekit.training.settings import Training

log = logging.getLogger("crekit")


class Examples(Protocol):
    """What is trained on, or held back for validation."""

    @property
    def labels(self) -> np.ndarray:
        """Class of each thing that an epoch shows, shape (n,), int64."""

    def inputs(self, index: torch.Tensor, coins: torch.Tensor, augment: str, device: torch.device) -> Any:
        """What the network is shown for some of them; `coins`, shape (n, 2) and in [0, 1), decide what is by chance."""


class Held(Protocol):
    """What is held back for validation or test."""

    @property
    def region_labels(self) -> np.ndarray:
        """Class of each region, shape (n,), int64."""

    def logits(self, network: nn.Module, device: torch.device) -> torch.Tensor:
        """The network's judgement of each region, shape (n, n_classes), on the CPU."""


@dataclass(frozen=True)
class Labelled:
    """Standardised windows of tracks and their classes.

    Parameters
    ----------
    values : np.ndarray, shape (n_sites, n_marks, n_bins), float32
    labels : np.ndarray, shape (n_sites,), int64
    """

    values: np.ndarray
    labels: np.ndarray

    @property
    def region_labels(self) -> np.ndarray:
        return self.labels

    def inputs(self, index: torch.Tensor, coins: torch.Tensor, augment: str, device: torch.device) -> torch.Tensor:
        """Windows for a step of training, shape (n, n_marks, n_bins); see `Examples`."""
        windows = torch.from_numpy(self.values[index.numpy()]).to(device)
        if augment == "flip-bins":
            windows = torch.where((coins[:, 0] < 0.5).to(device)[:, None, None], windows.flip(2), windows)
        return windows

    def logits(self, network: nn.Module, device: torch.device) -> torch.Tensor:
        """See `predict`."""
        return predict(network, self.values, device)


Round = tuple[Examples, Held]


def fit(
    network: nn.Module,
    rounds: Sequence[Round],
    settings: Training,
    *,
    background: int | None,
    device: torch.device,
    checkpoint_path: Path | None = None,
    resume: bool = False,
    fingerprint: dict[str, Any] | None = None,
) -> list[dict[str, float]]:
    """Train a network in place, and leave it with the weights of its best epoch.

    Parameters
    ----------
    network : nn.Module
    rounds : sequence of (Examples, Held)
        What is trained on, and what the epoch is chosen by; one after the other, each going on with the weights and the
        optimiser of the one before. The best epoch is that of all rounds.
    settings : Training
        Epochs and patience are those of a round.
    background : int, optional
        The class that mean average precision leaves out.
    device : torch.device
    checkpoint_path : Path, optional
        Written after every epoch.
    resume : bool
        Go on from the checkpoint, if there is one.
    fingerprint : dict, optional
        What this run is; see `checkpoint.save`.

    Returns
    -------
    history : list of dict
        A row an epoch: epoch, lr, train_loss, val_loss, val_map; round too, where there are several.

    Raises
    ------
    WorkError
        If the loss is no longer a number.
    """
    with _deterministic(device):
        return _fit(network, rounds, settings, background, device, checkpoint_path, resume, fingerprint or {})


@contextmanager
def _deterministic(device: torch.device) -> Iterator[None]:
    """The same bytes every time, for as long as it lasts; other work may need operations that have no such form."""
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True, warn_only=device.type == "cuda")
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)


def _fit(
    network: nn.Module,
    rounds: Sequence[Round],
    settings: Training,
    background: int | None,
    device: torch.device,
    checkpoint_path: Path | None,
    resume: bool,
    fingerprint: dict[str, Any],
) -> list[dict[str, float]]:
    """See `fit`."""
    network.to(device)
    optimiser = _optimiser(network, settings)
    scheduler = _scheduler(optimiser, settings)
    state = checkpoint.State()
    if resume and checkpoint_path is not None and checkpoint_path.exists():
        state = checkpoint.restore(checkpoint_path, network, optimiser, scheduler, fingerprint)
        log.info("goes on after epoch %d", state.epoch)
    loss = losses.of(settings)
    for number, (train, validation) in list(enumerate(rounds, 1))[state.round - 1 :]:
        if number > state.round:
            state.begin_round(number)
        held = torch.from_numpy(validation.region_labels)
        chances = torch.from_numpy(sampling.weights(train.labels, settings.balance, background))
        named = f"training, round {number}" if len(rounds) > 1 else "training"
        for _ in progress.steps(range(state.round_epoch + 1, settings.epochs + 1), named):
            if settings.patience and state.waited >= settings.patience:
                break
            epoch = state.epoch + 1
            lr = optimiser.param_groups[0]["lr"]
            train_loss = _epoch(network, optimiser, loss, train, chances, settings, epoch, device)
            logits = validation.logits(network, device)
            average = mean_average_precision(held.numpy(), torch.softmax(logits, dim=1).numpy(), background)
            row = {
                "epoch": epoch,
                "lr": lr,
                "train_loss": train_loss,
                "val_loss": float(loss(logits, held)),
                "val_map": average,
                **({"round": number} if len(rounds) > 1 else {}),
            }
            score = -row["val_loss"] if settings.monitor == "loss" else average
            log.info(
                "epoch %(epoch)d: train loss %(train_loss).4f, val loss %(val_loss).4f, val mAP %(val_map).4f", row
            )
            _step(scheduler, average)
            state.add(row, score, network)
            if checkpoint_path is not None:
                checkpoint.save(checkpoint_path, state, network, optimiser, scheduler, fingerprint)
    network.load_state_dict(state.best)
    network.eval()
    return state.history


def predict(network: nn.Module, values: np.ndarray, device: torch.device, batch_size: int = 4096) -> torch.Tensor:
    """Logits of standardised windows, shape (n_sites, n_classes), on the CPU."""
    network.eval()
    with torch.inference_mode():
        parts = [
            network(torch.from_numpy(values[first : first + batch_size]).to(device)).cpu()
            for first in range(0, len(values), batch_size)
        ]
    return torch.cat(parts)


def _epoch(
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    loss: losses.Loss,
    train: Examples,
    chances: torch.Tensor,
    settings: Training,
    epoch: int,
    device: torch.device,
) -> float:
    """One pass over the drawn sites; the mean loss of its batches."""
    random = sampling.generator(settings.seed, epoch)
    torch.manual_seed(int(torch.randint(2**62, (1,), generator=random)))  # dropout draws from the global generator
    drawn = sampling.order(chances, settings.balance, settings.batch_size, random)
    coins = torch.rand(len(drawn), 2, generator=random)
    labels = torch.from_numpy(train.labels)
    transfer.train_mode(network)
    forward = ChannelsLast(network) if settings.precision == "bf16" and fits(network) else network
    total, batches = 0.0, drawn.split(settings.batch_size)
    for batch, coin in zip(batches, coins.split(settings.batch_size), strict=True):
        if len(batch) == 1 and len(batches) > 1:
            continue  # batch norm cannot learn from one site
        inputs = train.inputs(batch, coin, settings.augment, device)
        optimiser.zero_grad(set_to_none=True)
        with torch.autocast(device.type, torch.bfloat16, enabled=settings.precision == "bf16"):
            logits = forward(inputs)
        batch_loss = loss(logits.float(), labels[batch].to(device))
        batch_loss.backward()
        optimiser.step()
        total += batch_loss.item()
    if not np.isfinite(total):
        raise WorkError(f"the loss is no longer a number in epoch {epoch}; train with a lower --lr")
    return total / len(batches)


def _optimiser(network: nn.Module, settings: Training) -> torch.optim.Optimizer:
    weights = [parameter for parameter in network.parameters() if parameter.requires_grad]
    if settings.optimiser == "sgd":
        return torch.optim.SGD(weights, lr=settings.lr, weight_decay=settings.weight_decay)
    return torch.optim.Adam(weights, lr=settings.lr, weight_decay=settings.weight_decay)


def _scheduler(optimiser: torch.optim.Optimizer, settings: Training) -> Any:
    if settings.lr_decay == "plateau":
        return torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, mode="max", factor=0.1, patience=5)
    if settings.lr_decay == "exponential":
        return torch.optim.lr_scheduler.ExponentialLR(optimiser, gamma=0.5 ** (1 / 20))
    return None


def _step(scheduler: Any, score: float) -> None:
    """DeepRegFinder's scheduler watches the epoch's own mAP (the published code showed it the best so far)."""
    if isinstance(scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau):
        scheduler.step(score)
    elif scheduler is not None:
        scheduler.step()
