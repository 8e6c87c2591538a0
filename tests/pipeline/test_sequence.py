"""--workflow sequence: FANTOM5 enhancers in FASTA, and regions of a small genome with background drawn from it."""

import gzip
import json
import re

import pytest
from pipeline.engine import REPOSITORY
from pipeline.runs import THREADS, Run, assert_same_bytes, assert_same_scan, assert_well, tasks, tool

pytestmark = pytest.mark.nextflow

ARCHITECTURES = ("deepenhancer-4conv", "gkm-svm", "kmer-logistic")
MODELS = [f"sequences.{arch}.fold{fold}" for arch in ARCHITECTURES for fold in (1, 2, 3)]


@pytest.fixture(scope="module")
def fantom(engine, tmp_path_factory) -> Run:
    """The profile test_sequence, with fewer records: three architectures on three folds."""
    folder = tmp_path_factory.mktemp("fantom")
    records = []
    for name in ("enhancer", "background"):
        with gzip.open(REPOSITORY / "examples" / "data" / f"fantom5.chrX.{name}.fa.gz", "rt") as file:
            every = file.read().split(">")[1:]
        (folder / f"{name}.fa").write_text("".join(f">{record}" for record in every[::4]))
        records.append(f"{name}={name}.fa")
    words = ("--fasta", ",".join(records), "--outdir", "results", "--max_cpus", 1)
    done = engine.run(folder, "-profile", "test_sequence", *words)
    assert_well(done)
    return Run(done, folder / "results", folder)


def test_every_architecture_is_trained_on_every_fold(fantom):
    trained = sorted(path.name for path in (fantom.results / "models").glob("*.safetensors"))
    assert trained == [f"{model}.safetensors" for model in MODELS]
    assert [task.tag for task in tasks(fantom.results) if task.process == "TRAIN_MODEL"] == MODELS


def test_encoded_sequences_are_those_of_encode_seq(fantom, by_hand):
    records = [f"{name}={fantom.data}/{name}.fa" for name in ("enhancer", "background")]
    words = [word for record in records for word in ("--fasta", record)]
    tool("encode-seq", *words, "--window", 200, "--stride", 50, "-o", by_hand / "sequences.h5")
    assert_same_bytes(fantom.results / "sequences" / "sequences.sequences.h5", by_hand / "sequences.h5")


def test_a_fold_is_that_of_train_model(fantom, by_hand):
    name = "sequences.kmer-logistic.fold2"
    tool(
        *("train-model", "--arch", "kmer-logistic", "-s", fantom.results / "sequences" / "sequences.sequences.h5"),
        *("--folds", 3, "--by", "block", "--fold", 2, *THREADS, "--seed", 1, "--device", "cpu"),
        *("-o", by_hand / f"{name}.safetensors"),
    )
    for ending in ("safetensors", "predictions.tsv"):
        assert_same_bytes(fantom.results / "models" / f"{name}.{ending}", by_hand / f"{name}.{ending}")


def test_folds_of_an_architecture_are_one_model_of_the_comparison(fantom):
    found = json.loads((fantom.results / "evaluation" / "sequences.metrics.json").read_text())
    assert sorted(found["models"]) == [f"sequences.{arch}" for arch in ARCHITECTURES]
    assert all(0.4 < figures["mAP"] < 1 for figures in found["models"].values())


def test_the_audit_has_a_verdict(fantom):
    found = json.loads((fantom.results / "audit" / "sequences.audit.json").read_text())
    assert found["verdict"] in ("fine", "look", "leak")
    assert f"audit: {found['verdict']}" in fantom.done.errors


def test_motifs_are_those_of_one_network(fantom):
    motifs = fantom.results / "motifs"
    expected = [f"sequences.deepenhancer-4conv.fold1.motifs.{end}" for end in ("html", "meme", "tomtom.tsv")]
    assert sorted(path.name for path in motifs.iterdir()) == expected
    assert (motifs / expected[1]).read_text().startswith("MEME version")


def test_multiqc_shows_the_audit_and_the_curves(fantom):
    page = (fantom.results / "multiqc" / "multiqc_report.html").read_text()
    sections = set(re.findall(r'id="(crekit_[a-z_]+?)(?:-section|_plot|_table)?"', page))
    assert {"crekit_audit", "crekit_evaluation", "crekit_curve_enhancer", "crekit_training"} <= sections, sections


def test_a_genome_without_an_index_gets_one(drawn):
    assert [task.tag for task in tasks(drawn.results) if task.process == "INDEX_GENOME"] == ["genome.fa"]
    assert not (drawn.data / "genome.fa.fai").exists()


def test_background_is_that_of_sample_background(drawn, by_hand, small_genome):
    tool(
        *("sample-background", "-r", drawn.data / "regions.bed", "-g", small_genome.fasta, "--seed", 1, "--ratio", 2),
        *("-o", by_hand / "sequences.background.bed"),
    )
    assert_same_bytes(drawn.results / "sequences" / "sequences.background.bed", by_hand / "sequences.background.bed")


def test_the_first_architecture_scans_the_chosen_chromosome_as_scan_genome_does(drawn, by_hand, small_genome):
    name = "genome.by.sequences.kmer-logistic"
    tool(
        *("scan-genome", "-m", drawn.results / "models" / "sequences.kmer-logistic.safetensors"),
        *("-g", small_genome.fasta, "--chroms", "chr3", "--step", 500, "--cutoff", 0.4, *THREADS, "--device", "cpu"),
        *("-o", by_hand / name),
    )
    assert_same_scan(drawn.results, name, by_hand / name)
    assert {task.tag for task in tasks(drawn.results) if task.process == "SCAN_GENOME"} == {f"{name} chr3"}
