"""The index of a FASTA: found, made where it is missing, and checked against the file.

samtools passes over empty records and over those whose name stood there before, and an index does not tell when its
FASTA was changed or cut short afterwards. So the text between the records is looked at: it must hold the header that
the index names, and nothing else.
"""

import hashlib
import os
import re
import struct
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

from crekit.errors import InputError

# The empty block that ends every bgzip file (SAM specification, section 4.1.2).
BGZIP_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
_GAP = 1 << 20  # Bytes: no header is as long.
_ONE_HEADER = re.compile(rb"\s*>[ \t]*(\S*)[^\n]*\n")
_ONLY_HEADERS = re.compile(rb"(\s*>[^\n]*(\n|\Z))+\s*")
_NAMES = re.compile(rb"^>[ \t]*(\S*)", re.MULTILINE)


class NotIndexable(InputError):
    """samtools cannot index the file, and does not say why."""


Read = Callable[[int, int], bytes]


class Record(NamedTuple):
    """A line of a .fai: a record, its bases, where they begin in the text, and bases and bytes of its lines."""

    name: str
    size: int
    offset: int
    line_bases: int
    line_bytes: int

    @property
    def last(self) -> int:
        """Where its last base stands in the text."""
        return self.offset + (self.size - 1) // self.line_bases * self.line_bytes + (self.size - 1) % self.line_bases


def find_index(path: Path) -> tuple[Path, Path | None]:
    """Paths of the .fai of a FASTA and, for bgzip, of the .gzi; made where they are missing.

    They are made beside the file, or where that cannot be written, in the user's cache folder.

    Parameters
    ----------
    path : Path

    Raises
    ------
    NotIndexable
        If samtools refuses the file.
    InputError
        If the file is plain gzip or truncated, or no index can be written.
    """
    if (kind := packing(path)) == "gzip":
        raise InputError(f"{path}: plain gzip, in which no place can be found; unpack it and pack it with bgzip")
    packed = kind == "bgzip"
    folders = [path.parent, _cache(path)]
    for folder in folders:
        fai, gzi = folder / f"{path.name}.fai", folder / f"{path.name}.gzi"
        if fai.is_file() and (not packed or gzi.is_file()):
            return fai, gzi if packed else None
    for folder in folders:
        try:
            return _make_index(path, folder, packed)
        except OSError:
            continue
    raise InputError(f"{path}: has no index, and none can be written; run samtools faidx {path}")


def read_index(path: Path, fai: Path, gzi: Path | None) -> dict[str, int]:
    """Sizes of the records, in the order of the file, after checking that the index is the file's.

    Parameters
    ----------
    path, fai, gzi : Path
        The FASTA; see `find_index`.

    Raises
    ------
    InputError
        If a record is empty or stands there twice, or file and index do not fit.
    """
    try:
        fields = [line.split("\t") for line in fai.read_text().splitlines()]
        records = [Record(name, *map(int, numbers)) for name, *numbers in fields]
    except (ValueError, TypeError) as error:
        raise InputError(f"{path}: its index {fai} cannot be read; remove it, and it is made again") from error
    for record in records:
        if record.size == 0:
            raise InputError(_empty(path, record.name))
    if not records or min(min(record[2:]) for record in records) < 1:
        raise InputError(f"{path}: its index {fai} is damaged; remove it, and it is made again")
    try:
        with _reader(path, gzi) as read:
            _check_gaps(path, fai, sorted(records, key=lambda record: record.offset), read)
    except (OSError, ValueError, EOFError, zlib.error, struct.error) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(_unfit(path, fai)) from error
    return {record.name: record.size for record in records}


def _check_gaps(path: Path, fai: Path, records: list[Record], read: Read) -> None:
    """Compare what stands before each record, and after the last, with the index."""
    before: set[bytes] = set()
    place = 0
    for record in records:
        name = record.name.encode()
        _check_gap(path, fai, read(place, min(record.offset - place, _GAP)), name, before)
        before.add(name)
        place = record.last + 1
        if not read(place - 1, 1).strip():
            raise InputError(_unfit(path, fai))
    _check_gap(path, fai, read(place, _GAP), None, before)


def _check_gap(path: Path, fai: Path, gap: bytes, name: bytes | None, before: set[bytes]) -> None:
    """Check the text up to the bases of record `name`; where that is None, the rest of the file."""
    if name is None and not gap.strip():
        return
    header = _ONE_HEADER.fullmatch(gap)
    if header and header[1] == name:
        return
    names = _NAMES.findall(gap)
    if names and names[0] in before:
        raise InputError(f"{path}, record {names[0].decode()}: stands there twice; rename or remove one")
    if names and (name is None or names[-1] == name) and _ONLY_HEADERS.fullmatch(gap):
        raise InputError(_empty(path, names[0].decode()))
    raise InputError(_unfit(path, fai))


@contextmanager
def _reader(path: Path, gzi: Path | None) -> Iterator[Read]:
    """A function that reads a place of the (uncompressed) text: offset, bytes -> text."""
    from Bio import bgzf

    with open(path, "rb") as raw:
        if gzi is None:
            yield lambda offset, number: os.pread(raw.fileno(), max(number, 0), offset)
            return
        pairs = np.fromfile(gzi, dtype="<u8")[1:].reshape(-1, 2).astype(np.int64)
        packed_at, text_at = np.concatenate([[[0, 0]], pairs]).T
        unpacked = bgzf.BgzfReader(fileobj=raw, mode="rb")

        def read(offset: int, number: int) -> bytes:
            block = int(np.searchsorted(text_at, offset, side="right")) - 1
            unpacked.seek(bgzf.make_virtual_offset(int(packed_at[block]), offset - int(text_at[block])))
            return bytes(unpacked.read(max(number, 0)))

        yield read


def packing(path: Path) -> str:
    """How a file is compressed: ``bgzip``, ``gzip``, or not at all (empty).

    Raises
    ------
    InputError
        If it is bgzip without its end.
    """
    with open(path, "rb") as handle:
        head = handle.read(18)
        if head[:2] != b"\x1f\x8b":
            return ""
        if len(head) < 18 or not head[3] & 4 or head[12:14] != b"BC":
            return "gzip"
        handle.seek(-min(len(BGZIP_END), path.stat().st_size), os.SEEK_END)
        if handle.read() != BGZIP_END:
            raise InputError(f"{path}: the bgzip file is truncated; copy or make it again")
    return "bgzip"


def _cache(path: Path) -> Path:
    """The folder for the index of a file that lies where nothing can be written: one for each state of the file."""
    status = path.stat()
    state = f"{os.path.realpath(path)}\t{status.st_size}\t{status.st_mtime_ns}"
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    if not os.access(base if os.path.isdir(base) else os.path.dirname(base), os.W_OK):
        base = os.path.join(tempfile.gettempdir(), f"crekit-{os.getuid()}")
    return Path(base) / "crekit" / "fasta" / hashlib.sha256(state.encode()).hexdigest()[:16]


def _make_index(path: Path, folder: Path, packed: bool) -> tuple[Path, Path | None]:
    """Index a FASTA into a folder, under temporary names first: another run may be doing the same.

    Raises
    ------
    OSError
        If nothing can be written there.
    """
    import pysam

    folder.mkdir(parents=True, exist_ok=True)
    fai, gzi = folder / f"{path.name}.fai", folder / f"{path.name}.gzi"
    unindexable = f"{path}: no FASTA that can be indexed: lines of a record differ in length; run seqkit seq or fold"
    with tempfile.TemporaryDirectory(dir=folder, prefix=".faidx.") as temporary:
        made_fai, made_gzi = Path(temporary) / "fai", Path(temporary) / "gzi"
        try:
            pysam.faidx("--fai-idx", str(made_fai), "--gzi-idx", str(made_gzi), str(path))
        except pysam.SamtoolsError as error:
            raise NotIndexable(unindexable) from error
        if not made_fai.is_file() or made_fai.stat().st_size == 0:
            raise NotIndexable(unindexable)
        if packed:
            os.replace(made_gzi, gzi)
        os.replace(made_fai, fai)
    return fai, gzi if packed else None


def _empty(path: Path, name: str) -> str:
    return f"{path}, record {name}: is empty; remove it, or copy the file again if it is truncated"


def _unfit(path: Path, fai: Path) -> str:
    return f"{path}: does not fit its index {fai}; copy the file again if it is truncated, else remove the index"
