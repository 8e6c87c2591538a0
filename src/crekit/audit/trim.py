"""Equal lengths in all classes, by cutting as few bases as can be."""

import numpy as np

from crekit.encoding.windows import match_numbers


def match_lengths(lengths: np.ndarray, classes: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Lengths to cut sequences to, so that all classes have the same distribution of lengths.

    The sequences of each class are put in order of length, and those at equal rank (as a share of their class) get the
    smallest length among the classes. Of classes of one size, the same lengths remain, to the base, and with them the
    same lengths modulo anything; no other way of cutting alone that does so loses fewer bases, since the n-th longest
    of a class cannot be longer than the n-th longest of any other.

    Parameters
    ----------
    lengths : np.ndarray, shape (n,), int64
    classes : np.ndarray, shape (n,), object
    groups : np.ndarray, shape (n,), int
        Each group is matched by itself: training data and a test set.

    Returns
    -------
    target : np.ndarray, shape (n,), int64
        At most `lengths`. A group that lacks a class is left as it is.
    """
    names, number = np.unique(classes.astype(str), return_inverse=True)
    target = lengths.copy()
    for group in np.unique(groups):
        mine = groups == group
        if len(np.unique(number[mine])) == len(names):
            target[mine] = match_numbers(lengths[mine], number[mine])
    return target


def cut_middle(lengths: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Begin and end of the middle `target` bases of each sequence; an odd base more goes from the right."""
    begin = (lengths - target) // 2
    return begin, begin + target
