"""--workflow signal on the test data: every output is there, and is what the tools make by hand."""

import json
import re

import pytest
from pipeline.runs import (
    DATA,
    THREADS,
    assert_same_bytes,
    assert_same_scan,
    tasks,
    tool,
)

pytestmark = pytest.mark.nextflow

SPLIT = ("--train", "chr1,chr2", "--val", "chr3", "--test", "chr4")
MODELS = ("alpha.deepregfinder-cnn", "alpha+beta.deepregfinder-cnn")
SCANS = (f"alpha.by.{MODELS[0]}", f"alpha.by.{MODELS[1]}", f"beta.by.{MODELS[1]}")
CLASSES = ("poised_enhancer", "active_enhancer", "poised_promoter", "active_promoter")
MARKS = ("H3K27ac", "H3K27me3", "H3K4me1", "H3K4me3")

FILES = {
    "tracks": ["alpha.tracks.h5", "beta.tracks.h5", "parts", "signals.signals.tsv"],
    "tracks/parts": [
        f"{sample}.{mark}.rep{number}.tracks.h5"
        for sample in ("alpha", "beta")
        for mark in MARKS
        for number in ((1, 2) if mark == "H3K4me1" else (1,))
    ],
    "regions": [
        f"{sample}.{ending}"
        for sample in ("alpha", "beta")
        for ending in (
            *("activity.png", "activity.tsv", "labelled.bed"),
            *("markers.bed", "regions.bed", "regions.json"),
        )
    ],
    "models": [
        f"{model}.{ending}"
        for model in MODELS
        for ending in ("history.tsv", "metrics.json", "predictions.tsv", "safetensors")
    ],
    "evaluation": [
        *(f"{one}.{end}" for one in ("alpha", "beta") for end in ("metrics.json", "predictions.tsv", "report.html")),
        *("matrix.metrics.json", "matrix.metrics.matrix.tsv", "matrix.predictions.tsv", "matrix.report.html"),
    ],
    "explanation": [f"{model}.explanation.{ending}" for model in MODELS for ending in ("html", "tsv")],
    "scan": [
        "parts",
        *(f"{scan}.{end}" for scan in SCANS for end in ("bed", "igv.xml", "summary.json")),
        *(f"{scan}.{name}.bw" for scan in SCANS for name in CLASSES),
    ],
    "multiqc": ["multiqc_report.html", "multiqc_report_data"],
    "pipeline_info": [
        *("dag.html", "parameters.json", "report.html", "software_versions.yml", "timeline.html", "trace.txt"),
    ],
}


def test_results_have_one_folder_a_step(two_samples):
    assert sorted(path.name for path in two_samples.results.iterdir()) == sorted(
        name for name in FILES if "/" not in name
    )


@pytest.mark.parametrize("folder", FILES)
def test_a_folder_holds_the_files_of_its_step(two_samples, folder):
    assert sorted(path.name for path in (two_samples.results / folder).iterdir()) == sorted(FILES[folder])


def test_parts_of_scans_are_kept_by_chromosome(two_samples):
    parts = two_samples.results / "scan" / "parts"
    expected = sorted(f"{scan}.{chrom}.bed" for scan in SCANS for chrom in ("chr3", "chr4"))
    assert sorted(path.name for path in parts.glob("*.bed")) == expected


@pytest.mark.parametrize("sample", ["alpha", "beta"])
def test_joined_tracks_are_those_of_one_count(two_samples, by_hand, sample):
    words = [f"{row[1]}={DATA / row[3]}" for row in _rows() if row[0] == sample]
    controls = [
        f"{mark}={DATA / path}"
        for mark, path in {row[1]: row[5] for row in _rows() if row[0] == sample and row[5]}.items()
    ]
    tool(
        "count-bins",
        *words,
        *(word for control in controls for word in ("--control", control)),
        *("--sizes", DATA / "chrom.sizes", "--blacklist", DATA / "blacklist.bed", *THREADS),
        *("--bin-size", 100, "-o", by_hand / f"{sample}.tracks.h5"),
    )
    assert_same_bytes(two_samples.results / "tracks" / f"{sample}.tracks.h5", by_hand / f"{sample}.tracks.h5")


def _rows() -> list[list[str]]:
    return [line.split(",") for line in (DATA / "samplesheet.csv").read_text().splitlines()[1:]]


@pytest.mark.parametrize("sample", ["alpha", "beta"])
def test_regions_are_those_of_define_regions(two_samples, by_hand, sample):
    peaks = DATA / sample
    tool(
        "define-regions",
        *("--tss", DATA / "tss.bed", "--open", peaks / "dnase.narrowPeak", "--cofactor", peaks / "p300.narrowPeak"),
        *("--h3k4me3", peaks / "h3k4me3.narrowPeak", "--tfbs", peaks / "tfbs.narrowPeak"),
        *("--sizes", DATA / "chrom.sizes", "--blacklist", DATA / "blacklist.bed", "--seed", 1),
        *("--background-per", "chr1=60,chr2=60,chr3=60,chr4=60"),
        *("--markers-output", by_hand / f"{sample}.markers.bed", "-o", by_hand / f"{sample}.regions.bed"),
    )
    for name in (f"{sample}.regions.bed", f"{sample}.markers.bed"):
        assert_same_bytes(two_samples.results / "regions" / name, by_hand / name)


@pytest.mark.parametrize(
    ("sample", "rna"),
    [
        ("alpha", {"--plus": "alpha/groseq.plus.bw", "--minus": "alpha/groseq.minus.bw"}),
        ("beta", {"--reads": "beta/groseq.bam"}),
    ],
)
def test_activity_is_that_of_label_activity(two_samples, by_hand, sample, rna):
    regions = two_samples.results / "regions"
    words = [word for option, path in rna.items() for word in (option, DATA / path)]
    tool("label-activity", "-r", regions / f"{sample}.regions.bed", *words, "-o", by_hand / f"{sample}.labelled.bed")
    assert_same_bytes(regions / f"{sample}.labelled.bed", by_hand / f"{sample}.labelled.bed")


def test_a_model_of_one_sample_is_that_of_train_model(two_samples, by_hand):
    name = f"{MODELS[0]}.safetensors"
    tool(
        *("train-model", "--arch", "deepregfinder-cnn"),
        *("-t", f"alpha={two_samples.results}/tracks/alpha.tracks.h5"),
        *("-r", f"alpha={two_samples.results}/regions/alpha.labelled.bed"),
        *(*SPLIT, *THREADS, "--seed", 1, "--device", "cpu", "--batch-size", 16, "--epochs", 5, "-o", by_hand / name),
    )
    for ending in ("safetensors", "metrics.json", "predictions.tsv"):
        assert_same_bytes(two_samples.results / "models" / f"{MODELS[0]}.{ending}", by_hand / f"{MODELS[0]}.{ending}")


def test_a_model_of_two_samples_learns_from_both(two_samples):
    record = json.loads((two_samples.results / "models" / f"{MODELS[1]}.metrics.json").read_text())["record"]
    assert [one["name"] for one in record["inputs"] if one["role"] == "tracks"] == ["alpha", "beta"]


def test_a_sample_is_judged_as_by_evaluate_model(two_samples, by_hand):
    results = two_samples.results
    tool(
        *("evaluate-model", "-m", results / "models" / f"{MODELS[1]}.safetensors"),
        *("-t", f"beta={results}/tracks/beta.tracks.h5", "-r", f"beta={results}/regions/beta.labelled.bed"),
        *(*THREADS, "--seed", 1, "--device", "cpu", "--bootstrap", 200),
        *("--predictions", by_hand / "beta.predictions.tsv", "-o", by_hand / "beta.metrics.json"),
    )
    for name in ("beta.metrics.json", "beta.predictions.tsv"):
        assert_same_bytes(results / "evaluation" / name, by_hand / name)
    found = json.loads((results / "evaluation" / "beta.metrics.json").read_text())["models"]
    assert list(found) == [MODELS[1]]
    assert found[MODELS[1]]["mAP"] > 0.9


def test_the_matrix_has_every_model_on_every_sample(two_samples):
    matrix = json.loads((two_samples.results / "evaluation" / "matrix.metrics.json").read_text())["matrix"]
    assert sorted((cell["model"], cell["data_set"], cell["own"]) for cell in matrix["cells"]) == [
        (MODELS[1], "alpha", True),
        (MODELS[1], "beta", True),
        (MODELS[0], "alpha", True),
        (MODELS[0], "beta", False),
    ]


def test_a_scan_is_that_of_scan_genome_in_one_go(two_samples, by_hand):
    results = two_samples.results
    tool(
        *("scan-genome", "-m", results / "models" / f"{MODELS[0]}.safetensors", "--chroms", "chr3,chr4"),
        *("-t", results / "tracks" / "alpha.tracks.h5", "--known-tss", DATA / "tss.bed"),
        *("--markers", results / "regions" / "alpha.markers.bed", *THREADS, "--seed", 1, "--device", "cpu"),
        *("-o", by_hand / SCANS[0]),
    )
    assert_same_scan(results, SCANS[0], by_hand / SCANS[0])


def test_versions_are_sorted_and_name_every_process(two_samples):
    lines = (two_samples.results / "pipeline_info" / "software_versions.yml").read_text().splitlines()
    processes = [line.removesuffix(":") for line in lines if not line.startswith(" ")]
    assert processes == sorted({task.process for task in tasks(two_samples.results)} | {"Workflow"})
    assert all(re.fullmatch(r"    [A-Za-z]+: \d+(\.\d+)+", line) for line in lines if line.startswith(" "))


def test_parameters_are_written_down(two_samples):
    found = json.loads((two_samples.results / "pipeline_info" / "parameters.json").read_text())
    assert (found["workflow"], found["train"], found["epochs"]) == ("signal", "chr1,chr2", 5)
    assert found["outdir"] == "with space"


def test_trace_tells_that_every_task_ended_well(two_samples):
    found = tasks(two_samples.results)
    assert {task.exit for task in found} == {"0"}
    assert {task.status for task in found} <= {"COMPLETED", "CACHED"}  # other tests resume the run in its folder
    assert len([task for task in found if task.process == "COUNT_BINS"]) == 10
    for name in ("report.html", "timeline.html"):
        assert "COUNT_BINS (beta.H3K4me3.rep1)" in (two_samples.results / "pipeline_info" / name).read_text()


@pytest.mark.parametrize(
    ("table", "line"),
    [
        ("reads", "alpha.tracks: H3K27ac signal1\t22093\t"),
        ("regions", "alpha.regions\t56\t56\t240"),
        ("activity", "beta.labelled\t28\t28\t28\t28\t0\t240\t0"),
        ("evaluation", f"beta.metrics: {MODELS[1]}\t"),
        ("curve_active_enhancer", f"alpha.metrics: {MODELS[0]}\t"),
        ("matrix", f"matrix.metrics: {MODELS[1]}\t1.0\t1.0"),
        ("scan", f"{SCANS[0]}: active_enhancer\t14\t"),
    ],
)
def test_multiqc_shows_reads_regions_curves_and_scan(two_samples, table, line):
    page = (two_samples.results / "multiqc" / "multiqc_report.html").read_text()
    assert f'"crekit_{table}' in page
    shown = two_samples.results / "multiqc" / "multiqc_report_data" / f"multiqc_crekit_{table}_plot.txt"
    assert any(one.startswith(line) for one in shown.read_text().splitlines())


def test_the_run_ends_with_its_figures_and_where_they_are(two_samples):
    lines = two_samples.done.errors.splitlines()[-20:]
    for start in (f"{MODELS[0]} on alpha: mAP ", f"{MODELS[1]} on beta: mAP ", f"{SCANS[0]}: ", "report ", "scan "):
        assert any(line.startswith(start) for line in lines), lines
    assert len(lines) <= 20
