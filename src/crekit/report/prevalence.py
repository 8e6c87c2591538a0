"""The section of an evaluation's report on precision where a class is as rare as in the genome."""

from collections.abc import Mapping
from typing import Any

from crekit.report.page import Section, Table


def sections(results: Mapping[str, Any]) -> list[Section]:
    """The section, where tiles were scored."""
    if not results["prevalence"]:
        return []
    rows = [
        [
            model,
            of_class,
            _percent(one["prevalence"]),
            _percent(one["recall"]),
            _percent(one["false_positive_rate"]),
            one["precision"],
            results["models"][model]["classes"][of_class]["precision"],
            one["AP"],
            results["models"][model]["classes"][of_class]["AP"],
        ]
        for model, found in results["prevalence"].items()
        for of_class, one in found.items()
    ]
    columns = ["model", "class", "prevalence", "recall", "false positives"]
    columns += ["precision in the genome", "precision on the sites", "AP in the genome", "AP on the sites"]
    text = (
        "On the sites above, elements are far more frequent than in the genome, which flatters precision. Here every "
        "tile of these chromosomes is scored: prevalence is the share of tiles that overlap a region of the class, the "
        "false-positive rate comes from all others. "
    )
    if any("marks" in one for one in results["models"].values()):
        text += "As in a scan of the genome, the non-zero rule leaves nothing out."
    else:
        text += "A tile is one window; so is, for recall, the middle of a region. Tiles that hold an N are left out."
    return [Section("Precision at the genome's prevalence", [text, Table(columns, rows)])]


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{100 * share:.2f} %"
