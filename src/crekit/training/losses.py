"""Losses over logits, shape (n, n_classes), and labels, shape (n,)."""

from collections.abc import Callable

import torch
from torch.nn import functional

from crekit.training.settings import Training

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def focal(
    logits: torch.Tensor, labels: torch.Tensor, gamma: float, alpha: float, epsilon: float = 1e-7
) -> torch.Tensor:
    """Focal loss, mean over the batch: - alpha (1 - p)^gamma log(p + epsilon), p of the right class.

    With gamma 0 and alpha 1/2 it is half the cross entropy.

    Parameters
    ----------
    logits : torch.Tensor, shape (n, n_classes)
    labels : torch.Tensor, shape (n,), int64
    gamma, alpha, epsilon : float
    """
    right = torch.softmax(logits, dim=1).gather(1, labels[:, None])[:, 0]
    return (-alpha * (1 - right) ** gamma * torch.log(right + epsilon)).mean()


def of(settings: Training) -> Loss:
    """The loss that the settings ask for."""
    if settings.loss == "focal":
        return lambda logits, labels: focal(
            logits, labels, settings.focal_gamma, settings.focal_alpha, settings.focal_epsilon
        )
    return functional.cross_entropy
