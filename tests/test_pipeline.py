"""Every tool on the simulated genome, one after the other as a user would run them: from reads to a BED of elements."""

import json
from collections import Counter
from pathlib import Path

import pytest
from running import run_executable
from simulate import ELEMENTS, Simulated

from crekit.genome.regions import Regions, read_bed

pytestmark = pytest.mark.xdist_group("pipeline")

TESTED = ("chr5", "chr6")
SITES = "-t tracks.h5 -r labelled.bed --device cpu -p 1"


def commands(s: Simulated) -> list[str]:
    """The whole way, with a control, replicates, a CRAM and a blacklist in it."""
    bams = " ".join(f"{mark}={path}" for mark, paths in s.reads.items() if mark != "H3K27ac" for path in paths)
    return [
        f"define-regions --tss {s.tss} --open {s.dnase} --cofactor {s.p300} --h3k4me3 {s.h3k4me3} --tfbs {s.tfbs} "
        f"--sizes {s.chrom_sizes} --blacklist {s.blacklist} -o regions.bed --markers-output markers.bed",
        f"count-bins H3K27ac={s.cram} {bams} --control {s.control} --reference {s.fasta} --blacklist {s.blacklist} "
        "-o tracks.h5",
        f"label-activity -r regions.bed --reads {s.groseq} -o labelled.bed",
        f"label-activity -r regions.bed --plus {s.groseq_plus} --minus {s.groseq_minus} -o stranded.bed",
        f"train-model --arch deepregfinder-cnn {SITES} --train chr1-chr3 --val chr4 --test chr5,chr6 --batch-size 32 "
        "-o model.safetensors",
        f"evaluate-model -m model.safetensors {SITES} -o metrics.json --html report.html --bootstrap 200",
        f"scan-genome -m model.safetensors -t tracks.h5 --chroms chr5,chr6 --known-tss {s.tss} --markers markers.bed "
        "--device cpu -p 1 -o scan",
        f"explain-model -m model.safetensors {SITES} -o explanation.html --table filters.tsv",
    ]


@pytest.fixture(scope="module")
def made(simulated, tmp_path_factory) -> Path:
    """The folder in which every tool has run."""
    folder = tmp_path_factory.mktemp("pipeline")
    for command in commands(simulated):
        name, *args = command.split()
        ended = run_executable(name, *args, cwd=folder)
        assert ended.returncode == 0, f"{name}: {ended.stderr}"
        assert ended.stdout == ""
    return folder


def agreement(blocks: Regions, s: Simulated, kind: str) -> tuple[float, float]:
    """Recall and precision of a class on the test chromosomes: a block must hold the centre of an element of it."""
    blocks = blocks[blocks.name == kind]
    spans = list(zip(blocks.chrom, blocks.start, blocks.end, strict=True))
    planted = [e for e in s.of(kind) if e.chrom in TESTED]
    found = sum(any(c == e.chrom and start <= e.centre < end for c, start, end in spans) for e in planted)
    right = sum(any(c == e.chrom and start <= e.centre < end for e in planted) for c, start, end in spans)
    return found / len(planted), right / max(len(spans), 1)


def labels(path: Path, s: Simulated) -> list[tuple[str, str]]:
    """What was planted and what a BED says, for each of its enhancers and promoters."""
    planted = {(e.chrom, (e.centre + 500) // 1000): e.kind for e in s.of(*ELEMENTS)}
    regions, _ = read_bed(path)
    pairs = []
    for chrom, middle, name in zip(regions.chrom, regions.midpoint, regions.name, strict=True):
        near = [planted.get((chrom, middle // 1000 + i)) for i in (0, 1)]
        if name != "background":
            pairs.append((next(filter(None, near), "nothing"), name))
    return pairs


def test_regions_are_the_planted_elements_and_background_is_plenty(made, simulated):
    counts = Counter(read_bed(made / "regions.bed")[0].name)
    assert (counts["enhancer"], counts["promoter"]) == (84, 84)
    assert counts["background"] >= 200
    for planted, called in labels(made / "regions.bed", simulated):
        assert planted.endswith(called)


@pytest.mark.parametrize(("name", "least"), [("labelled.bed", 164), ("stranded.bed", 156)])
def test_activity_is_what_was_planted(made, simulated, name, least):
    pairs = labels(made / name, simulated)
    assert sum(planted == called for planted, called in pairs) >= least
    assert sum(planted != called for planted, called in pairs) <= 4


def test_training_and_evaluation_agree_and_the_model_is_good(made):
    trained = json.loads((made / "model.metrics.json").read_text())
    judged = json.loads((made / "metrics.json").read_text())
    assert trained["counts"]["test"]["active_enhancer"] == 14
    assert trained["test"]["mAP"] > 0.9
    assert judged["models"]["model"]["mAP"] == pytest.approx(trained["test"]["mAP"], abs=1e-9)
    assert "<svg" in (made / "report.html").read_text()


def test_the_scan_finds_the_active_enhancers_that_were_planted(made, simulated):
    blocks, _ = read_bed(made / "scan.bed", unique=False)
    assert set(blocks.chrom) == set(TESTED)
    recall, precision = agreement(blocks, simulated, "active_enhancer")
    assert recall >= 0.85
    assert precision >= 0.8
    for kind in ELEMENTS:
        assert agreement(blocks, simulated, kind)[0] >= 0.7, kind


def test_nearly_all_enhancers_of_the_scan_have_a_marker_near(made):
    summary = json.loads((made / "scan.summary.json").read_text())
    assert summary["classes"]["active_enhancer"]["validation_rate"] > 0.9
    for name in ("scan.active_enhancer.bw", "scan.igv.xml"):
        assert (made / name).stat().st_size > 0


def test_the_explanation_speaks_of_all_five_classes(made):
    text = (made / "explanation.html").read_text()
    for name in ("background", *ELEMENTS):
        assert name in text
    rows = [line.split("\t") for line in (made / "filters.tsv").read_text().splitlines()[1:]]
    assert {row[2] for row in rows if row[1] == "weight"} == {"H3K27ac", "H3K27me3", "H3K4me1", "H3K4me3"}
