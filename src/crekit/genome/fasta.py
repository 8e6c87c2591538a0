"""DNA from FASTA: chromosomes of an indexed genome, and records of a file or a stream, as small numbers.

A base is a code: A 0, C 1, G 2, T 3, anything else that FASTA allows (N, the ambiguous letters of IUPAC, gaps) 4. Lower
case, which marks repeats, is the same base. Coordinates are 0-based and half-open.
"""

import gzip
import hashlib
import io
import itertools
import sys
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from crekit.errors import InputError
from crekit.files import STDIO, called, require
from crekit.genome.chromosomes import natural_key
from crekit.genome.faidx import NotIndexable, find_index, packing, read_index

N = 4
"""The code of a base that is not known."""

_RNA, _STRANGE = 254, 255


def _table() -> bytes:
    table = bytearray([_STRANGE] * 256)
    for letters, code in (("A", 0), ("C", 1), ("G", 2), ("T", 3), ("NRYSWKMBDHVX-.*", N), ("U", _RNA)):
        for letter in letters:
            table[ord(letter)] = table[ord(letter.lower())] = code
    return bytes(table)


_CODES = _table()
_COMPLEMENT = np.array([3, 2, 1, 0, N], dtype=np.uint8)


def encode(letters: str | bytes | np.ndarray, source: str = "the sequence") -> np.ndarray:
    """Codes of a DNA text.

    Parameters
    ----------
    letters : str, bytes or np.ndarray of uint8
    source : str
        What to call it in messages: the file and the record.

    Returns
    -------
    codes : np.ndarray, shape (n,), uint8

    Raises
    ------
    InputError
        If a letter is none of DNA; U is named as RNA.
    """
    if isinstance(letters, str):
        letters = letters.encode("utf-8", "replace")
    raw = bytearray(letters)
    # Five times as fast as to index a table, and without eight bytes a base.
    codes = np.frombuffer(raw.translate(_CODES), dtype=np.uint8)
    if codes.max(initial=0) > N:
        wrong = int(np.argmax(codes > N))
        letter = chr(raw[wrong])
        if codes[wrong] == _RNA:
            raise InputError(f"{source}: base {wrong + 1} is {letter}, so this is RNA; give DNA, with T for U")
        raise InputError(f"{source}: {letter!r} at base {wrong + 1} is no letter of DNA; give a DNA FASTA")
    return codes


def complement_codes(codes: np.ndarray) -> np.ndarray:
    """The reverse complement along the last axis; what is not known stays so.

    Parameters
    ----------
    codes : np.ndarray, shape (..., n), uint8
    """
    return _COMPLEMENT[codes[..., ::-1]]


def genome_sha256(digests: Mapping[str, str]) -> str:
    """Checksum of chromosomes from the checksum of each one's codes, whatever their order."""
    lines = (f"{name}\t{digests[name]}\n" for name in sorted(digests, key=natural_key))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


class Genome:
    """An indexed FASTA (plain or bgzip). A context manager.

    A missing index is made beside the file, or where that cannot be written, in the user's cache folder.

    Parameters
    ----------
    path : path

    Attributes
    ----------
    path : Path
    sizes : dict of str to int
        Chromosome -> bases, in the order of the file.

    Raises
    ------
    InputError
        If the file is missing, empty, truncated, no FASTA, or compressed with plain gzip; if a record is empty or
        stands there twice; if file and index do not fit.
    """

    def __init__(self, path: str | Path) -> None:
        import pysam

        self.path = require(path)
        pysam.set_verbosity(0)
        fai, gzi = self._index()
        self.sizes = read_index(self.path, fai, gzi)
        try:
            self._fasta = pysam.FastaFile(
                str(self.path), filepath_index=str(fai), filepath_index_compressed=str(gzi) if gzi else None
            )
        except (OSError, ValueError) as error:
            raise InputError(f"{self.path}: its index {fai} cannot be used; remove it, and it is made again") from error
        self._digests: dict[str, str] = {}

    def _index(self) -> tuple[Path, Path | None]:
        try:
            return find_index(self.path)
        except NotIndexable:
            for _ in read_records(self.path):  # names the record that is wrong, where it can
                pass
            raise

    def __enter__(self) -> "Genome":
        return self

    def __exit__(self, *_: object) -> None:
        self._fasta.close()

    def letters(self, chrom: str) -> np.ndarray:
        """A whole chromosome as it stands in the file, soft masking included, shape (size,), uint8 (ASCII).

        Raises
        ------
        InputError
            If there is no such chromosome, or the file is damaged.
        """
        return np.frombuffer(self._read(chrom, 0, self.sizes.get(chrom, 0)), dtype=np.uint8)

    def codes(self, chrom: str) -> np.ndarray:
        """A whole chromosome, shape (size,), uint8. Errors are those of `letters` and `encode`."""
        codes = encode(self._read(chrom, 0, self.sizes.get(chrom, 0)), f"{self.path}, record {chrom}")
        if chrom not in self._digests:
            self._digests[chrom] = hashlib.sha256(codes.data).hexdigest()
        return codes

    def fetch(self, chrom: str, start: int, end: int) -> np.ndarray:
        """A span of a chromosome, shape (end - start,), uint8.

        Raises
        ------
        InputError
            If the span does not lie within a chromosome of the file.
        """
        if not 0 <= start <= end <= self.sizes.get(chrom, -1):
            raise InputError(f"{self.path}: has no {chrom}:{start}-{end}; use the same genome build for all files")
        return encode(self._read(chrom, start, end), f"{self.path}, record {chrom}")

    def sha256(self) -> str:
        """Checksum of the chromosomes that were read whole: the same for lower case, line lengths and compression."""
        return genome_sha256(self._digests)

    def _read(self, chrom: str, start: int, end: int) -> bytes:
        if chrom not in self.sizes:
            raise InputError(f"{self.path}: has no chromosome {chrom}; use the same genome build for all files")
        try:
            text: str = self._fasta.fetch(chrom, start, end)
        except (OSError, ValueError) as error:
            raise InputError(f"{self.path}, record {chrom}: cannot be read; copy or make the file again") from error
        if len(text) != end - start:
            raise InputError(f"{self.path}, record {chrom}: truncated or damaged; copy or make the file again")
        return text.encode("latin-1", "replace")


def read_records(path: str | Path) -> Iterator[tuple[str, np.ndarray]]:
    """Records of a FASTA (plain, gzip, bgzip; ``-`` is standard input), one at a time.

    Yields
    ------
    name : str
        The header up to the first space.
    codes : np.ndarray, shape (n,), uint8

    Raises
    ------
    InputError
        If the file is missing, empty, truncated or no FASTA; if a record has no name, no base, or a letter that is
        none of DNA; if two records have one name.
    """
    from Bio.SeqIO.FastaIO import SimpleFastaParser

    seen: set[str] = set()
    source = called(path)
    with _text(path) as handle:
        try:
            first = handle.readline()
            while first and not first.strip():
                first = handle.readline()
            if not first:
                raise InputError(f"{source}: holds no record; give a FASTA file")
            if not first.startswith(">"):
                raise InputError(f"{source}: does not begin with '>', so it is no FASTA; give a FASTA file")
            for header, text in SimpleFastaParser(_Pushed(first, handle)):
                name = header.split(maxsplit=1)[0] if header.strip() else ""
                where = f"{source}, record {name or len(seen) + 1}"
                if not name:
                    raise InputError(f"{where}: has no name; write one after the '>'")
                if not text:
                    raise InputError(f"{where}: is empty; remove it, or copy the file again if it is truncated")
                if name in seen:
                    raise InputError(f"{where}: stands there twice; rename or remove one")
                seen.add(name)
                yield name, encode(text, where)
        except UnicodeDecodeError as error:
            raise InputError(f"{source}: not a text file; give a FASTA file") from error
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise InputError(f"{source}: the gzip file is truncated or damaged; copy or make it again") from error


def _text(path: str | Path) -> io.TextIOBase:
    """A text handle of a file or standard input, uncompressed on the way."""
    if str(path) == STDIO:
        raw: io.BufferedReader = sys.stdin.buffer  # type: ignore[assignment]
    else:
        if require(path).is_file():  # a pipe can be read once only
            packing(Path(path))
        raw = open(path, "rb")  # noqa: SIM115 (closed with the handle that wraps it)
    packed = raw.peek(2)[:2] == b"\x1f\x8b"
    return io.TextIOWrapper(gzip.GzipFile(fileobj=raw) if packed else raw, encoding="utf-8")


class _Pushed:
    """Lines of a handle after one that was read already."""

    def __init__(self, first: str, handle: io.TextIOBase) -> None:
        self._lines = itertools.chain([first], handle)

    def __iter__(self) -> Iterator[str]:
        return self._lines
