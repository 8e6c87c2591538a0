"""Small sequence data of the tests' own: a random genome with a motif planted in the regions of one class."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from crekit.encoding.encode import encode_records, encode_regions
from crekit.encoding.windows import Rule

MOTIF = "TGACGTCATTGCGCAA"
LETTERS = np.frombuffer(b"ACGT", dtype=np.uint8)


def letters(n: int, random: np.random.Generator) -> np.ndarray:
    return LETTERS[random.integers(0, 4, n)].copy()


def genome(folder: Path, *, n: int = 120, chroms: int = 3, length: int = 60, every: int = 3_000, seed: int = 0) -> None:
    """Write genome.fa and regions.bed: regions of two classes in turn, every few bases; the motif is in the enhancers.

    Parameters
    ----------
    n : int
        Regions on each chromosome.
    length : int
        Bases of a region.
    """
    random = np.random.default_rng(seed)
    lines, rows = [], []
    for number in range(1, chroms + 1):
        dna = letters(n * every + every, random)
        for i in range(n):
            start = (i + 1) * every + int(random.integers(0, 500))
            if i % 2:
                place = start + int(random.integers(0, length - len(MOTIF)))
                dna[place : place + len(MOTIF)] = np.frombuffer(MOTIF.encode(), dtype=np.uint8)
            rows.append(f"chr{number}\t{start}\t{start + length}\t{'enhancer' if i % 2 else 'background'}\n")
        text = dna.tobytes().decode()
        lines.append(f">chr{number}\n" + "\n".join(text[i : i + 80] for i in range(0, len(text), 80)) + "\n")
    (folder / "genome.fa").write_text("".join(lines))
    (folder / "regions.bed").write_text("".join(rows))


def encoded(folder: Path, rule: Rule | None = None, **settings: int) -> Path:
    """The sequence file of such a genome, ``sequences.h5``."""
    genome(folder, **settings)
    path = folder / "sequences.h5"
    encode_regions([(None, folder / "regions.bed")], folder / "genome.fa", path, rule or Rule(60, 10))
    return path


def records(path: Path, texts: Sequence[str], prefix: str) -> Path:
    """A FASTA of these texts."""
    path.write_text("".join(f">{prefix}{i}\n{text}\n" for i, text in enumerate(texts)))
    return path


def fasta(folder: Path, *, n: int = 90, length: int = 60, seed: int = 0) -> Path:
    """The sequence file of two FASTA files, ``fasta.h5``: the motif in one of them."""
    random = np.random.default_rng(seed)
    texts = {name: [] for name in ("enhancer", "background")}
    for _ in range(n):
        for name, kept in texts.items():
            dna = letters(length, random)
            if name == "enhancer":
                place = int(random.integers(0, length - len(MOTIF)))
                dna[place : place + len(MOTIF)] = np.frombuffer(MOTIF.encode(), dtype=np.uint8)
            kept.append(dna.tobytes().decode())
    files = [(name, records(folder / f"{name}.fa", kept, name)) for name, kept in texts.items()]
    path = folder / "fasta.h5"
    encode_records(files, path, Rule(length, 1, "drop"))
    return path
