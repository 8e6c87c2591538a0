"""Spans that background must not touch: BED, or the exons of a GTF. Unsorted and overlapping ones are fine."""

import hashlib
import io
from collections.abc import Collection, Mapping
from pathlib import Path

from crekit.errors import InputError
from crekit.files import called, read_bytes
from crekit.genome.regions import Regions, make, parse_bed

_SKIPPED = (b"#", b"track", b"browser")
_EXON = b"\texon\t"


def read(
    path: str | Path, sizes: Mapping[str, int], sizes_source: str, chroms: Collection[str] | None = None
) -> tuple[Regions, str]:
    """Spans of a BED, or exons of a GTF or GFF3, told apart by content; plain or gzip, ``-`` is standard input.

    Parameters
    ----------
    path : path
    sizes : mapping of str to int
        Bases of each chromosome. Records on chromosomes that have no size are passed over, if it is not only the
        spelling that differs (chr1, 1).
    sizes_source : str
        What to call them in messages.
    chroms : collection of str, optional
        The chromosomes to look at; records on others are passed over unread.

    Returns
    -------
    spans : Regions
        0-based, half-open, without names.
    sha256 : str
        Checksum of the contents, after decompression.

    Raises
    ------
    InputError
        If the file cannot be read, a record is wrong or ends past its chromosome, or there is no record.
    """
    data, source = read_bytes(path), called(path)
    lines = _exons(data, source) if is_gtf(data) else _decoded(data, source)
    checksum = hashlib.sha256(data).hexdigest()
    if chroms is not None:
        kept = _only(lines, chroms)
        if lines.strip() and not kept.strip():
            return make([], [], [], []), checksum
        lines = kept
    spans = parse_bed(
        lines, source, name="", sizes=sizes, sizes_source=sizes_source, strangers=True, unique=False, named=False
    )
    return spans.on(sizes), checksum


def is_gtf(data: bytes) -> bool:
    """Whether the first record looks like GTF or GFF3: nine columns, coordinates in the fourth and fifth."""
    for line in io.BytesIO(data):
        if line.strip() and not line.startswith(_SKIPPED):
            fields = line.split(b"\t")
            return len(fields) == 9 and fields[3].isdigit() and fields[4].isdigit()
    return False


def _exons(data: bytes, source: str) -> str:
    """The exons as BED lines that keep their line numbers. GTF is 1-based and closed.

    Raises
    ------
    InputError
        If an exon has no coordinates, or there is no exon.
    """
    found = []
    for number, line in enumerate(io.BytesIO(data), 1):
        if _EXON not in line or line.startswith(b"#"):
            continue
        fields = line.split(b"\t", 5)
        if fields[2] != b"exon":
            continue
        if len(fields) < 6 or not fields[3].isdigit() or not fields[4].isdigit():
            raise InputError(f"{source}, line {number}: an exon without coordinates; copy the file again, or mend it")
        found.append((number, f"{_decoded(fields[0], source)}\t{int(fields[3]) - 1}\t{int(fields[4])}"))
    if not found:
        raise InputError(f"{source}: holds no 'exon' features; give a GTF with exons, or a BED")
    text: list[str] = [""] * found[-1][0]
    for number, span in found:
        text[number - 1] = span
    return "\n".join(text)


def _decoded(data: bytes, source: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise InputError(f"{source}: not a text file; give a BED or a GTF, plain or gzip") from error


def _only(text: str, chroms: Collection[str]) -> str:
    """The text with the records of other chromosomes blanked, so that lines keep their numbers."""
    return "\n".join(line if _wanted(line, chroms) else "" for line in text.splitlines())


def _wanted(line: str, chroms: Collection[str]) -> bool:
    # A line that is no record is kept for the parser, which says what is wrong with it.
    chrom, tab, _ = line.partition("\t")
    return not line.startswith(("#", "track", "browser")) and (not tab or chrom in chroms)
