"""The training loop: epochs over sites, the best one by validation mAP, and the means to go on after a kill.

Everything random in an epoch follows from the seed and the epoch's number, so that a run that was resumed draws and
drops out what the unbroken run would have.
"""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from crekit import progress
from crekit.errors import WorkError
from crekit.training import checkpoint, losses, sampling
from crekit.training.metrics import mean_average_precision
from crekit.training.settings import Training

log = logging.getLogger("crekit")


@dataclass(frozen=True)
class Labelled:
    """Standardised windows and their classes.

    Parameters
    ----------
    values : np.ndarray, shape (n_sites, n_marks, n_bins), float32
    labels : np.ndarray, shape (n_sites,), int64
    """

    values: np.ndarray
    labels: np.ndarray


def fit(
    network: nn.Module,
    train: Labelled,
    validation: Labelled,
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
    train, validation : Labelled
    settings : Training
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
        A row an epoch: epoch, lr, train_loss, val_loss, val_map.

    Raises
    ------
    WorkError
        If the loss is no longer a number.
    """
    torch.use_deterministic_algorithms(True, warn_only=device.type == "cuda")
    network.to(device)
    optimiser = _optimiser(network, settings)
    scheduler = _scheduler(optimiser, settings)
    state = checkpoint.State()
    if resume and checkpoint_path is not None and checkpoint_path.exists():
        state = checkpoint.restore(checkpoint_path, network, optimiser, scheduler, fingerprint or {})
        log.info("goes on after epoch %d", state.epoch)
    loss = losses.of(settings)
    values, labels = (torch.from_numpy(column).to(device) for column in (train.values, train.labels))
    chances = torch.from_numpy(sampling.weights(train.labels, settings.balance, background))
    for epoch in progress.steps(range(state.epoch + 1, settings.epochs + 1), "training"):
        if settings.patience and state.waited >= settings.patience:
            break
        lr = optimiser.param_groups[0]["lr"]
        train_loss = _epoch(network, optimiser, loss, values, labels, chances, settings, epoch)
        logits = predict(network, validation.values, device)
        score = mean_average_precision(validation.labels, torch.softmax(logits, dim=1).numpy(), background)
        row = {
            "epoch": epoch,
            "lr": lr,
            "train_loss": train_loss,
            "val_loss": float(loss(logits, torch.from_numpy(validation.labels))),
            "val_map": score,
        }
        state.history.append(row)
        log.info("epoch %(epoch)d: train loss %(train_loss).4f, val loss %(val_loss).4f, val mAP %(val_map).4f", row)
        _step(scheduler, score)
        state.epoch, state.waited = epoch, state.waited + 1
        if score > state.best_score:
            state.best_score, state.waited = score, 0
            state.best = {name: tensor.detach().cpu().clone() for name, tensor in network.state_dict().items()}
        if checkpoint_path is not None:
            checkpoint.save(checkpoint_path, state, network, optimiser, scheduler, fingerprint or {})
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
    values: torch.Tensor,
    labels: torch.Tensor,
    chances: torch.Tensor,
    settings: Training,
    epoch: int,
) -> float:
    """One pass over the drawn sites; the mean loss of its batches."""
    random = sampling.generator(settings.seed, epoch)
    torch.manual_seed(int(torch.randint(2**62, (1,), generator=random)))  # dropout draws from the global generator
    drawn = sampling.order(chances, settings.balance, settings.batch_size, random)
    flips = torch.rand(len(drawn), generator=random) < 0.5
    network.train()
    total, batches = 0.0, drawn.split(settings.batch_size)
    for batch, flip in zip(batches, flips.split(settings.batch_size), strict=True):
        if len(batch) == 1 and len(batches) > 1:
            continue  # batch norm cannot learn from one site
        inputs = values[batch.to(values.device)]
        if settings.augment == "flip-bins":
            inputs = torch.where(flip.to(values.device)[:, None, None], inputs.flip(2), inputs)
        optimiser.zero_grad(set_to_none=True)
        batch_loss = loss(network(inputs), labels[batch.to(labels.device)])
        batch_loss.backward()
        optimiser.step()
        total += batch_loss.item()
    if not np.isfinite(total):
        raise WorkError(f"the loss is no longer a number in epoch {epoch}; train with a lower --lr")
    return total / len(batches)


def _optimiser(network: nn.Module, settings: Training) -> torch.optim.Optimizer:
    if settings.optimiser == "sgd":
        return torch.optim.SGD(network.parameters(), lr=settings.lr, weight_decay=settings.weight_decay)
    return torch.optim.Adam(network.parameters(), lr=settings.lr, weight_decay=settings.weight_decay)


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
