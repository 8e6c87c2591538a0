"""--workflow audit, run by the address of a bare git repository; the project, its data and results in odd places."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from pipeline.engine import PROJECT, REPOSITORY
from pipeline.runs import Run, assert_same_bytes, assert_well, tasks, tool, without_write_permission

pytestmark = pytest.mark.nextflow

IDENTITY = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
FASTA = {name: REPOSITORY / "examples" / "data" / f"fantom5.chrX.{name}.fa.gz" for name in ("enhancer", "background")}


def copy_project(folder: Path) -> None:
    """What a run of the pipeline needs of the repository."""
    shutil.copytree(PROJECT, folder / "nextflow", ignore=shutil.ignore_patterns(".nextflow*", "work", "results"))
    for name in ("main.nf", "nextflow.config"):
        shutil.copyfile(REPOSITORY / name, folder / name)


def git(folder: Path, *words: object) -> None:
    subprocess.run(["git", *IDENTITY, *map(str, words)], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def by_address(engine, tmp_path_factory) -> Run:
    """The working tree in a bare repository, run by its address."""
    folder = tmp_path_factory.mktemp("by-address")
    copy_project(folder / "tree")
    git(folder / "tree", "init", "-q", "-b", "main")
    git(folder / "tree", "add", ".")
    git(folder / "tree", "commit", "-q", "-m", "The pipeline")
    git(folder, "clone", "-q", "--bare", "tree", "crekit.git")
    launched = folder / "launch"
    launched.mkdir()
    given = ",".join(f"{name}={path}" for name, path in FASTA.items())
    words = ("--workflow", "audit", "--fasta", given, "--window", 200, "--stride", 50, "--outdir", "results")
    done = engine.call(
        launched,
        *("run", f"file:{folder}/crekit.git", "-r", "main", "-w", "work", *words),
        *("--folds", 3, "--by", "block", "--multiqc_title", "Enhancers of chrX"),
        NXF_OFFLINE="false",
        NXF_ASSETS=str(folder / "assets"),
    )
    assert_well(done)
    return Run(done, launched / "results", folder)


def test_a_run_by_address_tells_its_revision(by_address):
    assert "[main]" in by_address.done.output


def test_only_the_audit_runs(by_address):
    assert [task.process for task in tasks(by_address.results)] == ["AUDIT_DATASET", "ENCODE_SEQ", "MULTIQC"]


def test_the_audit_is_that_of_audit_dataset(by_address, by_hand):
    tool(
        *("audit-dataset", "-s", by_address.results / "sequences" / "sequences.sequences.h5", "--folds", 3),
        *("--by", "block", "--seed", 1, "--tsv", by_hand / "audit.tsv", "-o", by_hand / "audit.json"),
    )
    assert_same_bytes(by_address.results / "audit" / "sequences.audit.tsv", by_hand / "audit.tsv")
    found = json.loads((by_address.results / "audit" / "sequences.audit.json").read_text())
    assert found["verdict"] == json.loads((by_hand / "audit.json").read_text())["verdict"]
    assert found["verdict"] in by_address.done.errors.splitlines()[0]


def test_multiqc_has_the_title_and_the_audit(by_address):
    page = next((by_address.results / "multiqc").glob("*.html")).read_text()
    assert "Enhancers of chrX" in page
    assert "crekit_audit" in page


def test_a_read_only_project_in_a_folder_with_a_space_runs(engine, tmp_path):
    project = tmp_path / "our project"
    copy_project(project)
    (tmp_path / "my data").mkdir()
    for name, path in FASTA.items():
        shutil.copyfile(path, tmp_path / "my data" / f"the {name}.fa.gz")
    before = sorted(project.rglob("*"))
    given = ",".join(f"{name}=my data/the {name}.fa.gz" for name in FASTA)
    words = ("--workflow", "audit", "--fasta", given, "--window", 200, "--stride", 50, "--outdir", "my results")
    with without_write_permission(project):
        done = engine.call(tmp_path, "run", project / "main.nf", "-w", "my work", *words, parser="v2")
    assert_well(done)
    assert sorted(project.rglob("*")) == before
    assert {task.status for task in tasks(tmp_path / "my results")} == {"COMPLETED"}
