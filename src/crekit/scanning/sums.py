"""Sharing the sums of a convolution's rows.

A row of a convolution (see `crekit.scanning.trunk`) is a sum of terms, weights of a tap @ a row at some shift. Rows
have terms in common, up to a common shift: near the end of a window the first convolution's rows lack one tap more
each, and all rows next to the middle read the middle row. So a row starts from the largest sum of its terms that there
is already, and adds the rest, the most shared terms first, so that others can start from what comes between.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

Place = tuple[int, int]
"""A row, and the shift at which it is read."""
Taps = tuple[Place | None, ...]
"""What one activation is made from, tap by tap; None is zero padding."""
_Term = tuple[int, int, int]
"""Tap, row and shift."""
_Terms = frozenset[_Term]


@dataclass(frozen=True)
class Sum:
    """A sum before it, at a shift, and one more term.

    Parameters
    ----------
    base : int or None
        Number of the sum that it starts from; None is the bias.
    base_shift : int
    tap, row, shift : int
        The term: weights of the tap @ the row at the shift.
    reach : int
        How much longer than the number of windows it must be.
    in_place : bool
        Whether it may overwrite its base, which nobody else reads.
    """

    base: int | None
    base_shift: int
    tap: int
    row: int
    shift: int
    reach: int = 0
    in_place: bool = False


def plan(rows: Sequence[Taps], reach: Sequence[int]) -> tuple[list[Sum], list[int]]:
    """How to compute rows one term at a time.

    Parameters
    ----------
    rows : sequence of Taps
        With shifts that start at 0.
    reach : sequence of int
        Of each row, the largest shift at which it is read.

    Returns
    -------
    sums : list of Sum
        Each after its base.
    outputs : list of int
        The sum that is each row.
    """
    wanted = [frozenset((tap, *place) for tap, place in enumerate(row) if place) for row in rows]
    shared = Counter((tap, row) for terms in wanted for tap, row, _ in terms)
    sums: list[Sum] = []
    numbers: dict[_Terms, int] = {}
    for terms in sorted(wanted, key=lambda one: (len(one), sorted(one))):
        _add(terms, shared, sums, numbers)
    outputs = [numbers[terms] for terms in wanted]
    return _finished(sums, dict(zip(outputs, reach, strict=True))), outputs


def _add(terms: _Terms, shared: Counter[tuple[int, int]], sums: list[Sum], numbers: dict[_Terms, int]) -> None:
    """Make the sum of some terms from the largest one that there is."""
    have, base = _largest_part(terms, numbers)
    rest = sorted(terms - have, key=lambda term: (-shared[term[:2]], term))
    for tap, row, shift in rest:
        start = _start(have)
        have = have | {(tap, row, shift)}
        number = numbers.get(_from_zero(have))
        if number is None:
            here = _start(have)
            sums.append(Sum(base, start - here if base is not None else 0, tap, row, shift - here))
            number = numbers[_from_zero(have)] = len(sums) - 1
        base = number


def _largest_part(terms: _Terms, numbers: dict[_Terms, int]) -> tuple[_Terms, int | None]:
    """The largest sum so far all of whose terms are among `terms`, shifted to where they are there."""
    best: tuple[_Terms, int | None] = (frozenset(), None)
    for known, number in numbers.items():
        for by in {shift for *_, shift in terms}:
            part = frozenset((tap, row, shift + by) for tap, row, shift in known)
            if len(part) > len(best[0]) and part <= terms:
                best = part, number
    return best


def _start(terms: _Terms) -> int:
    return min((shift for *_, shift in terms), default=0)


def _from_zero(terms: _Terms) -> _Terms:
    """The same terms with shifts that start at 0."""
    start = _start(terms)
    return frozenset((tap, row, shift - start) for tap, row, shift in terms)


def _finished(sums: Sequence[Sum], outputs: dict[int, int]) -> list[Sum]:
    """The sums with their lengths, and with leave to overwrite what nobody else reads."""
    readers = Counter(one.base for one in sums if one.base is not None)
    single = {base for base, n in readers.items() if n == 1 and base not in outputs}
    reach = [outputs.get(i, 0) for i in range(len(sums))]
    for i in reversed(range(len(sums))):
        base = sums[i].base
        if base is not None:
            reach[base] = max(reach[base], reach[i] + sums[i].base_shift)
    return [replace(one, reach=reach[i], in_place=one.base in single) for i, one in enumerate(sums)]
