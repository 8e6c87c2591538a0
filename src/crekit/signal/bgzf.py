"""BGZF: the blocks of compressed bytes that BAM files are made of.

A virtual offset is the place of a block in the file, times 65,536, plus a place inside the inflated block. Every
block is checked against its checksum; a file that was written to its end closes with an empty block.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import deflate

from crekit.errors import InputError

EOF = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
MAGIC = b"\x1f\x8b\x08\x04"
_READ = 1 << 20
_FIXED = 12
_TRAILER = 8


def require_end(path: str | Path) -> None:
    """Check that a file closes with the empty block.

    Raises
    ------
    InputError
        If it does not: the file is truncated.
    """
    with open(path, "rb") as handle:
        handle.seek(0, 2)
        handle.seek(max(0, handle.tell() - len(EOF)))
        if handle.read() != EOF:
            raise truncated(path)


def truncated(path: str | Path) -> InputError:
    """The error for a file that ends too early."""
    return InputError(f"{path}: the file is truncated (no end-of-file block); copy it again, or make it again")


def inflate(handle: BinaryIO, path: str | Path, virtual_offset: int = 0, size: int = 1 << 21) -> Iterator[bytes]:
    """Inflated bytes of a BGZF file in pieces of about `size`, from a virtual offset to the end of the file.

    Parameters
    ----------
    handle : binary file
        Only read forward when `virtual_offset` is 0, so that it can be a pipe.
    path : path
        What to call it in messages.
    virtual_offset : int
    size : int
        In bytes.

    Raises
    ------
    InputError
        If a block is damaged, none begins at the offset, or the file ends inside one.
    """
    start, skip = virtual_offset >> 16, virtual_offset & 0xFFFF
    if virtual_offset:
        handle.seek(min(start, handle.seek(0, 2)))
        if handle.read(len(MAGIC)) != MAGIC:
            raise InputError(f"{path}: no reads where its index points; run samtools index again")
        handle.seek(start)
    pieces, held = [], 0
    for block in _blocks(handle, path, start):
        piece = block[skip:] if skip else block
        skip = 0
        pieces.append(piece)
        held += len(piece)
        if held >= size:
            yield b"".join(pieces)
            pieces, held = [], 0
    if held:
        yield b"".join(pieces)


def _blocks(handle: BinaryIO, path: str | Path, start: int) -> Iterator[bytearray]:
    """The blocks from byte `start` on, inflated and checked."""
    data, at = b"", 0
    while True:
        while (end := at + _length(data, at, path, start)) <= len(data):
            yield _inflated(data, at, end, path, start)
            at = end
        more = handle.read(_READ)
        if not more:
            if at < len(data):
                raise truncated(path)
            return
        start += at
        data, at = data[at:] + more, 0


def _length(data: bytes, at: int, path: str | Path, start: int) -> int:
    """Bytes of the block at `at`; more than there are when its header is not yet complete."""
    left = len(data) - at
    if left < _FIXED:
        return left + 1
    if data[at : at + 4] != MAGIC:
        raise _damaged(path, start + at)
    extra = at + _FIXED
    end = extra + int.from_bytes(data[at + 10 : at + 12], "little")
    if end > len(data):
        return left + 1
    while extra + 4 <= end:
        length = int.from_bytes(data[extra + 2 : extra + 4], "little")
        if data[extra : extra + 2] == b"BC" and length == 2:
            block = int.from_bytes(data[extra + 4 : extra + 6], "little") + 1
            if block > end - at + _TRAILER:
                return block
            break
        extra += 4 + length
    raise _damaged(path, start + at)


def _inflated(data: bytes, at: int, end: int, path: str | Path, start: int) -> bytearray:
    checksum, size = struct.unpack_from("<II", data, end - _TRAILER)
    first = at + _FIXED + int.from_bytes(data[at + 10 : at + 12], "little")
    if size > 1 << 16:
        raise _damaged(path, start + at)
    try:
        block = deflate.deflate_decompress(memoryview(data)[first : end - _TRAILER], size)
    except deflate.DeflateError:
        raise _damaged(path, start + at) from None
    if len(block) != size or deflate.crc32(block) != checksum:
        raise _damaged(path, start + at)
    return block


def _damaged(path: str | Path, at: int) -> InputError:
    return InputError(f"{path}: damaged at byte {at:,} (no BGZF block, or its checksum is wrong); copy it again")
