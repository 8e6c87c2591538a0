"""The last sections of an evaluation's report: what the models were made from, and what they may have seen."""

from collections.abc import Mapping
from typing import Any

from crekit.report.page import Note, Section, Table

_LIKE = {"within", "same_dna"}


def data(results: Mapping[str, Any]) -> Section:
    """Sites of the evaluation and of the training, and the models."""
    sites = results["sites"]
    evaluated = [[name, number, sites["dropped"][name]] for name, number in sites["scored"].items()]
    blocks: list[Any] = [Table(["class", "scored", "dropped"], evaluated, "Sites of this evaluation.")]
    made = {model: found["counts"] for model, found in results["audit"]["models"].items()}
    alike = len(made) > 1 and all(counts == next(iter(made.values())) for counts in made.values())
    for model, counts in list(made.items())[: 1 if alike else None]:
        dropped = _dropped(counts.get("dropped", {}))
        rows = [
            [name, *(counts[part].get(name, 0) for part in ("train", "val", "test")), dropped.get(name, 0)]
            for name in results["classes"]
        ]
        columns = ["class", "training", "validation", "test", "dropped"]
        caption = f"Sites that {'all models were' if alike else model + ' was'} made with"
        caption += ", summed over its folds." if model in results["folds"] else "."
        blocks.append(Table(columns, rows, caption))
    described = [
        [model, found["arch"], found["parameters"], _temperature(found["temperature"]), _takes(found)]
        for model, found in results["models"].items()
        if "arch" in found
    ]
    takes = "marks" if any("marks" in found for found in results["models"].values()) else "takes"
    blocks.append(Table(["model", "architecture", "parameters", "temperature", takes], described))
    return Section("Data and models", blocks)


def _temperature(value: Any) -> Any:
    """Of one model, or from the least to the highest of all folds."""
    if not isinstance(value, list):
        return value
    low, high = min(value), max(value)
    return low if low == high else f"{low:.3f} to {high:.3f}"


def _takes(found: Mapping[str, Any]) -> str:
    """Marks, or windows of DNA."""
    if "marks" in found:
        return ", ".join(found["marks"])
    return f"windows of {found['window']:,} bases" if found["window"] else "whole regions"


def _dropped(counts: Mapping[str, Any]) -> dict[str, int]:
    """Class -> dropped sites, whatever the reason and the data set."""
    total: dict[str, int] = {}
    for key, value in counts.items():
        for name, number in (_dropped(value) if isinstance(value, dict) else {key: value}).items():
            total[name] = total.get(name, 0) + number
    return total


def audit(results: Mapping[str, Any]) -> Section:
    """What each model may have seen of what it is judged by."""
    found = results["audit"]
    same = "same_tracks" if any("same_tracks" in one for one in found["models"].values()) else "same_sequences"
    rows = [
        [
            model,
            _named(one["split"], "train"),
            _named(one["split"], "val"),
            ", ".join(one["trained_on"] or []) or "none",
            one["near_training"],
            one[same],
        ]
        for model, one in found["models"].items()
    ]
    columns = ["model", "trained on", "epoch chosen by", "of these evaluated", "sites it may have seen"]
    blocks: list[Any] = [Note(text) for text in found["warnings"]]
    caption = "What each model may have seen of what it is judged by."
    blocks.append(Table([*columns, same.replace("_", " ")], rows, caption))
    if any(_LIKE & set(one) for one in found["models"].values()):
        blocks.append(_like(found["models"]))
    if "data_audit" in results:
        blocks.append(_data(results["data_audit"]))
    return Section("Audit", blocks)


def _data(found: Mapping[str, Any]) -> Table:
    """What a model could score by without learning, whatever the model."""
    rows = [[one["title"], one["verdict"], one["says"]] for one in found["findings"] if one["verdict"] != "skipped"]
    return Table(
        ["check", "verdict", "finding"],
        rows,
        f"What a model could score by without learning, in the data themselves: {found['verdict']}. "
        "audit-dataset looks for more.",
    )


def _like(models: Mapping[str, Any]) -> Table:
    """Sites near a training region, and sites with the same DNA."""
    known = {model: one for model, one in models.items() if _LIKE & set(one)}
    distances = list(next((one["within"] for one in known.values() if "within" in one), {}))
    dna = any("same_dna" in one for one in known.values())
    rows = [
        [model, *(one.get("within", {}).get(key) for key in distances), *([one.get("same_dna")] if dna else [])]
        for model, one in known.items()
    ]
    columns = ["model", *(f"within {int(key):,} bases" for key in distances), *(["of the same DNA"] if dna else [])]
    return Table(columns, rows, "Sites that are like a region which the model that judges them was trained on.")


def _named(split: Mapping[str, Any], part: str) -> str:
    """Chromosomes of a part, or the rule that deals regions to parts."""
    if split["kind"] == "chromosomes":
        return ", ".join(split[part])
    if split["kind"] == "folds":
        number = split["folds"] - 2 if part == "train" else 1
        by = {"block": f"blocks of {split.get('block', 0):,} bases", "random": "drawn at random"}.get(
            split["by"], f"by {split['by']}"
        )
        return f"{by}, {number} of {split['folds']} folds"
    return "sites drawn at random"
