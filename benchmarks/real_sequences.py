"""What sequence models reach on real data: six data sets, blocked folds beside random ones, and transfer.

Usage: python benchmarks/real_sequences.py --data DATA --work DIR [--only baselines,net,transfer,others]

Trains with the installed tools and prints tables; every net stands beside a gapped k-mer SVM and a regression on 5-mers
that saw the same windows and folds. What is in DIR already is not made again, so that a killed run goes on. Figures are
those of the positive class: mean and spread over 5 folds, and of the pooled predictions of all folds.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

FOLDS = 5
NET = "deepenhancer-4conv2pool4norm"
BASELINES = ["kmer-logistic", "gkm-svm"]
OTHERS = [f"deepenhancer-{name}" for name in ("4conv", "4conv2pool", "6conv3pool", "6conv3pool6norm")] + ["lstm"]
# Small data: one window of each region an epoch, small steps' worth of more epochs, both strands.
NETS = ["--windows-per-region", "one", "--augment", "reverse-complement", "--batch-size", "32", "--lr", "0.001"]
_ELEMENTS = ("enhancers", "promoters", "ocr")
MOST = 1_500  # records of a class of a published FASTA set: 5 folds of a network on more take hours on a CPU
SHARES = (0.1, 0.25, 0.5, 1.0)


@dataclass(frozen=True)
class Data:
    """A data set: its sequence file, its positive class, and what its folds keep whole."""

    name: str
    path: Path
    positive: str
    by: str


def run(made: Path, tool: str, *words: object) -> Path:
    """Run a tool unless its output is there."""
    if not made.exists():
        command = [str(Path(sys.executable).parent / tool), *map(str, words)]
        print(f"$ {' '.join(command)}", flush=True)
        subprocess.run(command, check=True)
    return made


def named(bed: Path, name: str, made: Path) -> Path:
    """A BED3 with a class."""
    if not made.exists():
        rows = [line.split()[:3] for line in bed.read_text().splitlines() if line.strip()]
        made.write_text("".join("\t".join([*row, name]) + "\n" for row in rows))
    return made


def background_of(bed: Path, data: Path, made: Path, *, away_from: Sequence[Path]) -> Path:
    """Random regions of the same lengths and GC, off all known elements."""
    exclude = [word for path in away_from for word in ("--exclude", path)]
    genome = data / "genome" / "hg19.chrX.fa.gz"
    return run(made, "sample-background", "-r", bed, "-g", genome, *exclude, "-o", made, "-q")


def encoded(made: Path, data: Path, *beds: Path) -> Path:
    regions = [word for bed in beds for word in ("-r", bed)]
    genome = data / "genome" / "hg19.chrX.fa.gz"
    return run(made, "encode-seq", *regions, "-g", genome, "--stride", 50, "-o", made, "-q")


def elements(data: Path) -> list[Path]:
    return sorted((data / "regions").glob("*.chrX.bed"))


def of_genome(data: Path, work: Path) -> list[Data]:
    """Regions of chrX: FANTOM5 and Cohn enhancers against matched background, Ensembl's enhancers against promoters."""
    folder, found = data / "regions", []
    for name, file in (("fantom5", "fantom5_enhancers"), ("cohn", "cohn_enhancers")):
        bed = named(folder / f"{file}.chrX.bed", "enhancer", work / f"{name}.bed")
        background = background_of(bed, data, work / f"{name}.background.bed", away_from=elements(data))
        found.append(Data(name, encoded(work / f"{name}.h5", data, bed, background), "enhancer", "block"))
    beds = [
        named(folder / f"ensreg_{kind}s.chrX.bed", kind, work / f"ensembl.{kind}.bed")
        for kind in ("enhancer", "promoter")
    ]
    found.append(Data("ensembl", encoded(work / "ensembl.h5", data, *beds), "enhancer", "block"))
    return found


def of_records(data: Path, work: Path) -> list[Data]:
    """FASTA sets as they were published, leaks included; folds go by clusters of similar sequences."""
    found = []
    for name, file, positive, window in (
        ("ienhancer2l", "iEnhancer2L.train.fa", "enhancer", 200),
        ("nhlf", "nhlf.train.fa", "enhancer", 300),
        ("imr90", "imr90_promoters.train.fa", "promoter", 300),
    ):
        made = work / f"{name}.h5"
        if not made.exists():
            files = halves(data / "sequences" / file, positive, work / name)
            words = [word for kind, path in files.items() for word in ("--fasta", f"{kind}={path}")]
            run(made, "encode-seq", *words, "--window", window, "--stride", 50, "--short", "pad", "-o", made, "-q")
        found.append(Data(name, made, positive, "cluster"))
    return found


def halves(path: Path, positive: str, stem: Path) -> dict[str, Path]:
    """Positives and negatives of a published set as two files: by its labels, or the first and the second half."""
    records = path.read_text().split(">")[1:]
    labels = path.with_suffix(".labels.txt")
    first = [float(x) > 0 for x in labels.read_text().split()] if labels.exists() else None
    truth = first or [i < len(records) // 2 for i in range(len(records))]
    kept_of = {True: [], False: []}
    for record, is_positive in zip(records, truth, strict=True):
        kept_of[is_positive].append(record)
    files = {positive: Path(f"{stem}.{positive}.fa"), "background": Path(f"{stem}.background.fa")}
    for kind, file in files.items():
        kept = kept_of[kind == positive]
        lot = np.sort(np.random.default_rng(1).permutation(len(kept))[:MOST])
        file.write_text("".join(f">{kept[i]}" for i in lot))
    return files


def epochs_of(path: Path, shown: int) -> int:
    """Epochs in which a fold's training regions (three fifths of all) are shown about so many windows in all."""
    from crekit.encoding.store import Sequences

    return max(1, round(shown / (len(Sequences(path)) * (FOLDS - 2) / FOLDS)))


def jobs_of(sets: Sequence[Data], archs: Sequence[str], work: Path, shown: int) -> list[tuple[Path, list[str]]]:
    """Train-model commands: each data set and architecture, all of them blocked and then at random."""
    jobs = []
    for random in (False, True):
        for one in sets:
            for arch in archs:
                by = "random" if random else one.by
                made = work / f"{one.name}.{arch}.{by}.safetensors"
                words = ["--arch", arch, "-s", str(one.path), "--folds", str(FOLDS), "--by", by, "-o", str(made)]
                if arch not in BASELINES:
                    words += [*NETS, "--epochs", str(epochs_of(one.path, shown)), "--patience", "4"]
                jobs.append((made, [*words, "--resume", "-q", "-p", "1"]))
    return jobs


def train(job: tuple[Path, list[str]]) -> None:
    made, words = job
    if made.with_suffix(".seconds").exists():
        return
    print(f"$ train-model {' '.join(words)}", flush=True)
    began = time.perf_counter()
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run([str(Path(sys.executable).parent / "train-model"), *words], check=True, env=environment)
    made.with_suffix(".seconds").write_text(f"{time.perf_counter() - began:.0f}")


def figures(made: Path, positive: str) -> dict[str, Any] | None:
    """AP and AUROC of the positive class: per fold, and of all folds' predictions together."""
    rows, per_fold = [], []
    for fold in range(1, FOLDS + 1):
        path = made.with_name(f"{made.stem}.fold{fold}.metrics.json")
        if not path.exists():
            return None
        of_class = json.loads(path.read_text())["test"]["classes"][positive]
        per_fold.append((of_class["AP"], of_class["AUROC"]))
        lines = path.with_name(path.name.replace(".metrics.json", ".predictions.tsv")).read_text().splitlines()
        column = lines[0].split("\t").index(positive)
        cells = [line.split("\t") for line in lines[1:]]
        rows += [(row[2] == positive, float(row[column])) for row in cells if row[1] == "test"]
    truth, score = np.array(rows).T
    found = {"AP": average_precision_score(truth, score), "AUROC": roc_auc_score(truth, score), "n": len(rows)}
    return {**found, "folds": np.array(per_fold)}


def table(sets: Sequence[Data], archs: Sequence[str], work: Path) -> None:
    print("\n| data | model | split | AP, folds | AUROC, folds | AP, pooled | AUROC, pooled | sites | s |")
    print("|---|---|---|---|---|---|---|---|---|")
    for one in sets:
        for arch in archs:
            for by in (one.by, "random"):
                made = work / f"{one.name}.{arch}.{by}.safetensors"
                found = figures(made, one.positive)
                if found is None:
                    continue
                spread = [f"{mean(column):.3f} +- {stdev(column):.3f}" for column in found["folds"].T]
                seconds = made.with_suffix(".seconds")
                print(
                    f"| {one.name} | {arch} | {by} | {spread[0]} | {spread[1]} | {found['AP']:.3f} | "
                    f"{found['AUROC']:.3f} | {found['n']} | {seconds.read_text() if seconds.exists() else ''} |"
                )


def transfer(sets: Sequence[Data], data: Path, work: Path, shown: int) -> None:
    """A net of Ensembl's elements continued on enhancers, against the same net from scratch, for shares of the data."""
    from crekit.models.file import load_sequence_model
    from crekit.models.registry import find
    from crekit.training import folds, sequence_pool, sequence_run, settings

    folder = data / "regions"
    bed = work / "elements.bed"
    if not bed.exists():
        kinds = [named(folder / f"ensreg_{kind}.chrX.bed", "element", work / f"{kind}.bed") for kind in _ELEMENTS]
        rows = {line for path in kinds for line in path.read_text().splitlines()}
        bed.write_text("\n".join(sorted(rows)) + "\n")
    background = background_of(bed, data, work / "elements.background.bed", away_from=elements(data))
    source = Data("elements", encoded(work / "elements.h5", data, bed, background), "element", "block")
    given = {"windows_per_region": "one", "augment": "reverse-complement", "batch_size": 32, "lr": 1e-3, "patience": 4}

    def training(one: Data, share: float = 1.0) -> settings.Training:
        """The same number of windows is shown whatever the share of the training regions."""
        epochs = round(epochs_of(one.path, shown) / share)
        return settings.of_paper(find(NET), **given, epochs=epochs, share=share, threads=2)

    results: dict[tuple[str, float, str], list[tuple[float, float]]] = {}
    for fold in range(1, FOLDS + 1):
        split = folds.FoldSplit(folds.FoldRule(FOLDS), fold)
        plan = sequence_run.Plan(NET, training(source), lambda known, split=split: split, {}, {"padding": "valid"})
        begun = work / f"elements.{fold}.safetensors"
        if not begun.exists():
            sequence_run.run(sequence_pool.load([(None, source.path)], {}), plan, begun)
        for one in sets:
            pool = sequence_pool.load([(None, one.path)], {})
            for share in SHARES:
                for way in ("scratch", "transfer"):
                    made = work / f"transfer.{one.name}.{share}.{way}.{fold}.safetensors"
                    start = load_sequence_model(begun) if way == "transfer" else None
                    if not made.exists():
                        chosen = sequence_run.Plan(
                            NET,
                            training(one, share),
                            lambda known, split=split: split,
                            {},
                            {"padding": "valid"},
                            source=start,
                        )
                        sequence_run.run(pool, chosen, made)
                    test = json.loads(made.with_suffix(".metrics.json").read_text())["test"]["classes"][one.positive]
                    results.setdefault((one.name, share, way), []).append((test["AP"], test["AUROC"]))
    print("\n| data | share of training regions | AP, scratch | AP, transfer | AUROC, scratch | AUROC, transfer |")
    print("|---|---|---|---|---|---|")
    for name in (one.name for one in sets):
        for share in SHARES:
            cells = [
                f"{np.mean(column):.3f} +- {np.std(column, ddof=1):.3f}"
                for i in (0, 1)
                for way in ("scratch", "transfer")
                for column in [[row[i] for row in results[name, share, way]]]
            ]
            print(f"| {name} | {share:.0%} | {' | '.join(cells)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--only", default="baselines,net,transfer,others")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--windows", type=int, default=6_000, help="shown to a network in all, in each fold")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    genome, records = of_genome(options.data, options.work), of_records(options.data, options.work)
    wanted, chosen = options.only.split(","), [genome[0], genome[2]]
    jobs: list[tuple[Path, list[str]]] = []
    if "baselines" in wanted:
        jobs += jobs_of([*genome, *records], BASELINES, options.work, options.windows)
    if "net" in wanted:
        jobs += jobs_of([*genome, *records], [NET], options.work, options.windows)
    if "others" in wanted:
        jobs += jobs_of(chosen, OTHERS, options.work, options.windows)
    with ThreadPoolExecutor(options.jobs) as pool:
        list(pool.map(train, jobs))
    table([*genome, *records], [*BASELINES, NET, *OTHERS], options.work)
    if "transfer" in wanted:
        transfer(genome[:2], options.data, options.work, options.windows)
    print(f"\n{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
