"""A small genome with known promoters and enhancers, and every file that the tools read of it.

Chromosomes are cut into slots of 10 kb; each slot holds one element, or nothing. The marks follow the textbook:
promoters carry H3K4me3 with H3K4me1 on their flanks, enhancers H3K4me1; active ones H3K27ac, poised ones H3K27me3. The
reads of a mark stand on both sides of the nucleosome-free centre, over a Poisson background of reads everywhere.

The same seed gives the same bytes in any folder.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pysam
from simulate_files import Reads, header, write_bigwig, write_cram, write_reads

SIZES = {"chr1": 402_350, "chr2": 398_120, "chr3": 400_050, "chr4": 395_500, "chr5": 401_999, "chr6": 397_001}
ELEMENTS = ("active_enhancer", "poised_enhancer", "active_promoter", "poised_promoter")
MARKS = ("H3K27ac", "H3K27me3", "H3K4me1", "H3K4me3")
SLOT, TELOMERE, FRAGMENT = 10_000, 500, 200
PER_CHROMOSOME = {**dict.fromkeys(ELEMENTS, 7), "open": 3, "silent": 3, "tfbs": 2, "artefact": 1}

# Reads expected at an element: near its centre, on its flanks, and in a broad domain round it.
_PEAK = {
    "active_enhancer": {"H3K4me1": 110, "H3K27ac": 110, "H3K4me3": 8, "Input": 8},
    "poised_enhancer": {"H3K4me1": 100, "H3K27ac": 8, "H3K4me3": 6, "Input": 4},
    "active_promoter": {"H3K4me3": 160, "H3K27ac": 110, "Input": 10},
    "poised_promoter": {"H3K4me3": 110, "H3K27ac": 8, "Input": 6},
    "open": {"Input": 6},
    "artefact": dict.fromkeys((*MARKS, "Input"), 500),
}
_FLANKS = {"active_promoter": {"H3K4me1": 40}, "poised_promoter": {"H3K4me1": 40}}
_DOMAIN = {"poised_enhancer": {"H3K27me3": 100}, "poised_promoter": {"H3K27me3": 110}}
# Reads of nascent RNA (GRO-seq) on the strand of the element, and on the other.
_RNA = {
    "active_enhancer": (60, 50),
    "poised_enhancer": (3, 3),
    "active_promoter": (150, 50),
    "poised_promoter": (8, 4),
}


class Element(NamedTuple):
    """Something planted: its chromosome, the base in its middle, what it is, and its strand."""

    chrom: str
    centre: int
    kind: str
    strand: str


@dataclass(frozen=True)
class Simulated:
    """The files, and what is true.

    Parameters
    ----------
    elements : tuple of Element
        All that was planted, by chromosome and centre: the four classes of `ELEMENTS`, and ``open`` (open chromatin and
        no more), ``silent`` (a TSS without open chromatin), ``tfbs`` (a binding site without open chromatin),
        ``artefact`` (a blacklisted pile of reads with peaks of p300 and DNase).
    reads : dict of str to tuple of Path
        BAM files of each mark; H3K4me1 has two replicates.
    cram : Path
        The reads of the H3K27ac BAM once more.
    """

    folder: Path
    sizes: dict[str, int]
    elements: tuple[Element, ...]
    fasta: Path
    chrom_sizes: Path
    reads: dict[str, tuple[Path, ...]]
    control: Path
    cram: Path
    tss: Path
    dnase: Path
    p300: Path
    h3k4me3: Path
    tfbs: Path
    blacklist: Path
    groseq: Path
    groseq_plus: Path
    groseq_minus: Path
    truth: Path

    def of(self, *kinds: str) -> list[Element]:
        """The elements of some kinds."""
        return [element for element in self.elements if element.kind in kinds]


def simulate(folder: Path, seed: int = 1, n_chroms: int = 6, elements: tuple[Element, ...] | None = None) -> Simulated:
    """Make the genome and all its files in a folder.

    Parameters
    ----------
    folder : Path
        Made where it is missing.
    seed : int
    n_chroms : int
        The first so many of `SIZES`.
    elements : tuple of Element, optional
        What to plant, by chromosome and centre; drawn if not given.
    """
    folder.mkdir(parents=True, exist_ok=True)
    genome, layout, signal, peaks = (np.random.default_rng([seed, part]) for part in range(4))
    sizes = dict(list(SIZES.items())[:n_chroms])
    sequences = {chrom: _sequence(size, genome) for chrom, size in sizes.items()}
    if elements is None:
        elements = tuple(element for chrom, size in sizes.items() for element in _plant(chrom, size, layout))
    sam_header = header(sequences)
    reads: dict[str, tuple[Path, ...]] = {}
    for mark in MARKS:
        reads[mark] = ()
        for replicate in (1, 2) if mark == "H3K4me1" else (1,):
            drawn = _chip_reads(mark, sizes, elements, length=36 if replicate == 1 else 50, rng=signal)
            path = folder / f"{mark}_rep{replicate}.bam"
            write_reads(path, drawn, 36 if replicate == 1 else 50, sam_header, sequences)
            reads[mark] = (*reads[mark], path)
    control = _chip_reads("Input", sizes, elements, length=50, rng=signal)
    write_reads(folder / "Input.bam", control, 50, sam_header, sequences)
    rna = _rna_reads(sizes, elements, length=40, rng=signal)
    write_reads(folder / "groseq.bam", rna, 40, sam_header, sequences, index=False)
    return Simulated(
        folder=folder,
        sizes=sizes,
        elements=elements,
        fasta=_write_fasta(folder / "genome.fa", sequences),
        chrom_sizes=_write(folder / "chrom.sizes", (f"{chrom}\t{size}" for chrom, size in sizes.items())),
        **_write_peaks(folder, elements, peaks),
        reads=reads,
        control=folder / "Input.bam",
        cram=write_cram(folder / "H3K27ac_rep1.cram", reads["H3K27ac"][0], sequences),
        groseq=folder / "groseq.bam",
        groseq_plus=write_bigwig(folder / "groseq.plus.bw", rna, 40, sizes, reverse=False),
        groseq_minus=write_bigwig(folder / "groseq.minus.bw", rna, 40, sizes, reverse=True),
    )


# ---------------------------------------------------------------------------------------------------------------------
# The genome and what is planted in it


def _sequence(size: int, rng: np.random.Generator) -> str:
    """Random bases, 42 % of them G or C, after a telomere of N."""
    bases = rng.choice(np.frombuffer(b"ACGT", dtype="S1"), size=size, p=(0.29, 0.21, 0.21, 0.29))
    bases[:TELOMERE] = b"N"
    return bases.tobytes().decode()


def _plant(chrom: str, size: int, rng: np.random.Generator) -> Iterator[Element]:
    """The elements of a chromosome, one a slot, in order."""
    kinds = np.array([kind for kind, number in PER_CHROMOSOME.items() for _ in range(number)])
    slots = np.sort(rng.choice(size // SLOT, size=len(kinds), replace=False))
    for slot, kind in zip(slots, rng.permutation(kinds), strict=True):
        centre = int(slot) * SLOT + SLOT // 2 + int(rng.integers(-1500, 1501))
        yield Element(chrom, centre, str(kind), "+-"[rng.integers(2)])


def _write_fasta(path: Path, sequences: Mapping[str, str]) -> Path:
    lines: list[str] = []
    for chrom, sequence in sequences.items():
        lines += [f">{chrom}", *(sequence[first : first + 60] for first in range(0, len(sequence), 60))]
    _write(path, lines)
    pysam.faidx(str(path))
    return path


def _write(path: Path, lines: Iterable[str]) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


# ---------------------------------------------------------------------------------------------------------------------
# Peaks, transcription start sites, truth


def _write_peaks(folder: Path, elements: tuple[Element, ...], rng: np.random.Generator) -> dict[str, Path]:
    """All text files about the elements."""
    promoters = _of(elements, "active_promoter", "poised_promoter")
    enhancers = _of(elements, "active_enhancer", "poised_enhancer")
    artefacts = _of(elements, "artefact")
    is_open = [*promoters, *enhancers, *artefacts, *_of(elements, "open")]
    # Cofactors are seen at some active promoters too; the distance to the TSS must remove those.
    false = _of(elements, "active_promoter")[::3]
    bound = [*_of(elements, "tfbs"), *enhancers[::4], *promoters[::4]]
    truth = [f"{e.chrom}\t{e.centre - 1000}\t{e.centre + 1000}\t{e.kind}\t0\t." for e in elements if e.kind in ELEMENTS]
    spans = [f"{e.chrom}\t{e.centre - 2500}\t{e.centre + 2500}" for e in artefacts]
    return {
        "tss": _write(folder / "tss.bed", _tss(elements)),
        "dnase": _write_narrow(folder / "dnase.narrowPeak", is_open, (250, 450), rng),
        "p300": _write_narrow(folder / "p300.narrowPeak", [*enhancers, *artefacts, *false], (200, 400), rng),
        "h3k4me3": _write_narrow(folder / "h3k4me3.narrowPeak", promoters, (1200, 1800), rng),
        "tfbs": _write_narrow(folder / "tfbs.narrowPeak", bound, (100, 200), rng),
        "blacklist": _write(folder / "blacklist.bed", spans),
        "truth": _write(folder / "truth.bed", truth),
    }


def _of(elements: Iterable[Element], *kinds: str) -> list[Element]:
    return [element for element in elements if element.kind in kinds]


def _tss(elements: Iterable[Element]) -> Iterator[str]:
    """BED6 lines; every fifth gene has a second start 200 bases on."""
    genes = _of(elements, "active_promoter", "poised_promoter", "silent")
    for number, gene in enumerate(genes):
        starts = [gene.centre] if number % 5 else [gene.centre, gene.centre + 200]
        for start in starts:
            yield f"{gene.chrom}\t{start}\t{start + 1}\tgene{number + 1}\t0\t{gene.strand}"


def _write_narrow(path: Path, elements: Iterable[Element], width: tuple[int, int], rng: np.random.Generator) -> Path:
    """A narrowPeak file of peaks about the centres of elements, in the order of the genome."""
    lines = []
    for number, element in enumerate(sorted(elements)):
        half = int(rng.integers(*width)) // 2
        middle = element.centre + int(rng.integers(-30, 31))
        score = 5 + 20 * rng.random()
        lines.append(
            f"{element.chrom}\t{middle - half}\t{middle + half}\tpeak{number + 1}\t0\t.\t{score:.3f}\t-1\t-1\t{half}"
        )
    return _write(path, lines)


# ---------------------------------------------------------------------------------------------------------------------
# Reads


def _chip_reads(
    mark: str, sizes: Mapping[str, int], elements: tuple[Element, ...], *, length: int, rng: np.random.Generator
) -> dict[str, Reads]:
    """Reads of a mark, or of the input, at both ends of fragments."""
    per_base = 0.008
    found = {}
    for chrom, size in sizes.items():
        middles = [rng.integers(TELOMERE, size, rng.poisson(per_base * size))]
        for element in (one for one in elements if one.chrom == chrom):
            strength = rng.lognormal(0, 0.25)
            for table, offsets in ((_PEAK, _beside), (_FLANKS, _flanking), (_DOMAIN, _broad)):
                n = rng.poisson(strength * table.get(element.kind, {}).get(mark, 0))
                middles.append(element.centre + offsets(n, rng))
        middle = np.concatenate(middles)
        reverse = rng.random(len(middle)) < 0.5
        start = np.where(reverse, middle + FRAGMENT // 2 - length, middle - FRAGMENT // 2)
        found[chrom] = _sorted(start, reverse, size - length)
    return found


def _beside(n: int, rng: np.random.Generator) -> np.ndarray:
    """Offsets on both sides of a nucleosome-free centre: most 200 to 600 bases away."""
    return (rng.choice((-1, 1), n) * (150 + rng.gamma(2, 130, n))).astype(np.int64)


def _flanking(n: int, rng: np.random.Generator) -> np.ndarray:
    """Offsets about 800 bases on either side."""
    return (rng.choice((-1, 1), n) * rng.normal(800, 150, n)).astype(np.int64)


def _broad(n: int, rng: np.random.Generator) -> np.ndarray:
    """Offsets in a domain of about 3 kb."""
    return rng.normal(0, 800, n).astype(np.int64)


def _rna_reads(
    sizes: Mapping[str, int], elements: tuple[Element, ...], *, length: int, rng: np.random.Generator
) -> dict[str, Reads]:
    """Reads of nascent RNA, running away from the centre of an element on both strands."""
    found = {}
    for chrom, size in sizes.items():
        noise = rng.integers(TELOMERE, size, rng.poisson(0.0005 * size))
        starts, reverses = [noise], [rng.random(len(noise)) < 0.5]
        for element in (one for one in elements if one.chrom == chrom):
            strength = rng.lognormal(0, 0.4)
            for reads, sense in zip(_RNA.get(element.kind, (0, 0)), (True, False), strict=True):
                n = rng.poisson(strength * reads)
                minus = (element.strand == "-") == sense
                offset = rng.gamma(2, 150, n).astype(np.int64)
                starts.append(element.centre + (-offset - length if minus else offset))
                reverses.append(np.full(n, minus))
        found[chrom] = _sorted(np.concatenate(starts), np.concatenate(reverses), size - length)
    return found


def _sorted(start: np.ndarray, reverse: np.ndarray, last: int) -> Reads:
    start = np.clip(start, TELOMERE, last)
    order = np.lexsort((reverse, start))
    return Reads(start[order], reverse[order])
