"""A small data set for encoded networks: records of several lengths, a motif in those of one class, vectors, PWMs."""

from pathlib import Path

import numpy as np
from toy_planted import MOTIF, letters

N = 40
K, DIMENSION = 2, 10
OTHER = "CCCGGGTTTAAC"


def motif_file(path: Path, *motifs: str) -> Path:
    """A MEME file of motifs that are certain of each base but for a tenth."""
    blocks = []
    for number, motif in enumerate(motifs, start=1):
        rows = [" ".join("0.91" if base == letter else "0.03" for base in "ACGT") for letter in motif]
        blocks.append(
            f"MOTIF planted_{number}\n\nletter-probability matrix: alength= 4 w= {len(motif)} nsites= 20 E= 0\n"
            + "\n".join(rows)
            + "\n\n"
        )
    head = "MEME version 4\n\nALPHABET= ACGT\n\nstrands: + -\n\nBackground letter frequencies\n"
    head += "A 0.25 C 0.25 G 0.25 T 0.25\n\n"
    path.write_text(head + "".join(blocks))
    return path


def vector_file(path: Path, seed: int = 1) -> Path:
    """word2vec text of random vectors, with a header."""
    random = np.random.default_rng(seed)
    words = ["".join("ACGT"[i // 4**j % 4] for j in range(K)[::-1]) for i in range(4**K)]
    rows = [f"{word} {' '.join(f'{x:.4f}' for x in random.normal(size=DIMENSION))}" for word in words]
    path.write_text(f"{len(words)} {DIMENSION}\n" + "\n".join(rows) + "\n")
    return path


def records(folder: Path, *, n: int = N, seed: int = 0) -> dict[str, Path]:
    """FASTA files of two classes, 120 to 160 bases; the enhancers have the motif, on either strand."""
    random = np.random.default_rng(seed)
    paths = {}
    turned = MOTIF[::-1].translate(str.maketrans("ACGT", "TGCA"))
    for name in ("background", "enhancer"):
        lines = []
        for i in range(n):
            dna = letters(int(random.integers(120, 161)), random)
            if name == "enhancer":
                place = int(random.integers(0, len(dna) - len(MOTIF)))
                word = turned if random.random() < 0.5 else MOTIF
                dna[place : place + len(MOTIF)] = np.frombuffer(word.encode(), dtype=np.uint8)
            lines.append(f">{name}_{i}\n{dna.tobytes().decode()}\n")
        paths[name] = folder / f"{name}.fa"
        paths[name].write_text("".join(lines))
    return paths


def options(folder: Path) -> list[object]:
    """encode-seq's options for these records, vectors and motifs."""
    words: list[object] = []
    for name, path in records(folder).items():
        words += ["--fasta", f"{name}={path}"]
    vectors, motifs = vector_file(folder / "vectors.txt"), motif_file(folder / "motifs.meme", MOTIF, OTHER)
    return [*words, "--window", 0, "--short", "pad", "--kmer-vectors", vectors, "--k", K, "--motifs", motifs]
