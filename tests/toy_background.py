"""A small genome whose GC and repeats change from place to place, with N, and regions on it."""

from pathlib import Path

import numpy as np

SIZES = {"chr1": 300_000, "chr2": 150_000}
STRETCH = 5_000


def write_fasta(path: Path, genome: dict[str, np.ndarray]) -> Path:
    """Records of upper and lower case letters (uint8), 60 bases a line."""
    with open(path, "wb") as handle:
        for name, letters in genome.items():
            text = letters.tobytes()
            handle.write(b">" + name.encode() + b"\n")
            handle.writelines(text[at : at + 60] + b"\n" for at in range(0, len(text), 60))
    return path


def letters(size: int, rng: np.random.Generator) -> np.ndarray:
    """Bases in stretches of 30 to 70 % GC, a third of them in lower case in runs of 200, an N run at the start."""
    gc = np.repeat(rng.uniform(0.3, 0.7, -(-size // STRETCH)), STRETCH)[:size]
    strong, first = rng.random(size) < gc, rng.random(size) < 0.5
    found = np.where(strong, np.where(first, ord("G"), ord("C")), np.where(first, ord("A"), ord("T"))).astype(np.uint8)
    masked = np.repeat(rng.random(-(-size // 200)) < 1 / 3, 200)[:size]
    found[masked] |= 32
    found[:3_000] = ord("N")
    found[size // 2] = ord("N")
    return found


def genome(seed: int = 1) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {name: letters(size, rng) for name, size in SIZES.items()}


def rich_spans(bases: dict[str, np.ndarray], n: int, rng: np.random.Generator) -> list[tuple[str, int, int]]:
    """Spans of 150 to 450 bases that overlap by chance, most of them rich in GC."""
    spans = set()
    while len(spans) < n:
        chrom = str(rng.choice(list(bases)))
        start = int(rng.integers(3_000, len(bases[chrom]) - 500))
        end = start + int(rng.integers(150, 451))
        share = np.isin(bases[chrom][start:end], list(b"GCgc")).mean()
        if rng.random() < (share / 0.7) ** 4:
            spans.add((chrom, start, end))
    return list(spans)
