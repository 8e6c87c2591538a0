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
from crekit.motifs.scoring import Scoring
from crekit.training.sequence_sites import SequenceSites

_MOST_KEPT = 1 << 28  # numbers: 1 GiB


class MotifCache:
    """Motif frequencies of the windows of a pool, kept from when they are first asked for.

    Parameters
    ----------
    motif : Scoring
    n_windows : np.ndarray, shape (n_regions,), int64
        Windows of each region of the pool.
    """

    def __init__(self, motif: Scoring, n_windows: np.ndarray) -> None:
        self.motif = motif
        self._first = np.cumsum(n_windows) - n_windows
        self._known = np.zeros(2 * int(n_windows.sum()), dtype=bool)
        self._values = np.zeros((len(self._known), motif.n_motifs), dtype=np.float32)

    def get(
        self, region: np.ndarray, window: np.ndarray, turned: np.ndarray, codes: np.ndarray, threads: int
    ) -> np.ndarray:
        """Frequencies of windows, shape (n, n_motifs), float32; what is new is computed from `codes`."""
        # Both strands together are the same either way round.
        strand = turned & (self.motif.strands == "forward")
        place = 2 * (self._first[region] + window) + strand
        new = np.flatnonzero(~self._known[place])
        if len(new):
            self._values[place[new]] = Encoders(motif=self.motif).encode(codes[new], threads)[MOTIF]
            self._known[place[new]] = True
        return self._values[place]


def cache_of(caches: list[MotifCache], motif: Scoring, n_windows: np.ndarray) -> MotifCache | None:
    """The cache of these motifs, a new one among `caches` where there is none; None where it would be too large."""
    for cache in caches:
        if Encoders(motif=cache.motif).same_as(Encoders(motif=motif)):
            return cache
    if 2 * int(n_windows.sum()) * motif.n_motifs > _MOST_KEPT:
        return None
    caches.append(MotifCache(motif, n_windows))
    return caches[-1]


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
    cache : MotifCache, optional
        Of the pool that the regions belong to.
    place : np.ndarray, shape (n_regions,), int64, optional
        Positions of the regions in that pool.
    """

    encoders: Encoders = field(default_factory=Encoders)
    reads_bases: bool = False
    threads: int = 1
    tracks: np.ndarray | None = None
    cache: MotifCache | None = None
    place: np.ndarray | None = None

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
        if not turned.any() and self._stored(MOTIF):
            return self.files[0].encodings(MOTIF, self.row[region], window)
        if self.cache is None or self.place is None:
            return self.encoders.only([MOTIF]).encode(codes, self.threads)[MOTIF]
        return self.cache.get(self.place[region], window, turned, codes, self.threads)

    def _stored(self, name: str) -> bool:
        return name in self._as_stored

    @cached_property
    def _as_stored(self) -> list[str]:
        """Encodings that the file holds as these encoders give them."""
        if len(self.files) > 1:
            return []
        theirs = self.files[0].encoders
        return [
            name for name in self.files[0].stored_encodings if theirs.only([name]).same_as(self.encoders.only([name]))
        ]


def of_network(network: torch.nn.Module | None, encoders: Encoders, threads: int) -> dict[str, Any] | None:
    """What `EncodedSites` must know of a network; None for one that reads bases alone."""
    if not isinstance(network, EncodedNetwork):
        return None
    mine = encoders.only(network.encoders.facts)
    return {"encoders": mine, "reads_bases": network.reads_bases, "threads": threads}
