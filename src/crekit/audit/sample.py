"""What is audited: sequences, the class of each, and the part of the data that each is used in."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crekit.genome.regions import Regions

TRAIN, VALIDATION, TEST, NONE = 0, 1, 2, -1
PARTS = {TRAIN: "training", VALIDATION: "validation", TEST: "test"}


@dataclass(frozen=True)
class Sample:
    """Labelled sequences, with the split and the places where they have them.

    Parameters
    ----------
    ids : np.ndarray, shape (n,), object
        What each sequence is called in findings: a FASTA record's name or ``chrom:start-end``.
    codes : sequence of np.ndarray, each uint8
        The whole sequences: A0 C1 G2 T3, everything else 4.
    classes : np.ndarray, shape (n,), object
        The class of each.
    part : np.ndarray, shape (n,), int8
        0 training, 1 validation, 2 test, -1 none of them. All 0 where there is no split.
    fold : np.ndarray, shape (n,), int64, optional
        Number of the fold that tests each, where there are folds.
    regions : Regions, optional
        The place of each on its chromosome (0-based, half-open), where they have places.
    """

    ids: np.ndarray
    codes: Sequence[np.ndarray]
    classes: np.ndarray
    part: np.ndarray
    fold: np.ndarray | None = None
    regions: Regions | None = None

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def lengths(self) -> np.ndarray:
        """Bases of each sequence, shape (n,), int64."""
        return np.array([len(codes) for codes in self.codes], dtype=np.int64)

    @property
    def class_names(self) -> list[str]:
        """The classes, sorted."""
        return sorted(set(self.classes.tolist()))

    def __getitem__(self, index: np.ndarray) -> "Sample":
        """Some of the sequences, by a mask or by positions."""
        at = np.flatnonzero(index) if np.asarray(index).dtype == bool else np.asarray(index, dtype=np.int64)
        return Sample(
            self.ids[at],
            [self.codes[i] for i in at],
            self.classes[at],
            self.part[at],
            None if self.fold is None else self.fold[at],
            None if self.regions is None else self.regions[at],
        )
