"""Regions of sequence files as a trained model is judged on them: by its own encoders, and with the tracks it reads."""

from typing import Any

import numpy as np
import torch

from crekit.labels.classes import background_index
from crekit.models.encoded import EncodedNetwork
from crekit.models.file import Model
from crekit.models.settings import SequenceSettings
from crekit.training import encoded_sites
from crekit.training.sequence_pool import Pool
from crekit.training.sequence_signal import SignalInput
from crekit.training.sequence_sites import SequenceSites


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
    what = (pool.files, pool.file[mine], pool.row[mine], labels, background)
    if not isinstance(network, EncodedNetwork):
        return SequenceSites(*what), network
    tracks = None
    if facts := signal_of(model):
        signal = SignalInput(**facts)
        tracks = signal.standardise(pool.read_tracks(signal)[0][mine]).astype(np.float32)
    made = network.encoders.made
    sites = encoded_sites.EncodedSites(
        *what,
        encoders=made,
        reads_bases=network.reads_bases,
        threads=torch.get_num_threads(),
        tracks=tracks,
        cache=pool.motif_cache(made.motif),
        place=mine,
    )
    return sites, network.head
