"""VCF and BCF in, annotated VCF out, all by htslib.

A file is read twice: all of it is checked before the first allele is scored. What can be read only once (a pipe), or
not by htslib (plain gzip), is copied to a temporary file first.
"""

import gzip
import io
import shutil
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, cast

from crekit.errors import InputError
from crekit.files import STDIO, disk_error, output_path, output_text, require, require_writable

if TYPE_CHECKING:
    from pysam import VariantFile, VariantHeader, VariantRecord

_LONGEST = 2**29
"""Bases of a chromosome that a .tbi can index; longer ones need a .csi."""


class Variants:
    """A VCF or BCF file that can be read again and again. Made by `opened`.

    Parameters
    ----------
    name : str
        What to call it in messages.
    path : path
    """

    def __init__(self, name: str, path: str | Path) -> None:
        self.name, self._path = name, path

    @contextmanager
    def records(self) -> Iterator[tuple["VariantHeader", Iterator["VariantRecord"]]]:
        """The header, to which lines may be added before the first record is taken, and the records.

        Raises
        ------
        InputError
            If it is no VCF, or truncated, or a record cannot be understood.
        """
        import pysam

        pysam.set_verbosity(0)  # it would write to standard error by itself
        try:
            handle = pysam.VariantFile(str(self._path))
        except (OSError, ValueError) as error:
            if "truncated" in str(error):
                raise InputError(f"{self.name}: the file is truncated; copy or make it again") from error
            raise InputError(f"{self.name}: not a VCF or BCF file, or its header is damaged; give a VCF") from error
        with handle:
            yield handle.header, self._checked(handle)

    def _checked(self, handle: "VariantFile") -> Iterator["VariantRecord"]:
        last = "the header"
        records = iter(handle)
        while True:
            try:
                record = next(records)
            except StopIteration:
                return
            except (OSError, ValueError) as error:
                raise InputError(
                    f"{self.name}: the record after {last} is truncated or damaged; copy or make the file again"
                ) from error
            last = place(record)
            yield record


def place(record: "VariantRecord") -> str:
    """A record's place for messages, as in the file: counted from 1."""
    return f"{record.contig}:{record.pos}"


@contextmanager
def opened(path: str | Path) -> Iterator[Variants]:
    """A VCF (plain, gzip, bgzip) or BCF file, or standard input for ``-``.

    Raises
    ------
    InputError
        If it is missing, empty, or a truncated gzip file.
    """
    if str(path) != STDIO and require(path).is_file() and not _is_plain_gzip(Path(path)):
        yield Variants(str(path), path)
        return
    name = "standard input" if str(path) == STDIO else str(path)
    with tempfile.TemporaryDirectory(prefix="crekit.") as folder:
        copy = Path(folder) / "variants"
        with _bytes(path) as source, open(copy, "wb") as target:
            packed = source.peek(2)[:2] == b"\x1f\x8b"
            try:
                shutil.copyfileobj(gzip.GzipFile(fileobj=source) if packed else source, target)
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                raise InputError(f"{name}: the gzip file is truncated or damaged; copy or make it again") from error
        if copy.stat().st_size == 0:
            raise InputError(f"{name}: empty; give a VCF")
        yield Variants(name, copy)


@contextmanager
def _bytes(path: str | Path) -> Iterator[io.BufferedReader]:
    """A file, or standard input, which stays open."""
    if str(path) == STDIO:
        yield cast(io.BufferedReader, sys.stdin.buffer)
        return
    with open(path, "rb") as handle:
        yield handle


def _is_plain_gzip(path: Path) -> bool:
    """Whether a file is gzip but not bgzip."""
    with open(path, "rb") as handle:
        head = handle.read(14)
    return head[:2] == b"\x1f\x8b" and not (len(head) == 14 and head[3] & 4 and head[12:14] == b"BC")


def index_of(output: str | Path, sizes: Mapping[str, int]) -> Path | None:
    """Where the index of an output goes; None if it has none.

    Raises
    ------
    InputError
        If the name says neither VCF nor packed VCF.
    """
    if str(output) == STDIO or str(output).endswith(".vcf"):
        return None
    if not str(output).endswith(".vcf.gz"):
        raise InputError(f"-o {output}: name it .vcf, or .vcf.gz for a bgzip file with its index")
    return Path(f"{output}.{'csi' if max(sizes.values()) >= _LONGEST else 'tbi'}")


def check_output(output: str | Path, sizes: Mapping[str, int]) -> None:
    """Check before the work that an output, and its index, can be written.

    Raises
    ------
    InputError
    """
    require_writable(output, text=True)
    if index := index_of(output, sizes):
        require_writable(index)


@contextmanager
def writer(output: str | Path, sizes: Mapping[str, int]) -> Iterator[Callable[[str], object]]:
    """Write VCF text; file and index appear when the block ends well, or neither.

    Parameters
    ----------
    output : path
        ``.vcf``, ``.vcf.gz`` (bgzip, with an index beside it) or ``-``.
    sizes : mapping of str to int
        The chromosomes' bases.

    Yields
    ------
    write : callable
        Takes header lines, then sorted records.
    """
    import pysam

    index = index_of(output, sizes)
    if index is None:
        with output_text(output) as handle:
            yield handle.write
        return
    # The index is renamed first: the file must never stand there with none, or with another's.
    with output_path(output) as packed, output_path(index) as made:
        try:
            with pysam.BGZFile(str(packed), "wb", None) as target:
                yield lambda text: target.write(text.encode())
            pysam.tabix_index(str(packed), force=True, preset="vcf", index=str(made), csi=index.suffix == ".csi")
        except OSError as error:
            if error.errno is None:  # htslib's own, which do not say why
                raise disk_error(output, error) from error
            raise


@contextmanager
def table_of(path: str | Path | None) -> Iterator[TextIO | None]:
    """A handle for the table, where there is to be one."""
    if path is None:
        yield None
        return
    with output_text(path) as handle:
        yield handle
