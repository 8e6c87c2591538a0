"""A tiny world of sequences for judging models: regions of two chromosomes, and a network whose answers are known.

Every region is 140 bases in three windows of 100, 20 apart. The network's logit of an enhancer is ten times the share
of G and C in a window less 5, whatever it was "trained" on.
"""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from crekit.encoding import store
from crekit.encoding.windows import Rule
from crekit.genome.regions import Regions
from crekit.models.file import SequenceModel
from crekit.models.settings import SequenceSettings
from crekit.training.folds import FoldRule, as_parts

CLASSES = ["background", "enhancer"]
SIZES = {"chr1": 400_000, "chr2": 400_000}
WIDTH, STRIDE, LENGTH = 100, 20, 140
N_FOLDS, BLOCK = 3, 20_000
RULE = FoldRule(N_FOLDS, "block", BLOCK, 1)


class GcContent(nn.Module):
    """Logits (0, 10 gc - 5 + bias)."""

    def __init__(self, bias: float = 0.0) -> None:
        super().__init__()
        self.bias = bias

    def forward(self, one_hot: torch.Tensor) -> torch.Tensor:
        share = one_hot[:, 1:3].sum(dim=1).mean(dim=1)
        return torch.stack([torch.zeros_like(share), 10 * share - 5 + self.bias], dim=1)


def genome(seed: int = 1) -> dict[str, np.ndarray]:
    """Codes of the chromosomes: GC-rich where an enhancer is."""
    rng = np.random.default_rng(seed)
    found = {chrom: rng.integers(0, 4, size).astype(np.uint8) for chrom, size in SIZES.items()}
    spans = regions()
    for chrom, start, end, name in zip(spans.chrom, spans.start, spans.end, spans.name, strict=True):
        if name == "enhancer":
            rich = rng.random(end - start) < 0.2
            found[chrom][start:end][rich] = 2
    return found


def regions() -> Regions:
    """A hundred regions a chromosome, 3.9 kb apart, class by turns; some are near the border of a block."""
    start = 2000 + 3900 * np.arange(100)
    names = np.array(CLASSES, dtype=object)[np.arange(2 * len(start)) % 2]
    chrom = np.repeat(np.array(list(SIZES), dtype=object), len(start))
    both = np.concatenate([start, start])
    return Regions(chrom, both, both + LENGTH, names)


def write(path: Path, *, fasta: bool = False, codes: dict[str, np.ndarray] | None = None, seed: int = 1) -> Path:
    """The sequence file of all regions, from the genome or as records r0, r1, ... of a FASTA."""
    spans, dna = regions(), codes or genome(seed)
    cut = [dna[c][s:e] for c, s, e in zip(spans.chrom, spans.start, spans.end, strict=True)]
    ids, starts = spans.ids, spans.start
    if fasta:
        ids = np.array([f"r{i}" for i in range(len(spans))], dtype=object)
        starts = np.zeros(len(spans), dtype=np.int64)
        chrom = np.full(len(spans), "", dtype=object)
        spans = Regions(chrom, starts, starts + LENGTH, spans.name)
    windows = np.full(len(spans), 3)
    source = store.FASTA if fasta else store.GENOME
    with store.create(path, Rule(WIDTH, STRIDE), source, CLASSES) as writer:
        writer.add(store.Part(spans, ids, cut, starts, windows, np.tile([0, 20, 40], len(spans))))
        writer.finish(windows, {"sizes": {} if fasta else SIZES, "record": {"inputs": []}, "dropped": {}})
    return path


def split(kind: str = "block", fold: int = 1) -> dict[str, object]:
    """A split as a model keeps it: of a fold by ``block`` or ``random``, or by ``chromosomes``."""
    if kind == "chromosomes":
        return {"kind": kind, "train": ["chr1"], "val": [], "test": ["chr2"]}
    test, val = fold, fold % N_FOLDS + 1
    kept: dict[str, object] = {"kind": "folds", "by": kind, "folds": N_FOLDS, "fold": fold, "seed": 1}
    if kind == "block":
        train = [part for part in range(1, N_FOLDS + 1) if part not in {test, val}]
        return kept | {"block": BLOCK, "train": train, "val": [val], "test": [test]}
    spans = regions()
    parts = as_parts(FoldRule(N_FOLDS, "random", seed=1).number(spans), fold, N_FOLDS)
    return kept | {name: list(spans.ids[parts == i]) for i, name in enumerate(("train", "val", "test"))}


def model(kind: str = "block", fold: int = 1, bias: float = 0.0, **changes: object) -> SequenceModel:
    """A model of a fold; those of one kind share a group."""
    made = {
        "arch": "kmer-logistic",
        "classes": CLASSES,
        "split": split(kind, fold),
        "training": {"seed": 1, "threads": 1},
        "counts": {part: dict.fromkeys(CLASSES, 9) for part in ("train", "val", "test")} | {"dropped": {}},
        "record": {"options": {}, "inputs": [{"role": "sequences", "name": "", "sha256": "s"}]},
        "sizes": SIZES,
        "group": "" if kind == "chromosomes" else kind,
        "window": WIDTH,
        "stride": STRIDE,
        "short": "contain",
        "ambiguous": "drop",
    }
    settings = SequenceSettings(**(made | changes))  # type: ignore[arg-type]
    return SequenceModel(settings, GcContent(bias).eval(), f"{kind}{fold}", f"{kind}.fold{fold}")


def folds(
    kind: str = "block", biases: tuple[float, ...] = (0.0, 0.5, 1.0), **changes: object
) -> tuple[SequenceModel, ...]:
    """The models of all folds."""
    return tuple(model(kind, i, bias, **changes) for i, bias in enumerate(biases, 1))
