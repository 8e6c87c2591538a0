"""The figures of define-regions: regions per class and chromosome, and what each filter removed."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from crekit.genome.chromosomes import natural_key
from crekit.genome.regions import Regions
from crekit.labels.classes import BACKGROUND
from crekit.labels.elements import Elements


def counts(regions: Regions) -> dict[str, dict[str, int]]:
    """How many regions of each class each chromosome holds: class -> chromosome -> number."""
    number = Counter(zip(regions.name, regions.chrom, strict=True))
    chroms = sorted(set(regions.chrom), key=natural_key)
    return {name: {chrom: number[name, chrom] for chrom in chroms} for name in sorted(set(regions.name))}


def figures(elements: Elements, regions: Regions) -> dict[str, Any]:
    """All figures of a run, as they go into a JSON file.

    Parameters
    ----------
    elements : Elements
    regions : Regions
        Promoters, enhancers and the background that was drawn.
    """
    steps = [
        {"class": one.name, "step": one.step, "in": one.before, "removed": one.removed, "kept": one.kept}
        for one in elements.filters
    ]
    tiles, drawn = len(elements.candidates), int((regions.name == BACKGROUND).sum())
    steps.append({"class": BACKGROUND, "step": "drawn", "in": tiles, "removed": tiles - drawn, "kept": drawn})
    return {"counts": counts(regions), "filters": steps, "markers": len(elements.markers)}


def as_text(figures: dict[str, Any]) -> str:
    """The figures as two tables for people."""
    number = figures["counts"]
    classes = list(number)
    chroms = list(number[classes[0]]) if classes else []
    per_chrom = [[chrom, *(f"{number[name][chrom]:,}" for name in classes)] for chrom in chroms]
    total = ["all", *(f"{sum(number[name].values()):,}" for name in classes)]
    steps = [
        [one["class"], one["step"], *(f"{one[column]:,}" for column in ("in", "removed", "kept"))]
        for one in figures["filters"]
    ]
    return _table("Regions", ["chromosome", *classes], [*per_chrom, total], left=1) + _table(
        "What each filter removed", ["class", "step", "in", "removed", "kept"], steps, left=2
    )


def _table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]], left: int) -> str:
    """A table as plain text: the first `left` columns to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = [
        "  " + "   ".join(f"{cell:{'<' if i < left else '>'}{widths[i]}}" for i, cell in enumerate(row))
        for row in (header, *rows)
    ]
    rule = " " + "─" * (sum(widths) + 3 * len(widths) - 1)
    return "\n".join(line.rstrip() for line in (title, "", lines[0], rule, *lines[1:], "")) + "\n"
