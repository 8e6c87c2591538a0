"""Files of motifs that have a line ``>NAME`` and then a line of four numbers (A, C, G, T) for each position.

HOMER writes probabilities so (``>CONSENSUS NAME THRESHOLD``); HOCOMOCO its counts (PCM) and natural log odds against a
uniform background (PWM). The numbers of the first position tell which it is, as no row can be two of them.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crekit.errors import InputError
from crekit.motifs import meme
from crekit.motifs.pwm import Motif

PROBABILITIES, LOG_ODDS, COUNTS = "probabilities", "log odds", "counts"

_TOLERANCE = 0.02  # of a row's sum, as in MEME files
_SITES = 20  # of kinds that do not tell


@dataclass(frozen=True)
class Rows:
    """One motif of such a file.

    Parameters
    ----------
    words : list of str
        Of its header, without ``>``.
    line : int
        Number of the header's line.
    rows : list of (int, str)
        Number and text of each line of numbers.
    """

    words: list[str]
    line: int
    rows: list[tuple[int, str]]


def split(text: str) -> list[Rows]:
    """The headers of a text and the lines below each; empty lines are left out."""
    blocks: list[Rows] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith(">"):
            blocks.append(Rows(line[1:].split(), number, []))
        elif line.strip() and blocks:
            blocks[-1].rows.append((number, line))
    return blocks


def kind_of(blocks: list[Rows], source: str) -> str:
    """What the numbers of a file are.

    Raises
    ------
    InputError
        If its first row is of no kind.
    """
    for block in blocks:
        if not block.rows:
            name = (block.words[1:2] or block.words or ["without a name"])[0]
            raise InputError(f"{source}, line {block.line}: motif {name} has no positions; mend the file")
    number, line = next((row for block in blocks for row in block.rows), (1, ""))
    place = f"{source}, line {number}"
    row = _numbers(line, place)
    if _is_log_odds(row):
        return LOG_ODDS
    if min(row) >= 0 and max(row) > 1:
        return COUNTS
    meme.row_of(line, place)
    return PROBABILITIES


def parse(text: str, source: str) -> list[Motif]:
    """Motifs of a text of rows; log odds become the probabilities exp(x) / 4.

    Raises
    ------
    InputError
        Naming the line that is wrong.
    """
    blocks = split(text)
    kind = kind_of(blocks, source)
    motifs = []
    for block in blocks:
        name, table = named(block, kind, source), numbers(block, kind, source)
        sums = table.sum(axis=1, keepdims=True)
        if kind == LOG_ODDS:
            motifs.append(Motif(name, "", np.exp(table) / 4, _SITES))
        elif kind == COUNTS:
            motifs.append(Motif(name, "", table / sums, round(float(sums.max()))))
        else:
            motifs.append(Motif(name, "", table, _SITES))
    meme.require_unique(motifs, source)
    for block, motif in zip(blocks, motifs, strict=True):
        if kind == LOG_ODDS and (motif.matrix == 1 / 4).all():
            raise InputError(f"{source}, line {block.line}: motif {motif.name} has only zeros, so remove it")
    return motifs


def named(block: Rows, kind: str, source: str) -> str:
    """The name in a header: HOMER's second word, else the first.

    Raises
    ------
    InputError
        If it has none.
    """
    if not block.words:
        raise InputError(f"{source}, line {block.line}: a motif without a name; write >NAME")
    return block.words[1 if kind == PROBABILITIES and len(block.words) > 1 else 0]


def numbers(block: Rows, kind: str, source: str) -> NDArray[np.float64]:
    """The rows of a motif as they stand, shape (w, 4).

    Raises
    ------
    InputError
        If there are none, or one is not of the file's kind.
    """
    if not block.rows:
        name = named(block, kind, source)
        raise InputError(f"{source}, line {block.line}: motif {name} has no positions; mend the file")
    return np.array([_row(line, kind, f"{source}, line {number}") for number, line in block.rows])


def _row(line: str, kind: str, place: str) -> list[float]:
    """Four numbers of that kind."""
    if kind == PROBABILITIES:
        return meme.row_of(line, place)
    row = _numbers(line, place, kind)
    if kind == LOG_ODDS and not _is_log_odds(row):
        raise InputError(
            f"{place}: {line.strip()[:40]!r} where four natural log odds should stand (their exp sum to 4)"
            "; mend the file, or copy it again if it was cut"
        )
    if kind == COUNTS and (min(row) < 0 or sum(row) <= 0):
        raise InputError(f"{place}: {line.strip()[:40]!r} where four counts should stand, not all 0; mend the file")
    return row


def _numbers(line: str, place: str, kind: str = PROBABILITIES) -> list[float]:
    """Four finite numbers of a line; what is none is reported as what the file should hold."""
    try:
        row = [float(word) for word in line.split()]
    except ValueError:
        row = []
    if len(row) != 4 or not all(map(math.isfinite, row)):
        if kind == PROBABILITIES:
            meme.row_of(line, place)
        shown = line.strip()[:40]
        raise InputError(f"{place}: {shown!r} where four {kind} should stand; mend the file, or copy it again if cut")
    return row


def _is_log_odds(row: list[float]) -> bool:
    # No row of probabilities comes near: their exp sum to 4 exp(1/4) = 5.1 or more.
    return max(row) < 2 and abs(sum(map(math.exp, row)) / 4 - 1) <= _TOLERANCE
