"""Placing spans on free ground, one after the other, each where the bases are most like those of a model span.

Coordinates are 0-based and half-open, on ground that may hold several chromosomes side by side.

A place is drawn evenly from all places that are long enough. The first one whose cost is within the limit is taken. If
there was none in so many draws, the ground is walked through from the last one on, and the place of the lowest cost is
taken. The cost is a sum of differences between two counts of bases. A step by one base changes each count by one at
most, so that the walk can leap over places that cannot be better.
"""

import numpy as np

from crekit.compiled import compiled
from crekit.genome.bits import count, last_mark, mark

UNPLACED = -1


@compiled
def _cost(
    start: int,
    end: int,
    target: np.ndarray,
    weight: np.ndarray,
    gc: tuple[np.ndarray, np.ndarray],
    lower: tuple[np.ndarray, np.ndarray],
) -> int:
    cost = 0
    if weight[0] > 0:
        cost += weight[0] * abs(count(gc[0], gc[1], start, end) - target[0])
    if weight[1] > 0:
        cost += weight[1] * abs(count(lower[0], lower[1], start, end) - target[1])
    return cost


@compiled
def _walk(
    interval: int,
    at: int,
    length: int,
    target: np.ndarray,
    weight: np.ndarray,
    limit: int,
    best: int,
    free: tuple[np.ndarray, np.ndarray],
    gc: tuple[np.ndarray, np.ndarray],
    lower: tuple[np.ndarray, np.ndarray],
    taken: np.ndarray,
) -> tuple[int, int]:
    """The first place of the lowest cost below `best`, and the cost: from `at` on, all the way round."""
    found, per_base = -1, weight[0] + weight[1]
    n = len(free[0])
    for step in range(n + 1):
        k = (interval + step) % n
        start = at if step == 0 else free[0][k]
        last = at - 1 if step == n else free[1][k] - length
        while start <= last:
            cost = _cost(start, start + length, target, weight, gc, lower)
            if cost >= best:
                start += (cost - best) // per_base + 1
                continue
            hit = last_mark(taken, start, start + length)
            if hit >= 0:
                start = hit + 1
                continue
            best, found = cost, start
            if best <= limit:
                return found, best
            start += 1
    return found, best


@compiled
def place(
    lengths: np.ndarray,
    targets: np.ndarray,
    limits: np.ndarray,
    weight: np.ndarray,
    free: tuple[np.ndarray, np.ndarray],
    gc: tuple[np.ndarray, np.ndarray],
    lower: tuple[np.ndarray, np.ndarray],
    taken: np.ndarray,
    draws: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Place spans in the order given; none overlaps another.

    Parameters
    ----------
    lengths : np.ndarray, shape (n,), int64
        Bases of each.
    targets : np.ndarray, shape (n, 2), int64
        Bases that are G or C, and in lower case, that each shall have.
    limits : np.ndarray, shape (n,), int64
        The cost that is good enough.
    weight : np.ndarray, shape (2,), int64
        Cost of a base too many or too few, of each target; 0 leaves a target out.
    free : pair of np.ndarray, shape (n_intervals,), int64
        Starts and ends of the free ground, sorted, apart from each other.
    gc, lower : pair of np.ndarray
        `crekit.genome.bits.Bits` of both targets.
    taken : np.ndarray of uint64
        Words that are marked where a span was placed; changed.
    draws : int
        Places that are drawn for a span before the ground is walked through.
    rng : np.random.Generator

    Returns
    -------
    start : np.ndarray, shape (n,), int64
        -1 where there is no place left.
    """
    starts = np.full(len(lengths), -1, dtype=np.int64)
    running = np.zeros(len(free[0]), dtype=np.int64)
    known, least = 0, 0
    hopeless = 2**62
    for i in range(len(lengths)):
        length = lengths[i]
        if length >= hopeless:  # the ground only shrinks: where this length found no place, it never will
            continue
        if length != known:  # places before the end of each interval
            total = 0
            for k in range(len(running)):
                total += max(0, free[1][k] - free[0][k] - length + 1)
                running[k] = total
            known = length
        if i > 0 and (length != lengths[i - 1] or (targets[i] != targets[i - 1]).any()):
            least = 0
        if len(running) == 0 or running[-1] == 0:
            continue
        best, found = 2**62, -1
        for _ in range(draws):
            drawn = int(rng.random() * running[-1])
            k = int(np.searchsorted(running, drawn, side="right"))
            start = free[1][k] - length + 1 - (running[k] - drawn)
            cost = _cost(start, start + length, targets[i], weight, gc, lower)
            if cost < best and last_mark(taken, start, start + length) < 0:
                best, found = cost, start
                if best <= limits[i]:
                    break
        if best > limits[i]:
            # The ground only shrinks: what follows for the same partner finds no better place than the one before.
            limit = max(limits[i], least)
            better, least = _walk(k, start, length, targets[i], weight, limit, best, free, gc, lower, taken)
            found = better if better >= 0 else found
        if found >= 0:
            starts[i] = found
            mark(taken, found, found + length)
        else:
            hopeless = length
    return starts
