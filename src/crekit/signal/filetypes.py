"""What kind of file signal comes in, told by its first bytes and not by its name."""

from pathlib import Path

from crekit.errors import InputError
from crekit.files import require
from crekit.signal import bgzf

BAM, CRAM, BIGWIG, TRACKS = "BAM", "CRAM", "bigWig", "tracks"
_BIGWIG = bytes.fromhex("26fc8f88")
_HDF5 = b"\x89HDF\r\n\x1a\n"


def kind_of(path: str | Path) -> str:
    """``BAM``, ``CRAM``, ``bigWig`` or ``tracks``.

    Raises
    ------
    InputError
        If the file is missing, empty, or none of them.
    """
    with open(require(path), "rb") as handle:
        start = handle.read(8)
    if start[:4] == b"CRAM":
        return CRAM
    if start[:4] in (_BIGWIG, _BIGWIG[::-1]):
        return BIGWIG
    if start == _HDF5:
        return TRACKS
    if start[:4] == bgzf.MAGIC:
        return BAM
    raise InputError(f"{path}: not BAM, CRAM, bigWig or tracks; SAM can be made BAM with samtools sort")


def require_reads(path: str | Path) -> str:
    """``BAM`` or ``CRAM``.

    Raises
    ------
    InputError
        If the file is neither.
    """
    kind = kind_of(path)
    if kind not in (BAM, CRAM):
        raise InputError(f"{path}: a {kind} file where reads are needed; give BAM or CRAM")
    return kind
