"""One-hot DNA back to codes, for the models that count words."""

import torch

from crekit.genome.fasta import N


def codes_of(one_hot: torch.Tensor) -> torch.Tensor:
    """Which base stands at each position.

    Parameters
    ----------
    one_hot : torch.Tensor, shape (n, 4, width)
        Channels A, C, G, T; all four are zero at an N.

    Returns
    -------
    codes : torch.Tensor, shape (n, width), uint8
        A 0, C 1, G 2, T 3, N 4.
    """
    largest, base = one_hot.max(dim=1)
    return torch.where(largest > 0, base, N).to(torch.uint8)
