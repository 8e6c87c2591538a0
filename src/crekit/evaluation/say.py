"""An evaluation in a few lines, for the log."""

import logging
import math
from collections.abc import Mapping
from typing import Any

from crekit.evaluation.evaluation import Scored, counts_by_class
from crekit.labels.classes import BACKGROUND

log = logging.getLogger("crekit")


def sites(scored: Scored) -> None:
    """Tell how many sites there are."""
    for what, regions in (("scored", scored.regions), ("dropped", scored.missed)):
        if what == "scored" or len(regions):
            counts = counts_by_class(regions, scored.classes)
            log.info("%s: %s", what, ", ".join(f"{number} {name}" for name, number in counts.items()))


def figures(results: Mapping[str, Any]) -> None:
    """Tell how good the models are, each with what it may have seen, and how they compare."""
    for name, found in results["models"].items():
        low, high = found.get("intervals", {}).get("mAP", (None, None))
        spread = "" if low is None else f" ({low:.3f} to {high:.3f})"
        classes = ", ".join(f"{of_class} {one['AP']:.3f}" for of_class, one in found["classes"].items())
        log.info("%s: mAP %.3f%s; AP %s", name, found["mAP"], spread, classes)
        if name in results["folds"]:
            _folds(name, results["folds"][name])
        if name in results["audit"]["models"]:
            _seen(name, found["sites"], results["audit"]["models"][name])
    for one in results["fold_comparisons"]:
        log.info(
            "%s less %s: %s %+.3f in the mean of %d folds; Wilcoxon p %.2g (no less than %.2g with so many folds)",
            *(one[key] for key in ("first", "second", "figure", "difference", "folds", "p", "smallest_p")),
        )
    for one in results["leaks"]:
        log.info("leak: %s is split at random, %s by %s", one["random"], one["honest"], one["by"])
        for figure in ("mAP", "AUROC"):
            log.info("leak: %s %.3f against %.3f: %+.3f", figure, *one[figure].values())
    for text in results["audit"]["warnings"]:
        log.warning("warning: %s", text)


def _folds(name: str, found: Mapping[str, Any]) -> None:
    for figure in ("mAP", "AUROC"):
        mean, sd, pooled = (found[what][figure] for what in ("mean", "sd", "pooled"))
        spread = "" if sd is None or math.isnan(sd) else f" +- {sd:.3f}"
        log.info("%s, %d folds: %s %.3f%s; pooled %.3f", name, len(found["each"]), figure, mean, spread, pooled)


def _seen(name: str, n_sites: int, audit: Mapping[str, Any]) -> None:
    within = audit.get("within")
    text = (
        ", ".join(f"{number} within {int(distance):,} bases" for distance, number in within.items()) if within else ""
    )
    near = f"; near a training region: {text}" if text else ""
    same = f"; {audit['same_dna']} have the DNA of a training region" if "same_dna" in audit else ""
    log.info("%s: may have seen %d of %d sites%s%s", name, audit["near_training"], n_sites, near, same)


def published(found: Mapping[str, Any]) -> None:
    """Tell what scoring elements by all their windows, and background by one, does to AUROC."""
    for name, classes in found.items():
        for of_class in sorted(set(classes) - {BACKGROUND}):
            one = classes[of_class]
            log.info(
                "%s, %s: AUROC %.3f with as many windows for each class, %.3f scored as published",
                *(name, of_class, one["matched"], one["published"]),
            )
