"""The sections of an evaluation's report on folds: each fold, models fold by fold, and what a random split adds."""

from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from crekit.labels.classes import BACKGROUND
from crekit.report.page import COLOURS, NEUTRAL, Plot, Section, Table, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_FIGURES = ("mAP", "AUROC")


def sections(results: Mapping[str, Any]) -> list[Section]:
    """Those that have something to show."""
    made = [_folds(results), _leaks(results["leaks"]), _published(results["published_windows"])]
    return [one for one in made if one.blocks]


def _folds(results: Mapping[str, Any]) -> Section:
    found = results["folds"]
    if not found:
        return Section("Folds", [])
    classes = results["classes"]
    rows = [row for model, one in found.items() for row in _rows(model, one, classes)]
    columns = ["model", "fold", "sites", *_FIGURES, *(f"AP, {name}" for name in classes)]
    text = (
        "Each region is judged by the model that was not trained on its fold. Pooled figures rank the regions of all "
        "folds together, although their scores come from different models; AUROC is its mean without background."
    )
    blocks: list[Any] = [text, Plot("folds", _strip(found), "mAP of each fold; bars are means over the folds.")]
    blocks.append(Table(columns, rows, "Figures of each fold, and of all folds pooled."))
    if results["fold_comparisons"]:
        blocks.append(_compared(results["fold_comparisons"]))
    return Section("Folds", blocks)


def _rows(model: str, found: Mapping[str, Any], classes: list[str]) -> list[list[Any]]:
    def row(what: Any, one: Mapping[str, Any], sites: int | None) -> list[Any]:
        return [model, what, sites, *(one[figure] for figure in _FIGURES), *(one["AP"][name] for name in classes)]

    each = [row(f"fold {one['fold']}", one, one["sites"]) for one in found["each"]]
    spread = [row("mean", found["mean"], None), row("standard deviation", found["sd"], None)]
    return [*each, *spread, row("pooled", found["pooled"], found["pooled"]["sites"])]


def _compared(comparisons: list[Mapping[str, Any]]) -> Table:
    rows = [
        [
            f"{one['first']} less {one['second']}",
            one["figure"],
            one["folds"],
            f"{one['difference']:+.3f}",
            f"{one['p']:.2g}",
            f"{one['smallest_p']:.2g}",
        ]
        for one in comparisons
    ]
    caption = (
        "Models with the same folds: Wilcoxon signed-rank test of the differences of each fold, exact, two-sided. No "
        "difference can give less than the smallest p. Folds share training regions, so that p is too small rather "
        "than too large."
    )
    return Table(["models", "figure", "folds", "mean difference", "p", "smallest p"], rows, caption)


def _strip(found: Mapping[str, Any]) -> "Figure":
    """mAP of each fold, a column a model; a fold is joined by a line to the same of the model beside it."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    with style():
        figure = Figure(figsize=(1.6 + 1.3 * len(found), 3.0), layout="constrained")
        axes = figure.subplots()
        columns = [{row["fold"]: row["mAP"] for row in one["each"]} for one in found.values()]
        rules = [one["rule"] for one in found.values()]
        for i, (left, right) in enumerate(pairwise(columns)):
            for fold in sorted(left.keys() & right.keys()) if rules[i] == rules[i + 1] else ():
                if left[fold] is not None and right[fold] is not None:
                    axes.plot([i, i + 1], [left[fold], right[fold]], color=NEUTRAL, linewidth=0.8, zorder=1)
        for i, (one, column) in enumerate(zip(found.values(), columns, strict=True)):
            known = [value for value in column.values() if value is not None]
            axes.scatter([i] * len(known), known, color=COLOURS[i % len(COLOURS)], s=22, zorder=3)
            if one["mean"]["mAP"] is not None:
                axes.plot([i - 0.18, i + 0.18], [one["mean"]["mAP"]] * 2, color="black", linewidth=1.6, zorder=2)
        axes.set_xticks(range(len(found)), list(found))
        axes.set(ylabel="mAP", xlim=(-0.6, len(found) - 0.4))
        axes.yaxis.set_major_locator(MaxNLocator(6))
    return figure


def _leaks(leaks: list[Mapping[str, Any]]) -> Section:
    if not leaks:
        return Section("The leak of a random split", [])
    rows = [
        [
            f"{one['random']} less {one['honest']}",
            figure,
            one[figure]["random"],
            one[figure]["honest"],
            _signed(one[figure]["difference"]),
            _span(one.get("interval")) if figure == "mAP" else None,
            one["sites"],
        ]
        for one in leaks
        for figure in _FIGURES
    ]
    columns = ["models", "figure", "split at random", "split honestly", "the leak", "95 % interval", "sites"]
    kept = " and ".join(sorted({one["by"] for one in leaks}))
    text = (
        f"The same model, trained in the same way on the same data: once split at random, once by {kept}. Random "
        "splits put neighbours and near copies on both sides, so that a model may remember instead of generalise. The "
        "difference is that leak, on sites that are in the test sets of both."
    )
    return Section("The leak of a random split", [text, Table(columns, rows)])


def _signed(value: float | None) -> str | None:
    return None if value is None else f"{value:+.3f}"


def _span(interval: list[float] | None) -> str | None:
    return None if not interval or None in interval else f"{interval[0]:+.3f} to {interval[1]:+.3f}"


def _published(found: Mapping[str, Any]) -> Section:
    rows = [
        [model, name, one["matched"], one["published"]]
        for model, classes in found.items()
        for name, one in classes.items()
        if name != BACKGROUND
    ]
    text = (
        "As published, an element has the best of all its windows, and background one window: more chances of a high "
        "score for elements. All other figures of this page give all classes as many windows."
    )
    table = Table(["model", "class", "AUROC, windows matched", "AUROC, scored as published"], rows)
    return Section("Windows as published", [text, table] if rows else [])
