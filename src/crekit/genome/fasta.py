"""DNA from FASTA: chromosomes of an indexed genome, and records of a file or a stream, as small numbers.

A base is a code: A 0, C 1, G 2, T 3, anything else that FASTA allows (N, the ambiguous letters of IUPAC, gaps) 4. Lower
case, which marks repeats, is the same base. Coordinates are 0-based and half-open.
"""

import gzip
import hashlib
import io
import itertools
import os
import sys
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from crekit.errors import InputError
from crekit.files import STDIO, require
from crekit.genome.chromosomes import natural_key

N = 4
"""The code of a base that is not known."""

_RNA, _STRANGE = 254, 255


def _table() -> np.ndarray:
    table = np.full(256, _STRANGE, dtype=np.uint8)
    for letters, code in (("A", 0), ("C", 1), ("G", 2), ("T", 3), ("NRYSWKMBDHVX-.*", N), ("U", _RNA)):
        for letter in letters:
            table[[ord(letter), ord(letter.lower())]] = code
    return table


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
    raw = np.frombuffer(letters, dtype=np.uint8) if isinstance(letters, bytes) else letters
    codes = _CODES[raw]
    wrong = np.flatnonzero(codes > N)
    if len(wrong):
        letter = chr(raw[wrong[0]])
        if codes[wrong[0]] == _RNA:
            raise InputError(f"{source}: base {wrong[0] + 1} is {letter}, so this is RNA; give DNA, with T for U")
        raise InputError(f"{source}: {letter!r} at base {wrong[0] + 1} is no letter of DNA; give a DNA FASTA")
    return codes


def complement_codes(codes: np.ndarray) -> np.ndarray:
    """The reverse complement along the last axis; what is not known stays so.

    Parameters
    ----------
    codes : np.ndarray, shape (..., n), uint8
    """
    return _COMPLEMENT[codes[..., ::-1]]


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
        If the file is missing, empty, no FASTA, compressed with plain gzip, or names a record twice.
    """

    def __init__(self, path: str | Path) -> None:
        import pysam

        self.path = require(path)
        pysam.set_verbosity(0)
        fai, gzi = _index(self.path)
        try:
            self._fasta = pysam.FastaFile(
                str(self.path), filepath_index=str(fai), filepath_index_compressed=str(gzi) if gzi else None
            )
        except (OSError, ValueError) as error:
            raise InputError(f"{self.path}: its index {fai} cannot be used; remove it, and it is made again") from error
        self.sizes = dict(zip(self._fasta.references, self._fasta.lengths, strict=True))
        self._digests: dict[str, str] = {}
        for name, size in self.sizes.items():
            if size == 0:
                self.__exit__()
                raise InputError(f"{self.path}: record {name} is empty; remove it")

    def __enter__(self) -> "Genome":
        return self

    def __exit__(self, *_: object) -> None:
        self._fasta.close()

    def letters(self, chrom: str) -> np.ndarray:
        """A whole chromosome as it stands in the file, soft masking included, shape (size,), uint8 (ASCII).

        Raises
        ------
        InputError
            If the file ends before the chromosome does, or does not fit its index.
        """
        return self._read(chrom, 0, self.sizes[chrom])

    def codes(self, chrom: str) -> np.ndarray:
        """A whole chromosome, shape (size,), uint8."""
        codes = encode(self.letters(chrom), f"{self.path}, record {chrom}")
        if chrom not in self._digests:
            self._digests[chrom] = hashlib.sha256(codes.tobytes()).hexdigest()
        return codes

    def fetch(self, chrom: str, start: int, end: int) -> np.ndarray:
        """A span of a chromosome, shape (end - start,), uint8.

        Raises
        ------
        InputError
            If the span does not lie within the chromosome.
        """
        if not 0 <= start <= end <= self.sizes.get(chrom, -1):
            raise InputError(f"{self.path}: has no {chrom}:{start}-{end}; use the same genome build for all files")
        return encode(self._read(chrom, start, end), f"{self.path}, record {chrom}")

    def sha256(self) -> str:
        """Checksum of the chromosomes that were read whole: the same for lower case, line lengths and compression."""
        lines = (f"{name}\t{self._digests[name]}\n" for name in sorted(self._digests, key=natural_key))
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    def _read(self, chrom: str, start: int, end: int) -> np.ndarray:
        try:
            text = self._fasta.fetch(chrom, start, end)
        except (OSError, ValueError, KeyError) as error:
            raise InputError(f"{self.path}, record {chrom}: cannot be read; copy or make the file again") from error
        raw = np.frombuffer(text.encode("latin-1", "replace"), dtype=np.uint8)
        if len(raw) != end - start or (raw == ord(">")).any():
            raise InputError(
                f"{self.path}, record {chrom}: does not fit the index: the file is truncated, or its .fai "
                "is of another; copy the file again and remove the .fai"
            )
        return raw


def _index(path: Path) -> tuple[Path, Path | None]:
    """Paths of the .fai and, for bgzip, the .gzi of a FASTA; made where they are missing."""
    packed = _is_packed(path)
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
    with tempfile.TemporaryDirectory(dir=folder, prefix=".faidx.") as temporary:
        made_fai, made_gzi = Path(temporary) / "fai", Path(temporary) / "gzi"
        try:
            pysam.faidx("--fai-idx", str(made_fai), "--gzi-idx", str(made_gzi), str(path))
        except pysam.SamtoolsError as error:
            raise InputError(_unindexable(path)) from error
        if not made_fai.is_file() or made_fai.stat().st_size == 0:
            raise InputError(_unindexable(path))
        if packed:
            os.replace(made_gzi, gzi)
        os.replace(made_fai, fai)
    return fai, gzi if packed else None


def _is_packed(path: Path) -> bool:
    """Whether a file is bgzip.

    Raises
    ------
    InputError
        If it is plain gzip, which cannot be read from the middle.
    """
    with open(path, "rb") as handle:
        head = handle.read(18)
    if head[:2] != b"\x1f\x8b":
        return False
    if len(head) == 18 and head[3] & 4 and head[12:14] == b"BC":
        return True
    raise InputError(f"{path}: plain gzip, in which no place can be found; unpack it and pack it with bgzip")


def _unindexable(path: Path) -> str:
    try:
        for _ in read_records(path):
            pass
    except InputError as error:
        return str(error)
    return f"{path}: no FASTA that can be indexed: lines of a record differ in length; run seqkit seq or fold"


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
    with _text(path) as handle:
        try:
            first = handle.readline()
            while first and not first.strip():
                first = handle.readline()
            if not first:
                raise InputError(f"{path}: holds no record; give a FASTA file")
            if not first.startswith(">"):
                raise InputError(f"{path}: does not begin with '>', so it is no FASTA; give a FASTA file")
            for header, text in SimpleFastaParser(_Pushed(first, handle)):
                name = header.split(maxsplit=1)[0] if header.strip() else ""
                where = f"{path}, record {name or len(seen) + 1}"
                if not name:
                    raise InputError(f"{where}: has no name; write one after the '>'")
                if not text:
                    raise InputError(f"{where}: is empty; remove it, or copy the file again if it is truncated")
                if name in seen:
                    raise InputError(f"{where}: stands there twice; rename or remove one")
                seen.add(name)
                yield name, encode(text, where)
        except UnicodeDecodeError as error:
            raise InputError(f"{path}: not a text file; give a FASTA file") from error
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise InputError(f"{path}: the gzip file is truncated or damaged; copy or make it again") from error


def _text(path: str | Path) -> io.TextIOBase:
    """A text handle of a file or standard input, uncompressed on the way."""
    if str(path) == STDIO:
        raw: io.BufferedReader = sys.stdin.buffer  # type: ignore[assignment]
    else:
        raw = open(require(path), "rb")  # noqa: SIM115 (closed with the handle that wraps it)
    packed = raw.peek(2)[:2] == b"\x1f\x8b"
    return io.TextIOWrapper(gzip.GzipFile(fileobj=raw) if packed else raw, encoding="utf-8")


class _Pushed:
    """Lines of a handle after one that was read already."""

    def __init__(self, first: str, handle: io.TextIOBase) -> None:
        self._lines = itertools.chain([first], handle)

    def __iter__(self) -> Iterator[str]:
        return self._lines
