"""What a variant changes: the sequence of each allele, the windows that cover the change, and their highest scores.

Coordinates are 0-based and half-open. Alleles are taken down to the bases that differ, so that a change counts the same
however the record pads it. A window covers a change of bases ``[start, end)`` if it shares a base with them; where an
allele has none there (an insertion on the reference, a deletion on the other), if it holds the bases on both sides.

Windows start every `step` bases, first so that those of a single base lie evenly round it. Both alleles have the same
windows up to the end of the shorter one; the longer one has more, as it is longer.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

import numpy as np
import torch

from crekit.models.file import SequenceModel
from crekit.scanning import sequence_score

_BASES = re.compile(r"[ACGTN]+", re.IGNORECASE)

SYMBOLIC, BREAKEND, DELETED, OTHER = "symbolic", "breakend", "deleted by another (*)", "of other letters than ACGTN"


def unscorable(alt: str) -> str | None:
    """Why an ALT allele has no sequence that could be scored, in a word; None if it has one."""
    if _BASES.fullmatch(alt):
        return None
    if alt.startswith("<"):
        return SYMBOLIC
    if alt == "*":
        return DELETED
    return BREAKEND if re.search(r"[][]|^\.|\.$", alt) else OTHER


@dataclass(frozen=True)
class Change:
    """The bases in which two alleles differ.

    Parameters
    ----------
    start : int
        Of the first, on the reference.
    ref, alt : str
        Upper case; either may be empty.
    """

    start: int
    ref: str
    alt: str


def trim(start: int, ref: str, alt: str) -> Change:
    """A record's allele without the bases that both have: first those at the end, then those at the start.

    Parameters
    ----------
    start : int
        Of REF, 0-based.
    ref, alt : str
    """
    ref, alt = ref.upper(), alt.upper()
    same = _shared(ref[::-1], alt[::-1])
    ref, alt = ref[: len(ref) - same], alt[: len(alt) - same]
    same = _shared(ref, alt)
    return Change(start + same, ref[same:], alt[same:])


def _shared(one: str, other: str) -> int:
    """Letters with which both begin."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def covering(left: int, length: int, right: int, width: int, step: int) -> np.ndarray:
    """Where the windows that cover an allele start, in its sequence.

    Parameters
    ----------
    left, length, right : int
        Bases of the sequence before the allele, of the allele, and behind it. Where `left` or `right` is less than
        ``width - 1``, the chromosome ends there, and windows that would run past its end are left out.
    width, step : int
        Bases of a window, and between the starts of two.

    Returns
    -------
    starts : np.ndarray, shape (n_windows,), int64
        Ascending.
    """
    # Counted from the first window that holds one base of the change; the same for all alleles of it.
    starts = np.arange((width - 1) % step // 2, width - 1 + length, step) - (width - 1 - left)
    return starts[(starts >= 0) & (starts + width <= left + length + right)]


def highest(
    model: SequenceModel,
    sequences: Sequence[np.ndarray],
    starts: Sequence[np.ndarray],
    width: int,
    step: int,
    *,
    threads: int = 1,
    device: torch.device | str = "cpu",
) -> np.ndarray:
    """The highest probability of each class over the windows of each sequence, both strands averaged.

    Parameters
    ----------
    model : SequenceModel
    sequences : sequence of np.ndarray, shape (n,), uint8
        Codes of each.
    starts : sequence of np.ndarray, shape (n_windows,), int64
        Of its windows, as `covering` gives them; at least one each.
    width, step : int
        Bases of a window, and between the starts of two.
    threads, device
        As in `crekit.scanning.sequence_score.along`.

    Returns
    -------
    probabilities : np.ndarray, shape (n_sequences, n_classes), float32
    """
    if not sequences:
        return np.empty((0, len(model.settings.classes)), dtype=np.float32)
    stretches = [codes[one[0] : one[-1] + width] for codes, one in zip(sequences, starts, strict=True)]
    probabilities = sequence_score.of_stretches(
        model, stretches, step, width=width, both_strands=True, threads=threads, device=device
    )
    return np.maximum.reduceat(probabilities, np.cumsum([0] + [len(one) for one in starts[:-1]]))
