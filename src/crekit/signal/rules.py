"""What is counted: which reads, as what, and how much of one must lie in a bin."""

from dataclasses import asdict, dataclass, field
from typing import Any

from crekit.errors import InputError

KEEP, DROP = "keep", "drop"
READS, FRAGMENTS, FIVE_PRIME = "reads", "fragments", "five-prime"

UNMAPPED, REVERSE, SECONDARY, DUPLICATE, SUPPLEMENTARY = 0x4, 0x10, 0x100, 0x400, 0x800
PROPER_PAIR = 0x2


@dataclass(frozen=True)
class Filters:
    """Which reads are taken. The defaults are those of featureCounts.

    featureCounts 2.0.3 without options takes every mapped read: secondary and supplementary alignments, duplicates and
    reads that failed the sequencer's checks too. It leaves out reads whose NH tag is above 1.

    Parameters
    ----------
    min_mapq : int
        Reads of lower mapping quality are left out.
    duplicates, secondary : str
        ``keep`` or ``drop`` reads with that flag.
    multimappers : str
        ``drop`` leaves out reads with an NH tag above 1; reads without the tag stay.
    """

    min_mapq: int = 0
    duplicates: str = KEEP
    secondary: str = KEEP
    multimappers: str = DROP

    def __post_init__(self) -> None:
        if not 0 <= self.min_mapq <= 255:
            raise InputError(f"--min-mapq {self.min_mapq}: mapping qualities go from 0 to 255")
        for name in ("duplicates", "secondary", "multimappers"):
            if getattr(self, name) not in (KEEP, DROP):
                raise InputError(f"--{name} {getattr(self, name)}: give keep or drop")

    @property
    def dropped_flags(self) -> int:
        """Bits of the SAM flag that exclude a read."""
        return UNMAPPED | DUPLICATE * (self.duplicates == DROP) | SECONDARY * (self.secondary == DROP)

    @property
    def unique(self) -> bool:
        """Whether reads with an NH tag above 1 are left out."""
        return self.multimappers == DROP


@dataclass(frozen=True)
class Rule:
    """How reads become counts of bins.

    Parameters
    ----------
    bin_size : int
        Width of a bin, in bases.
    count : str
        ``reads``: each read, in every bin that holds at least `min_overlap` of its length as aligned bases.
        ``fragments``: each proper pair once, as the span of its template. ``five-prime``: each read once, in the bin of
        its first base.
    min_overlap : float
        Share of the read's length, as it was sequenced. Of fragments and extended reads, share of the shorter of the
        span and the bin: a span that is longer than two bins would else count nowhere.
    shift : tuple of two int
        With ``five-prime``: by how many bases the position is moved downstream, for the forward and the reverse
        strand. Reads moved off the chromosome are not counted.
    extend : int
        With ``reads``: the read becomes the span of so many bases from its 5' end on, clipped to the chromosome. 0
        leaves reads as they are.
    filters : Filters
    """

    bin_size: int = 100
    count: str = READS
    min_overlap: float = 0.5
    shift: tuple[int, int] = (0, 0)
    extend: int = 0
    filters: Filters = field(default_factory=Filters)

    def __post_init__(self) -> None:
        if self.bin_size < 1:
            raise InputError(f"--bin-size {self.bin_size}: a bin needs at least 1 base")
        if self.count not in (READS, FRAGMENTS, FIVE_PRIME):
            raise InputError(f"--count {self.count}: give reads, fragments or five-prime")
        if not 0 <= self.min_overlap <= 1:
            raise InputError(f"--min-overlap {self.min_overlap}: a share lies between 0 and 1")
        if self.extend < 0:
            raise InputError(f"--extend {self.extend}: give 0 or more bases")
        if self.extend and self.count != READS:
            raise InputError(f"--extend works on reads, not with --count {self.count}; leave one of them out")
        if any(self.shift) and self.count != FIVE_PRIME:
            raise InputError(f"--shift moves 5' ends, not {self.count}; add --count five-prime")

    def options(self) -> dict[str, Any]:
        """The rule by the long names of the options, for records."""
        options = asdict(self)
        options.update(options.pop("filters"), shift=list(self.shift))
        return {name.replace("_", "-"): value for name, value in options.items()}


def parse_shift(text: str) -> tuple[int, int]:
    """``75``, or ``4,5`` for two strands, as (forward, reverse).

    Raises
    ------
    InputError
        If it is neither.
    """
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in (1, 2):
        raise InputError(f"--shift {text}: give one number of bases, or two as in 4,5 (forward and reverse strand)")
    return numbers[0], numbers[-1]
