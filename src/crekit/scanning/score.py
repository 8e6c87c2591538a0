"""Class probabilities of the windows along a chromosome.

Windows start every `stride` bins from the chromosome's first, as long as all their bins are there; window k covers bins
``[k * stride, k * stride + n_bins)``. Threads take chunks of windows, and each computes its chunk alone, so that the
result does not depend on their number.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import torch

from crekit.models.file import SignalModel
from crekit.scanning.trunk import Trunk, fits

_CHUNK = {"cpu": 2048, "cuda": 65_536}
"""Windows at a time: fewer cost more calls, more fall out of a CPU's cache."""


def count(n_all: int, n_bins: int, stride: int) -> int:
    """Windows of `n_bins` bins, `stride` apart, on a chromosome of `n_all` bins."""
    return max((n_all - n_bins) // stride + 1, 0)


def along(
    model: SignalModel, bins: np.ndarray, stride: int = 1, *, threads: int = 1, device: torch.device | str = "cpu"
) -> np.ndarray:
    """Class probabilities of every window of a chromosome.

    Equal to `crekit.models.file.SignalModel.probabilities` of the windows one by one, within 1e-6. Windows in which all
    bins of all marks are zero are scored once.

    Parameters
    ----------
    model : SignalModel
    bins : np.ndarray, shape (n_marks, n), float32
        Normalised tracks. They are standardised in place: a chromosome is too large to keep twice.
    stride : int
        Bins between the starts of two windows.
    threads : int
        CPU threads.
    device : torch.device or str
        ``cpu`` or ``cuda``.

    Returns
    -------
    probabilities : np.ndarray, shape (n_windows, n_classes), float32
    """
    settings = model.settings
    device = torch.device(device)
    probabilities = np.empty((count(bins.shape[1], settings.n_bins, stride), len(settings.classes)), dtype=np.float32)
    if not len(probabilities):
        return probabilities
    empty = _empty_windows(bins, settings.n_bins, stride)
    if empty.any():
        nothing = np.zeros((1, len(settings.marks), settings.n_bins), dtype=np.float32)
        probabilities[empty] = model.probabilities(nothing, device=device.type)
    _standardise(bins, settings.mean, settings.std)
    fill = (
        _shared(model, stride, device) if fits(model.network, settings.n_bins) else _one_by_one(model, stride, device)
    )
    chunk = _CHUNK[device.type]
    starts = [first for first in range(0, len(probabilities), chunk) if not empty[first : first + chunk].all()]
    with single_threaded(threads if device.type == "cpu" else 1) as run:
        run(lambda first: fill(bins, empty[first : first + chunk], probabilities[first : first + chunk], first), starts)
    return probabilities


def listed(
    model: SignalModel, values: np.ndarray, *, threads: int = 1, device: torch.device | str = "cpu"
) -> np.ndarray:
    """Class probabilities of given windows, the same whatever the number of threads.

    Parameters
    ----------
    values : np.ndarray, shape (n, n_marks, n_bins), float32
        Normalised tracks.
    model, threads, device
        As in `along`.

    Returns
    -------
    probabilities : np.ndarray, shape (n, n_classes), float32
    """
    device = torch.device(device)
    probabilities = np.empty((len(values), len(model.settings.classes)), dtype=np.float32)
    chunk = _CHUNK[device.type]

    def fill(first: int) -> None:
        part = slice(first, first + chunk)
        probabilities[part] = model.probabilities(values[part], device=device.type)

    with single_threaded(threads if device.type == "cpu" else 1) as run:
        run(fill, list(range(0, len(values), chunk)))
    return probabilities


Fill = Callable[[np.ndarray, np.ndarray, np.ndarray, int], None]
"""Takes bins, which windows of a chunk are empty, where to put the others' probabilities, and the first's number."""


def _shared(model: SignalModel, stride: int, device: torch.device) -> Fill:
    """All windows of a chunk at once; empty ones among them are cheaper to compute than to leave out."""
    n_bins, temperature = model.settings.n_bins, model.settings.temperature
    trunk = Trunk(model.network.to(device), n_bins, stride)  # type: ignore[arg-type]  # `fits` has seen to it

    def fill(bins: np.ndarray, empty: np.ndarray, probabilities: np.ndarray, first: int) -> None:
        start, end = first * stride, (first + len(empty) - 1) * stride + n_bins
        logits = trunk.logits(torch.from_numpy(bins[:, start:end]).to(device), len(empty))
        probabilities[~empty] = torch.softmax(logits / temperature, dim=1).cpu().numpy()[~empty]

    return fill


def _one_by_one(model: SignalModel, stride: int, device: torch.device) -> Fill:
    """Each window by itself, for networks that have nothing to share."""
    n_bins, temperature = model.settings.n_bins, model.settings.temperature
    network = model.network.to(device)

    def fill(bins: np.ndarray, empty: np.ndarray, probabilities: np.ndarray, first: int) -> None:
        windows = np.lib.stride_tricks.sliding_window_view(bins, n_bins, axis=1)[:, ::stride]
        chosen = windows[:, first + np.flatnonzero(~empty)].transpose(1, 0, 2)
        logits = network(torch.from_numpy(np.ascontiguousarray(chosen)).to(device))
        probabilities[~empty] = torch.softmax(logits / temperature, dim=1).cpu().numpy()

    return fill


def _empty_windows(bins: np.ndarray, n_bins: int, stride: int) -> np.ndarray:
    """Which windows hold nothing but zeros, shape (n_windows,), bool."""
    signal = np.zeros(bins.shape[1] + 1, dtype=np.int64)
    for row in bins:
        signal[1:] |= row != 0
    np.cumsum(signal, out=signal)
    return (signal[n_bins:] == signal[:-n_bins])[::stride]


def _standardise(bins: np.ndarray, mean: list[float], std: list[float]) -> None:
    """`SignalModel.standardise`, in place: the same operations on the same float32 numbers."""
    bins -= np.array(mean, dtype=np.float32)[:, None]
    bins /= np.array(std, dtype=np.float32)[:, None]


@contextmanager
def single_threaded(threads: int) -> Iterator[Callable[[Callable[[int], None], list[int]], None]]:
    """Runs a function on many numbers in `threads` threads, while torch keeps to one thread in each."""
    before = torch.get_num_threads()
    try:
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:

            def run(function: Callable[[int], None], numbers: list[int]) -> None:
                def without_gradients(number: int) -> None:
                    with torch.inference_mode():  # a setting of the thread, so it is made in there
                        function(number)

                # TF32 would cost the last digits on CUDA.
                with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
                    for _ in pool.map(without_gradients, numbers):
                        pass

            yield run
    finally:
        torch.set_num_threads(before)
