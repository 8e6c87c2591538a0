"""What background is to be like: the rules of a draw."""

from dataclasses import dataclass

from crekit.errors import InputError

LENGTH, GC, REPEATS = "length", "gc", "repeats"
MATCHES = (LENGTH, GC, REPEATS)
NONE = "none"


@dataclass(frozen=True)
class Rules:
    """How background is drawn.

    Parameters
    ----------
    match : tuple of str
        What is matched, of `MATCHES`.
    ratio : float
        Regions for each positive.
    length : int
        Bases of a region, where length is not matched.
    exclude_distance : int
        Bases to keep from positives and excluded spans.
    same_chromosome : bool
        Whether a region lies on its partner's chromosome.
    """

    match: tuple[str, ...] = (LENGTH, GC)
    ratio: float = 1.0
    length: int = 300
    exclude_distance: int = 0
    same_chromosome: bool = True

    def __post_init__(self) -> None:
        if not 0 < self.ratio < float("inf"):
            raise InputError(f"--ratio {self.ratio:g}: give a number above 0")
        if self.length < 1 or self.exclude_distance < 0:
            raise InputError("--length and --exclude-distance: give 1 or more bases, and 0 or more")


def parse_match(expression: str) -> tuple[str, ...]:
    """What ``length,gc,repeats`` or ``none`` asks for, in the order of `MATCHES`.

    Raises
    ------
    InputError
        If a word is none of them, or ``none`` stands beside others.
    """
    words = [word.strip() for word in expression.split(",")]
    if words == [NONE]:
        return ()
    if unknown := [word for word in words if word not in MATCHES]:
        raise InputError(
            f"--match {expression!r}: {unknown[0]!r} is none of {', '.join(MATCHES)}; or give {NONE} alone"
        )
    return tuple(word for word in MATCHES if word in words)
