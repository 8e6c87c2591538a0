"""The engine for all tests of the pipeline, and the runs that several files look at.

The tests are skipped, with a reason, where the engine cannot be had.
"""

import shutil
from pathlib import Path

import pytest
from pipeline.engine import Absent, Engine, find_engine
from pipeline.runs import DATA, Run, assert_well
from simulate import Simulated, simulate


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Nextflow, ready to start: ``engine.run(folder, "--workflow", "signal", ...)``."""
    try:
        return find_engine(tmp_path_factory.mktemp("nextflow-home"))
    except Absent as reason:
        pytest.skip(str(reason))


# As `nextflow run` takes them, in the run of `two_samples` and when it is resumed.
TWO_SAMPLES = (
    *("-profile", "test", "--input", "data of two/samplesheet.csv", "--annotations", "data of two/annotations.csv"),
    *("--outdir", "with space", "--save_intermediates", "--max_cpus", 1, "--train_on", "alpha,alpha+beta"),
)


@pytest.fixture(scope="session")
def two_samples(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The test data from end to end, under the strict parser, from a folder to a folder with a space in its name."""
    folder = tmp_path_factory.mktemp("two-samples")
    shutil.copytree(DATA, folder / "data of two")
    done = engine.run(folder, *TWO_SAMPLES, parser="v2")
    assert_well(done)
    return Run(done, folder / "with space", folder / "data of two")


@pytest.fixture(scope="session")
def small_genome(tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    """Three chromosomes with their DNA, reads and true regions. Not to be written into."""
    return simulate(tmp_path_factory.mktemp("genome"), seed=3, n_chroms=3)


@pytest.fixture(scope="session")
def by_hand(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for what the tools make by hand."""
    return tmp_path_factory.mktemp("by-hand")


# Regions of two classes and a genome, under the strict parser.
DRAWN = (
    *("--workflow", "sequence", "--genome", "genome.fa", "--regions", "regions.bed", "--arch", "kmer-logistic,gkm-svm"),
    *("--train", "chr1", "--val", "chr2", "--test", "chr3", "--scan_chroms", "chr3", "--scan_step", 500),
    *("--sample_background_args", "--ratio 2", "--window", 500, "--stride", 500, "--cutoff", 0.4),
    *("--evaluate_model_args", "--bootstrap 0 --no-genome-wide", "--outdir", "results", "--max_cpus", 1),
)


@pytest.fixture(scope="session")
def drawn(engine: Engine, small_genome: Simulated, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Promoters and enhancers of the genome, which has no index beside it, and background drawn from it."""
    folder = tmp_path_factory.mktemp("drawn")
    (folder / "genome.fa").symlink_to(small_genome.fasta)
    lines = [line.split("\t") for line in small_genome.truth.read_text().splitlines()]
    regions = "".join(f"{one[0]}\t{one[1]}\t{one[2]}\t{one[3].split('_')[1]}\n" for one in lines)
    (folder / "regions.bed").write_text(regions)
    done = engine.run(folder, *DRAWN, parser="v2")
    assert_well(done)
    return Run(done, folder / "results", folder)
