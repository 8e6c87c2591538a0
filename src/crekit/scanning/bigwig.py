"""Writing bigWig files of values at a fixed step.

The format is that of Kent et al. 2010 (Bioinformatics 26:2204), version 4: compressed blocks of float32 values, an
R-tree that finds them, zoom levels with an R-tree each, and a tree of chromosome names. The usual writers take
intervals one by one; here a chromosome is one array, its zoom levels are sums over its columns, and a full disk is an
`OSError` like that of any file.
"""

import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np

_BIGWIG, _TREE, _INDEX = 0x888FFC26, 0x78CA8C91, 0x2468ACE0
_VERSION = 4
_FIXED_STEP = 3
_VALUES, _RECORDS, _NODE = 1024, 512, 256
"""Values of a data block, records of a zoom block, entries of an R-tree node."""
_LEVELS, _FIRST, _THEN = 8, 16, 4
"""Zoom levels, values that a record of the first stands for, and how many records one of the next level takes."""
_HEADER_SIZE, _SUMMARY_SIZE, _ZOOM_SIZE = 64, 40, 24

_SPAN = [("first_chrom", "<u4"), ("start", "<u4"), ("last_chrom", "<u4"), ("end", "<u4")]
_LEAF = np.dtype([*_SPAN, ("offset", "<u8"), ("size", "<u8")])
_BRANCH = np.dtype([*_SPAN, ("offset", "<u8")])
_ZOOM = np.dtype(
    [("chrom", "<u4"), ("start", "<u4"), ("end", "<u4"), ("valid", "<u4")]
    + [(name, "<f4") for name in ("least", "most", "total", "squares")]
)


@dataclass
class _Blocks:
    """Compressed blocks on their way into the file, and where each lies on the genome."""

    spans: list[tuple[int, int, int]] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    data: list[bytes] = field(default_factory=list)
    longest: int = 0

    def add(self, chrom: int, start: int, end: int, content: bytes) -> None:
        self.spans.append((chrom, start, end))
        self.data.append(zlib.compress(content))
        self.sizes.append(len(self.data[-1]))
        self.longest = max(self.longest, len(content))


class Writer:
    """Takes the values of one chromosome after the other, in the order of the sizes. Made by `create`."""

    def __init__(self, handle: BinaryIO, sizes: Mapping[str, int]) -> None:
        self._handle = handle
        self._number = {chrom: i for i, chrom in enumerate(sizes)}
        self._sizes = dict(sizes)
        self._values = _Blocks()
        self._zooms = [_Blocks() for _ in range(_LEVELS)]
        self._reductions = [0] * _LEVELS
        self._totals: list[tuple[float, ...]] = []
        handle.write(b"\0" * (_HEADER_SIZE + _LEVELS * _ZOOM_SIZE + _SUMMARY_SIZE))
        self._tree = handle.tell()
        handle.write(_chromosome_tree(self._number, self._sizes))
        self._data = handle.tell()
        handle.write(b"\0" * 8)

    def add(self, chrom: str, start: int, span: int, step: int, values: np.ndarray) -> None:
        """The values of a chromosome.

        Parameters
        ----------
        chrom : str
        start : int
            First base of the first value.
        span, step : int
            Bases that a value stands for, and bases from one value to the next; ``span <= step``.
        values : np.ndarray, shape (n,), float32
        """
        number, size = self._number[chrom], self._sizes[chrom]
        n = len(values)
        past_end = (
            n > 0 and start + (n - 1) * step + span > size
        )  # only the last value can be: it gets a block of its own
        whole = n - past_end
        for first in range(0, whole, _VALUES):
            self._block(number, start + first * step, span, step, values[first : min(first + _VALUES, whole)])
        if past_end:
            begin = start + whole * step
            self._block(number, begin, size - begin, step, values[whole:])
        for block in self._values.data:
            self._handle.write(block)
        self._values.data.clear()
        self._zoom(number, size, start, span, step, values)

    def _block(self, chrom: int, start: int, span: int, step: int, values: np.ndarray) -> None:
        """Add a data block."""
        end = start + (len(values) - 1) * step + span
        head = struct.pack("<5I2BH", chrom, start, end, step, span, _FIXED_STEP, 0, len(values))
        self._values.add(chrom, start, end, head + values.astype("<f4").tobytes())

    def _zoom(self, chrom: int, size: int, start: int, span: int, step: int, values: np.ndarray) -> None:
        """Add a chromosome's part of every zoom level, each made from the one before."""
        doubles = values.astype(np.float64)
        starts = start + step * np.arange(len(values), dtype=np.int64)
        ends = np.minimum(starts + span, size)
        valid = ends - starts
        columns = [starts, ends, valid, doubles, doubles, doubles * valid, doubles**2 * valid]
        per_record = _FIRST
        for level, blocks in enumerate(self._zooms):
            columns = _reduced(columns, per_record)
            self._reductions[level] = max(self._reductions[level], step * _FIRST * _THEN**level)
            records = np.empty(len(columns[0]), dtype=_ZOOM)
            records["chrom"] = chrom
            for name, column in zip(_ZOOM.names[1:], columns, strict=True):  # type: ignore[index]
                records[name] = column
            for first in range(0, len(records), _RECORDS):
                part = records[first : first + _RECORDS]
                blocks.add(chrom, int(part["start"][0]), int(part["end"][-1]), part.tobytes())
            per_record = _THEN
        if len(values):
            _, _, valid, least, most, total, squares = columns
            self._totals.append((valid.sum(), least.min(), most.max(), total.sum(), squares.sum()))

    def finish(self) -> None:
        """Write the indexes, the zoom levels and the header."""
        index = self._handle.tell()
        self._handle.write(_index(self._values, self._data + 8, index, _VALUES))
        zooms = b"".join(self._write_zoom(level) for level in range(_LEVELS))
        longest = max(blocks.longest for blocks in [self._values, *self._zooms])
        self._handle.write(struct.pack("<I", _BIGWIG))
        self._handle.seek(self._data)
        self._handle.write(struct.pack("<Q", len(self._values.sizes)))
        summary_at = _HEADER_SIZE + _LEVELS * _ZOOM_SIZE
        self._handle.seek(0)
        offsets = (self._tree, self._data, index)
        fields = (_BIGWIG, _VERSION, _LEVELS, *offsets, 0, 0, 0, summary_at, longest, 0)
        self._handle.write(struct.pack("<IHHQQQHHQQIQ", *fields))
        self._handle.write(zooms)
        valid, least, most, total, squares = np.array(self._totals or [(0,) * 5]).T
        self._handle.write(struct.pack("<Q4d", int(valid.sum()), least.min(), most.max(), total.sum(), squares.sum()))

    def _write_zoom(self, level: int) -> bytes:
        """Write a zoom level; returns its entry in the header."""
        blocks = self._zooms[level]
        data = self._handle.tell()
        self._handle.write(struct.pack("<I", len(blocks.sizes)))
        for block in blocks.data:
            self._handle.write(block)
        index = self._handle.tell()
        self._handle.write(_index(blocks, data + 4, index, _RECORDS))
        return struct.pack("<IIQQ", self._reductions[level], 0, data, index)


@contextmanager
def create(path: str | Path, sizes: Mapping[str, int]) -> Iterator[Writer]:
    """Write a bigWig file at a path.

    Parameters
    ----------
    path : path
    sizes : mapping of str to int
        Chromosomes, in the order in which their values will come, and their sizes in bases.
    """
    with open(path, "wb") as handle:
        writer = Writer(handle, sizes)
        yield writer
        writer.finish()


def _reduced(columns: Sequence[np.ndarray], n: int) -> list[np.ndarray]:
    """Columns of zoom records (start, end, valid, least, most, total, squares), `n` records made one."""
    at = np.arange(0, len(columns[0]), n)
    if not len(at):
        return [column[:0] for column in columns]
    start, end, valid, least, most, total, squares = columns
    last = np.minimum(at + n, len(end)) - 1
    sums = [np.add.reduceat(column, at) for column in (valid, total, squares)]
    return [start[at], end[last], sums[0], np.minimum.reduceat(least, at), np.maximum.reduceat(most, at), *sums[1:]]


def _chromosome_tree(numbers: Mapping[str, int], sizes: Mapping[str, int]) -> bytes:
    """The B+ tree of names, as one leaf: names in byte order, each with its number and size."""
    names = sorted(numbers, key=str.encode)
    width = max((len(name.encode()) for name in names), default=1)
    head = struct.pack("<4I2Q", _TREE, max(len(names), 1), width, 8, len(names), 0) + struct.pack(
        "<2BH", 1, 0, len(names)
    )
    items = [name.encode().ljust(width, b"\0") + struct.pack("<2I", numbers[name], sizes[name]) for name in names]
    return head + b"".join(items)


def _index(blocks: _Blocks, data: int, at: int, per_block: int) -> bytes:
    """The R-tree of blocks that lie one after the other from offset `data`; the tree itself lies at offset `at`."""
    entries = np.zeros(len(blocks.sizes), dtype=_LEAF)
    if blocks.spans:
        chroms, starts, ends = np.array(blocks.spans, dtype=np.int64).T
        entries["first_chrom"], entries["last_chrom"] = chroms, chroms
        entries["start"], entries["end"] = starts, ends
        entries["size"] = blocks.sizes
        entries["offset"] = data + np.cumsum(blocks.sizes) - blocks.sizes
    levels = [entries]
    while len(levels[0]) > _NODE:
        levels.insert(0, _parents(levels[0]))
    head = struct.pack("<IIQ", _INDEX, _NODE, len(entries))
    bounds = _bounds(entries) if len(entries) else (0, 0, 0, 0)
    head += struct.pack("<4IQ2I", *bounds, data + sum(blocks.sizes), per_block, 0)
    return head + _nodes(levels, at + len(head))


def _bounds(entries: np.ndarray) -> tuple[int, int, int, int]:
    """First and last chromosome and base of entries in order."""
    first, last = entries[0], entries[-1]
    return int(first["first_chrom"]), int(first["start"]), int(last["last_chrom"]), int(last["end"])


def _parents(entries: np.ndarray) -> np.ndarray:
    """One entry for each node of `_NODE` entries; where the nodes lie is filled in later."""
    firsts = np.arange(0, len(entries), _NODE)
    lasts = np.minimum(firsts + _NODE, len(entries)) - 1
    parents = np.zeros(len(firsts), dtype=_BRANCH)
    parents["first_chrom"], parents["start"] = entries["first_chrom"][firsts], entries["start"][firsts]
    parents["last_chrom"], parents["end"] = entries["last_chrom"][lasts], entries["end"][lasts]
    return parents


def _nodes(levels: Sequence[np.ndarray], at: int) -> bytes:
    """The levels of a tree from the root on, as nodes of at most `_NODE` entries, from offset `at`."""
    written = []
    for depth, entries in enumerate(levels):
        leaf = depth == len(levels) - 1
        n_nodes = max(-(-len(entries) // _NODE), 1)
        at += 4 * n_nodes + entries.nbytes
        if not leaf:
            # All nodes of the level below are full but for its last, so they lie at a fixed distance.
            entries["offset"] = at + np.arange(len(entries)) * (4 + _NODE * levels[depth + 1].itemsize)
        for first in range(0, n_nodes * _NODE, _NODE):
            part = entries[first : first + _NODE]
            written.append(struct.pack("<2BH", leaf, 0, len(part)) + part.tobytes())
    return b"".join(written)
