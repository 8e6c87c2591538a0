"""Regions of sequence files with their tracks, as a network that reads both is judged on them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from crekit.labels.classes import background_index
from crekit.models.encoded import EncodedNetwork
from crekit.models.file import Model
from crekit.models.fusion import TRACKS
from crekit.models.settings import SequenceSettings
from crekit.training.sequence_pool import Pool
from crekit.training.sequence_signal import SignalInput
from crekit.training.sequence_sites import SequenceSites


@dataclass(frozen=True)
class TrackedSites(SequenceSites):
    """Some regions of sequence files with their tracks; see `SequenceSites`.

    Parameters
    ----------
    network : EncodedNetwork
        Whose head is shown them. It encodes the DNA with the encoders of its training.
    tracks : np.ndarray, shape (n_regions, n_marks, n_bins), float32
        Standardised.
    """

    network: EncodedNetwork | None = None
    tracks: np.ndarray | None = None

    def values(self, region: np.ndarray, window: np.ndarray, turned: np.ndarray, device: torch.device) -> Any:
        """Encodings of windows by name, and their regions' tracks; nothing is turned round where models are judged."""
        if self.network is None or self.tracks is None:
            raise ValueError("no network, or no tracks, to show")
        bases = super().values(region, window, turned, device)
        return {**self.network.encode(bases), TRACKS: torch.from_numpy(self.tracks[region]).to(device)}


def signal_of(model: Model) -> dict[str, Any]:
    """What a model reads of tracks beside sequences; empty for nothing."""
    return model.settings.signal if isinstance(model.settings, SequenceSettings) else {}


def sites_of(pool: Pool, model: Model, mine: np.ndarray) -> tuple[SequenceSites, torch.nn.Module]:
    """What a model is judged on, and the part of its network that is shown it.

    Parameters
    ----------
    pool : Pool
        With track files, where the model reads tracks.
    model : Model
    mine : np.ndarray, shape (n,), int64
        Positions of the regions in the pool.

    Raises
    ------
    InputError
        If the pool has no tracks for a model that reads some, or they do not fit.
    """
    network, background = model.network, background_index(model.settings.classes)
    labels = np.zeros(len(mine), dtype=np.int64)  # nothing is learned here
    if not (facts := signal_of(model)) or not isinstance(network, EncodedNetwork):
        return SequenceSites(pool.files, pool.file[mine], pool.row[mine], labels, background), network
    signal = SignalInput(**facts)
    values, _ = pool.read_tracks(signal)
    tracks = signal.standardise(values[mine]).astype(np.float32)
    sites = TrackedSites(
        pool.files, pool.file[mine], pool.row[mine], labels, background, network=network, tracks=tracks
    )
    return sites, network.head
