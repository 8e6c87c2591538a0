"""Chromosomes: their sizes, their natural order, choosing some of them, and telling when two files do not agree."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from crekit.errors import InputError
from crekit.files import called, read_text

_MITOCHONDRION = {"chrM", "chrMT", "M", "MT"}
_LAST = {"X": 1, "Y": 2, "M": 3, "MT": 3}


def natural_key(name: str) -> tuple[int, int, str]:
    """Sort key that puts chr2 before chr10, then X, Y, M, then all other names by the alphabet."""
    bare = name[3:] if name.lower().startswith("chr") else name
    if bare.isdigit():
        return 0, int(bare), name
    return (1, _LAST[bare], name) if bare in _LAST else (2, 0, name)


def read_sizes(path: str | Path) -> dict[str, int]:
    """Chromosome sizes from two columns (name, bases) or a FASTA index.

    Returns
    -------
    sizes : dict of str to int
        In the order of the file.

    Raises
    ------
    InputError
        If a line has no positive size, a name stands there twice, or the file holds none.
    """
    sizes: dict[str, int] = {}
    source = called(path)
    for number, line in enumerate(read_text(path).splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = line.split()
        if len(fields) < 2 or not fields[1].isdecimal() or int(fields[1]) == 0:
            raise InputError(f"{source}, line {number}: not a name and a size in bases; give two columns or a .fai")
        if fields[0] in sizes:
            raise InputError(f"{source}, line {number}: {fields[0]} stands there twice; remove one")
        sizes[fields[0]] = int(fields[1])
    if not sizes:
        raise InputError(f"{source}: holds no chromosome sizes; give two columns (name, bases) or a .fai")
    return sizes


def select(expression: str, known: Iterable[str]) -> list[str]:
    """The chromosomes that an expression such as ``chr1,chr3-chr7,chrX`` names.

    Parameters
    ----------
    expression : str
        Names and ranges, separated by commas. A range takes all known chromosomes between its ends in natural order,
        both ends included.
    known : iterable of str
        The names that there are.

    Returns
    -------
    names : list of str
        Without repeats, in natural order.

    Raises
    ------
    InputError
        If a name is not known; the message lists the known ones.
    """
    ordered = sorted(set(known), key=natural_key)
    chosen: set[str] = set()
    for part in filter(None, (part.strip() for part in expression.split(","))):
        if part in ordered:
            chosen.add(part)
            continue
        first, last = _ends(part, ordered)
        if ordered.index(first) > ordered.index(last):
            raise InputError(f"chromosomes {part!r}: {first} comes after {last}; turn the range round")
        chosen.update(ordered[ordered.index(first) : ordered.index(last) + 1])
    if not chosen:
        raise InputError(f"no chromosome is named in {expression!r}; known are {abridged(ordered)}")
    return sorted(chosen, key=natural_key)


def _ends(part: str, ordered: Sequence[str]) -> tuple[str, str]:
    """Both ends of a range. Names may hold dashes themselves (HLA-A), so every dash is tried."""
    for dash in (match.start() for match in re.finditer("-", part)):
        first, last = part[:dash].strip(), part[dash + 1 :].strip()
        if first in ordered and last in ordered:
            return first, last
    raise InputError(f"chromosome {part!r} is not known; known are {abridged(ordered)}")


def abridged(names: Iterable[str], most: int = 30) -> str:
    """Names for a message: all of them, or the first `most` and how many more there are."""
    names = list(names)
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")


def require_known(
    names: Iterable[str], source: str, known: Iterable[str], known_source: str, *, strangers: bool = False
) -> None:
    """Check that every chromosome of one file is in another.

    Parameters
    ----------
    names, known : iterable of str
    source, known_source : str
        What to call the files in messages.
    strangers : bool
        Whether names that are in neither spelling in the other file are let through.

    Raises
    ------
    InputError
        Naming the first unknown chromosome, and, where only the spelling differs (chr1 against 1), how to mend it.
    """
    known = set(known)
    for name in names:
        if name in known:
            continue
        other = name[3:] if name.startswith("chr") else f"chr{name}"
        spellings = _MITOCHONDRION if name in _MITOCHONDRION else {other}
        for spelling in sorted(spellings & known):
            raise InputError(
                f"{source}: chromosome {name} is called {spelling} in {known_source}; "
                "rename the chromosomes of one of them"
            )
        if strangers:
            continue
        raise InputError(
            f"{source}: chromosome {name} is not in {known_source} ({abridged(sorted(known, key=natural_key), 5)}); "
            "remove those records or choose chromosomes"
        )
