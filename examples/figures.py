#!/usr/bin/env python3
"""Prints the main figures of the demo, from the JSON files that the tools wrote.

Usage: python examples/figures.py FOLDER
"""

import json
import sys
from pathlib import Path


def main(folder: Path) -> None:
    """Print how the model does on chr16, what the scan found there, and where the report is."""
    metrics = json.loads((folder / "metrics.json").read_text())
    scan = json.loads((folder / "chr16.summary.json").read_text())
    model = metrics["models"]["model"]
    print(f"chr16, {model['sites']:,} regions that the model has not seen: mAP {model['mAP']:.3f}\n")
    print(
        f"{'class':<10} {'AP':>6} {'precision':>10} {'recall':>7} {'blocks':>7} {'with a marker':>14} {'by chance':>10}"
    )
    for name, blocks in scan["classes"].items():
        one = model["classes"][name]
        print(
            f"{name:<10} {one['AP']:>6.3f} {one['precision']:>10.3f} {one['recall']:>7.3f} {blocks['blocks']:>7,} "
            f"{blocks['validation_rate']:>14.3f} {blocks['shuffled_rate']:>10.3f}"
        )
    print(f"\nreport: {folder / 'report.html'}")
    print(f"first layer: {folder / 'explanation.html'}")
    print(f"genome browser: {folder / 'chr16.igv.xml'} and {folder / 'chr16.bed'}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
