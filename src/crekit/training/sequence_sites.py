"""Regions of sequence files as a model learns from them.

An epoch shows every window of a region, or one by lot; a region's judgement is that of its best window.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import nn

from crekit.encoding.onehot import one_hot
from crekit.encoding.store import Sequences
from crekit.encoding.windows import spread
from crekit.genome.fasta import N, complement_codes
from crekit.models.region_scores import best_window

_BATCH = 512


@dataclass(frozen=True)
class SequenceSites:
    """Some regions of sequence files, with their classes: what training and validation take.

    Parameters
    ----------
    files : sequence of Sequences
    file, row : np.ndarray, shape (n_regions,), int64
        Which file each region is in, and which of its regions it is.
    region_labels : np.ndarray, shape (n_regions,), int64
    background : int, optional
        The class of the background.
    every_window : bool
        Whether an epoch shows every window, or of each region one by lot.
    """

    files: Sequence[Sequences]
    file: np.ndarray
    row: np.ndarray
    region_labels: np.ndarray
    background: int | None
    every_window: bool = False

    @cached_property
    def n_windows(self) -> np.ndarray:
        """Windows of each region, shape (n_regions,), int64."""
        counts = np.zeros(len(self.row), dtype=np.int64)
        for i, one in enumerate(self.files):
            counts[self.file == i] = one.n_windows[self.row[self.file == i]]
        return counts

    @cached_property
    def _last(self) -> np.ndarray:
        return np.cumsum(self.n_windows)

    @cached_property
    def labels(self) -> np.ndarray:
        """Class of each thing that an epoch shows, window or region, shape (n,), int64."""
        return np.repeat(self.region_labels, self.n_windows) if self.every_window else self.region_labels

    def inputs(self, index: torch.Tensor, coins: torch.Tensor, augment: str, device: torch.device) -> Any:
        """Windows for a step of training, as `values` gives them.

        Parameters
        ----------
        index : torch.Tensor, shape (n,), int64
            Which of `labels`.
        coins : torch.Tensor, shape (n, 2)
            Random numbers in [0, 1): the first chooses the strand, the second the window of a region.
        augment : str
            ``reverse-complement`` shows either strand with equal chance.
        """
        chosen = index.numpy()
        if self.every_window:
            region = np.searchsorted(self._last, chosen, side="right")
            window = chosen - self._last[region] + self.n_windows[region]
        else:
            region = chosen
            window = (coins[:, 1].numpy() * self.n_windows[region]).astype(np.int64)
        turned = coins[:, 0].numpy() < 0.5 if augment == "reverse-complement" else np.zeros(len(region), dtype=bool)
        return self.values(region, window, turned, device)

    def values(self, region: np.ndarray, window: np.ndarray, turned: np.ndarray, device: torch.device) -> Any:
        """What the network is shown of windows: one-hot codes, shape (n, 4, width), float32.

        Parameters
        ----------
        region, window : np.ndarray, shape (n,), int
            Which regions, and which of their windows.
        turned : np.ndarray, shape (n,), bool
            Of which the reverse complement is shown.
        device : torch.device
        """
        return torch.from_numpy(one_hot(self.cut(region, window, turned))).to(device)

    def cut(self, region: np.ndarray, window: np.ndarray, turned: np.ndarray) -> np.ndarray:
        """Windows, some of them turned round, shape (n, width), uint8; see `values`."""
        codes = self._cut(region, window)
        codes[turned] = _turned(codes[turned])
        return codes

    def _cut(self, region: np.ndarray, window: np.ndarray) -> np.ndarray:
        """Windows of regions of any of the files, shape (n, width), uint8."""
        if len(self.files) == 1:
            return self.files[0].window_codes(self.row[region], window)
        parts = []
        for i, one in enumerate(self.files):
            mine = np.flatnonzero(self.file[region] == i)
            parts.append((mine, one.window_codes(self.row[region[mine]], window[mine])))
        width = max(codes.shape[1] for _, codes in parts)
        cut = np.full((len(region), width), N, dtype=np.uint8)
        for mine, codes in parts:
            cut[mine, : codes.shape[1]] = codes
        return cut

    def middles(self) -> list[np.ndarray]:
        """The middle window of each region, uint8; of whole regions, all of it."""
        return [self._cut(np.array([i]), np.array([n // 2]))[0] for i, n in enumerate(self.n_windows)]

    def logits(self, network: nn.Module, device: torch.device) -> torch.Tensor:
        """Logits of each region: those of its best window among the scored ones, shape (n_regions, n_classes)."""
        number = np.zeros(len(self.row), dtype=np.int64)
        for i, one in enumerate(self.files):
            number[self.file == i] = one.n_scored[self.row[self.file == i]]
        region, window = spread(self.n_windows, number)
        return self.best(network, region, window, device)

    def best(self, network: nn.Module, region: np.ndarray, window: np.ndarray, device: torch.device) -> torch.Tensor:
        """Logits of the best of some windows of each region, shape (n_regions, n_classes), on the CPU."""
        network.eval()
        # Whole regions of like length go together, so that little is padded.
        order = np.arange(len(region))
        if not self.files[0].window:
            lengths = np.concatenate([one.regions.end - one.regions.start for one in self.files])
            offsets = np.concatenate([[0], np.cumsum([len(one) for one in self.files])])
            order = np.argsort(lengths[offsets[self.file[region]] + self.row[region]], kind="stable")
        found: torch.Tensor | None = None
        with torch.inference_mode():
            for first in range(0, len(order), _BATCH):
                mine = order[first : first + _BATCH]
                as_they_are = np.zeros(len(mine), dtype=bool)
                values = network(self.values(region[mine], window[mine], as_they_are, device)).cpu()
                found = torch.zeros((len(order), values.shape[1])) if found is None else found
                found[torch.from_numpy(mine)] = values.float()
        if found is None:
            raise ValueError("no window to score")
        chances = torch.softmax(found, dim=1).numpy()
        return found[torch.from_numpy(best_window(chances, region, len(self.row), self.background))]


def _turned(codes: np.ndarray) -> np.ndarray:
    """Reverse complements; what is padded on the right stays padded on the right."""
    turned = complement_codes(codes)
    if codes.size and (codes[:, -1] == N).any():
        length = codes.shape[1] - np.argmax((codes != N)[:, ::-1], axis=1)
        shift = (np.arange(codes.shape[1]) + (codes.shape[1] - length)[:, None]) % codes.shape[1]
        turned = np.take_along_axis(turned, shift, axis=1)
    return turned
