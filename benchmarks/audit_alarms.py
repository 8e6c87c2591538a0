"""How often audit-dataset raises a false alarm on clean sets, and what it misses of leaking ones.

Usage: python benchmarks/audit_alarms.py [--data DATA] [--clean 300] [--leaking 50] [--only clean,leaking]

Clean sets have 200 to 5,000 sequences, of random bases or of random sites of chrX that do not overlap (with --data);
2 or 3 classes, as many of each or one of them rare; the same lengths in all classes (one length, any length, a grid of
10); no split, a split by blocks of 1 Mb, or five such folds. Composition is not counted: its check says look at most,
and it is signal as much as leak. A leaking set is a clean one into which one leak was put, at the effect that the table
gives; it counts as found when the check that is meant says look or leak.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
from scipy.stats import norm

from crekit.audit.composition import check_composition
from crekit.audit.duplicates import check_exact
from crekit.audit.finding import Finding
from crekit.audit.homology import check_homology
from crekit.audit.near_duplicates import check_near
from crekit.audit.places import check_blacklist, check_neighbours
from crekit.audit.sample import Sample
from crekit.audit.told_apart import check_gc, check_length, check_length_modulo, check_unknown
from crekit.genome import regions
from crekit.genome.fasta import Genome, N, complement_codes

SIZES = (200, 500, 1_000, 2_000, 5_000)
ALIKE = {200: 0.75, 500: 0.7, 1_000: 0.65, 2_000: 0.65, 5_000: 0.65}
BESIDE = {200: 0.4, 500: 0.2, 1_000: 0.1, 2_000: 0.1, 5_000: 0.1}
RELATED = {200: 0.6, 500: 0.4, 1_000: 0.2, 2_000: 0.2, 5_000: 0.1}
BLOCK = 1_000_000
LONGEST = 600
FIRST = 3_000_000
"""Before it, chrX is mostly unknown, or like chrY."""

Check = Callable[[Sample, int], Finding | list[Finding]]


def lengths(kind: int, n: int, rng: np.random.Generator) -> np.ndarray:
    """One length, any length, or a grid of ten."""
    if kind == 0:
        return np.full(n, 200)
    found = rng.integers(200, LONGEST, n)
    return found if kind == 1 else found // 10 * 10


def sites(length: np.ndarray, chrom: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
    """Starts of sites at random, none overlapping another, none with an N."""
    width = 2 * LONGEST
    cells = np.arange(FIRST // width, (70_000_000 if chrom is None else len(chrom)) // width) * width
    if chrom is not None:
        bases = chrom[cells[0] : cells[-1] + width].reshape(-1, width)
        cells = cells[bases.max(axis=1) < N]
    return rng.choice(cells, len(length), replace=False) + rng.integers(0, LONGEST, len(length))


def simulate(seed: int, n: int, chrom: np.ndarray | None, *, split: int, n_classes: int = 2, rare: bool = False,
             shape: int = 1) -> Sample:  # fmt: skip
    """A clean set; without a chromosome, of random bases, with places as if it were of one of 70 Mb."""
    rng = np.random.default_rng(seed)
    length = lengths(shape, n, rng)
    start = sites(length, chrom, rng)
    if chrom is None:
        codes = [rng.choice(4, one, p=[0.3, 0.2, 0.2, 0.3]).astype(np.uint8) for one in length]
    else:
        codes = [chrom[a : a + one].copy() for a, one in zip(start, length, strict=True)]
    share = [0.1] + [0.9 / (n_classes - 1)] * (n_classes - 1) if rare else None
    classes = rng.choice(["enhancer", "background", "promoter"][:n_classes], n, p=share).astype(object)
    places = regions.make(["chrX"] * n, start, start + length, classes)
    block = (start + length // 2) // BLOCK
    part, fold = np.zeros(n, dtype=np.int8), None
    if split == 1:
        part = rng.choice([0, 0, 0, 1, 2], 200).astype(np.int8)[block]
    elif split == 2:
        fold = rng.permutation(np.arange(200) % 5)[block]
    return Sample(places.ids, codes, classes, part, fold, places)


CHECKS: Sequence[Check] = (
    check_exact, check_near, check_length, check_length_modulo, check_gc, check_unknown, check_neighbours,
    check_homology,
)  # fmt: skip


def findings(check: Check, sample: Sample, seed: int) -> list[Finding]:
    found = check(sample, seed)
    return found if isinstance(found, list) else [found]


def clean(n_sets: int, chrom: np.ndarray | None) -> None:
    """Print how many alarms clean sets raise."""
    alarms: dict[str, dict[str, int]] = {}
    begun = time.perf_counter()
    with_alarm = 0
    for seed in range(n_sets):
        real = chrom if seed % 2 else None
        rng = np.random.default_rng(seed + 10_000)
        n = SIZES[seed // 2 % len(SIZES)]
        shape, split, n_classes = (int(rng.integers(0, 3)), int(rng.integers(0, 3)), int(rng.integers(2, 4)))
        sample = simulate(
            seed, n, real, split=split, n_classes=n_classes, rare=bool(rng.integers(0, 2)), shape=shape
        )  # fmt: skip
        raised = 0
        for check in CHECKS:
            for one in findings(check, sample, seed):
                row = alarms.setdefault(one.check, {"fine": 0, "look": 0, "leak": 0, "skipped": 0})
                row[one.verdict] += 1
                if one.verdict in {"look", "leak"}:
                    raised += 1
                    where = "random bases" if real is None else "chrX"
                    where = f"{where}, {n:,} sequences"
                    print(f"  set {seed} ({where}): {one.check} {one.verdict}: {one.says} p {one.p}", flush=True)
        with_alarm += raised > 0
    print(f"{n_sets} clean sets, {time.perf_counter() - begun:.0f} s: {with_alarm} with an alarm")
    print(f"{'check':20} {'fine':>6} {'look':>6} {'leak':>6} {'skipped':>8}")
    for name, row in alarms.items():
        print(f"{name:20} {row['fine']:6} {row['look']:6} {row['leak']:6} {row['skipped']:8}")


def copied(
    sample: Sample, rng: np.random.Generator, share: float, change: str, *, same_class: bool, across: bool
) -> Sample:
    """Sequences overwritten with copies of others; `share` is of the test part where copies go across the split."""
    into = np.flatnonzero(sample.part == 2) if across else np.arange(len(sample))
    into = rng.choice(into, max(round(share * len(into)), 1), replace=False)
    codes = list(sample.codes)
    for i in into:
        fits = (sample.classes == sample.classes[i]) == same_class
        fits &= sample.part == 0 if across else ~np.isin(np.arange(len(sample)), into)
        one = codes[int(rng.choice(np.flatnonzero(fits)))].copy()
        if change == "near":
            one = one[len(one) // 10 :] if rng.integers(0, 2) else substituted(one, 0.005, rng)
        elif change == "relative":
            one = substituted(one, 0.08, rng)
        codes[i] = complement_codes(one) if rng.integers(0, 2) else one
    return replace(sample, codes=codes)


def substituted(codes: np.ndarray, rate: float, rng: np.random.Generator) -> np.ndarray:
    """Exactly that share of the bases changed, rounded, and one at least."""
    at = rng.choice(len(codes), max(round(rate * len(codes)), 1), replace=False)
    found = codes.copy()
    found[at] = (found[at] + rng.integers(1, 4, len(at))) % 4
    return found


def enhancers(sample: Sample, change: Callable[[np.ndarray], np.ndarray]) -> Sample:
    """The set with one class changed, sequence by sequence."""
    pairs = zip(sample.codes, sample.classes, strict=True)
    return replace(sample, codes=[change(codes.copy()) if name == "enhancer" else codes for codes, name in pairs])


def longer(sample: Sample, rng: np.random.Generator, auroc: float) -> Sample:
    """One class longer than the other: lengths uniform, shifted."""
    shift = round((1 - np.sqrt(2 * (1 - auroc))) * (LONGEST - 200))
    return enhancers(sample, lambda codes: np.concatenate([codes, rng.integers(0, 4, shift).astype(np.uint8)]))


def in_the_middle(sample: Sample, rng: np.random.Generator, auroc: float) -> Sample:
    """One class of middling lengths, the other of all: AUROC of the best bins 1 - w / 2, w the width of the middle."""
    width = 2 * (1 - auroc)

    def change(codes: np.ndarray) -> np.ndarray:
        length = round(200 + (LONGEST - 200) * (0.5 + width * (rng.random() - 0.5)))
        return rng.integers(0, 4, length).astype(np.uint8)

    return enhancers(sample, change)


def on_a_grid(sample: Sample, rng: np.random.Generator, auroc: float) -> Sample:
    """A share of one class with one remainder modulo 2 to 12: AUROC .5 + share (1 - 1 / m) / 2."""
    m = int(rng.integers(2, 13))
    share = min((auroc - 0.5) * 2 / (1 - 1 / m), 1)
    return enhancers(sample, lambda codes: codes[: len(codes) // m * m] if rng.random() < share else codes)


def richer(sample: Sample, rng: np.random.Generator, auroc: float) -> Sample:
    """One class richer in GC, by so many standard deviations as the AUROC asks for."""
    more = float(np.sqrt(2) * norm.ppf(auroc) * np.std([np.isin(codes, (1, 2)).mean() for codes in sample.codes]))

    def change(codes: np.ndarray) -> np.ndarray:
        weak = np.flatnonzero(np.isin(codes, (0, 3)))
        turned = rng.choice(weak, min(rng.binomial(len(codes), more), len(weak)), replace=False)
        codes[turned] = rng.integers(1, 3, len(turned))
        return codes

    return enhancers(sample, change)


def unknown(sample: Sample, rng: np.random.Generator, auroc: float) -> Sample:
    """N in a share of one class."""
    ends = np.full(20, N, dtype=np.uint8)
    share = 2 * (auroc - 0.5)
    return enhancers(sample, lambda codes: np.concatenate([codes[:-20], ends]) if rng.random() < share else codes)


def without_cpg(sample: Sample, rng: np.random.Generator, share: float) -> Sample:
    """A share of the CG of one class made into TG."""

    def change(codes: np.ndarray) -> np.ndarray:
        at = np.flatnonzero((codes[:-1] == 1) & (codes[1:] == 2))
        codes[at[rng.random(len(at)) < share]] = 3
        return codes

    return enhancers(sample, change)


def moved(sample: Sample, rng: np.random.Generator, share: float) -> Sample:
    """A share of the test part put 300 to 900 bases after a training sequence of its class."""
    places = cast(regions.Regions, sample.regions)
    start, end = places.start.copy(), places.end.copy()
    test = np.flatnonzero(sample.part == 2)
    for i in rng.choice(test, round(share * len(test)), replace=False):
        beside = int(rng.choice(np.flatnonzero((sample.part == 0) & (sample.classes == sample.classes[i]))))
        start[i] = end[beside] + rng.integers(300, 900)
        end[i] = start[i] + len(sample.codes[i])
    return replace(sample, regions=replace(places, start=start, end=end))


def listed(sample: Sample, seed: int) -> Finding:
    """The check of a blacklist that a fiftieth of the sequences is on."""
    chosen = np.random.default_rng(seed).choice(len(sample), len(sample) // 50, replace=False)
    return check_blacklist(sample, cast(regions.Regions, sample.regions)[chosen], seed)


LEAKS: dict[str, tuple[str, Check, Callable[[Sample, np.random.Generator, int], Sample]]] = {
    "duplicates-within": ("copies, 1 % of the sequences", check_exact,
                          lambda s, r, n: copied(s, r, 0.01, "", same_class=True, across=False)),
    "duplicates-classes": ("copies, 1 % of the sequences", check_exact,
                           lambda s, r, n: copied(s, r, 0.01, "", same_class=False, across=False)),
    "duplicates-split": ("2 % of the test part copied from training", check_exact,
                         lambda s, r, n: copied(s, r, 0.02, "", same_class=True, across=True)),
    "near-within": ("2 % shifted by a tenth, or .5 % of the bases changed", check_near,
                    lambda s, r, n: copied(s, r, 0.02, "near", same_class=True, across=False)),
    "near-classes": ("the same, across classes", check_near,
                     lambda s, r, n: copied(s, r, 0.02, "near", same_class=False, across=False)),
    "near-split": ("the same, 4 % of the test part", check_near,
                   lambda s, r, n: copied(s, r, 0.04, "near", same_class=True, across=True)),
    "length": ("longer; AUROC .75 (200), .7 (500), .65 (more)", check_length,
               lambda s, r, n: longer(s, r, ALIKE[n])),
    "length (middle)": ("one class in the middle; AUROC as above", check_length,
                        lambda s, r, n: in_the_middle(s, r, ALIKE[n])),
    "length-modulo": ("one remainder modulo 2 to 12; AUROC as above", check_length_modulo,
                      lambda s, r, n: on_a_grid(s, r, ALIKE[n])),
    "gc": ("richer; AUROC as above", check_gc, lambda s, r, n: richer(s, r, ALIKE[n])),
    "unknown": ("N in a part of one class; AUROC as above", check_unknown, lambda s, r, n: unknown(s, r, ALIKE[n])),
    "composition": ("nine tenths of the CG of one class are TG", check_composition,
                    lambda s, r, n: without_cpg(s, r, 0.9)),
    "neighbours": ("of the test part 40 % (200), 20 % (500), 10 % (more)", check_neighbours,
                   lambda s, r, n: moved(s, r, BESIDE[n])),
    "homology": ("relatives of 92 % identity: 60 %, 40 %, 20 %, 10 % (5,000)", check_homology,
                 lambda s, r, n: copied(s, r, RELATED[n], "relative", same_class=True, across=True)),
    "blacklist": ("2 % of the sequences on it", listed, lambda s, r, n: s),
}  # fmt: skip


def leaking(n_sets: int, chrom: np.ndarray | None, only: Sequence[str]) -> None:
    """Print how many leaking sets of each kind are found."""
    print(f"{'leak':20} {'effect':60} {'sets':>5} {'look':>5} {'leak':>5} {'missed':>7}  missed at")
    for name, (effect, check, put) in LEAKS.items():
        if only and name not in only:
            continue
        counts = {"fine": 0, "look": 0, "leak": 0}
        missed = []
        for turn in range(n_sets):
            n = SIZES[turn % len(SIZES)]
            sample = simulate(turn + 50_000, n, chrom if turn % 2 else None, split=1)
            sample = put(sample, np.random.default_rng(turn), n)
            found = {one.check: one for one in findings(check, sample, turn)}[name.split()[0]]
            counts[found.verdict] += 1
            if found.verdict == "fine":
                missed.append(f"{n:,} ({found.value:.3f}, p {found.p})" if found.value is not None else f"{n:,}")
        print(
            f"{name:20} {effect:60} {n_sets:5} {counts['look']:5} {counts['leak']:5} {counts['fine']:7}  "
            f"{', '.join(missed)}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of the real data, for sites of chrX")
    parser.add_argument("--clean", type=int, default=300)
    parser.add_argument("--leaking", type=int, default=50)
    parser.add_argument(
        "--only", default="clean,leaking", help="clean, leaking, or names of leaks, with commas between"
    )
    options = parser.parse_args()
    chrom = None
    if options.data:
        with Genome(options.data / "genome" / "hg19.chrX.fa.gz") as genome:
            chrom = genome.codes("chrX")
    only = options.only.split(",")
    if "clean" in only:
        clean(options.clean, chrom)
    kinds = [name for name in only if name in LEAKS]
    if "leaking" in only or kinds:
        leaking(options.leaking, chrom, kinds)


if __name__ == "__main__":
    main()
