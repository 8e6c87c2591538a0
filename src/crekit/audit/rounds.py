"""Which sequences are tested by a model that was trained on which others."""

from dataclasses import dataclass

import numpy as np

from crekit.audit.sample import PARTS, TEST, TRAIN, VALIDATION, Sample


@dataclass(frozen=True)
class Round:
    """One round of testing.

    Parameters
    ----------
    name : str
        ``test``, ``validation`` or ``fold 3``.
    held : np.ndarray, shape (n,), bool
        The sequences that are scored.
    seen : np.ndarray, shape (n,), bool
        The sequences that the model may have learned from.
    """

    name: str
    held: np.ndarray
    seen: np.ndarray


def rounds(sample: Sample) -> list[Round]:
    """Each fold against the others; or test against training and validation, and validation against training.

    Returns
    -------
    found : list of Round
        Empty where there is no split.
    """
    used = sample.part >= 0
    if sample.fold is not None:
        numbers = np.unique(sample.fold[used])
        each = [Round(f"fold {n}", used & (sample.fold == n), used & (sample.fold != n)) for n in numbers]
    else:
        train, validation, test = (sample.part == part for part in (TRAIN, VALIDATION, TEST))
        each = [Round(PARTS[TEST], test, train | validation), Round(PARTS[VALIDATION], validation, train)]
    return [one for one in each if one.held.any() and one.seen.any()]


def judged(sample: Sample) -> list[Round]:
    """The rounds that a reported figure comes from: every fold, or test; validation where there is no test."""
    found = rounds(sample)
    return found if sample.fold is not None else found[:1]
