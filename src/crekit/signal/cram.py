"""CRAM files, read by htslib and handed on as BAM, so that both go through one parser.

Only what counting needs is decoded; sequences and qualities are not. The reference is checked by its chromosomes'
sizes. htslib is kept from looking for a reference on the network.
"""

import gzip
import os
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from crekit.errors import InputError
from crekit.files import require
from crekit.genome.chromosomes import require_known
from crekit.genome.faidx import packing
from crekit.signal import bgzf
from crekit.signal.alignments import Alignments, of_stream
from crekit.signal.bam import Header, sort_order
from crekit.signal.rules import Filters

# Columns of a SAM record as bits: flag, chromosome, position, quality, CIGAR, the mate's two, template, tags.
_COLUMNS = 0x2 | 0x4 | 0x8 | 0x10 | 0x20 | 0x40 | 0x80 | 0x100 | 0x800
_ENDS = {
    2: bytes.fromhex("0b000000ffffffff0fe0454f4600000000010000010006060100010001 00".replace(" ", "")),
    3: bytes.fromhex("0f000000ffffffff0fe0454f46000000000100 05bdd94f0001000606010001000100ee63014b".replace(" ", "")),
}
_SEVERAL_CHROMOSOMES = -2
_READS = 100_000
_LOOKUPS = ("REF_PATH", "REF_CACHE")


def require_end(path: str | Path) -> None:
    """Check that a CRAM file closes with its end-of-file container.

    Raises
    ------
    InputError
        If it does not: the file is truncated.
    """
    with open(path, "rb") as handle:
        start = handle.read(6)
        expected = _ENDS.get(start[4]) if start[4:6] != b"\x02\x00" and len(start) == 6 else None
        if expected is None:
            return
        handle.seek(0, 2)
        handle.seek(max(0, handle.tell() - len(expected)))
        end = bytearray(handle.read())
    if len(end) == len(expected):
        end[8] &= 0x0F  # the upper half is not laid down
    if end != expected:
        raise bgzf.truncated(path)


def read_header(path: str | Path, reference: str | Path | None) -> Header:
    """Header of a CRAM file.

    Raises
    ------
    InputError
        If it cannot be read, no reference is given, or the reference's chromosomes have other sizes.
    """
    if reference is None:
        raise InputError(f"{path}: CRAM needs the FASTA that it was compressed with; give it with --reference")
    import pysam

    pysam.set_verbosity(0)
    require_end(path)
    try:
        with pysam.AlignmentFile(str(path), "rc", reference_filename=str(reference)) as handle:
            sizes = dict(zip(handle.references, handle.lengths, strict=True))
            order = sort_order(str(handle.header))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: its header cannot be read; copy the file again") from error
    _require_reference(path, sizes, reference)
    return Header(sizes, order, 0)


def _require_reference(path: str | Path, sizes: dict[str, int], reference: str | Path) -> None:
    import pysam

    if require(reference).is_file() and packing(Path(reference)) == "gzip":
        raise InputError(
            f"{reference}: plain gzip, in which no place can be found; unpack it, pack it with bgzip, and run samtools "
            "faidx again"
        )
    try:
        with pysam.FastaFile(str(reference)) as fasta:
            lengths = dict(zip(fasta.references, fasta.lengths, strict=True))
    except (OSError, ValueError) as error:
        raise InputError(f"{reference}: no indexed FASTA; run samtools faidx {reference}") from error
    shared = [chrom for chrom in sizes if chrom in lengths]
    if not shared:
        require_known(sizes, str(path), lengths, str(reference))
    for chrom in shared:
        if sizes[chrom] != lengths[chrom]:
            raise InputError(
                f"{path}: {chrom} has {sizes[chrom]} bases, but {lengths[chrom]} in {reference}; "
                "give the FASTA that it was compressed with"
            )


def find_index(path: str | Path) -> Path | None:
    """The CRAI index beside a CRAM file, if there is one."""
    path = Path(path)
    return next((i for i in (path.with_name(path.name + ".crai"), path.with_suffix(".crai")) if i.is_file()), None)


def chromosomes_with_reads(index: str | Path, n_chromosomes: int) -> list[int]:
    """Numbers of the chromosomes that have reads, by a CRAI index; all of them where it does not tell.

    Raises
    ------
    InputError
        If the file is not a CRAI index.
    """
    try:
        data = Path(index).read_bytes()
        text = gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data
        numbers = {int(line.split(b"\t")[0]) for line in text.splitlines()}
    except (ValueError, EOFError, OSError, zlib.error) as error:
        raise InputError(f"{index}: not a CRAI index, or damaged; run samtools index again") from error
    if _SEVERAL_CHROMOSOMES in numbers:
        return list(range(n_chromosomes))
    return sorted(number for number in numbers if 0 <= number < n_chromosomes)


def alignments(
    path: str | Path, filters: Filters, reference: str | Path | None, chrom: str | None = None
) -> Iterator[Alignments]:
    """Reads of a CRAM file, or of one of its chromosomes (that needs an index).

    Raises
    ------
    InputError
        If the file is damaged or truncated, or no reference is given.
    """
    if reference is None:
        raise InputError(f"{path}: CRAM needs the FASTA that it was compressed with; give it with --reference")
    require_end(path)
    for part in _as_bam(path, reference, chrom):
        yield from of_stream(bgzf.inflate(part, path), path, filters)


def _as_bam(path: str | Path, reference: str | Path, chrom: str | None) -> Iterator[BinaryIO]:
    """The file as small uncompressed BAM files, one after the other."""
    import pysam

    pysam.set_verbosity(0)
    columns: list[Any] = [f"required_fields={_COLUMNS}".encode()]
    try:
        with (
            _offline(),
            pysam.AlignmentFile(str(path), "rc", reference_filename=str(reference), format_options=columns) as source,
        ):
            reads = source.fetch(chrom, until_eof=chrom is None)
            written = _READS
            while written == _READS:
                with tempfile.TemporaryFile() as part:
                    written = 0
                    with pysam.AlignmentFile(part, "wbu", template=source) as target:
                        for read in islice(reads, _READS):
                            target.write(read)
                            written += 1
                    part.seek(0)
                    yield part
    except (OSError, ValueError) as error:
        where = f" on {chrom}" if chrom else ""
        raise InputError(
            f"{path}: cannot be decoded{where} ({error}); copy it again, or run samtools index again"
        ) from error


@contextmanager
def _offline() -> Iterator[None]:
    """Keep htslib from looking for sequences by their checksum, on the network too."""
    kept = {name: os.environ.get(name) for name in _LOOKUPS}
    os.environ.update(dict.fromkeys(_LOOKUPS, os.devnull))
    try:
        yield
    finally:
        for name, value in kept.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
