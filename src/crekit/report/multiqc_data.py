"""What MultiQC shows of the data: reads of each mark, regions of each class, what an audit found."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from crekit.labels.classes import BACKGROUND
from crekit.report.multiqc import BARS, TABLE, Section, number, share, text
from crekit.signal.tracks import COUNTS, SIGNAL, Track, Tracks

_COLOURS = {
    "enhancer": "#E69F00",
    "active_enhancer": "#E69F00",
    "poised_enhancer": "#F3CF80",
    "promoter": "#1E86C8",
    "active_promoter": "#1E86C8",
    "poised_promoter": "#8FC3E4",
    "background": "#A0A0A0",
    "discordant": "#CC79A7",
    "other": "#009E73",
}
_DEFINED = ("enhancer", "promoter", BACKGROUND)
_LABELLED = ("active_enhancer", "poised_enhancer", "active_promoter", "poised_promoter", "discordant", BACKGROUND)
_OTHER = "other"

_VERDICTS = {"leak": "#D55E00", "look": "#E69F00", "fine": "#009E73", "skipped": "#A0A0A0"}
"""Verdict -> colour, the worst first."""

_CHECKS = {
    "duplicates-within": "Duplicates",
    "duplicates-classes": "Duplicates, classes",
    "duplicates-split": "Duplicates, split",
    "near-within": "Near-duplicates",
    "near-classes": "Near-duplicates, classes",
    "near-split": "Near-duplicates, split",
    "neighbours": "Neighbours, split",
    "homology": "Homology, split",
    "length": "Length",
    "length-modulo": "Length modulo",
    "gc": "GC",
    "unknown": "Unknown bases",
    "composition": "Composition",
    "blacklist": "Blacklist",
}


def tracks(called: str, path: str | Path) -> list[Section]:
    """Reads, and bins with signal, of each mark and replicate of a track file, and of each control.

    Replicates have the numbers of their groups in the file. Values of a bigWig are no reads: their sum is given.
    """
    rows: dict[str, dict[str, Any]] = {}
    bars: dict[str, dict[str, int]] = {}
    with Tracks(path) as opened:
        seen: Counter[tuple[str, str]] = Counter()
        for track in opened.tracks:
            seen[track.mark, track.role] += 1
            row = f"{called}: {track.mark} {track.role}{seen[track.mark, track.role]}"
            rows[row] = _track(opened, track)
            if track.kind == COUNTS:
                bars[row] = {track.role: track.library_size}
    headers = {
        "reads": number("Reads", "Reads or fragments counted in the whole file; of a bigWig, none"),
        "values": number("Sum of values", "Sum of a bigWig's values over the bins", format="{:,.4g}"),
        "with_signal": share("Bins with signal", "Share of the bins that are not zero"),
        "bins": number("Bins", "Bins along the stored chromosomes", hidden=True),
    }
    colours = {SIGNAL: {"name": "signal", "color": "#1E86C8"}, "control": {"name": "control", "color": "#A0A0A0"}}
    return [
        Section(
            "reads",
            "Reads counted",
            "Reads or fragments that counted, in the whole of each file: the library sizes.",
            BARS,
            bars,
            {"ylab": "reads", "cpswitch": False},
            categories=colours,
        ),
        Section(
            "tracks",
            "Tracks",
            "Each file that was counted, by mark; signal1, signal2, ... are its replicates.",
            TABLE,
            rows,
            {"col1_header": "Track", "sort_rows": False},
            headers,
        ),
    ]


def _track(opened: Tracks, track: Track) -> dict[str, Any]:
    """A row of the table: one chromosome of bins is in memory at a time."""
    bins = filled = 0
    total = 0.0
    for chrom in opened.sizes:
        values = opened.raw(track, chrom)
        bins += len(values)
        filled += int(np.count_nonzero(values))
        total += float(values.sum(dtype=np.float64))
    amount = {"reads": track.library_size} if track.kind == COUNTS else {"values": total}
    return {**amount, "with_signal": filled / bins, "bins": bins}


def regions(called: str, counts: Mapping[str, int]) -> list[Section]:
    """Regions of each class, as define-regions makes them."""
    text = "Regions of each class, by define-regions."
    return [_classes("regions", "Regions", text, called, {name: counts.get(name, 0) for name in _DEFINED})]


def activity(called: str, labels: Iterable[str]) -> list[Section]:
    """Regions of each label of label-activity; classes that it knows nothing of are counted as other."""
    number = Counter(label if label in _LABELLED else _OTHER for label in labels)
    text = "Regions of each class, by label-activity. Discordant: the two strands disagree, so the region is dropped."
    return [_classes("activity", "Activity", text, called, {name: number[name] for name in (*_LABELLED, _OTHER)})]


def _classes(name: str, title: str, description: str, called: str, counts: Mapping[str, int]) -> Section:
    categories = {one: {"name": one.replace("_", " "), "color": _COLOURS[one]} for one in counts}
    return Section(name, title, description, BARS, {called: counts}, {"ylab": "regions"}, categories=categories)


def audit(found: Mapping[str, Mapping[str, Any]]) -> list[Section]:
    """The verdict of each check: a row an audit.

    Parameters
    ----------
    found : mapping
        Row -> the JSON object of an audit. Of a check with several findings, the worst is shown.
    """
    ranks = list(_VERDICTS)
    rows: dict[str, dict[str, str]] = {}
    titles = dict(_CHECKS)
    for row, results in found.items():
        rows[row] = {"verdict": results["verdict"]}
        for one in results["findings"]:
            titles.setdefault(one["check"], one["check"])
            verdicts = (one["verdict"], rows[row].get(one["check"], ranks[-1]))
            rows[row][one["check"]] = min(verdicts, key=ranks.index)
    formats = {
        "cond_formatting_rules": {name: [{"s_eq": name}] for name in ranks},
        "cond_formatting_colours": [{name: colour} for name, colour in _VERDICTS.items()],
    }
    headers = {"verdict": text("Worst verdict", "The worst verdict of all checks", **formats)}
    headers |= {check: text(title, f"Verdict of the check {check}", **formats) for check, title in titles.items()}
    return [
        Section(
            "audit",
            "Audit of the data",
            "What could make a benchmark lie. Leak: a model can score well without what it should learn; look: it may; "
            "skipped: the check does not apply.",
            TABLE,
            rows,
            {"col1_header": "Data set"},
            headers,
        )
    ]
