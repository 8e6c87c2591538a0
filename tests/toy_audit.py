"""Small samples for the audit's checks."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from crekit.audit.sample import Sample
from crekit.genome.fasta import complement_codes, encode, read_records
from crekit.genome.regions import Regions


def sample(
    sequences: Sequence[str | np.ndarray],
    classes: str | Sequence[str],
    part: Sequence[int] | np.ndarray | None = None,
    fold: Sequence[int] | np.ndarray | None = None,
    regions: Regions | None = None,
) -> Sample:
    """A sample of texts or codes, called s0, s1, ...; a class is a letter of a text or an item of a list."""
    codes = [encode(one) if isinstance(one, str) else one for one in sequences]
    return Sample(
        np.array([f"s{i}" for i in range(len(codes))], dtype=object),
        codes,
        np.array(list(classes), dtype=object),
        np.zeros(len(codes), dtype=np.int8) if part is None else np.array(part, dtype=np.int8),
        None if fold is None else np.array(fold, dtype=np.int64),
        regions,
    )


def published(path: Path, classes: Sequence[str] | None = None) -> Sample:
    """A published training set; without classes, the first half is the positive one."""
    codes = [codes for _, codes in read_records(path)]
    half = len(codes) // 2
    return sample(codes, classes if classes is not None else ["positive"] * half + ["negative"] * half)


def random_codes(rng: np.random.Generator, n: int, length: int) -> list[np.ndarray]:
    return list(rng.integers(0, 4, (n, length)).astype(np.uint8))


def changed(codes: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """The reverse complement with n of its bases made others."""
    found = complement_codes(codes)
    at = rng.choice(len(codes), n, replace=False)
    found[at] = (found[at] + 1) % 4
    return found


def words(codes: np.ndarray, k: int) -> set[str]:
    """The different k-mers of both strands, the smaller of each two, in plain Python."""
    text = "".join("ACGTN"[code] for code in codes)
    turned = text[::-1].translate(str.maketrans("ACGT", "TGCA"))
    each = ((text[i : i + k], turned[len(text) - k - i : len(text) - i]) for i in range(len(text) - k + 1))
    return {min(pair) for pair in each if "N" not in pair[0]}
