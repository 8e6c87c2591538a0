"""The report of an audit: what `audit-dataset --html` shows, what is wrong first."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from crekit.report import audit_plots as plots
from crekit.report.page import Note, Page, Plot, Section, Table

_RANK = {"leak": 0, "look": 1, "fine": 2, "skipped": 3}
_MEANING = {
    "leak": "A model can score well on this data set without what it should learn. Mend it before you train.",
    "look": "Something here may help a model that should not. Look at it, and say so beside your figures.",
    "fine": "No check found anything. What is not checked here may still leak.",
    "skipped": "No check applies.",
}


@dataclass(frozen=True)
class Shown:
    """What a report is made from.

    Parameters
    ----------
    results : dict
        See docs/audit-dataset.md, "Output".
    classes : np.ndarray, shape (n,), object
        Class of each sequence.
    lengths : np.ndarray, shape (n,), int64
        In bases.
    gc : np.ndarray, shape (n,), float64
        Share of G and C among the known bases; NaN where there are none.
    """

    results: Mapping[str, Any]
    classes: np.ndarray
    lengths: np.ndarray
    gc: np.ndarray


def page(shown: Shown) -> Page:
    """The whole report."""
    results = shown.results
    classes = results["counts"]["classes"]
    sequences = sum(one["sequences"] for one in classes.values())
    lead = f"{sequences:,} sequences of {', '.join(classes)}. {_split(results['split'])} {_MEANING[results['verdict']]}"
    number = Counter(one["verdict"] for one in results["findings"])
    figures = [("verdict", results["verdict"]), *((name, number[name]) for name in _RANK)]
    sections = [
        *_to_do(results),
        _verdicts(results),
        *_rest(results),
        *_told_apart(results),
        *_lengths(shown),
        _composition(shown),
        *_examples(results),
        _data(results),
        *_fix(results),
        _thresholds(results),
    ]
    return Page("Audit of a data set", lead, figures, sections, results["record"])


def _split(split: Mapping[str, Any]) -> str:
    """What the split is, in a sentence."""
    kind, by = split["kind"], split.get("by", "")
    return {
        "none": "There is no split, so nothing was looked for across one.",
        "files": "Split: test files.",
        "stored": "Split: the one in the sequence file.",
        "chromosomes": "Split: by chromosome.",
        "random": "Split: at random.",
        "folds": f"Split: {split.get('folds')} folds {'at random' if by == 'random' else f'by {by}'}.",
    }[kind]


def _ordered(results: Mapping[str, Any]) -> list[dict[str, Any]]:
    return sorted(results["findings"], key=lambda one: _RANK[one["verdict"]])


def _to_do(results: Mapping[str, Any]) -> list[Section]:
    blocks: list[str | Note] = []
    for one in _ordered(results):
        text = f"{one['title']}. {one['says']} {one['remedy']}".strip()
        if one["verdict"] == "leak":
            blocks.append(Note(text))
        elif one["verdict"] == "look":
            blocks.append(text)
    return [Section("What to do", blocks)] if blocks else []


def _verdicts(results: Mapping[str, Any]) -> Section:
    rows = [
        [one["title"], one["verdict"], _value(one), one["what"], _interval(one["interval"]), _p(one["p"])]
        for one in _ordered(results)
    ]
    caption = "p is that of the permutation null or of chance, after correction for all that the check looked at."
    return Section("Verdicts", [Table(["check", "verdict", "number", "of", "95 % interval", "p"], rows, caption)])


def _rest(results: Mapping[str, Any]) -> list[Section]:
    found = [one for one in _ordered(results) if one["verdict"] in {"fine", "skipped"}]
    text = [f"{one['title']}: {one['verdict']}. {one['says']}" for one in found]
    return [Section("What was found fine, or could not be checked", text)] if text else []


def _value(finding: Mapping[str, Any]) -> str | None:
    value = finding["value"]
    if value is None:
        return None
    return f"{value:,.0f}" if value == int(value) and finding["what"] != "AUROC" else f"{value:.3f}"


def _interval(interval: list[float] | None) -> str | None:
    return None if interval is None else f"{interval[0]:.3f} to {interval[1]:.3f}"


def _p(p: float | None) -> str | None:
    return None if p is None else f"{p:.2g}"


def _told_apart(results: Mapping[str, Any]) -> list[Section]:
    found = [one for one in results["findings"] if one["what"] == "AUROC" and one["value"] is not None]
    if not found:
        return []
    caption = (
        "How well one property alone tells the classes apart, cross-validated: 0.5 is chance, 1 is always. Of more "
        "than two classes, the one that is told best from all others. Bars: 95 % interval. Composition is what a "
        "model should learn, too, so that it is never a leak by itself."
    )
    return [Section("What tells the classes apart", [Plot("told_apart", plots.aurocs(found), caption)])]


def _lengths(shown: Shown) -> list[Section]:
    if len(np.unique(shown.lengths)) == 1:
        return [Section("Lengths", [f"All sequences have {shown.lengths[0]:,} bases."])]
    told = {one["check"]: one["detail"] for one in shown.results["findings"]}
    modulus = told.get("length-modulo", {}).get("modulus", 10)
    caption = f"Remainder of the length over {modulus}, the number that tells the classes apart best, if one does."
    blocks: list[Any] = [
        Plot("lengths", plots.histogram(shown.lengths, shown.classes, "bases"), "Lengths of the sequences."),
        Plot("modulo", plots.remainders(shown.lengths, shown.classes, modulus), caption),
    ]
    if hidden := shown.results["counts"]["windows"]:
        blocks.append(
            f"A model reads windows of {hidden} bases, which do not show how long a sequence is. One of whole regions "
            "would see it."
        )
    return [Section("Lengths", blocks)]


def _composition(shown: Shown) -> Section:
    known = ~np.isnan(shown.gc)
    drawn = plots.histogram(shown.gc[known], shown.classes[known], "share of G and C")
    return Section("GC", [Plot("gc", drawn, "Share of G and C among the known bases of each sequence.")])


def _examples(results: Mapping[str, Any]) -> list[Section]:
    blocks: list[Any] = []
    for one in results["findings"]:
        if one["verdict"] in {"look", "leak"} and (found := one["detail"].get("examples")):
            rows = [row if isinstance(row, list) else [row] for row in found]
            width = max(map(len, rows))
            second = "class" if one["check"] == "duplicates-classes" else "and"
            columns = ["sequence", second, "containment"][:width]
            blocks.append(Table(columns, rows, f"{one['title']}: the first {len(rows)}, or the worst."))
    return [Section("Examples", blocks)] if blocks else []


def _data(results: Mapping[str, Any]) -> Section:
    counts = results["counts"]
    rows = [
        [name, one["sequences"], one["bases"], *map(_whole, one["length"]), one["gc"], *one["parts"].values()]
        for name, one in counts["classes"].items()
    ]
    columns = ["class", "sequences", "bases", "shortest", "median", "longest", "GC", *counts["parts"]]
    return Section("The data", [Table(columns, rows, "Lengths in bases.")])


def _whole(number: float) -> float:
    return int(number) if number == int(number) else number


def _fix(results: Mapping[str, Any]) -> list[Section]:
    if "fix" not in results:
        return []
    fix = results["fix"]
    names = list(results["counts"]["classes"])
    removed = [[why, *(found.get(name, 0) for name in names)] for why, found in fix["removed"].items()]
    trimmed = [
        [name, one["sequences"], one["bases"], f"{100 * one['bases'] / max(one['of'], 1):.1f} %"]
        for name, one in fix["trimmed"].items()
    ]
    return [
        Section(
            "What was mended",
            [
                *([Table(["removed", *names], removed, "Sequences that were left out.")] if removed else []),
                Table(["class", "sequences cut", "bases cut off", "of all"], trimmed, "Cut to equal lengths."),
            ],
        )
    ]


def _thresholds(results: Mapping[str, Any]) -> Section:
    rows = [[one["title"], one["threshold"]] for one in results["findings"] if one["threshold"]]
    return Section("How each check decides", [Table(["check", "rule"], rows)])
