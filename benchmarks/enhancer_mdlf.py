#!/usr/bin/env python3
"""Enhancer-MDLF on real data: its sets as published and without their leaks, its parts, transfer, and a better net.

Usage: benchmarks/enhancer_mdlf.py [--data DATA] --work DIR [--only audit,nhlf,others,transfer,rounds,...]

Runs the installed tools and prints tables. Every set is audited first. Folds are 5, by clusters of similar sequences;
all models of a set see the same. What is in DIR already is not made again, so that a killed run goes on. Figures are of
enhancers (IMR90: promoters): mean and spread over folds, and of all folds together.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

FOLDS = 5
SETS = {
    "nhlf": ("nhlf.train.fa", "enhancer"),
    "ienhancer2l": ("iEnhancer2L.train.fa", "enhancer"),
    "imr90": ("imr90_promoters.train.fa", "promoter"),
}
MOST = 1_500  # records of a class: 5 folds of a network on more take hours on a CPU
PARTS = "audit,nhlf,others,transfer,rounds,matrix,thresholds"


Figures = dict[str, list[float]]


@dataclass(frozen=True)
class Model:
    """A model of one encoded set."""

    name: str
    data: Path
    positive: str
    words: tuple[str, ...]


def run(made: Path, tool: str, *words: object) -> Path:
    """Run a tool unless its output is there."""
    if not made.exists():
        command = [str(Path(sys.executable).parent / tool), *map(str, words)]
        print(f"$ {' '.join(command)}", flush=True)
        subprocess.run(command, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    return made


def fasta(data: Path, work: Path, name: str) -> dict[str, Path]:
    """A published set as one FASTA a class, by its labels or by halves; at most `MOST` of each."""
    file, positive = SETS[name]
    path = data / "sequences" / file
    records, labels = path.read_text().split(">")[1:], path.with_suffix(".labels.txt")
    truth = [float(x) > 0 for x in labels.read_text().split()] if labels.exists() else None
    truth = truth or [i < len(records) // 2 for i in range(len(records))]
    files = {positive: work / f"{name}.{positive}.fa", "background": work / f"{name}.background.fa"}
    for of_class, made in files.items():
        mine = [record for record, is_it in zip(records, truth, strict=True) if is_it == (of_class == positive)]
        lot = np.sort(np.random.default_rng(1).permutation(len(mine))[:MOST])
        made.write_text("".join(f">{mine[i]}" for i in lot))
    return files


def words_of(files: dict[str, Path]) -> list[str]:
    return [word for of_class, path in files.items() for word in ("--fasta", f"{of_class}={path}")]


def encoded(made: Path, files: dict[str, Path], data: Path, *more: object) -> Path:
    """A sequence file with k-mer vectors and motifs."""
    vectors, motifs = data / "dna2vec/dna2veck3_vec.txt", data / "motifs/HOCOMOCOv11_core_pwms_HUMAN_mono.txt"
    whole = ["--window", 0, "--short", "pad", "--ambiguous", "zero"]
    encoders = ["--kmer-vectors", vectors, "--motifs", motifs]
    return run(made, "encode-seq", *words_of(files), *whole, *encoders, *more, "-o", made, "-q")


def audits(data: Path, work: Path) -> None:
    """Audit every set as published, and write and audit its cleaned set."""
    print("\n| set | check | verdict | value |\n|---|---|---|---|")
    for name in SETS:
        files = fasta(data, work, name)
        out = work / f"{name}.audit.json"
        run(out, "audit-dataset", *words_of(files), "--fix", work / f"{name}.fixed", "-o", out, "-q")
        for title, path in ((name, out), (f"{name}, fixed", work / f"{name}.fixed.audit.json")):
            for one in json.loads(path.read_text())["findings"]:
                if one["verdict"] in {"look", "leak"}:
                    print(f"| {title} | {one['check']} | {one['verdict']} | {one['says']} |")


def fixed(work: Path, name: str) -> dict[str, Path]:
    """FASTA files of a cleaned set."""
    return {of_class: work / f"{name}.fixed.{of_class}.fa" for of_class in (SETS[name][1], "background")}


def train(model: Model, work: Path, epochs: int) -> Figures:
    """Train all folds of a model; figures of the positive class."""
    made = work / f"{model.name}.safetensors"
    done = made.with_suffix(".seconds")
    if not done.exists():
        began = time.perf_counter()
        nets = () if {"gkm-svm", "kmer-logistic"} & set(model.words) else (
            "--epochs", str(epochs), "--lr", "0.001", "--patience", "3", "--augment", "reverse-complement"
        )  # fmt: skip
        run(
            done, "train-model", *model.words, "-s", model.data, *nets, "--folds", FOLDS, "--by", "cluster", "-o", made,
            "--resume", "-q", "-p", 1,
        )  # fmt: skip
        done.write_text(f"{time.perf_counter() - began:.0f}")
    return figures(made, model.positive)


def figures(made: Path, positive: str, among: str = "") -> Figures:
    """AP and AUROC of the positive class in every fold and in all together; `among` is part of the ids that count."""
    parts = []
    for fold in range(1, FOLDS + 1):
        lines = made.with_name(f"{made.stem}.fold{fold}.predictions.tsv").read_text().splitlines()
        column = lines[0].split("\t").index(positive)
        cells = [line.split("\t") for line in lines[1:]]
        rows = [(row[2] == positive, float(row[column])) for row in cells if row[1] == "test" and among in row[0]]
        parts.append(np.array(rows).T)
    scores = [(average_precision_score(*part), roc_auc_score(*part)) for part in parts]
    together = np.concatenate(parts, axis=1)
    return {
        "AP": [ap for ap, _ in scores], "AUROC": [auroc for _, auroc in scores], "n": [float(together.shape[1])],
        "pooled": [average_precision_score(*together), roc_auc_score(*together)],
    }  # fmt: skip


def table(models: Sequence[Model], work: Path, epochs: int, jobs: int) -> None:
    """Train models and print their figures, set by set."""
    with ThreadPoolExecutor(jobs) as pool:
        found = list(pool.map(lambda one: train(one, work, epochs), models))
    print("\n| model | AP, folds | AUROC, folds | AP, pooled | AUROC, pooled | sequences | s |")
    print("|---|---|---|---|---|---|---|")
    for model, of_model in zip(models, found, strict=True):
        spread = [f"{mean(of_model[key]):.3f} +- {stdev(of_model[key]):.3f}" for key in ("AP", "AUROC")]
        seconds = (work / f"{model.name}.seconds").read_text()
        ap, auroc = of_model["pooled"]
        print(f"| {model.name} | {' | '.join(spread)} | {ap:.3f} | {auroc:.3f} | {of_model['n'][0]:.0f} | {seconds} |")


def nhlf(data: Path, work: Path) -> Iterator[Model]:
    """The set as published with flat pooling, the cleaned set with flat and axis pooling, the parts, and the rivals."""
    published = encoded(work / "nhlf.flat.h5", fasta(data, work, "nhlf"), data, "--pooling", "flat")
    flat = encoded(work / "nhlf.fixed.flat.h5", fixed(work, "nhlf"), data, "--pooling", "flat")
    yield Model("nhlf.mdlf.flat.published", published, "enhancer", ("--arch", "mdlf"))
    yield Model("nhlf.mdlf.flat.fixed", flat, "enhancer", ("--arch", "mdlf"))
    yield from of_fixed(data, work, "nhlf")


def of_fixed(data: Path, work: Path, name: str) -> Iterator[Model]:
    """The nets, their parts and the rivals on a cleaned set."""
    axis = encoded(work / f"{name}.fixed.axis.h5", fixed(work, name), data)
    positive = SETS[name][1]
    for arch in ("kmer-logistic", "gkm-svm", "mdlf-motif", "mdlf", "mdlf-sequence"):
        yield Model(f"{name}.{arch}.axis.fixed", axis, positive, ("--arch", arch))
    for encodings in ("motif", "one-hot", "one-hot,kmer,motif"):
        words = ("--arch", "fusion", "--encodings", encodings)
        yield Model(f"{name}.fusion-{encodings.replace(',', '+')}.fixed", axis, positive, words)


def thresholds(data: Path, work: Path) -> Iterator[Model]:
    """Published thresholds on one strand against exact ones on both, for the motif branch alone."""
    file = data / "motifs/HOCOMOCOv11_core_HUMAN_mono_homer_format_0.0001.txt"
    words = ("--motif-thresholds", file, "--strands", "forward", "--frequency", "length")
    for name in ("nhlf", "ienhancer2l"):
        published = encoded(work / f"{name}.fixed.published-motifs.h5", fixed(work, name), data, *words)
        yield Model(f"{name}.fusion-motif.published-thresholds", published, "enhancer", _MOTIFS)
        exact = work / f"{name}.fixed.axis.h5"
        yield Model(f"{name}.fusion-motif.fixed", encoded(exact, fixed(work, name), data), "enhancer", _MOTIFS)


_MOTIFS = ("--arch", "fusion", "--encodings", "motif")


def transfer(data: Path, work: Path, epochs: int, arch: str = "mdlf-motif") -> None:
    """One source and several, continued on NHLF with a tenth and all of its training data; and one model of all sets.

    The folds of the last go by clusters of all sets together, and only its predictions of NHLF count.
    """
    target = encoded(work / "nhlf.fixed.axis.h5", fixed(work, "nhlf"), data)
    other = encoded(work / "ienhancer2l.fixed.axis.h5", fixed(work, "ienhancer2l"), data)
    third = encoded(work / "fantom5.axis.h5", fantom5(data, work), data)
    net = ("--arch", arch, "--lr", 0.001, "--patience", 3, "-q", "-p", 1)
    sources = {"1, one source": ("-s", f"a={other}"), "2, several sources": ("-s", f"a={other}", "-s", f"b={third}")}
    print("\n| transfer | share of NHLF | AP, folds | AUROC, folds |\n|---|---|---|---|")
    for share in (0.1, 1.0):
        for way, given in {"none, from scratch": (), **sources}.items():
            begin: tuple[object, ...] = ()
            if given:
                source = work / f"source.{arch}.{way[0]}.safetensors"
                run(source, "train-model", *net, *given, "--random", "0.8,0.1,0.1", "--epochs", epochs, "-o", source)
                begin = ("--init-from", source)
            made = work / f"transfer.{arch}.{way[0]}.{share}.safetensors"
            words = ("--folds", FOLDS, "--by", "cluster", "--share", share, "--epochs", round(epochs / share), *begin)
            run(_last(made), "train-model", *net, "-s", target, *words, "-o", made, "--resume")
            _row(way, f"{share:.0%}", figures(made, "enhancer"))
    made = work / f"transfer.{arch}.3.safetensors"
    every = ("-s", f"a={other}", "-s", f"b={third}", "-s", f"nhlf={target}")
    words = ("--folds", FOLDS, "--by", "cluster", "--epochs", epochs)
    run(_last(made), "train-model", *net, *every, *words, "-o", made, "--resume")
    _row("3, one model of all sets", "100%", figures(made, "enhancer", among="tive_"))


def _last(made: Path) -> Path:
    return made.with_name(f"{made.stem}.fold{FOLDS}.safetensors")


def _row(way: str, share: str, found: Figures) -> None:
    spread = [f"{mean(found[key]):.3f} +- {stdev(found[key]):.3f}" for key in ("AP", "AUROC")]
    print(f"| {way} | {share} | {' | '.join(spread)} |", flush=True)


def rounds(data: Path, work: Path, epochs: int, arch: str = "mdlf-motif") -> None:
    """The published training in rounds against five models that are averaged, on the same test set of NHLF."""
    files, parts = fixed(work, "nhlf"), {}
    for line in (work / "nhlf.fixed.split.tsv").read_text().splitlines()[1:]:
        cells = line.split("\t")
        parts[cells[0]] = cells[2] == "test"
    held: dict[bool, dict[str, Path]] = {False: {}, True: {}}
    for of_class, path in files.items():
        records = [record for record in path.read_text().split(">") if record]
        for test, kept in held.items():
            kept[of_class] = work / f"rounds.{'test' if test else 'rest'}.{of_class}.fa"
            kept[of_class].write_text("".join(f">{one}" for one in records if parts[one.split()[0]] == test))
    rest, test = (encoded(work / f"rounds.{name}.h5", held[name == "test"], data) for name in ("rest", "test"))
    net = ("--arch", arch, "--lr", 0.001, "-q", "-p", 1, "-s", rest, "--epochs", 3 * epochs)
    published, proper = work / f"rounds.{arch}.iterative.safetensors", work / f"rounds.{arch}.folds.safetensors"
    run(published, "train-model", *net, "--random", "0.7,0.2,0.1", "--iterative-folds", FOLDS, "-o", published)
    run(_last(proper), "train-model", *net, "--folds", FOLDS, "--by", "cluster", "-o", proper, "--resume")
    out = work / f"rounds.{arch}.json"
    models = ("-m", f"rounds={published}", "-m", f"averaged={proper}")
    run(out, "evaluate-model", *models, "-s", test, "--subset", "all", "--ensemble", "-o", out, "-q")
    print("\n| training | AP | AUROC |\n|---|---|---|")
    for name, one in json.loads(out.read_text())["models"].items():
        of_class = one["classes"]["enhancer"]
        print(f"| {name} | {of_class['AP']:.3f} | {of_class['AUROC']:.3f} |")


def fantom5(data: Path, work: Path) -> dict[str, Path]:
    """FANTOM5 enhancers of chrX and matched background, as FASTA."""
    from crekit.genome.fasta import Genome

    path, bed = data / "genome/hg19.chrX.fa.gz", data / "regions/fantom5_enhancers.chrX.bed"
    drawn = work / "fantom5.background.bed"
    run(drawn, "sample-background", "-r", bed, "-g", path, "--exclude", bed, "-o", drawn, "-q")
    files = {}
    with Genome(path) as genome:
        for of_class, spans in (("enhancer", bed), ("background", drawn)):
            rows = [line.split()[:3] for line in spans.read_text().splitlines()]
            named = [(f"{c}:{a}-{b}", genome.fetch(c, int(a), int(b))) for c, a, b in rows]
            files[of_class] = work / f"fantom5.{of_class}.fa"
            letters = np.frombuffer(b"ACGTN", dtype="u1")
            files[of_class].write_text(
                "".join(f">{name}\n{letters[codes].tobytes().decode()}\n" for name, codes in named)
            )
    return files


def matrix(data: Path, work: Path) -> None:
    """Each set's model on each set."""
    encoded(work / "fantom5.axis.h5", fantom5(data, work), data)
    files = {"nhlf": work / "nhlf.fixed.axis.h5", "ienhancer2l": work / "ienhancer2l.fixed.axis.h5"}
    files["fantom5"] = work / "fantom5.axis.h5"
    models = []
    for name, path in files.items():
        one = Model(f"matrix.{name}", path, "enhancer", _MOTIFS)
        train(one, work, 8)
        models += ["-m", f"{name}={work / f'matrix.{name}.safetensors'}"]
    sets = [word for name, path in files.items() for word in ("-s", f"{name}={path}")]
    out = work / "matrix.json"
    run(out, "evaluate-model", *models, *sets, "--matrix", "--bootstrap", 0, "-o", out, "--html", work / "matrix.html")
    print(out.with_suffix(".matrix.tsv").read_text())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--only", default=PARTS)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=8, help="at most so many, of a network; 30 on a faster machine")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    wanted, data, work = options.only.split(","), options.data, options.work
    began = time.perf_counter()
    audits(data, work)  # the rest needs the cleaned sets
    if "thresholds" in wanted:
        table(list(thresholds(data, work)), work, options.epochs, options.jobs)
    if "nhlf" in wanted:
        table(list(nhlf(data, work)), work, options.epochs, options.jobs)
    if "others" in wanted:
        for name in ("ienhancer2l", "imr90"):
            table(list(of_fixed(data, work, name)), work, options.epochs, options.jobs)
    if "transfer" in wanted:
        transfer(data, work, options.epochs)
    if "rounds" in wanted:
        rounds(data, work, options.epochs)
    if "matrix" in wanted:
        matrix(data, work)
    print(f"\n{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
