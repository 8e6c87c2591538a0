"""Which sites an epoch shows, and in which order: a function of seed and epoch alone."""

import numpy as np
import torch


def weights(labels: np.ndarray, balance: str, background: int | None) -> np.ndarray:
    """Chance of each site to be drawn, up to a factor.

    DeepRegFinder draws with replacement, in two published forms: background against all other classes together
    (its default), or every class alike.

    Parameters
    ----------
    labels : np.ndarray, shape (n_sites,), int
    balance : str
        ``none``, ``background`` or ``all``.
    background : int, optional
        Which class is background; without one, ``background`` is the same as ``none``.

    Returns
    -------
    weights : np.ndarray, shape (n_sites,), float64
        Sum 1.
    """
    groups = np.zeros_like(labels)
    if balance == "all":
        groups = labels
    elif balance == "background" and background is not None:
        groups = (labels == background).astype(labels.dtype)
    names, position, counts = np.unique(groups, return_inverse=True, return_counts=True)
    return 1 / (len(names) * counts[position])


def generator(seed: int, epoch: int) -> torch.Generator:
    """Random numbers of one epoch, whatever was drawn in the epochs before it."""
    mixed = np.random.SeedSequence([seed, epoch]).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(mixed >> np.uint64(1)))


def order(chances: torch.Tensor, balance: str, batch_size: int, random: torch.Generator) -> torch.Tensor:
    """Sites of an epoch, batch by batch.

    Parameters
    ----------
    chances : torch.Tensor, shape (n_sites,), float64
        See `weights`.
    balance : str
        ``none`` shows every site once; the others draw with replacement, whole batches only.
    batch_size : int
    random : torch.Generator

    Returns
    -------
    order : torch.Tensor, shape (n_draws,), int64
    """
    if balance == "none":
        return torch.randperm(len(chances), generator=random)
    draws = max(len(chances) // batch_size, 1) * min(batch_size, len(chances))
    return torch.multinomial(chances, draws, replacement=True, generator=random)
