"""The report of models by data sets: what `evaluate-model --matrix --html` shows, average precision first."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from crekit.labels.classes import BACKGROUND
from crekit.report.page import COLOURS, NEUTRAL, Note, Page, Plot, Section, Table, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DRAWN = {"mAP": "Average precision", "AUROC": "Area under the ROC curve"}
_LEAST_RANGE = 0.1  # of the values over which the shading goes, so that noise does not look like a difference


def page(results: Mapping[str, Any]) -> Page:
    """The whole report.

    Parameters
    ----------
    results : dict
        The metrics file of ``--matrix``: see docs/evaluate-model.md.
    """
    found = results["matrix"]
    models, names = found["models"], found["data_sets"]
    lead = (
        f"{_number(len(models), 'model')} on {_number(len(names), 'data set')}, each on regions that it has learned "
        f"nothing from; classes {', '.join(results['classes'])}."
    )
    leading = [
        (f"mAP, {name}, {'its own data' if what == 'own' else 'other data'}", mean)
        for name, means in found["means"].items()
        for what, mean in means.items()
        if mean is not None
    ]
    sections = [
        _matrix(results),
        _classes(results),
        _compared(found["comparisons"]),
        _left_out(found["cells"]),
        _marks(results["audit"]["warnings"]),
        _models(results["models"]),
    ]
    title = f"{_number(len(models), 'model')} by {_number(len(names), 'data set')}"
    return Page(title, lead, leading, [one for one in sections if one.blocks], results["record"])


def _number(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"


def _matrix(results: Mapping[str, Any]) -> Section:
    found = results["matrix"]
    text = (
        "Framed: a data set that the model was trained on; its test regions are scored. On any other data set, regions "
        "that the model has learned from are left out, and folds are averaged over those that have not seen a region. "
        "An asterisk: see what to know of the cells, below."
    )
    blocks: list[Any] = [text]
    for figure, title in _DRAWN.items():
        caption = f"{title}, mean over the classes without background; shaded from the least cell to the highest."
        blocks.append(Plot(f"matrix_{figure}", heatmap(found, figure), caption))
    drawn = results["record"]["options"]["bootstrap"]
    spread = f" In brackets: 95 % intervals from {drawn:,} bootstrap resamples of the regions." if drawn else ""
    rows = [
        [row["model"], row["data_set"], row["own"], row["sites"], _with_interval(row), *_rest(row, found["figures"])]
        for row in found["cells"]
    ]
    columns = ["model", "data set", "its own", "regions", *found["figures"]]
    caption = (
        "mAP, AUROC, precision, recall and F1: means over the classes without background. The most probable class is "
        f"the prediction.{spread}"
    )
    return Section("Models by data sets", [*blocks, Table(columns, rows, caption)])


def _rest(row: Mapping[str, Any], figures: Sequence[str]) -> list[Any]:
    return [row[name] for name in figures[1:]]


def _with_interval(row: Mapping[str, Any]) -> str | None:
    if row["mAP"] is None:
        return None
    low, high = row["interval"] or (None, None)
    return f"{row['mAP']:.3f}" if low is None else f"{row['mAP']:.3f} ({low:.3f}–{high:.3f})"


def _classes(results: Mapping[str, Any]) -> Section:
    """Figures class by class, where there is more than one class besides background."""
    elements = [name for name in results["classes"] if name != BACKGROUND]
    if len(elements) < 2:
        return Section("Class by class", [])
    figures = ("AP", "AUROC", "precision", "recall", "F1")
    rows = [
        [row["model"], row["data_set"], name, *(row["classes"][name][one] for one in (*figures, "support"))]
        for row in results["matrix"]["cells"]
        if row["classes"]
        for name in elements
    ]
    table = Table(["model", "data set", "class", *figures, "regions"], rows, "Each class against all others.")
    return Section("Class by class", [table])


def _compared(comparisons: Sequence[Mapping[str, Any]]) -> Section:
    rows = [
        [
            f"{one['first']} less {one['second']}",
            one["data_sets"],
            f"{one['difference']:+.3f}",
            f"{one['won']} of {one['of']}",
            *(f"{one[p]:.2g}" for p in ("sign_p", "p", "smallest_p")),
        ]
        for one in comparisons
    ]
    columns = ["models", "data sets", "mean difference of mAP", "won", "sign test p", "Wilcoxon p", "smallest p"]
    caption = (
        "On the regions of each data set that neither of the two models has seen. Binomial sign test and Wilcoxon "
        "signed-rank test, exact, two-sided; so few data sets can give no Wilcoxon p below the smallest."
    )
    return Section("Models compared over data sets", [Table(columns, rows, caption)] if rows else [])


def _left_out(cells: Sequence[Mapping[str, Any]]) -> Section:
    rows = [
        [
            row["model"],
            row["data_set"],
            row["sites"],
            *(row["left_out"][one] for one in ("seen", "same_dna", "dropped")),
        ]
        for row in cells
    ]
    columns = ["model", "data set", "scored", "seen", "same DNA", "dropped"]
    caption = (
        "Seen: in the training or validation of the model, or on their ground (of its own data: in no test set). Same "
        "DNA: the whole of a training region, on either strand; parts and near copies are not looked for. Dropped: by "
        "the non-zero rule."
    )
    return Section("Regions left out", [Table(columns, rows, caption)])


def _marks(warnings: Sequence[str]) -> Section:
    return Section("What to know of the cells", [Note(text) for text in warnings])


def _models(models: Mapping[str, Mapping[str, Any]]) -> Section:
    rows = [[name, one["arch"], one["parameters"]] for name, one in models.items()]
    return Section("Models", [Table(["model", "architecture", "parameters"], rows)])


def heatmap(found: Mapping[str, Any], figure: str) -> "Figure":
    """A figure of every cell: models are rows, data sets columns, the number stands in the cell.

    Parameters
    ----------
    found : dict
        ``models``, ``data_sets`` and ``cells`` of the metrics file.
    figure : str
    """
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    models, names = found["models"], found["data_sets"]
    cells = {(row["model"], row["data_set"]): row for row in found["cells"]}
    known = np.array([row[figure] for row in cells.values() if row[figure] is not None])
    low, high = (known.min(), known.max()) if len(known) else (0.0, 1.0)
    low = min(low, high - _LEAST_RANGE)
    margin = 0.07 * max(map(len, models)) + 0.4
    size = (max(2.6, 0.95 * len(names) + margin), max(1.6, 0.5 * len(models) + 1.3))
    with style():
        drawn = Figure(figsize=size, layout="constrained")
        axes = drawn.subplots()
        for (row, model), (column, name) in ((m, n) for m in enumerate(models) for n in enumerate(names)):
            cell = cells[model, name]
            value = cell[figure]
            if value is not None:
                dark = 0.06 + 0.6 * (value - low) / (high - low)
                axes.add_patch(Rectangle((column, row), 1, 1, facecolor=COLOURS[0], alpha=dark, linewidth=0))
            text = ("–" if value is None else f"{value:.3f}") + ("*" if cell["marks"] else "")
            axes.text(column + 0.5, row + 0.5, text, ha="center", va="center")
            if cell["own"]:
                frame = (column + 0.04, row + 0.06)
                axes.add_patch(Rectangle(frame, 0.92, 0.88, fill=False, edgecolor="black", linewidth=1.4))
        axes.set(title=figure, xlim=(0, len(names)), ylim=(len(models), 0))
        axes.set_xticks(np.arange(len(names)) + 0.5, names, rotation=35, ha="right")
        axes.set_yticks(np.arange(len(models)) + 0.5, models)
        axes.tick_params(length=0)
        axes.grid(visible=False)
        axes.spines[:].set(visible=True, color=NEUTRAL)
    return drawn
