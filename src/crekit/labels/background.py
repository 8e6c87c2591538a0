"""How many background regions, from which chromosomes, and which ones: a seeded draw without replacement."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from crekit.errors import InputError
from crekit.genome.chromosomes import natural_key, select
from crekit.genome.regions import Regions, concatenate

log = logging.getLogger("crekit")


@dataclass(frozen=True)
class Group:
    """So many background regions from these chromosomes together."""

    chroms: tuple[str, ...]
    number: int

    def __str__(self) -> str:
        return self.chroms[0] if len(self.chroms) == 1 else f"{self.chroms[0]}..{self.chroms[-1]}"


DEFAULT = 30000


def groups(number: int | None, expression: str | None, known: Sequence[str]) -> list[Group]:
    """The groups that two options ask for: a number in all, or an expression for `parse_groups`.

    Without both, `DEFAULT` regions in all.

    Raises
    ------
    InputError
        If both are given, the number is negative, or the expression is wrong.
    """
    if number is not None and expression is not None:
        raise InputError("--background and --background-per exclude each other; give one of them")
    if expression is not None:
        return parse_groups(expression, known)
    if number is not None and number < 0:
        raise InputError(f"--background {number}: give 0 or more")
    return [Group(tuple(known), DEFAULT if number is None else number)]


def parse_groups(expression: str, known: Iterable[str]) -> list[Group]:
    """Groups of chromosomes from ``chr1-chr7=10000,chr8,chr9=5000``: 10,000 from chr1-chr7, 5,000 from chr8 and chr9.

    A group is all that stands before its number, back to the number before.

    Parameters
    ----------
    expression : str
    known : iterable of str
        The chromosomes that there are.

    Returns
    -------
    groups : list of Group
        In natural order of their first chromosomes.

    Raises
    ------
    InputError
        If a number is missing or not whole, or a chromosome is unknown or in two groups.
    """
    found: list[Group] = []
    known = list(known)
    names: list[str] = []
    wrong = f"--background-per {expression!r}"
    remedy = "give CHROMS=NUMBER,CHROMS=NUMBER"
    for part in expression.split(","):
        name, equals, number = (field.strip() for field in part.partition("="))
        names.append(name)
        if not equals:
            continue
        if not number.isdigit():
            raise InputError(f"{wrong}: {number!r} is not a number; {remedy}")
        found.append(Group(tuple(select(",".join(names), known)), int(number)))
        names = []
    if names:
        raise InputError(f"{wrong}: no number after {names[-1]!r}; {remedy}")
    seen: set[str] = set()
    for group in found:
        if twice := sorted(seen.intersection(group.chroms), key=natural_key):
            raise InputError(f"{wrong}: {twice[0]} is in two groups; name it once")
        seen.update(group.chroms)
    return sorted(found, key=lambda group: natural_key(group.chroms[0]))


def sample(candidates: Regions, groups: Iterable[Group], seed: int) -> Regions:
    """Background regions, drawn without replacement; all candidates of a group that has too few of them.

    Parameters
    ----------
    candidates : Regions
        In an order that depends on nothing but the genome.
    groups : iterable of Group
    seed : int

    Returns
    -------
    background : Regions
        Sorted.
    """
    rng = np.random.default_rng(seed)
    drawn = []
    for group in groups:
        there = np.flatnonzero(np.isin(candidates.chrom.astype(str), group.chroms))
        if len(there) < group.number:
            log.warning(
                "warning: %s has %d background tiles where %d are asked for; all are taken",
                group,
                len(there),
                group.number,
            )
        chosen = rng.choice(there, size=min(group.number, len(there)), replace=False)
        drawn.append(candidates[np.sort(chosen)])
    return concatenate(drawn).sorted()
