"""Which files are counted, as what: from the command line or from a samplesheet."""

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from crekit.errors import InputError
from crekit.files import called, read_text
from crekit.signal.tracks import CONTROL, SIGNAL

COLUMNS = ("mark", "replicate", "path", "control")
_NEEDED = ("mark", "path")


@dataclass(frozen=True)
class Source:
    """One file to count.

    Parameters
    ----------
    path : Path
    mark : str or None
        None where it is not given: of a signal, the file's name tells; a control serves all marks counted from reads.
    role : str
        ``signal`` or ``control``.
    where : str
        Where it was named, for messages: empty, or a cell of a samplesheet and a colon.
    """

    path: Path
    mark: str | None
    role: str = SIGNAL
    where: str = ""


def from_arguments(
    signals: Iterable[tuple[str | None, Path]], controls: Iterable[tuple[str | None, Path]] = ()
) -> list[Source]:
    """Sources from pairs of a mark (or None) and a path."""
    named = [Source(path, mark) for mark, path in signals]
    return named + [Source(path, mark, CONTROL) for mark, path in controls]


def read_samplesheet(path: str | Path) -> list[Source]:
    """Sources from a CSV file with the columns mark, replicate, path, control.

    Paths are relative to the sheet. ``replicate`` and ``control`` may be empty or missing. Rows of a mark may name the
    same control. A tracks file has no mark.

    Raises
    ------
    InputError
        Naming sheet, row and column, if a column is missing or unknown, a cell is empty, or a mark has the same
        replicate or path twice.
    """
    source = called(path)
    rows = csv.reader(io.StringIO(read_text(path).removeprefix("\ufeff")), strict=True)
    try:
        table = [(rows.line_num, [cell.strip() for cell in row]) for row in rows]
    except csv.Error as error:
        raise InputError(f"{source}, row {rows.line_num}: not CSV ({error}); separate the cells by commas") from error
    table = [(number, row) for number, row in table if any(row)]
    if len(table) < 2:
        raise InputError(f"{source}: holds no file; give a row with {', '.join(COLUMNS)} and one row a file")
    header = table[0][1]
    _check_header(source, header)
    sources: list[Source] = []
    seen: dict[tuple[str, ...], int] = {}
    for number, row in table[1:]:
        if len(row) != len(header):
            raise InputError(f"{source}, row {number}: {len(row)} cells where the header has {len(header)}")
        cells = dict(zip(header, row, strict=True))
        _check_row(source, number, cells, seen)
        sources += _of_row(Path(path), number, cells)
    return list(dict.fromkeys(sources))


def _check_header(path: str, header: list[str]) -> None:
    for column in _NEEDED:
        if column not in header:
            raise InputError(f"{path}, row 1: no column {column}; the columns are {', '.join(COLUMNS)}")
    for column in header:
        if column not in COLUMNS or header.count(column) > 1:
            what = "stands there twice" if column in COLUMNS else "is not known"
            raise InputError(f"{path}, row 1: column {column!r} {what}; the columns are {', '.join(COLUMNS)}")


def _check_row(path: str, number: int, cells: dict[str, str], seen: dict[tuple[str, ...], int]) -> None:
    if not cells["path"]:
        raise InputError(f"{path}, row {number}, column path: empty; name a file")
    for column in ("path", "replicate"):
        key = (column, cells["mark"], cells.get(column, ""))
        if key[2] and (first := seen.setdefault(key, number)) != number:
            raise InputError(
                f"{path}, row {number}, column {column}: {key[2]} stands there twice for {key[1] or 'no mark'} "
                f"(first in row {first}); remove one"
            )


def _of_row(sheet: Path, number: int, cells: dict[str, str]) -> list[Source]:
    mark = cells["mark"] or None
    signal = Source(sheet.parent / cells["path"], mark, SIGNAL, f"{called(sheet)}, row {number}, column path: ")
    if not cells.get("control"):
        return [signal]
    if mark is None:
        raise InputError(f"{called(sheet)}, row {number}, column mark: empty, but the row has a control; name the mark")
    # Not the row: the same control of a mark in several rows is one.
    return [signal, Source(sheet.parent / cells["control"], mark, CONTROL, f"{called(sheet)}, column control: ")]


def mark_of(source: Source) -> str:
    """The mark of a signal: as given, else the file's stem without ``_repN`` or ``.repN``.

    Raises
    ------
    InputError
        If the mark cannot be a name: it is empty, or has a slash, comma, tab or blank at its ends.
    """
    mark = source.mark
    if mark is None:
        mark = re.sub(r"[_.]rep\d+$", "", source.path.stem)
    if not mark or mark != mark.strip() or mark == "." or re.search(r"[/,\t\n\0]", mark):
        raise InputError(
            f"{source.where}{source.path}: {mark!r} cannot be a mark; give MARK=PATH, without slash or comma"
        )
    return mark
