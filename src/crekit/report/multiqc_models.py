"""What MultiQC shows of a training and of a scan."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from crekit.files import read_text
from crekit.report.evaluation import read_history
from crekit.report.multiqc import LINES, TABLE, Section, number, share, text
from crekit.report.multiqc_evaluation import MAP, PLAIN, PRECISION, RECALL, mean


def training(models: Sequence[Path]) -> list[Section]:
    """Validation loss by epoch, and how each training ended.

    Parameters
    ----------
    models : sequence of Path
        As train-model wrote them, with ``.metrics.json`` and ``.history.tsv`` beside; rows have their stems.
    """
    losses: dict[str, list[list[float]]] = {}
    rows: dict[str, dict[str, Any]] = {}
    for model in models:
        found = json.loads(read_text(model.with_suffix(".metrics.json")))
        history = read_history(model.with_suffix(".history.tsv"))
        if history:
            losses[model.stem] = [[row["epoch"], row["val_loss"]] for row in history]
        rows[model.stem] = _trained(found, len(history))
    headers = {
        "arch": text("Architecture", "As in train-model --arch"),
        "best_epoch": number("Best epoch", "The epoch whose weights were kept", scale=False),
        "epochs": number("Epochs", "Epochs that were run", scale=False),
        "val_precision": PRECISION | {"title": "Precision, validation"},
        "val_recall": RECALL | {"title": "Recall, validation"},
        "val_mAP": MAP | {"title": "mAP, validation"},
        "test_mAP": MAP | {"title": "mAP, test"},
        "regions": number("Training regions", "Regions that the model learned from"),
        "temperature": number("Temperature", "What logits are divided by; 1: not calibrated", **PLAIN),
    }
    return [
        Section(
            "loss",
            "Validation loss",
            "Loss on the validation regions by epoch, of each model.",
            LINES,
            losses,
            {"xlab": "epoch", "ylab": "validation loss", "x_decimals": False, "showlegend": True},
        ),
        Section(
            "training",
            "Training",
            "How each training ended; of folds, a row each.",
            TABLE,
            rows,
            {"col1_header": "Model"},
            headers,
        ),
    ]


def _trained(found: Mapping[str, Any], epochs: int) -> dict[str, Any]:
    val, test = found.get("val") or {}, found.get("test") or {}
    best = found.get("best_epoch")
    return {
        "arch": found["arch"],
        "best_epoch": None if best is None else int(best),
        "epochs": epochs or None,
        **{f"val_{figure}": mean(val.get("classes", {}), figure) for figure in ("precision", "recall")},
        "val_mAP": val.get("mAP"),
        "test_mAP": test.get("mAP"),
        "regions": sum(found["counts"]["train"].values()),
        "temperature": found.get("temperature"),
    }


def scan(called: str, summary: Mapping[str, Any]) -> list[Section]:
    """Blocks of each class, and how many have a marker near.

    Parameters
    ----------
    called : str
        See `crekit.report.multiqc.stem`.
    summary : mapping
        The summary file of a scan.
    """
    rows = {
        f"{called}: {name}": {
            "blocks": one["blocks"],
            "megabases": one["bases"] / 1e6,
            "validation_rate": one.get("validation_rate"),
            "shuffled_rate": one.get("shuffled_rate"),
            "removed_near_tss": one.get("removed_near_tss"),
        }
        for name, one in summary["classes"].items()
    }
    headers = {
        "blocks": number("Blocks", "Blocks of windows that were called"),
        "megabases": number("Mb", "Megabases that the blocks cover", format="{:,.2f}", scale="Purples"),
        "validation_rate": share("Validation rate", "Share of the blocks with a positive marker near"),
        "shuffled_rate": share("By chance", "The same of random places of the same lengths", scale="Greys"),
        "removed_near_tss": number("Near a TSS", "Blocks of enhancers that were removed, as a known TSS is near"),
    }
    description = "Elements called along the genome. Read the validation rate beside that of random places."
    return [Section("scan", "Scan of the genome", description, TABLE, rows, {"col1_header": "Scan and class"}, headers)]
