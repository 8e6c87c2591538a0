"""A report: one page of text, tables and plots.

The page stands in one HTML file, with its style and plots inside, works offline, and follows the reader's light or dark
setting. With a folder for assets it is plain instead: no style, no script, no inline SVG, PNG plots beside it, which is
what Galaxy lets through.

The same content gives the same bytes: no date, no path, no random identifier.
"""

import hashlib
import io
import json
import logging
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crekit import __version__
from crekit.errors import InputError
from crekit.files import output_path, output_text, require_writable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# What matplotlib says of its own cache folder is nothing to a reader of our messages.
logging.getLogger("matplotlib").setLevel(logging.ERROR)

HERE = Path(__file__).parent
PNG_DPI, SCREEN_DPI = 150, 96

# Colours that can be told apart by everyone, on white and on black (after Okabe and Ito).
COLOURS = ["#1E86C8", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8A6FBF"]
NEUTRAL = "#808080"

_STYLE: Any = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": NEUTRAL,
    "grid.alpha": 0.25,
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.6,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "svg.fonttype": "none",
    "svg.hashsalt": "crekit",
}


@dataclass(frozen=True)
class Plot:
    """A figure with its caption.

    Parameters
    ----------
    name : str
        Unique on its page, fit for a file name: its PNG is called so.
    figure : matplotlib.figure.Figure
        Drawn inside `style`. What is black follows the theme of the page.
    caption : str
    """

    name: str
    figure: "Figure"
    caption: str


@dataclass(frozen=True)
class Table:
    """A table: the first column names the rows.

    Parameters
    ----------
    columns : sequence of str
    rows : sequence of sequences
        Cells are text, whole numbers, floats (shown with three decimals) or None (a dash).
    caption : str
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    caption: str = ""


@dataclass(frozen=True)
class Note:
    """A paragraph that must not be overlooked."""

    text: str


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it, in order: paragraphs (str), notes, tables, plots."""

    heading: str
    blocks: Sequence[str | Note | Table | Plot]


@dataclass(frozen=True)
class Page:
    """A whole report.

    Parameters
    ----------
    title, lead : str
        The lead says in a sentence or two what the page reports on.
    figures : sequence of (str, value)
        The few numbers that matter most, with their labels; values as the cells of a `Table`.
    sections : sequence of Section
    provenance : dict
        See `crekit.provenance.record`.
    """

    title: str
    lead: str
    figures: Sequence[tuple[str, Any]] = ()
    sections: Sequence[Section] = ()
    provenance: dict[str, Any] = field(default_factory=dict)


@contextmanager
def style() -> Iterator[None]:
    """Matplotlib's settings for the plots of a report, inside the block."""
    import matplotlib

    with matplotlib.rc_context(_STYLE):
        yield


def svg(figure: "Figure") -> str:
    """A figure as SVG to be put inside a page.

    What is black takes the colour of the page's text, the background is transparent, text stays text, and identifiers
    are made from the content, so that the figures of a page do not clash.
    """
    buffer = io.StringIO()
    with style():
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"\s*<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"<style[^>]*>.*?</style>", "", text, flags=re.DOTALL)  # would hold for the whole page
    text = re.sub(r"'DejaVu Sans'[^;\"]*sans-serif", "system-ui, sans-serif", text)
    text = re.sub(r"(fill|stroke): #000000", r"\1: currentColor", text)
    text = text.replace("<svg ", '<svg role="img" fill="currentColor" ', 1)
    return _with_own_identifiers(text).strip()


_REFERENCE = r'(?:url\(#|href="#)([^)"]+)'


def _with_own_identifiers(text: str) -> str:
    """Drop identifiers that nothing refers to; number the others, behind a checksum of the figure.

    Matplotlib makes them from unrounded coordinates, whose last digits change from run to run.
    """
    number = {name: f"n{i}" for i, name in enumerate(dict.fromkeys(re.findall(_REFERENCE, text)))}
    text = re.sub(_REFERENCE, lambda match: match[0].replace(match[1], number[match[1]]), text)
    text = re.sub(r' id="([^"]+)"', lambda match: f' id="{number[match[1]]}"' if match[1] in number else "", text)
    prefix = "s" + hashlib.sha256(text.encode()).hexdigest()[:10]
    return re.sub(r'(url\(#|href="#| id=")(?=n\d)', rf"\g<1>{prefix}", text)


def png(figure: "Figure", path: str | Path) -> None:
    """Write a figure as PNG on white; it appears whole or not at all."""
    with style(), output_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=PNG_DPI, facecolor="white", metadata={"Software": None})


def check(path: str | Path, assets: str | Path | None = None) -> None:
    """Check before the work starts that a page, and its folder of plots, can be written.

    Raises
    ------
    InputError
        If the page cannot be written, or the assets are not a folder or cannot become one.
    """
    require_writable(path)
    if assets is None:
        return
    assets = Path(assets)
    if assets.exists() and not assets.is_dir():
        raise InputError(f"{assets}: a file, not a folder; give --html-assets a folder")
    require_writable(assets / "plot.png" if assets.is_dir() else assets)


def write(path: str | Path, page: Page, assets: str | Path | None = None) -> None:
    """Write a report.

    Parameters
    ----------
    path : path
        The HTML file.
    page : Page
    assets : path, optional
        A folder for PNG plots, made where it is missing; the page is then plain and refers to them by relative paths.

    Raises
    ------
    InputError, WorkError
        If it cannot be written: see `crekit.files.output_path`.
    """
    if assets is None:
        text = render(page)
    else:
        assets = Path(assets)
        assets.mkdir(exist_ok=True)
        for plot in _plots(page):
            png(plot.figure, assets / f"{plot.name}.png")
        text = render(page, images=Path(os.path.relpath(assets, Path(path).parent)).as_posix())
    with output_text(path) as handle:
        handle.write(text)


def render(page: Page, images: str | None = None) -> str:
    """HTML of a report: self-contained, or plain when `images` names the folder of PNG plots as the page sees it."""
    import jinja2
    from markupsafe import Markup

    names = [plot.name for plot in _plots(page)]
    if len(set(names)) != len(names):
        raise ValueError(f"plots of a page need names of their own: {names}")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"cell": _cell, "svg": lambda plot: Markup(svg(plot.figure))}  # noqa: S704 (our own SVG)
    environment.globals["pixels"] = lambda plot: round(plot.figure.get_figwidth() * SCREEN_DPI)
    environment.tests |= {"number": _is_number}
    sections = [(section.heading, _grouped(section)) for section in page.sections]
    return environment.get_template("page.html").render(
        page=page,
        sections=sections,
        images=None if images is None else "" if images == "." else f"{images}/",
        css=Markup((HERE / "page.css").read_text()),  # noqa: S704 (our own file)
        record=json.dumps(page.provenance, indent=2),
        version=__version__,
    )


def _plots(page: Page) -> list[Plot]:
    return [block for section in page.sections for block in section.blocks if isinstance(block, Plot)]


def _grouped(section: Section) -> list[tuple[str, list[Any]]]:
    """Blocks by kind, neighbours of one kind together, so that plots can stand side by side."""
    return [(kind.lower(), list(blocks)) for kind, blocks in groupby(section.blocks, lambda b: type(b).__name__)]


def _is_number(value: Any) -> bool:
    """Whether a cell is set as a number; text that begins like one counts: ``0.91 (0.90–0.92)``, ``3 %``."""
    if isinstance(value, str):
        return bool(re.match(r"[+−-]?\d[\d.,]*( |$)|–$", value))
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _cell(value: Any) -> str:
    """How a value is shown: three decimals, or three digits where it is small; a dash for what is not known."""
    if value is None or value != value:  # noqa: PLR0124 (NaN)
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.3g}" if 0 < abs(value) < 0.01 else f"{value:.3f}"
    return str(value)
