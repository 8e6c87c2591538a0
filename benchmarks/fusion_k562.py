#!/usr/bin/env python3
"""Sequence and signal in one net against each alone: enhancers, promoters and background of chrX, 12 marks of K562.

Usage: benchmarks/fusion_k562.py [--data DATA] --work DIR [--folds 5] [--epochs 8]

Ensembl's regulatory elements of chrX (hg19) are the regions: labels come from many cell types, marks from one;
background is matched in length and GC. `fusion` reads bases, motif frequencies and tracks; the same net reads
bases and motifs alone, and DeepRegFinder's CNN the tracks alone; all on the same folds of 1 Mb blocks. What is in
DIR is not made again.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import mean, stdev

CLASSES = ("enhancer", "promoter", "background")


def run(made: Path, tool: str, *words: object) -> Path:
    """Run a tool unless its output is there."""
    if not made.exists():
        command = [str(Path(sys.executable).parent / tool), *map(str, words)]
        print(f"$ {' '.join(command)}", flush=True)
        subprocess.run(command, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    return made


def regions(data: Path, work: Path) -> Path:
    """Enhancers, promoters and background in one BED."""
    genome, known = data / "genome/hg19.chrX.fa.gz", sorted((data / "regions").glob("*.chrX.bed"))
    beds = []
    for name in CLASSES[:2]:
        rows = (data / f"regions/ensreg_{name}s.chrX.bed").read_text().splitlines()
        beds.append(work / f"{name}.bed")
        beds[-1].write_text("".join("\t".join([*row.split()[:3], name]) + "\n" for row in rows))
    drawn = work / "background.bed"
    exclude = [word for path in known for word in ("--exclude", path)]
    positives = [word for path in beds for word in ("-r", path)]
    run(drawn, "sample-background", *positives, "-g", genome, *exclude, "--ratio", 0.5, "-o", drawn, "-q")
    made = work / "regions.bed"
    made.write_text("".join(path.read_text() for path in [*beds, drawn]))
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=8)
    options = parser.parse_args()
    data, work = options.data, options.work
    work.mkdir(parents=True, exist_ok=True)
    bed, tracks, sequences = regions(data, work), work / "k562.h5", work / "sequences.h5"
    run(tracks, "count-bins", *sorted((data / "k562").glob("H*.bw")), "--chroms", "chrX", "-o", tracks, "-q")
    motifs = data / "motifs/HOCOMOCOv11_core_pwms_HUMAN_mono.txt"
    cut = ("--window", 400, "--stride", 100, "--motifs", motifs)
    run(sequences, "encode-seq", "-r", bed, "-g", data / "genome/hg19.chrX.fa.gz", *cut, "-o", sequences, "-q")
    folds = ("--folds", options.folds, "--by", "block", "--epochs", options.epochs, "-p", 1, "-q", "--resume")
    fusion = ("--arch", "fusion", "--encodings", "one-hot,motif", "-s", sequences)
    models = {
        "signal": ("--arch", "deepregfinder-cnn", "-t", tracks, "-r", bed, "--min-nonzero", 0),
        "sequence": fusion,
        "both": (*fusion, "-t", tracks),
    }
    print("| model | mAP | " + " | ".join(f"AP, {name}" for name in CLASSES) + " |\n|---|---|---|---|---|")
    for name, words in models.items():
        last = work / f"{name}.fold{options.folds}.safetensors"
        run(last, "train-model", *words, *folds, "-o", work / f"{name}.safetensors")
        tests = [
            json.loads((work / f"{name}.fold{fold}.metrics.json").read_text())["test"]
            for fold in range(1, options.folds + 1)
        ]
        columns = [[one["mAP"] for one in tests]] + [[one["classes"][c]["AP"] for one in tests] for c in CLASSES]
        print(f"| {name} | " + " | ".join(f"{mean(column):.3f} +- {stdev(column):.3f}" for column in columns) + " |")


if __name__ == "__main__":
    main()
