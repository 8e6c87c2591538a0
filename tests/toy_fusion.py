"""A world in which only sequence and signal together tell enhancers: a motif and a mark, where each alone misleads.

Every fourth region has the motif and the mark (the enhancers), the motif alone, the mark alone, or neither.
"""

from pathlib import Path

import numpy as np
from toy_planted import MOTIF, letters

from crekit.signal import tracks as store

EVERY, LENGTH, BIN = 3_000, 100, 100


def world(folder: Path, *, n: int = 160, chroms: int = 3, seed: int = 0) -> None:
    """Write genome.fa, regions.bed and tracks.h5 (one mark, bins of 100 bases) into a folder."""
    random = np.random.default_rng(seed)
    size = (n + 2) * EVERY
    texts, rows, signal = [], [], {}
    for number in range(1, chroms + 1):
        dna, bins = letters(size, random), random.exponential(1.0, size // BIN).astype(np.float32)
        for i in range(n):
            start = (i + 1) * EVERY + BIN * int(random.integers(0, 5))
            motif, mark = i % 4 in {0, 1}, i % 4 in {0, 2}
            if motif:
                place = start + int(random.integers(0, LENGTH - len(MOTIF)))
                dna[place : place + len(MOTIF)] = np.frombuffer(MOTIF.encode(), dtype=np.uint8)
            if mark:
                bins[start // BIN - 4 : start // BIN + 5] += 5
            name = "enhancer" if motif and mark else "background"
            rows.append(f"chr{number}\t{start}\t{start + LENGTH}\t{name}\n")
        texts.append(f">chr{number}\n{dna.tobytes().decode()}\n")
        signal[f"chr{number}"] = bins
    (folder / "genome.fa").write_text("".join(texts))
    (folder / "regions.bed").write_text("".join(rows))
    with store.create(folder / "tracks.h5", dict.fromkeys(signal, size), BIN, "none") as writer:
        track = writer.add(
            store.Track("A", store.SIGNAL, store.VALUES, {"inputs": [{"role": "reads", "name": "", "sha256": "0"}]})
        )
        for chrom, values in signal.items():
            track.put(chrom, values)
        track.finish(0)
