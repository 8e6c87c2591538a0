"""Which sequences to drop so that no two of those left are copies, or nearly so, of one another."""

from collections.abc import Sequence

import numpy as np

from crekit.audit.duplicates import exact_groups
from crekit.audit.near import near_pairs

COPY, NEAR = "copy", "near copy"
COPY_ACROSS, NEAR_ACROSS = "copy in another class", "near copy in another class"


def find_redundant(codes: Sequence[np.ndarray], classes: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Why each sequence is to be dropped.

    Of copies within a class one is kept. Copies with different classes are all dropped, since nobody knows which class
    is right. Near copies are treated alike, after the copies; see `crekit.audit.near`.

    Parameters
    ----------
    codes : sequence of np.ndarray, uint8
    classes : np.ndarray, shape (n,), object
    first : np.ndarray, shape (n,), bool
        These are kept before others: a test set loses nothing to the training data. Then the one that stands first.

    Returns
    -------
    reason : np.ndarray, shape (n,), object
        Empty for a sequence that is kept.
    """
    reason = np.full(len(codes), "", dtype=object)
    _, column = np.unique(classes.astype(str), return_inverse=True)
    order = np.argsort(~first, kind="stable")

    number = exact_groups(codes)
    highest, lowest = np.full((2, len(codes)), -1)
    lowest[:] = len(codes)
    np.maximum.at(highest, number, column)
    np.minimum.at(lowest, number, column)
    reason[(highest != lowest)[number]] = COPY_ACROSS
    kept = np.zeros(len(codes), dtype=bool)
    kept[order[np.unique(number[order], return_index=True)[1]]] = True
    reason[(reason == "") & ~kept] = COPY

    left = order[reason[order] == ""]
    pairs = near_pairs([codes[i] for i in left])
    apart = column[left[pairs.first]] != column[left[pairs.second]]
    across = np.unique(np.concatenate([pairs.first[apart], pairs.second[apart]]))
    reason[left[across]] = NEAR_ACROSS
    inside = pairs.of(~apart & ~np.isin(pairs.first, across) & ~np.isin(pairs.second, across))
    # Pairs ascend by their first, which is dropped already where something before it is near.
    dropped = np.zeros(len(left), dtype=bool)
    for one, other in zip(inside.first, inside.second, strict=True):
        if not dropped[one]:
            dropped[other] = True
    reason[left[dropped]] = NEAR
    return reason
