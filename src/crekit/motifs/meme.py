"""MEME files of motifs (format 4, minimal): read with line numbers, written as the MEME suite prints them.

Probabilities have six decimals. What is read is not normalised again, so a file that was read and written is the same.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from crekit.errors import InputError
from crekit.files import called, output_text, read_text
from crekit.motifs.pwm import UNIFORM, Motif

_TOLERANCE = 0.02  # of a row's sum: files with three decimals or fewer exist
_SITES = 20  # what the format says where a file is silent


def write(path: str | Path, motifs: Sequence[Motif], *, background: Sequence[float] = UNIFORM) -> None:
    """Write motifs; ``-`` is standard output.

    Parameters
    ----------
    path : path
    motifs : sequence of Motif
        White space in names becomes ``_``, since the format splits at it. `notes` are not written.
    background : sequence of float
        Of A, C, G, T.
    """
    with output_text(path) as handle:
        handle.write("MEME version 4\n\nALPHABET= ACGT\n\nstrands: + -\n\nBackground letter frequencies\n")
        handle.write(" ".join(f"{base} {share:.6g}" for base, share in zip("ACGT", background, strict=True)) + "\n\n")
        for motif in motifs:
            name = " ".join(filter(None, (_word(motif.name), _word(motif.alternative))))
            evalue = "" if motif.evalue is None else f" E= {motif.evalue:.3g}"
            handle.write(f"MOTIF {name}\n")
            handle.write(
                f"letter-probability matrix: alength= 4 w= {motif.width} nsites= {max(motif.nsites, 1)}{evalue}\n"
            )
            for row in motif.matrix:
                handle.write(" ".join(f"{p:.6f}" for p in row) + "\n")
            handle.write("\n")


def _word(text: str) -> str:
    return re.sub(r"\s+", "_", text.strip())


def parse(text: str, source: str) -> list[Motif]:
    """Motifs of a text in MEME format.

    Parameters
    ----------
    text : str
    source : str
        What to call it in messages: the file.

    Raises
    ------
    InputError
        Naming the line that is wrong.
    """
    lines = iter(enumerate(text.splitlines(), start=1))
    motifs: list[Motif] = []
    name: list[str] = []
    named_at = 0
    for number, line in lines:
        words = line.split()
        if words[:1] == ["ALPHABET="] and words[1:] != ["ACGT"]:
            raise InputError(
                f"{source}, line {number}: the alphabet is {' '.join(words[1:])}; give motifs of DNA (ACGT)"
            )
        if words[:1] == ["MOTIF"]:
            if name:
                raise InputError(f"{source}, line {named_at}: motif {name[0]} has no letter-probability matrix")
            if len(words) < 2:
                raise InputError(f"{source}, line {number}: a motif without a name; write MOTIF NAME")
            name, named_at = words[1:], number
        elif line.startswith("letter-probability matrix"):
            if not name:
                raise InputError(f"{source}, line {number}: a matrix without a line MOTIF NAME before it")
            motifs.append(_matrix(name, line, number, lines, source))
            name = []
    if name:
        raise InputError(f"{source}, line {named_at}: motif {name[0]} has no letter-probability matrix")
    require_unique(motifs, source)
    return motifs


def _matrix(name: list[str], head: str, number: int, lines: Iterator[tuple[int, str]], source: str) -> Motif:
    """The motif whose matrix starts after the line `head`."""
    fields = dict(re.findall(r"(\w+)=\s*(\S+)", head))
    try:
        letters, width = int(fields.get("alength", 4)), int(fields.get("w", 0))
        nsites = round(float(fields.get("nsites", _SITES)))
        evalue = float(fields["E"]) if "E" in fields else None
    except ValueError as error:
        raise InputError(f"{source}, line {number}: {error}; write alength= 4 w= WIDTH nsites= N E= E") from error
    if letters != 4:
        raise InputError(f"{source}, line {number}: alength= {letters}; give motifs of DNA, of 4 letters")
    if width < 0:
        raise InputError(f"{source}, line {number}: w= {width}; give the number of rows below, or leave it out")
    rows: list[list[float]] = []
    while not width or len(rows) < width:
        at, line = next(lines, (number + len(rows) + 1, ""))
        if not line.strip() and not width and rows:
            break
        rows.append(row_of(line, f"{source}, line {at}"))
    return Motif(name[0], "_".join(name[1:]), np.array(rows), nsites, evalue)


def row_of(line: str, place: str) -> list[float]:
    """Four probabilities of a line.

    Raises
    ------
    InputError
        If they are not that.
    """
    try:
        row = [float(word) for word in line.split()]
    except ValueError:
        row = []
    if len(row) != 4 or not all(0 <= p <= 1 for p in row) or abs(sum(row) - 1) > _TOLERANCE:
        shown = line.strip()[:40] or "the end of the motif"
        if len(line.split()) == 1 and not set(line.strip().upper()) - set("ACGTN"):
            raise InputError(f"{place}: DNA, so this is a FASTA and no file of motifs; give motifs in MEME format")
        raise InputError(f"{place}: {shown!r} where four probabilities with the sum 1 should stand; mend the file")
    return row


def require_unique(motifs: Iterable[Motif], source: str) -> None:
    """Check that there are motifs, and no two of one name.

    Raises
    ------
    InputError
    """
    seen: set[str] = set()
    for motif in motifs:
        if motif.name in seen:
            raise InputError(f"{source}: two motifs are called {motif.name}; give each a name of its own")
        seen.add(motif.name)
    if not seen:
        raise InputError(f"{source}: no motifs in it; give a file of motifs in MEME format")


def read(path: str | Path) -> list[Motif]:
    """Motifs of a file in MEME format; plain, gzip, or ``-``.

    Raises
    ------
    InputError
        If it cannot be read, is no MEME file or has a mistake, with its line.
    """
    text = read_text(path)
    if not re.search(r"^MEME version", text, re.MULTILINE):
        raise InputError(f"{called(path)}: no line 'MEME version' in it, so no MEME file; convert it to MEME format")
    return parse(text, called(path))
