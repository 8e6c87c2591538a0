"""A run of label-activity: files in, labelled regions, table and plot out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from crekit.errors import InputError
from crekit.files import output_path, output_text
from crekit.genome.chromosomes import select
from crekit.genome.regions import Regions, concatenate, read_bed, write_bed
from crekit.labels import transcription
from crekit.labels.activity import CLASSES, DISCORDANT, Activity, candidates, label
from crekit.labels.outputs import require

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PLOTS = (".png", ".svg", ".pdf")
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "crekit",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
_BARS = 40
_POISED, _ACTIVE = "#7a8aa0", "#c8553d"


@dataclass(frozen=True)
class Outputs:
    """Where results go; None is not wanted."""

    regions: str | Path
    table: str | Path | None = None
    plot: str | Path | None = None

    def check(self) -> None:
        """Raise `InputError` for an output that cannot be written, or a plot of a format that we do not write."""
        require(self.regions, self.table, self.plot)
        if self.plot is not None and Path(self.plot).suffix.lower() not in PLOTS:
            raise InputError(f"{self.plot}: a plot ends in {', '.join(PLOTS)}; choose another name")


def read_regions(files: Sequence[tuple[str | None, Path]], chroms: str | None = None) -> Regions:
    """Regions of several files, sorted, on the chosen chromosomes.

    Parameters
    ----------
    files : sequence of (str or None, path)
        Class (or None: it stands in the file) and BED.
    chroms : str, optional
        As `crekit.genome.chromosomes.select` reads them; known are those of the files.

    Raises
    ------
    InputError
        If a file or a chromosome is wrong, or a span stands in two files.
    """
    parts = [(path, read_bed(path, name=name)[0]) for name, path in files]
    seen: set[str] = set()
    for path, part in parts:
        if twice := seen.intersection(part.ids):
            raise InputError(f"{path}: {min(twice)} stands in another file of regions too; remove one")
        seen.update(part.ids)
    regions = concatenate([part for _, part in parts]).sorted()
    return regions if chroms is None else regions.on(select(chroms, regions.chrom))


def run(
    regions: Regions,
    files: dict[str, transcription.Paths],
    outputs: Outputs,
    *,
    log_scale: bool = True,
    seed: int = 1,
    reference: str | Path | None = None,
) -> Activity:
    """Count, label, write.

    Parameters
    ----------
    regions : Regions
        Sorted.
    files : dict of str to sequence of path
        Of ``plus`` and ``minus``, or of ``reads``.
    outputs : Outputs
    log_scale, seed
        As `crekit.labels.activity.label` takes them.
    reference : path, optional
        FASTA of CRAM files.

    Raises
    ------
    InputError
    """
    outputs.check()
    wanted = candidates(regions)
    counted = regions[wanted]
    transcription.require_files(files, counted, reference)
    counts = {}
    for strand, paths in files.items():
        counts[strand] = np.full(len(regions), np.nan)
        counts[strand][wanted] = transcription.count(paths, counted, reference)
    transcription.warn_of_silence({strand: count[wanted] for strand, count in counts.items()}, counted)
    activity = label(regions, counts, log_scale=log_scale, seed=seed)
    if outputs.table is not None:
        write_table(outputs.table, activity)
    if outputs.plot is not None:
        plot(outputs.plot, activity, "log2(signal + 1)" if log_scale else "signal")
    with output_text(outputs.regions) as handle:
        write_bed(handle, activity.labelled)
    return activity


def write_table(path: str | Path, activity: Activity) -> None:
    """Write a row for every enhancer and promoter: id, class, counts, clustered values, label."""
    strands = list(activity.counts)
    wanted = np.isin(activity.regions.name.astype(str), CLASSES)
    regions = activity.regions[wanted]
    columns = [[f"{count:.10g}" for count in activity.counts[strand][wanted]] for strand in strands]
    columns += [[f"{value:.6f}" for value in activity.values[strand][wanted]] for strand in strands]
    names = ["value"] if strands == ["reads"] else [f"value_{strand}" for strand in strands]
    with output_text(path) as handle:
        handle.write("\t".join(["id", "class", *strands, *names, "label"]) + "\n")
        for row in zip(regions.ids, regions.name, *columns, activity.labels[wanted], strict=True):
            handle.write("\t".join(row) + "\n")


def plot(path: str | Path, activity: Activity, unit: str) -> None:
    """Draw the histogram of each class and strand, and where the clusters meet."""
    import matplotlib
    from matplotlib.figure import Figure

    classes = [name for name in CLASSES if (name, next(iter(activity.counts))) in activity.clusters]
    strands = list(activity.counts)
    with matplotlib.rc_context(_STYLE):
        size = (4.2 * len(strands) + 0.4, 2.9 * len(classes) + 0.2)
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots(len(classes), len(strands), squeeze=False)
        for row, name in zip(axes, classes, strict=True):
            for ax, strand in zip(row, strands, strict=True):
                _histogram(ax, activity, name, strand, unit)
        with output_path(path) as temporary:
            dates = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
            figure.savefig(temporary, dpi=150, metadata=dates.get(Path(path).suffix.lower()))


def _histogram(ax: "Axes", activity: Activity, name: str, strand: str, unit: str) -> None:
    clusters = activity.clusters[name, strand]
    values = activity.values[strand][activity.regions.name == name]
    # Bars of one width that end at the cut, so that none belongs to both clusters.
    width = float(np.ptp(values)) / _BARS
    below, above = (np.ceil(abs(end - clusters.cut) / width) for end in (values.min(), values.max()))
    edges = (clusters.cut + width * np.arange(-below, above + 1)).tolist()
    parts = [values[~clusters.active], values[clusters.active]]
    names = [f"low, {len(parts[0]):,}", f"high, {len(parts[1]):,}"]
    ax.hist(parts, bins=edges, stacked=True, color=[_POISED, _ACTIVE], label=names)
    ax.axvline(clusters.cut, color="black", linewidth=1, linestyle="--", label=f"cut at {clusters.cut:.2f}")
    dropped = int(((activity.regions.name == name) & (activity.labels == DISCORDANT)).sum())
    title = f"{name}s" if strand == "reads" else f"{name}s, {strand} strand"
    ax.set_title(title + (f" ({dropped:,} of {len(values):,} discordant)" if dropped else ""), loc="left")
    ax.set_xlabel(unit)
    ax.set_ylabel("regions")
    ax.legend(frameon=False)
