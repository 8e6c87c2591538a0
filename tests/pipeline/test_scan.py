"""--workflow scan: models that were trained before, on tracks of new files and on a genome."""

import pytest
from pipeline.runs import DATA, THREADS, assert_same_bytes, assert_same_scan, assert_well, tasks, tool

pytestmark = pytest.mark.nextflow

MODEL = "alpha.deepregfinder-cnn"


def test_a_model_of_tracks_scans_a_new_sample(engine, two_samples, by_hand, tmp_path):
    """The files of beta as a sample of another name, that no model was trained on."""
    lines = [line.split(",") for line in (DATA / "samplesheet.csv").read_text().splitlines()]
    rows = [
        lines[0],
        *(["new", one[1], "", f"{DATA}/{one[3]}", "", one[5] and f"{DATA}/{one[5]}", ""] for one in lines[6:]),
    ]
    (tmp_path / "new.csv").write_text("".join(",".join(row) + "\n" for row in rows))
    model = two_samples.results / "models" / f"{MODEL}.safetensors"
    done = engine.run(
        tmp_path,
        *("--workflow", "scan", "--model", model, "--input", "new.csv", "--sizes", DATA / "chrom.sizes"),
        *("--blacklist", DATA / "blacklist.bed", "--scan_chroms", "chr2-chr3", "--known_tss", DATA / "tss.bed"),
        *("--outdir", "results", "--max_cpus", 1, "--device", "cpu"),
    )
    assert_well(done)
    assert_same_bytes(
        tmp_path / "results" / "tracks" / "new.tracks.h5", two_samples.results / "tracks" / "beta.tracks.h5"
    )
    name = f"new.by.{MODEL}"
    tool(
        *("scan-genome", "-m", model, "-t", tmp_path / "results" / "tracks" / "new.tracks.h5", *THREADS),
        *("--chroms", "chr2,chr3", "--known-tss", DATA / "tss.bed", "--device", "cpu", "-o", by_hand / name),
    )
    assert_same_scan(tmp_path / "results", name, by_hand / name)


@pytest.mark.parametrize("chroms", [("chr1,chr3", ("chr1", "chr3"))])
def test_models_of_dna_scan_a_genome_chromosome_by_chromosome(engine, drawn, small_genome, by_hand, tmp_path, chroms):
    models = [drawn.results / "models" / f"sequences.{arch}.safetensors" for arch in ("kmer-logistic", "gkm-svm")]
    done = engine.run(
        tmp_path,
        *("--workflow", "scan", "--model", ",".join(map(str, models)), "--genome", small_genome.fasta),
        *("--scan_chroms", chroms[0], "--scan_step", 1000, "--outdir", "results", "--max_cpus", 1),
    )
    assert_well(done)
    assert len([task for task in tasks(tmp_path / "results") if task.process == "SCAN_GENOME"]) == 4
    name = "genome.by.sequences.gkm-svm"
    tool(
        *("scan-genome", "-m", models[1], "-g", small_genome.fasta, "--chroms", chroms[0], "--step", 1000, *THREADS),
        *("-o", by_hand / name),
    )
    assert_same_scan(tmp_path / "results", name, by_hand / name)


def test_a_chromosome_that_is_not_there_is_told_by_the_tool(engine, drawn, small_genome, tmp_path):
    done = engine.run(
        tmp_path,
        *("--workflow", "scan", "--model", drawn.results / "models" / "sequences.kmer-logistic.safetensors"),
        *("--genome", small_genome.fasta, "--scan_chroms", "chr99", "--outdir", "results"),
    )
    assert done.status == 1
    assert "scan-genome: " in done.last_line
    assert "chr99" in done.last_line
