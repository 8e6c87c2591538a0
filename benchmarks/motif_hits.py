#!/usr/bin/env python3
"""Motif hits against MOODS and lightmotif, in turn: HOCOMOCO's 401 motifs, both strands, 5,000 sequences of 1 kb.

The sequences are cut from hg19's chrX at random. All search integer scores from the same thresholds (exact, p < 1e-4),
and must count the same hits in each sequence. MOODS builds its tables before the clock starts; ours are built within,
at every call. Also times the 401 thresholds, ours and MOODS's. Prints a table. MOODS has one thread.

With --enumerate, instead: thresholds of all motifs of up to ten bases, of HOCOMOCO and JASPAR, against all words.

Usage: benchmarks/motif_hits.py [--data ../shared/data] [--rounds 3] [--sequences 5000] [--threads 2] [--lightmotif]
"""

import argparse
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import lightmotif
import MOODS.scan
import MOODS.tools
import numpy as np

from crekit.genome.fasta import Genome
from crekit.motifs import database, hits, pssm, thresholds
from crekit.motifs.scoring import Scoring, calibrated

P, LENGTH = 1e-4, 1000
HOCOMOCO, JASPAR = "HOCOMOCOv11_core_pwms_HUMAN_mono.txt", "JASPAR2026_CORE_vertebrates.meme"


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    made = work()
    return time.perf_counter() - started, made


def draw(genome: Path, n: int) -> np.ndarray:
    """Codes of places of chrX without N, shape (n, 1000)."""
    with Genome(genome) as opened:
        codes = opened.codes("chrX")
    starts = np.random.default_rng(1).integers(0, len(codes) - LENGTH, 2 * n + 100)
    windows = codes[starts[:, None] + np.arange(LENGTH)]
    return windows[(windows < 4).all(axis=1)][:n]


def matrices(scoring: Scoring) -> list[np.ndarray]:
    """Scores of each motif, shape (w, 4), and then of each as the other strand has it."""
    forward = np.split(scoring.scores, scoring.widths.cumsum()[:-1])
    return forward + [rows[::-1, ::-1] for rows in forward]


def by_moods(scanner: Any, texts: list[str], n_motifs: int) -> np.ndarray:
    both = np.array([[len(found) for found in scanner.scan(text)] for text in texts])
    return both[:, :n_motifs] + both[:, n_motifs:]


def by_lightmotif(matrices: list[Any], limits: np.ndarray, widths: np.ndarray, texts: list[str]) -> np.ndarray:
    both = np.empty((len(texts), len(matrices)), dtype=np.int64)
    for s, text in enumerate(texts):
        sequence = lightmotif.stripe(text)
        for m, matrix in enumerate(matrices):
            last = LENGTH - widths[m]  # what it fills its stripes up with is scored, too
            both[s, m] = sum(hit.position <= last for hit in lightmotif.scan(matrix, sequence, threshold=limits[m]))
    return both[:, : len(limits) // 2] + both[:, len(limits) // 2 :]


def compare(data: Path, options: argparse.Namespace) -> None:
    """The table of hits."""
    scoring = calibrated(data / "motifs" / HOCOMOCO, P)
    windows = draw(data / "genome" / "hg19.chrX.fa.gz", options.sequences)
    texts = [text.tobytes().decode() for text in np.frombuffer(b"ACGT", dtype=np.uint8)[windows]]
    codes, offsets = windows.ravel(), np.arange(len(windows) + 1) * LENGTH
    rows, limits, widths = matrices(scoring), np.tile(scoring.thresholds, 2), np.tile(scoring.widths, 2)
    scanner = MOODS.scan.Scanner(7)
    scanner.set_motifs([one.T.tolist() for one in rows], [0.25] * 4, limits.tolist())
    theirs = [lightmotif.ScoringMatrix({b: one[:, i].tolist() for i, b in enumerate("ACGT")}) for one in rows]
    hits.count(codes[:LENGTH], offsets[:2], scoring)  # compiles
    print(f"{len(texts):,} sequences of {LENGTH} bases, {scoring.n_motifs} motifs, both strands, p < {P:g}")
    print(f"{'round':>5} {'MOODS':>8} {'1 thread':>9} {f'{options.threads} threads':>10} {'lightmotif':>11}   ratios")
    for number in range(1, options.rounds + 1):
        moods_s, wanted = timed(lambda: by_moods(scanner, texts, scoring.n_motifs))
        one_s, (one, _) = timed(lambda: hits.count(codes, offsets, scoring, 1))
        more_s, (more, _) = timed(lambda: hits.count(codes, offsets, scoring, options.threads))
        if not (np.array_equal(one, wanted) and np.array_equal(more, wanted)):
            sys.exit("the hits differ")
        light_s = float("nan")
        if options.lightmotif:
            light_s, light = timed(lambda: by_lightmotif(theirs, limits, widths, texts))
            if not np.array_equal(light, wanted):
                sys.exit("lightmotif's hits differ")
        ratios = ", ".join(f"{seconds / moods_s:.2f}" for seconds in (one_s, more_s, light_s))
        print(
            f"{number:>5} {moods_s:>6.1f} s {one_s:>7.1f} s {more_s:>8.1f} s {light_s:>9.1f} s   {ratios}", flush=True
        )
    print(f"the same {wanted.sum():,} hits; {wanted.sum() / codes.size * 1000:.1f} in a kb")
    compare_thresholds(data, options.rounds)


def compare_thresholds(data: Path, rounds: int) -> None:
    """Seconds for the thresholds of all motifs; MOODS gets its own log odds."""
    _, _, motifs = database.load(data / "motifs" / HOCOMOCO)
    whole = [pssm.integers(motif) for motif in motifs]
    widths = np.array([len(one) for one in whole])
    odds = [pssm.log_odds(motif).T.tolist() for motif in motifs]
    for _ in range(rounds):
        our_s, _ = timed(lambda: thresholds.exact(np.concatenate(whole), widths, P))
        their_s, _ = timed(lambda: [MOODS.tools.threshold_from_p(one, [0.25] * 4, P) for one in odds])
        print(f"{len(motifs)} thresholds: {our_s:.2f} s, MOODS {their_s:.2f} s")


def enumerate_words(data: Path) -> None:
    """Thresholds against the scores of all words."""
    for name in (HOCOMOCO, JASPAR):
        whole = [pssm.integers(motif) for motif in database.load(data / "motifs" / name)[2] if motif.width <= 10]
        found, _ = thresholds.exact(np.concatenate(whole), np.array([len(one) for one in whole]), P)
        equal = 0
        for one, threshold in zip(whole, found, strict=True):
            scores = np.zeros(1, dtype=np.int32)
            for row in one.astype(np.int32):
                scores = (scores[:, None] + row).ravel()
            below = scores[scores < threshold].max(initial=-(2**30))
            rare, next_is_not = (
                Fraction(int((scores >= limit).sum()), len(scores)) <= P for limit in (threshold, below)
            )
            equal += rare and not next_is_not
        print(f"{name}: {equal} of {len(whole)} thresholds are exact")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sequences", type=int, default=5000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--lightmotif", action="store_true", help="time lightmotif, too")
    parser.add_argument("--enumerate", action="store_true", help="check thresholds instead")
    options = parser.parse_args()
    if options.enumerate:
        enumerate_words(options.data)
    else:
        compare(options.data, options)


if __name__ == "__main__":
    main()
