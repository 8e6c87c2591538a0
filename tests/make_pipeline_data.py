"""Test data of the Nextflow pipeline: two samples of one small genome, with their sheets.

    python tests/make_pipeline_data.py nextflow/assets/test

The samples are two kinds of cells. Chromosomes, genes and blacklist are the same; which promoters are active and where
enhancers lie is not. "alpha" has all marks and its input as BAM, and GRO-seq as one bigWig a strand. "beta" has two
marks as bigWig, in reads per million as published ones are, and GRO-seq as a BAM. Reads carry neither names nor bases,
because the tools ask only where they lie. The same versions of pysam and pyBigWig give the same bytes in any folder.
"""

import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyBigWig
import pysam
from simulate import Element, Simulated, simulate

SEEDS = {"alpha": 11, "beta": 12}
N_CHROMS, BIN = 4, 100
AS_BIGWIG = {"alpha": (), "beta": ("H3K27me3", "H3K4me3")}
PEAKS = {"open": "dnase", "cofactor": "p300", "h3k4me3": "h3k4me3", "tfbs": "tfbs"}
SHEET = ("sample", "mark", "replicate", "path", "index", "control", "reference")
ANNOTATIONS = ("sample", "tss", "open", "cofactor", "h3k4me3", "tfbs", "plus", "minus", "reads")
# What may stand at a place in one kind of cells or in the other. Silent genes and artefacts are the same in all cells.
INTERCHANGEABLE = (("active_promoter", "poised_promoter"), ("active_enhancer", "poised_enhancer", "open", "tfbs"))


def make(folder: Path) -> None:
    """Write all the data into a folder, which is made where it is missing."""
    with TemporaryDirectory() as temporary:
        alpha = simulate(Path(temporary, "alpha"), SEEDS["alpha"], N_CHROMS)
        others = other_cells(alpha.elements, np.random.default_rng(SEEDS["beta"]))
        beta = simulate(Path(temporary, "beta"), SEEDS["beta"], N_CHROMS, others)
        folder.mkdir(parents=True, exist_ok=True)
        for path in (alpha.tss, alpha.blacklist, alpha.chrom_sizes):
            shutil.copyfile(path, folder / path.name)
        rows = [row for name, made in (("alpha", alpha), ("beta", beta)) for row in _write_sample(name, made, folder)]
    _write_sheet(folder / "samplesheet.csv", SHEET, rows)
    peaks = {name: {column: f"{name}/{peaks}.narrowPeak" for column, peaks in PEAKS.items()} for name in SEEDS}
    annotations = [
        {"sample": "alpha", **peaks["alpha"], "plus": "alpha/groseq.plus.bw", "minus": "alpha/groseq.minus.bw"},
        {"sample": "beta", **peaks["beta"], "reads": "beta/groseq.bam"},
    ]
    _write_sheet(folder / "annotations.csv", ANNOTATIONS, [{"tss": "tss.bed", **row} for row in annotations])


def other_cells(elements: tuple[Element, ...], rng: np.random.Generator) -> tuple[Element, ...]:
    """The same places on the genome in other cells: of each chromosome, what can change places is shuffled."""
    changed = list(elements)
    for chrom in dict.fromkeys(element.chrom for element in elements):
        for kinds in INTERCHANGEABLE:
            places = [i for i, one in enumerate(elements) if one.chrom == chrom and one.kind in kinds]
            for place, other in zip(places, rng.permutation(places).tolist(), strict=True):
                changed[place] = elements[place]._replace(kind=elements[other].kind)
    return tuple(changed)


def _write_sample(name: str, made: Simulated, folder: Path) -> list[dict[str, str]]:
    """The files of a sample, in a folder of its own; its rows of the sheet."""
    (folder / name).mkdir(exist_ok=True)
    for peaks in PEAKS.values():
        shutil.copyfile(made.folder / f"{peaks}.narrowPeak", folder / name / f"{peaks}.narrowPeak")
    if name == "alpha":
        for path in (made.groseq_plus, made.groseq_minus):
            shutil.copyfile(path, folder / name / path.name)
    else:
        bare_reads(made.groseq, folder / name / "groseq.bam", index=False)
    bare_reads(made.control, folder / name / "Input.bam")
    rows = []
    for mark, paths in made.reads.items():
        if mark in AS_BIGWIG[name]:
            write_rpm(paths[0], folder / name / f"{mark}.bw")
            rows.append({"sample": name, "mark": mark, "replicate": "1", "path": f"{name}/{mark}.bw"})
            continue
        for replicate, path in enumerate(paths, start=1):
            bare_reads(path, folder / name / path.name)
            row = {"sample": name, "mark": mark, "replicate": str(replicate), "path": f"{name}/{path.name}"}
            rows.append({**row, "control": f"{name}/Input.bam"})
    return rows


def bare_reads(source: Path, path: Path, index: bool = True) -> None:
    """Copy a BAM without names, bases and qualities: a sixth of its size."""
    with pysam.AlignmentFile(str(source)) as reads:
        lines = [{"SN": chrom, "LN": length} for chrom, length in zip(reads.references, reads.lengths, strict=True)]
        header = pysam.AlignmentHeader.from_dict({"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": lines})
        with pysam.AlignmentFile(str(path), "wb", header=header) as bare:
            for read in reads:
                read.query_name = "*"
                read.query_sequence = None
                bare.write(read)
    if index:
        pysam.index(str(path))


def write_rpm(source: Path, path: Path) -> None:
    """Reads per million of the file in bins of 100 bases, each read in the bin of its middle."""
    with pysam.AlignmentFile(str(source)) as bam, pyBigWig.open(str(path), "w") as bigwig:
        total = sum(one.mapped for one in bam.get_index_statistics())
        bigwig.addHeader(list(zip(bam.references, bam.lengths, strict=True)))
        for chrom, length in zip(bam.references, bam.lengths, strict=True):
            middles = [sum(read.get_blocks()[0]) // 2 for read in bam.fetch(chrom)]
            counts = np.bincount(np.array(middles) // BIN, minlength=length // BIN)[: length // BIN]
            bigwig.addEntries(chrom, 0, values=(counts * 1e6 / total).tolist(), span=BIN, step=BIN)


def _write_sheet(path: Path, columns: tuple[str, ...], rows: list[dict[str, str]]) -> None:
    lines = [columns, *([row.get(column, "") for column in columns] for row in rows)]
    path.write_text("".join(",".join(line) + "\n" for line in lines))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: make_pipeline_data.py FOLDER")
    make(Path(sys.argv[1]))
