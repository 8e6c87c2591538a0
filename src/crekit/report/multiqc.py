"""Figures for MultiQC: sections of its report, as custom content (https://docs.seqera.io/multiqc/custom_content).

A section stands in a file of its own, ``STEM.SECTION_mqc.json``, where STEM is that of the output that it tells of.
MultiQC puts files with one id into one section. It joins their rows, so a row begins with the stem. Columns, categories
and plots in a list it takes from the last file alone, so the first two are the same in all files of an id, and what
would be plots in a list are sections of their own.

What the sections hold is in `crekit.report.multiqc_data`, `.multiqc_models` and `.multiqc_evaluation`.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crekit.errors import InputError
from crekit.files import STDIO, require_writable, write_json

SUFFIX = "_mqc.json"
TABLE, BARS, LINES, HEATMAP = "table", "bargraph", "linegraph", "heatmap"
_PARENT = {
    "parent_id": "crekit",
    "parent_name": "crekit",
    "parent_description": "finds enhancers and promoters from DNA sequence and histone marks.",
}
_DIGITS = 4


@dataclass(frozen=True)
class Section:
    """One section of the report, or one output's part of it.

    Parameters
    ----------
    name : str
        In its id and its file's name.
    title, description : str
    kind : str
        ``table``, ``bargraph``, ``linegraph`` or ``heatmap``.
    data : mapping
        Row -> column -> value, or line -> [x, y] pairs. Floats are rounded to four digits, and what is None or NaN is
        left out.
    settings : mapping
        MultiQC's ``pconfig``, besides id and title.
    headers : mapping
        Of a table: column -> its settings, in order.
    categories : mapping
        Of bars: category -> its settings, in order.
    """

    name: str
    title: str
    description: str
    kind: str
    data: Mapping[str, Any]
    settings: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    categories: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def content(self) -> dict[str, Any]:
        """The JSON object."""
        name = f"crekit_{self.name}"
        columns = {key: dict(value) for key in ("headers", "categories") if (value := getattr(self, key))}
        return {
            "id": name,
            **_PARENT,
            "section_name": self.title,
            "description": self.description,
            "plot_type": self.kind,
            "pconfig": {"id": f"{name}_plot", "title": f"crekit: {self.title}", **self.settings},
            **columns,
            "data": rounded(self.data),
        }


def stem(output: str | Path, tool: str) -> str:
    """What the files and rows of an output are called: its name without suffix; of standard output, the tool's."""
    return tool if str(output) == STDIO else Path(Path(output).name.removesuffix(".gz")).stem


def check(folder: str | Path | None, called: str) -> None:
    """Check before the work that sections can be written.

    Parameters
    ----------
    folder : path or None
        None is not wanted.
    called : str
        See `stem`.

    Raises
    ------
    InputError
        If the folder is none, cannot become one, or cannot be written into.
    """
    if folder is None:
        return
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: a file, not a folder; give --multiqc a folder")
    require_writable(folder / f"{called}{SUFFIX}" if folder.is_dir() else folder)


def write(folder: str | Path, called: str, sections: Iterable[Section]) -> None:
    """Write those sections that hold anything, a file each; the folder is made where it is missing.

    Parameters
    ----------
    folder : path
    called : str
        See `stem`.
    sections : iterable of Section

    Raises
    ------
    InputError, WorkError
        See `crekit.files.output_path`.
    """
    Path(folder).mkdir(exist_ok=True)
    for section in sections:
        if section.data:
            write_json(Path(folder) / f"{called}.{section.name}{SUFFIX}", section.content())


def rounded(value: Any) -> Any:
    """Nested data with floats to four digits, without what is None or NaN."""
    if isinstance(value, Mapping):
        return {str(key): rounded(one) for key, one in value.items() if not _missing(one)}
    if isinstance(value, list | tuple):
        return [rounded(one) for one in value]
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and not math.isfinite(value))


def slug(name: str) -> str:
    """A class's name as an id, and a file's name, can hold it."""
    return re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_") or "_"


# --- columns of tables


def share(title: str, description: str, **more: Any) -> dict[str, Any]:
    """A column of numbers from 0 to 1."""
    settings = {"title": title, "description": description, "min": 0, "max": 1, "format": "{:,.3f}", "scale": "Blues"}
    return {**settings, **more}


def number(title: str, description: str, **more: Any) -> dict[str, Any]:
    """A column of whole numbers."""
    return {"title": title, "description": description, "min": 0, "format": "{:,.0f}", "scale": "Greys", **more}


def text(title: str, description: str, **more: Any) -> dict[str, Any]:
    """A column of words."""
    return {"title": title, "description": description, "scale": False, **more}
