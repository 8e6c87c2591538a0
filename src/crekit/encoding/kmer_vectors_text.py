"""Texts of k-mer vectors: word2vec's format, and the pair of an index and its numbers as Enhancer-MDLF ships it."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from crekit.errors import InputError
from crekit.files import read_text, require

_DIGIT = {"A": 0, "C": 1, "G": 2, "T": 3}
_SENTENCE_END = "</s>"  # a word that the word2vec program adds to every vocabulary


def kmer_number(kmer: str) -> int:
    """The number of a k-mer in capitals: two bits a base, the first base highest.

    Raises
    ------
    KeyError
        If a letter is none of A, C, G and T.
    """
    number = 0
    for letter in kmer:
        number = number << 2 | _DIGIT[letter]
    return number


def kmer_text(number: int, k: int) -> str:
    """The k-mer of a number."""
    return "".join("ACGT"[number >> 2 * place & 3] for place in reversed(range(k)))


def no_such_k(path: str | Path, k: int, held: Sequence[int]) -> str:
    """The message for a k that a file does not hold."""
    return f"{path}: holds no {k}-mers, but k = {', '.join(map(str, held))}; choose one of these with --k"


def read(path: Path, k: int) -> np.ndarray:
    """Vectors of all k-mers of length `k`, shape (4^k, dimension), float32; see `crekit.encoding.kmer_vectors.read`."""
    lines = read_text(path).splitlines()
    words = next((line.split() for line in reversed(lines) if line.strip()), None)
    if words is None:
        raise InputError(f"{path}: the file is empty; give vectors of k-mers")
    index = _index_of(path)
    if index is not None and _is_number(words[0]):
        return _pair(path, lines, index, k)
    return _word2vec(path, lines, k)


def _index_of(path: Path) -> Path | None:
    """The file of k-mers that belongs to one of numbers, if the name says that it is one."""
    stem, found, end = path.name.rpartition("_vec.txt")
    return path.with_name(f"{stem}_index.txt{end}") if found and end in ("", ".gz") else None


def _pair(path: Path, lines: list[str], index: Path, k: int) -> np.ndarray:
    if not index.exists():
        raise InputError(f"{path}: the k-mers of these numbers should stand in {index.name} beside it; put it there")
    words = read_text(require(index)).split()
    rows = [(number, line.split()) for number, line in enumerate(lines, start=1) if line.strip()]
    if len(words) != len(rows):
        raise InputError(
            f"{path}: {len(rows)} lines of numbers, but {index.name} has {len(words)} k-mers; copy both files again"
        )
    return _vectors(path, [(number, word, row) for word, (number, row) in zip(words, rows, strict=True)], k)


def _word2vec(path: Path, lines: list[str], k: int) -> np.ndarray:
    first = lines[0].split()
    counts = [int(word) for word in first if word.isdecimal()] if len(first) == 2 else []
    start = 1 if len(counts) == 2 else 0
    rows = []
    for number, line in enumerate(lines[start:], start=start + 1):
        word, *row = line.split() or [_SENTENCE_END]
        if word != _SENTENCE_END:
            rows.append((number, word, row))
    known = sum(map(bool, map(str.strip, lines))) - start
    if start and known < counts[0]:
        raise InputError(f"{path}: {known} vectors, but line 1 says {counts[0]}: truncated; copy the file again")
    return _vectors(path, rows, k, counts[1] if start else None)


def _vectors(
    path: Path, rows: Sequence[tuple[int, str, list[str]]], k: int, dimension: int | None = None
) -> np.ndarray:
    """The vectors of the k-mers among rows of line number, k-mer and numbers."""
    place: dict[int, int] = {}
    held = set()
    chosen: list[tuple[int, list[str]]] = []
    for line, word, row in rows:
        held.add(len(word))
        try:
            number = kmer_number(word.upper())
        except KeyError:
            raise InputError(_not_a_kmer(path, line, word)) from None
        if len(word) != k:
            continue
        dimension = dimension or len(row)
        if len(row) != dimension or not dimension:
            raise InputError(
                f"{path}, line {line}: {word} has {len(row)} numbers where {dimension or 'some'} are expected; "
                "mend the line, or copy the file again if it is truncated"
            )
        if number in place:
            raise InputError(f"{path}, line {line}: {word} stands there twice; remove one")
        place[number] = len(chosen)
        chosen.append((line, row))
    if not chosen:
        raise InputError(no_such_k(path, k, sorted(held)))
    if len(chosen) < 4**k:
        missing = next(number for number in range(4**k) if number not in place)
        raise InputError(
            f"{path}: lacks the vector of {kmer_text(missing, k)} ({4**k - len(chosen)} of {4**k} {k}-mers are "
            "missing); give vectors of all k-mers, or another --k"
        )
    return _numbers(path, chosen)[[place[number] for number in range(4**k)]]


def _numbers(path: Path, rows: Sequence[tuple[int, list[str]]]) -> np.ndarray:
    """Rows of words as float32, shape (n, dimension)."""
    try:
        with np.errstate(over="ignore"):
            values = np.array([row for _, row in rows], dtype=np.float64).astype(np.float32)
    except ValueError:
        values = None
    if values is not None and np.isfinite(values).all():
        return values
    line, word = next((line, word) for line, row in rows for word in row if not _is_number(word))
    raise InputError(f"{path}, line {line}: {word!r} is no finite number; mend it")


def _is_number(word: str) -> bool:
    try:
        return math.isfinite(float(word)) and abs(float(word)) <= float(np.finfo(np.float32).max)
    except ValueError:
        return False


def _not_a_kmer(path: Path, line: int, word: str) -> str:
    if _is_number(word):
        return (
            f"{path}, line {line}: numbers without a k-mer; begin the line with it, or name the file NAME_vec.txt and "
            "write the k-mers into NAME_index.txt beside it"
        )
    return (
        f"{path}, line {line}: {word[:20]!r} is no k-mer of A, C, G and T; give vectors of train-embedding or dna2vec "
        "(a k-mer and its numbers a line)"
    )
