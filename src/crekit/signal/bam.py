"""BAM files without htslib: the header, and where each chromosome's reads begin by a BAI or CSI index."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from crekit.errors import InputError
from crekit.signal import bgzf

MAGIC = b"BAM\1"
INDEX_SUFFIXES = (".bai", ".csi")


@dataclass(frozen=True)
class Header:
    """What stands before the reads.

    Parameters
    ----------
    sizes : dict of str to int
        Chromosomes in the order of the file, with their sizes in bases.
    order : str
        How the file says that it is sorted: ``coordinate``, ``queryname``, ``unsorted`` or ``unknown``.
    length : int
        Bytes of the header, inflated.
    """

    sizes: dict[str, int]
    order: str
    length: int


@dataclass(frozen=True)
class Place:
    """Where the reads of a chromosome are.

    Parameters
    ----------
    offset : int
        Virtual offset of the first.
    records : int or None
        How many records there are, mapped or not; None where the index does not say.
    mapped : int or None
        How many of them are mapped.
    """

    offset: int
    records: int | None
    mapped: int | None


def read_header(path: str | Path) -> Header:
    """Header of a BAM file.

    Raises
    ------
    InputError
        If the file is no BAM file, truncated or damaged.
    """
    data = b""
    with open(path, "rb") as handle:
        for piece in bgzf.inflate(handle, path, size=1 << 16):
            data += piece
            header = parse_header(data, path)
            if header is not None:
                return header
    raise bgzf.truncated(path)


def parse_header(data: bytes, path: str | Path) -> Header | None:
    """Header at the start of inflated bytes; None when they do not hold all of it yet.

    Raises
    ------
    InputError
        If the bytes are not those of a BAM file.
    """
    if len(data) < 8:
        return None
    if data[:4] != MAGIC:
        raise InputError(f"{path}: compressed as BAM files are, but not BAM; give BAM, CRAM, bigWig or tracks")
    at = 8 + struct.unpack_from("<i", data, 4)[0]
    if len(data) < at + 4:
        return None
    text = data[8:at].decode(errors="replace")
    (count,) = struct.unpack_from("<i", data, at)
    at += 4
    sizes: dict[str, int] = {}
    for _ in range(count):
        if len(data) < at + 4:
            return None
        end = at + 4 + struct.unpack_from("<i", data, at)[0]
        if len(data) < end + 4:
            return None
        sizes[data[at + 4 : end - 1].decode(errors="replace")] = struct.unpack_from("<i", data, end)[0]
        at = end + 4
    return Header(sizes, sort_order(text), at)


def sort_order(text: str) -> str:
    """Sort order that the text of a SAM header states."""
    first = text.split("\n", 1)[0].split("\t")
    if first[0] == "@HD":
        return next((field[3:] for field in first if field.startswith("SO:")), "unknown")
    return "unknown"


def find_index(path: str | Path) -> Path | None:
    """The BAI or CSI index beside a BAM file, if there is one: ``x.bam.bai``, ``x.bai``, and the same with csi."""
    path = Path(path)
    beside = [path.with_name(path.name + suffix) for suffix in INDEX_SUFFIXES]
    instead = [path.with_suffix(suffix) for suffix in INDEX_SUFFIXES]
    return next((index for index in (*beside, *instead) if index.is_file()), None)


def read_index(index: str | Path) -> dict[int, Place]:
    """Where each chromosome's reads begin, by the number of the chromosome in the header.

    Chromosomes without reads are left out.

    Raises
    ------
    InputError
        If the file is neither a BAI nor a CSI index, or is damaged.
    """
    try:
        with open(index, "rb") as handle:
            data = b"".join(bgzf.inflate(handle, index)) if handle.peek(4)[:4] == bgzf.MAGIC else handle.read()
        if data[:4] == b"BAI\1":
            return dict(_references(data, 4, 37450, None))
        if data[:4] == b"CSI\1":
            _, depth, aux = struct.unpack_from("<iii", data, 4)
            return dict(_references(data, 16 + aux, ((1 << 3 * (depth + 1)) - 1) // 7 + 1, depth))
    except (struct.error, UnicodeDecodeError):
        pass
    raise InputError(f"{index}: not a BAI or CSI index, or damaged; run samtools index again")


def _references(data: bytes, at: int, counts_bin: int, csi_depth: int | None) -> Iterator[tuple[int, Place]]:
    """Chromosome numbers and places. The bin numbered `counts_bin` holds numbers of reads instead of places."""
    entry = "<Ii" if csi_depth is None else "<IQi"
    width = struct.calcsize(entry)
    (references,) = struct.unpack_from("<i", data, at)
    at += 4
    for reference in range(references):
        (bins,) = struct.unpack_from("<i", data, at)
        at += 4
        first, mapped, records = 1 << 64, None, None
        for _ in range(bins):
            number, *_, chunks = struct.unpack_from(entry, data, at)
            at += width
            if number == counts_bin:
                mapped, unmapped = struct.unpack_from("<QQ", data, at + 16)
                records = mapped + unmapped
            elif chunks:
                first = min(first, *struct.unpack_from(f"<{2 * chunks}Q", data, at)[::2])
            at += 16 * chunks
        if csi_depth is None:
            at += 4 + 8 * struct.unpack_from("<i", data, at)[0]
        if first < 1 << 64:
            yield reference, Place(first, records, mapped)
