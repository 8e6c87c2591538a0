"""Class probabilities of the windows along stretches of DNA.

Window k of a stretch covers its bases ``[k * step, k * step + width)``. Threads take chunks of windows, and each
computes its chunk alone, so that the result does not depend on their number.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch

from crekit.encoding.onehot import one_hot
from crekit.genome.fasta import N, complement_codes
from crekit.models.file import SequenceModel
from crekit.scanning.score import count, single_threaded
from crekit.scanning.sequence_trunk import SequenceTrunk, fits

_STRETCH = {"cpu": (16_384, 512), "cuda": (1 << 20, 8_192)}
"""Bases and windows of a chunk that share a trunk: few enough to stay in a CPU's cache."""
_WINDOWS = {"cpu": 64, "cuda": 2_048}
"""Windows of a chunk that are scored one by one."""
_BATCH, _BATCH_BASES = 256, 1 << 20
"""Whole sequences that are scored together, and the most bases that they hold with what fills up the shorter ones."""
_COUNTED = 1 << 14
"""Windows in which known bases are counted at a time."""

Scorer = Callable[[np.ndarray], np.ndarray]
"""Takes the codes of a chunk; returns the probabilities of its windows."""


def along(
    model: SequenceModel,
    codes: np.ndarray,
    step: int,
    *,
    width: int | None = None,
    both_strands: bool = False,
    threads: int = 1,
    device: torch.device | str = "cpu",
) -> np.ndarray:
    """Class probabilities of every window of a stretch of DNA.

    Equal to `crekit.models.file.SequenceModel.probabilities` of the windows one by one, within 1e-5.

    Parameters
    ----------
    model : SequenceModel
    codes : np.ndarray, shape (n,), uint8
        A 0, C 1, G 2, T 3, N 4.
    step : int
        Bases between the starts of two windows.
    width : int, optional
        Bases of a window; default the model's.
    both_strands : bool
        Whether to average the probabilities of a window and of its reverse complement.
    threads : int
        CPU threads.
    device : torch.device or str
        ``cpu`` or ``cuda``.

    Returns
    -------
    probabilities : np.ndarray, shape (n_windows, n_classes), float32
    """
    return of_stretches(model, [codes], step, width=width, both_strands=both_strands, threads=threads, device=device)


def of_stretches(
    model: SequenceModel,
    stretches: Sequence[np.ndarray],
    step: int,
    *,
    width: int | None = None,
    both_strands: bool = False,
    threads: int = 1,
    device: torch.device | str = "cpu",
) -> np.ndarray:
    """Class probabilities of every window of several stretches of DNA, one stretch after the other; see `along`."""
    device, width = torch.device(device), width or model.settings.window
    score, most = _scorer(model, width, step, device)
    if both_strands:
        score = _averaged(score)
    numbers = [count(len(codes), width, step) for codes in stretches]
    offsets = np.cumsum([0, *numbers])
    chunks = [(i, first, min(most, n - first)) for i, n in enumerate(numbers) for first in range(0, n, most)]
    probabilities = np.empty((int(offsets[-1]), len(model.settings.classes)), dtype=np.float32)
    nothing = model.probabilities(np.full((1, width), N, dtype=np.uint8), device=device.type)

    def fill(number: int) -> None:
        i, first, n = chunks[number]
        codes = stretches[i][first * step : (first + n - 1) * step + width]
        # Gaps of an assembly are millions of bases long.
        result = score(codes) if (codes != N).any() else nothing
        probabilities[offsets[i] + first : offsets[i] + first + n] = result

    with single_threaded(threads if device.type == "cpu" else 1) as run:
        run(fill, list(range(len(chunks))))
    return probabilities


def whole(
    model: SequenceModel,
    sequences: Sequence[np.ndarray],
    *,
    both_strands: bool = False,
    threads: int = 1,
    device: torch.device | str = "cpu",
) -> np.ndarray:
    """Class probabilities of whole sequences of any length, for models that read such; see `along`.

    Returns
    -------
    probabilities : np.ndarray, shape (n_sequences, n_classes), float32
    """
    device = torch.device(device)
    bounds = _batches([len(codes) for codes in sequences])
    probabilities = np.empty((len(sequences), len(model.settings.classes)), dtype=np.float32)

    def fill(number: int) -> None:
        part = slice(bounds[number], bounds[number + 1])
        probabilities[part] = model.probabilities(_padded(sequences[part]), device=device.type)
        if both_strands:
            turned = [complement_codes(codes) for codes in sequences[part]]
            probabilities[part] += model.probabilities(_padded(turned), device=device.type)
            probabilities[part] /= 2

    with single_threaded(threads if device.type == "cpu" else 1) as run:
        run(fill, list(range(len(bounds) - 1)))
    return probabilities


def known_windows(codes: np.ndarray, width: int, step: int) -> np.ndarray:
    """Which windows hold a base that is known, shape (n_windows,), bool."""
    n = count(len(codes), width, step)
    known = np.empty(n, dtype=bool)
    for first in range(0, n, _COUNTED):  # counts of a whole chromosome would take four times its codes
        last = min(first + _COUNTED, n) - 1
        counts = np.cumsum(codes[first * step : last * step + width] != N, dtype=np.int32)
        counts = np.concatenate([[0], counts])
        known[first : last + 1] = counts[width::step] > counts[:-width:step]
    return known


def _scorer(model: SequenceModel, width: int, step: int, device: torch.device) -> tuple[Scorer, int]:
    """How to score a chunk, and the most windows that it may have."""
    # Windows that do not overlap have nothing to share.
    if step < width and fits(model.network, width):
        bases, windows = _STRETCH[device.type]
        return _shared(model, width, step, device), max(min(bases // step, windows), 1)
    return _one_by_one(model, width, step, device), _WINDOWS[device.type]


def _shared(model: SequenceModel, width: int, step: int, device: torch.device) -> Scorer:
    trunk = SequenceTrunk(model.network.to(device), width, step)  # type: ignore[arg-type]  # `fits` has seen to it
    temperature = model.settings.temperature

    def score(codes: np.ndarray) -> np.ndarray:
        values = torch.from_numpy(one_hot(codes[None])[0]).to(device)
        logits = trunk.logits(values, count(len(codes), width, step))
        return torch.softmax(logits / temperature, dim=1).cpu().numpy()

    return score


def _one_by_one(model: SequenceModel, width: int, step: int, device: torch.device) -> Scorer:
    def score(codes: np.ndarray) -> np.ndarray:
        return model.probabilities(np.lib.stride_tricks.sliding_window_view(codes, width)[::step], device=device.type)

    return score


def _averaged(score: Scorer) -> Scorer:
    """The mean of a chunk's probabilities and those of its reverse complement, whose windows come in reverse order."""
    return lambda codes: (score(codes) + score(complement_codes(codes))[::-1]) / 2


def _batches(lengths: Sequence[int]) -> list[int]:
    """Bounds of batches of neighbouring sequences."""
    bounds, longest = [0], 0
    for i, length in enumerate(lengths):
        longest = max(longest, length)
        n = i + 1 - bounds[-1]
        if n > 1 and (n > _BATCH or n * longest > _BATCH_BASES):
            bounds.append(i)
            longest = length
    return [*bounds, len(lengths)] if len(lengths) else bounds


def _padded(sequences: Sequence[np.ndarray]) -> np.ndarray:
    """Sequences with N on the right of the shorter ones, shape (n, longest), uint8."""
    codes = np.full((len(sequences), max(map(len, sequences))), N, dtype=np.uint8)
    for row, sequence in zip(codes, sequences, strict=True):
        row[: len(sequence)] = sequence
    return codes
