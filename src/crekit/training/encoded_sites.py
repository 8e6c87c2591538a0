"""Regions of sequence files as the head of an encoded network learns from them: encodings instead of bases.

Motif frequencies of a window are computed when it is first shown and kept, because a scan takes longer than a step of
training. Embeddings are large and quick, and are computed each time.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch

from crekit.encoding.encoders import KMER, MOTIF, ONE_HOT, Encoders
from crekit.encoding.onehot import one_hot
from crekit.models.encoded import EncodedNetwork
from crekit.models.fusion import TRACKS
from crekit.training.sequence_sites import SequenceSites

_MOST_KEPT = 1 << 28  # numbers: 1 GiB


@dataclass(frozen=True)
class EncodedSites(SequenceSites):
    """Some regions and their encodings; see `SequenceSites`.

    Parameters
    ----------
    encoders : Encoders
        Those that the network reads.
    reads_bases : bool
        Whether one-hot codes are among what is shown.
    threads : int
        For motif scans; the results do not depend on it.
    tracks : np.ndarray, shape (n_regions, n_marks, n_bins), float32, optional
        Standardised tracks round each region; turned round with the strand.
    """

    encoders: Encoders = field(default_factory=Encoders)
    reads_bases: bool = False
    threads: int = 1
    tracks: np.ndarray | None = None

    def values(self, region: np.ndarray, window: np.ndarray, turned: np.ndarray, device: torch.device) -> Any:
        """Encodings of windows by name, shape (n, size) each; see `SequenceSites.values`."""
        codes = self.cut(region, window, turned)
        found: dict[str, np.ndarray] = {}
        if self.encoders.kmer is not None:
            found[KMER] = self._kmer(codes, region, window, turned)
        if self.encoders.motif is not None:
            found[MOTIF] = self._motif(codes, region, window, turned)
        if self.reads_bases:
            found[ONE_HOT] = one_hot(codes)
        if self.tracks is not None:
            windows = self.tracks[region]
            found[TRACKS] = np.where(turned[:, None, None], windows[:, :, ::-1], windows)
        return {name: torch.from_numpy(values).to(device) for name, values in found.items()}

    def _kmer(self, codes: np.ndarray, region: np.ndarray, window: np.ndarray, turned: np.ndarray) -> np.ndarray:
        if not turned.any() and self._stored(KMER):
            return self.files[0].encodings(KMER, self.row[region], window)
        return self.encoders.only([KMER]).encode(codes)[KMER]

    def _motif(self, codes: np.ndarray, region: np.ndarray, window: np.ndarray, turned: np.ndarray) -> np.ndarray:
        encoders = self.encoders.only([MOTIF])
        if not turned.any() and self._stored(MOTIF):
            return self.files[0].encodings(MOTIF, self.row[region], window)
        if self._kept is None:
            return encoders.encode(codes, self.threads)[MOTIF]
        known, values = self._kept
        # Both strands together are the same either way round.
        strand = turned & (encoders.motif is not None and encoders.motif.strands == "forward")
        place = 2 * (self._last[region] - self.n_windows[region] + window) + strand
        new = np.flatnonzero(~known[place])
        if len(new):
            values[place[new]] = encoders.encode(codes[new], self.threads)[MOTIF]
            known[place[new]] = True
        return values[place]

    def _stored(self, name: str) -> bool:
        return len(self.files) == 1 and name in self.files[0].stored_encodings

    @cached_property
    def _kept(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Which windows' frequencies are known (each strand a row), and the frequencies; None if there are too many."""
        motif = self.encoders.motif
        rows = 2 * int(self.n_windows.sum())
        if motif is None or rows * motif.n_motifs > _MOST_KEPT:
            return None
        return np.zeros(rows, dtype=bool), np.zeros((rows, motif.n_motifs), dtype=np.float32)


def of_network(network: torch.nn.Module | None, encoders: Encoders, threads: int) -> dict[str, Any] | None:
    """What `EncodedSites` must know of a network; None for one that reads bases alone."""
    if not isinstance(network, EncodedNetwork):
        return None
    mine = encoders.only(network.encoders.facts)
    return {"encoders": mine, "reads_bases": network.reads_bases, "threads": threads}
