"""A cleaned set: without copies, without what lies on a blacklist, and with lengths that say nothing about the class.

Coordinates are 0-based and half-open.
"""

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from crekit.audit.homology import CONTAINED, nearest_by_class
from crekit.audit.read import Loaded, distinct
from crekit.audit.redundant import find_redundant
from crekit.audit.sample import TEST, TRAIN
from crekit.audit.trim import cut_middle, match_lengths
from crekit.encoding.store import GENOME
from crekit.errors import InputError
from crekit.genome.chromosomes import natural_key
from crekit.genome.fasta import N
from crekit.genome.regions import Regions, overlaps

BLACKLISTED, UNKNOWN, LIKE_TEST = "on the blacklist", "unknown bases", "like a test sequence"
_ROUNDS = 5


@dataclass(frozen=True)
class Cleaned:
    """What is left of a data set, and what was taken from it.

    Parameters
    ----------
    loaded : Loaded
        What is left, cut; without its sequence file.
    kept : np.ndarray, shape (n_left,), int64
        Which of the sequences each one is.
    begin, end : np.ndarray, shape (n_left,), int64
        Which of its bases were kept.
    removed : dict of str to dict of str to int
        Reason -> class -> sequences.
    trimmed : dict of str to dict of str to int
        Class -> ``sequences`` that were cut, ``bases`` that they lost, and ``of``: bases of all that are left, before.
    """

    loaded: Loaded
    kept: np.ndarray
    begin: np.ndarray
    end: np.ndarray
    removed: dict[str, dict[str, int]]
    trimmed: dict[str, dict[str, int]]


def clean(
    loaded: Loaded,
    *,
    trim: bool,
    drop_unknown: bool = False,
    drop_like_test: bool = False,
    blacklist: Regions | None = None,
) -> Cleaned:
    """Clean a data set.

    Parameters
    ----------
    loaded : Loaded
        The sequences of test files are kept before others, and lengths are matched within them by themselves.
    trim : bool
        Cut all classes to the same distribution of lengths; see `crekit.audit.trim`.
    drop_unknown : bool
        Drop sequences with N.
    drop_like_test : bool
        Drop training sequences that are like one of a test file: see `crekit.audit.homology`.
    blacklist : Regions, optional
        Sequences that overlap one are dropped.

    Raises
    ------
    InputError
        If nothing of a class is left.
    """
    sample, held = loaded.sample, loaded.held
    n = len(sample)
    reason = np.full(n, "", dtype=object)
    if blacklist is not None and sample.regions is not None:
        reason[overlaps(sample.regions, blacklist)] = BLACKLISTED
    if drop_unknown:
        reason[[bool((codes == N).any()) for codes in sample.codes] & (reason == "")] = UNKNOWN
    like_test = _like_test(loaded) if drop_like_test else np.zeros(n, dtype=bool)
    begin, end = np.zeros(n, dtype=np.int64), sample.lengths
    # What is cut may be a copy of another that it was not before, and what is dropped changes the lengths to match.
    for _ in range(_ROUNDS):
        left = np.flatnonzero(reason == "")
        codes = [sample.codes[i][begin[i] : end[i]] for i in left.tolist()]
        found = find_redundant(codes, sample.classes[left], held[left])
        found[(found == "") & like_test[left]] = LIKE_TEST
        reason[left] = found
        left = left[found == ""]
        _require_all(sample.classes, left)
        if not trim:
            break
        target = match_lengths((end - begin)[left], sample.classes[left], held[left])
        first, last = cut_middle((end - begin)[left], target)
        begin[left], end[left] = begin[left] + first, begin[left] + last
        if not (found != "").any() and not first.any():
            break
    left = left[_order(loaded, left, begin, end)]
    removed = _counted(reason, sample.classes)
    return Cleaned(
        _left(loaded, left, begin, end), left, begin[left], end[left], removed, _lost(loaded, left, begin, end)
    )


def _like_test(loaded: Loaded) -> np.ndarray:
    """Which training sequences are like one of a test file, shape (n,), bool."""
    held = loaded.held
    found = np.zeros(len(held), dtype=bool)
    if held.any():
        # The test set in the place of the training data: each training sequence is compared with all of it.
        trained = np.flatnonzero(~held)
        side = np.where(held, TRAIN, TEST).astype(np.int64)
        best, _ = nearest_by_class(loaded.sample, trained, side, np.zeros(len(held), dtype=np.int64), 1, CONTAINED)
        found[trained] = best[:, 0] >= CONTAINED
    return found


def _require_all(classes: np.ndarray, left: np.ndarray) -> None:
    if gone := sorted(set(classes) - set(classes[left])):
        raise InputError(
            f"--fix: nothing of class {gone[0]} is left without copies and what is on the blacklist; "
            "look at the findings, and build the set anew"
        )


def _counted(reason: np.ndarray, classes: np.ndarray) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    dropped = reason != ""
    for (why, name), number in sorted(Counter(zip(reason[dropped], classes[dropped], strict=True)).items()):
        found.setdefault(why, {})[name] = number
    return found


def _lost(loaded: Loaded, left: np.ndarray, begin: np.ndarray, end: np.ndarray) -> dict[str, dict[str, int]]:
    """What the classes lost by cutting."""
    before, classes = loaded.sample.lengths[left], loaded.sample.classes[left]
    lost = before - (end - begin)[left]
    return {
        name: {
            "sequences": int((lost[mine] > 0).sum()),
            "bases": int(lost[mine].sum()),
            "of": int(before[mine].sum()),
        }
        for name in sorted(set(classes))
        for mine in [classes == name]
    }


def _order(loaded: Loaded, left: np.ndarray, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Regions by chromosome, start and end; records class by class."""
    if loaded.source != GENOME:
        return np.argsort(loaded.sample.classes[left].astype(str), kind="stable")
    places = loaded.places[left]
    rank = {chrom: i for i, chrom in enumerate(sorted(set(places.chrom), key=natural_key))}
    start = places.start + begin[left]
    return np.lexsort((start + (end - begin)[left], start, np.array([rank[chrom] for chrom in places.chrom])))


def _left(loaded: Loaded, left: np.ndarray, begin: np.ndarray, end: np.ndarray) -> Loaded:
    """The sequences that are left, cut, with the places and names that they have then."""
    sample = loaded.sample[left]
    codes = [one[b:e] for one, b, e in zip(sample.codes, begin[left], end[left], strict=True)]
    cut = (end - begin)[left] < sample.lengths
    places, names = loaded.places[left], loaded.names[left].copy()
    start = np.where(cut & (places.chrom != ""), places.start + begin[left], places.start)
    stop = np.where(cut, start + (end - begin)[left], places.end)
    places = Regions(places.chrom, start, stop, places.name)
    # A record that is called by its place must be called by what is left of it, or it would have none.
    moved = cut & (places.chrom != "")
    names[moved] = places.ids[moved]
    ids = distinct(names, places.name, loaded.held[left])
    sample = replace(sample, ids=ids, codes=codes, regions=None if sample.regions is None else places)
    return replace(loaded, sample=sample, places=places, names=names, held=loaded.held[left], store=None)
