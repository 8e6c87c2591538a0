"""One network on any of one-hot bases, k-mer embeddings, motif frequencies and histone tracks.

Each encoding has a branch that ends in a few numbers; a dense layer joins them. Branches of bases and tracks end in the
maximum over positions, so that regions may have any length.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from crekit.encoding.encoders import KMER, MOTIF, ONE_HOT, sizes
from crekit.errors import InputError
from crekit.models.encoded import EncodedNetwork
from crekit.models.mdlf import sequence_branch

TRACKS = "tracks"
ENCODINGS = (ONE_HOT, KMER, MOTIF)
_OUT = 64
_MOST_DROPOUT = 0.5


class Convolutions(nn.Module):
    """Convolution, batch norm, ReLU and max pooling, some times over, then the maximum over positions.

    Parameters
    ----------
    channels : int
    steps : sequence of (int, int, int)
        Filters, kernel and pooling of each.
    """

    def __init__(self, channels: int, steps: Sequence[tuple[int, int, int]]) -> None:
        super().__init__()
        self.steps, self.pools = nn.ModuleList(), nn.ModuleList()
        for filters, kernel, pooling in steps:
            convolution = nn.Conv1d(channels, filters, kernel, padding=kernel // 2, bias=False)
            self.steps.append(nn.Sequential(convolution, nn.BatchNorm1d(filters), nn.ReLU()))
            self.pools.append(nn.MaxPool1d(pooling, ceil_mode=True))
            channels = filters
        self.out = nn.Sequential(nn.Linear(channels, _OUT), nn.ReLU())

    def forward(self, values: torch.Tensor, inside: torch.Tensor | None = None) -> torch.Tensor:
        """Numbers of each site, shape (n, 64), from values, shape (n, channels, width).

        What lies outside (`inside`, shape (n, width), 1 or 0) is kept at zero in every layer, so that what a sequence
        is padded to does not change its numbers.
        """
        mask = None if inside is None else inside[:, None]
        for step, pool in zip(self.steps, self.pools, strict=True):
            values = step(values)
            values = pool(values if mask is None else values * mask)
            mask = None if mask is None else pool(mask)
        return self.out(values.amax(dim=2))


class Bases(nn.Module):
    """Convolutions over one-hot DNA, shape (n, 4, width), up to its last base that is known."""

    def __init__(self, _: int) -> None:
        super().__init__()
        self.convolutions = Convolutions(4, [(128, 11, 4), (64, 7, 4), (64, 3, 1)])

    def forward(self, one_hot: torch.Tensor) -> torch.Tensor:
        known = one_hot.sum(dim=1)
        inside = known.flip(1).cummax(dim=1).values.flip(1)
        return self.convolutions(one_hot, inside)


def _tracks(n_marks: int) -> nn.Module:
    return Convolutions(n_marks, [(32, 3, 1), (64, 3, 1)])


def _kmer(size: int) -> nn.Module:
    return sequence_branch(size, _OUT)


def _motif(n_motifs: int) -> nn.Module:
    """Frequencies are standardised by the batch norm, as they differ by orders of magnitude."""
    return nn.Sequential(
        nn.BatchNorm1d(n_motifs),
        nn.Linear(n_motifs, _OUT),
        nn.ReLU(),
        nn.Dropout(_MOST_DROPOUT),
        nn.Linear(_OUT, _OUT),
        nn.ReLU(),
    )


_BRANCHES: dict[str, Callable[[int], nn.Module]] = {ONE_HOT: Bases, KMER: _kmer, MOTIF: _motif, TRACKS: _tracks}


class Fusion(nn.Module):
    """A branch for each encoding, and what joins them.

    Parameters
    ----------
    n_inputs : dict of str to int
        Of each encoding, how many numbers it has (of ``one-hot`` 4, of ``tracks`` the number of marks).
    n_classes : int
    """

    def __init__(self, n_inputs: Mapping[str, int], n_classes: int) -> None:
        super().__init__()
        self.branches = nn.ModuleDict({name: _BRANCHES[name](size) for name, size in n_inputs.items()})
        self.join = nn.Sequential(
            nn.Dropout(0.3), nn.Linear(_OUT * len(n_inputs), _OUT), nn.ReLU(), nn.Linear(_OUT, n_classes)
        )

    def forward(self, encodings: Mapping[str, torch.Tensor]) -> torch.Tensor:
        return self.join(torch.cat([branch(encodings[name]) for name, branch in self.branches.items()], dim=1))


def fusion(
    n_classes: int,
    window: int,
    encodings: Sequence[str] = (),
    encoders: Mapping[str, Mapping[str, Any]] | None = None,
    n_marks: int = 0,
) -> EncodedNetwork:
    """A network on the encodings that were chosen.

    Parameters
    ----------
    n_classes : int
    window : int
        Of no weight here: regions of any length are taken.
    encodings : sequence of str
        Some of `ENCODINGS`; default bases and all that there are encoders for.
    encoders : dict
        See `crekit.encoding.encoders.Encoders.facts`.
    n_marks : int
        Histone tracks; 0 for none.

    Raises
    ------
    InputError
        If an encoding is not known, or has no encoder.
    """
    facts = dict(encoders or {})
    chosen = list(encodings) or [ONE_HOT, *facts]
    for name in chosen:
        if name not in ENCODINGS:
            raise InputError(f"--encodings {name}: choose from {', '.join(ENCODINGS)}")
        if name != ONE_HOT and name not in facts:
            option = {KMER: "--kmer-vectors", MOTIF: "--motifs"}[name]
            raise InputError(f"--encodings {name}: the sequences are encoded without it; give encode-seq {option}")
    facts = {name: one for name, one in facts.items() if name in chosen}
    n_inputs = {ONE_HOT: 4, **sizes(facts), TRACKS: n_marks}
    kept = [name for name in (*ENCODINGS, TRACKS) if name in chosen or (name == TRACKS and n_marks)]
    head = Fusion({name: n_inputs[name] for name in kept}, n_classes)
    return EncodedNetwork(facts, head, reads_bases=ONE_HOT in chosen, reads_tracks=n_marks > 0)
