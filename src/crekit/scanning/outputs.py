"""The files of a scan: blocks, probabilities of each class, an IGV session, a summary. All appear, or none."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from crekit.errors import InputError
from crekit.files import output_path, output_text, require_writable, write_json
from crekit.scanning import bigwig
from crekit.scanning.browser import igv_session


@dataclass(frozen=True)
class Layout:
    """Where windows lie, and so where their values are drawn.

    Parameters
    ----------
    step, width : int
        Bases between the starts of two windows, and of a window.
    """

    step: int
    width: int

    @property
    def span(self) -> int:
        """Bases that a window's value is drawn over: the step, but no more than the window."""
        return min(self.step, self.width)

    @property
    def first(self) -> int:
        """First base of the first window's value: it lies round the window's centre."""
        return self.width // 2 - self.span // 2


@dataclass(frozen=True)
class Names:
    """Paths of the outputs.

    Parameters
    ----------
    prefix : str
        What they all begin with, folder included.
    classes : sequence of str
        Those that get a bigWig: all but background.
    """

    prefix: str
    classes: Sequence[str]

    @property
    def bed(self) -> Path:
        return Path(f"{self.prefix}.bed")

    @property
    def session(self) -> Path:
        return Path(f"{self.prefix}.igv.xml")

    @property
    def summary(self) -> Path:
        return Path(f"{self.prefix}.summary.json")

    @property
    def bigwigs(self) -> dict[str, Path]:
        """Class -> path. What a file name cannot hold becomes an underscore."""
        return {name: Path(f"{self.prefix}.{re.sub(r'[^A-Za-z0-9_.+-]', '_', name)}.bw") for name in self.classes}

    def check(self) -> None:
        """Check before the work starts that all of them can be written.

        Raises
        ------
        InputError
        """
        if self.prefix == "-" or Path(self.prefix).is_dir():
            raise InputError(f"-o {self.prefix}: a scan writes several files; give the beginning of their names")
        if len(set(self.bigwigs.values())) < len(self.classes):
            raise InputError("two classes of the model give the same file name; rename one with train-model --relabel")
        for path in (self.bed, self.session, self.summary, *self.bigwigs.values()):
            require_writable(path)


class Sink:
    """Takes a scan chromosome by chromosome. Made by `create`."""

    def __init__(self, bed: TextIO, bigwigs: Mapping[str, bigwig.Writer], layout: Layout) -> None:
        self._bed = bed
        self._bigwigs = bigwigs
        self._layout = layout
        self.summary: dict[str, Any] = {}

    def add(self, chrom: str, bed_lines: str, probabilities: Mapping[str, np.ndarray]) -> None:
        """The blocks of a chromosome, and the probabilities of its windows for each class that has a bigWig."""
        self._bed.write(bed_lines)
        for name, writer in self._bigwigs.items():
            writer.add(chrom, self._layout.first, self._layout.span, self._layout.step, probabilities[name])


@contextmanager
def create(names: Names, layout: Layout, sizes: Mapping[str, int], genome: str | None) -> Iterator[Sink]:
    """Write the outputs; they appear under their names when the block ends well.

    Parameters
    ----------
    names : Names
    layout : Layout
    sizes : mapping of str to int
        The chromosomes that will come, in their order.
    genome : str, optional
        For the IGV session.

    Yields
    ------
    sink : Sink
        Its `summary` must be set inside the block.
    """
    # All files are complete before the first is renamed.
    with ExitStack() as renames:
        paths = {name: renames.enter_context(output_path(path)) for name, path in names.bigwigs.items()}
        bed = renames.enter_context(output_text(names.bed))
        session = renames.enter_context(output_text(names.session))
        summary = renames.enter_context(output_path(names.summary))
        with ExitStack() as writers:
            bigwigs = {name: writers.enter_context(bigwig.create(path, sizes)) for name, path in paths.items()}
            sink = Sink(bed, bigwigs, layout)
            yield sink
            session.write(
                igv_session(names.bed.name, {name: path.name for name, path in names.bigwigs.items()}, genome)
            )
            write_json(summary, sink.summary)
