"""Networks behind fixed encoders: DNA in, k-mer embeddings and motif frequencies made on the way.

The encoders' arrays are buffers, so that the model file holds them and a scan needs nothing else.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from crekit.encoding import encoders
from crekit.encoding.encoders import KMER, MOTIF, ONE_HOT, Encoders
from crekit.models.bases import codes_of


class FixedEncoders(nn.Module):
    """Encoders of `crekit.encoding.encoders` as a module without trainable weights.

    Parameters
    ----------
    facts : dict
        See `crekit.encoding.encoders.Encoders.facts`.

    Raises
    ------
    ValueError
        If the facts cannot be right.
    """

    def __init__(self, facts: Mapping[str, Mapping[str, Any]]) -> None:
        super().__init__()
        self.facts = {name: dict(one) for name, one in facts.items()}
        self._made: Encoders | None = None
        if KMER in facts:
            k, dimension = int(facts[KMER]["k"]), int(facts[KMER]["dimension"])
            self.register_buffer("kmer_vectors", torch.zeros(4**k, dimension))
        if MOTIF in facts:
            n_motifs, n_rows = len(facts[MOTIF]["names"]), int(facts[MOTIF]["rows"])
            self.register_buffer("motif_scores", torch.zeros(n_rows, 4, dtype=torch.float64))
            self.register_buffer("motif_widths", torch.zeros(n_motifs, dtype=torch.int64))
            self.register_buffer("motif_thresholds", torch.zeros(n_motifs, dtype=torch.float64))

    @property
    def names(self) -> list[str]:
        """Names of the motifs, in the order of their frequencies; empty where there are none."""
        return list(self.facts.get(MOTIF, {}).get("names", []))

    def fill(self, made: Encoders) -> None:
        """Take the arrays of encoders, among them those of the same facts."""
        arrays = made.only(self.facts).arrays()
        self.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in arrays.items()})

    def _load_from_state_dict(self, *arguments: Any, **named: Any) -> None:
        super()._load_from_state_dict(*arguments, **named)
        self._made = None

    @property
    def made(self) -> Encoders:
        """The encoders themselves."""
        if self._made is None:
            arrays = {name: tensor.cpu().numpy() for name, tensor in self.named_buffers()}
            self._made = encoders.restore(self.facts, arrays)
        return self._made

    def forward(self, codes: torch.Tensor) -> dict[str, torch.Tensor]:
        """Encodings by name of DNA as codes, shape (n, width), uint8."""
        values = self.made.encode(codes.cpu().numpy(), torch.get_num_threads())
        return {name: torch.from_numpy(one).to(codes.device) for name, one in values.items()}


class EncodedNetwork(nn.Module):
    """A trainable network on the encodings of DNA.

    Takes one-hot DNA, shape (n, 4, width), any width where the head allows it; returns logits, shape (n, n_classes).

    Parameters
    ----------
    facts : dict
        Of the encoders.
    head : nn.Module
        Takes a dict of encodings by name (``one-hot``, ``kmer``, ``motif``) and returns logits.
    reads_bases : bool
        Whether the head reads one-hot codes too.
    reads_tracks : bool
        Whether it reads tracks, so that DNA alone does not do.
    """

    def __init__(
        self,
        facts: Mapping[str, Mapping[str, Any]],
        head: nn.Module,
        *,
        reads_bases: bool = False,
        reads_tracks: bool = False,
    ) -> None:
        super().__init__()
        self.reads_tracks = reads_tracks
        self.encoders = FixedEncoders(facts)
        self.head = head
        self.reads_bases = reads_bases

    def encode(self, one_hot: torch.Tensor) -> dict[str, torch.Tensor]:
        """What the head is given."""
        found = self.encoders(codes_of(one_hot))
        return {**found, ONE_HOT: one_hot} if self.reads_bases else found

    def forward(self, one_hot: torch.Tensor) -> torch.Tensor:
        if self.reads_tracks:
            raise TypeError("a network that reads tracks too takes its encodings: call its head")
        return self.head(self.encode(one_hot))


def learner(network: nn.Module) -> nn.Module:
    """The part of a network that learns: the head behind fixed encoders, or all of it."""
    return network.head if isinstance(network, EncodedNetwork) else network
