"""The check of the parameters: every fault a line, with the name, the value and the remedy, before any task starts."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pipeline.engine import PARSERS, PROJECT, REPOSITORY, answers
from pipeline.parameter_cases import CASES, DNA, FILES, SIGNAL

from crekit.models.registry import ARCHITECTURES

pytestmark = pytest.mark.nextflow

SCHEMA = PROJECT / "nextflow_schema.json"
START = REPOSITORY / "tests" / "pipeline" / "check_parameters.nf"


def everything() -> list[tuple[str, list[Any]]]:
    """All questions of this file, in the order in which `asked` finds them again."""
    return [
        *(("parameterFaults", [given, ""]) for given, _ in CASES.values()),
        ("parameterFaults", [{**SIGNAL, "binSize": 5}, "nextflow run main.nf --binSize 5"]),
        ("parameterFaults", [{**SIGNAL, "binSize": 5}, "nextflow run main.nf --bin-size 5"]),
        *(("parameterFaults", [{**SIGNAL, "arch": name}, ""]) for name in ARCHITECTURES),
        *(("parameterFaults", [{**DNA, "arch": name}, ""]) for name in ARCHITECTURES),
        ("helpText", ["1.2.3"]),
        (
            "summaryText",
            [{"workflow": "signal", "seed": 1, "skip_scan": False, "marks": None, "bin_size": 50, "audit_fail": True}],
        ),
        ("namedFiles", ["A=a.bed, b.bed,with = sign.bed"]),
    ]


@pytest.fixture(scope="module", params=PARSERS)
def asked(request, engine, tmp_path_factory) -> tuple[Path, dict[str, Any]]:
    """The folder of the run, and its answers by question."""
    folder = tmp_path_factory.mktemp("parameters")
    (folder / "folder").mkdir()
    for name in FILES:
        (folder / name).touch()
    questions = everything()
    found = answers(engine, folder, questions, request.param)
    return folder, {json.dumps(question): answer for question, answer in zip(questions, found, strict=True)}


def answer(asked: tuple[Path, dict[str, Any]], call: str, *given: Any) -> Any:
    return asked[1][json.dumps((call, list(given)))]


@pytest.mark.parametrize("name", CASES)
def test_every_fault_is_a_line_with_its_remedy(asked, name):
    given, expected = CASES[name]
    assert answer(asked, "parameterFaults", given, "") == [line.replace("FOLDER", str(asked[0])) for line in expected]


@pytest.mark.parametrize("typed", ["--binSize", "--bin-size"])
def test_a_name_is_told_as_it_was_typed(asked, typed):
    faults = answer(asked, "parameterFaults", {**SIGNAL, "binSize": 5}, f"nextflow run main.nf {typed} 5")
    assert faults == [f"unknown parameter {typed}; did you mean --bin_size?"]


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_architectures_go_with_the_workflow_that_has_their_input(asked, name):
    kind, needs = ARCHITECTURES[name].input, ARCHITECTURES[name].needs
    wanted = [f"--arch {name} needs --{ {'kmer': 'kmer_vectors', 'motif': 'motifs'}[need] }" for need in needs]
    elsewhere = f"--arch {name}: learns from {'tracks' if kind == 'signal' else 'DNA'}; it belongs to --workflow {kind}"
    of_signal = answer(asked, "parameterFaults", {**SIGNAL, "arch": name}, "")
    of_sequence = answer(asked, "parameterFaults", {**DNA, "arch": name}, "")
    assert of_signal == ([] if kind == "signal" else [elsewhere])
    assert of_sequence == ([elsewhere] if kind == "signal" else wanted)


def test_help_has_every_parameter_under_its_group(asked):
    lines = answer(asked, "helpText", "1.2.3").splitlines()
    groups = json.loads(SCHEMA.read_text())["$defs"].values()
    expected = [name for group in groups for name in group["properties"]]
    assert [word for line in lines if (word := line[4:].split(" ")[0]) and line.startswith("  --")] == expected
    assert lines[0] == "crekit 1.2.3"
    assert max(map(len, lines)) <= 100
    assert [group["title"] for group in groups if group["title"] in lines] == [group["title"] for group in groups]
    assert "  --bin_size                Bases of a bin. [100]" in lines


def test_summary_has_what_differs_from_the_defaults(asked):
    given = {"workflow": "signal", "seed": 1, "skip_scan": False, "marks": None, "bin_size": 50, "audit_fail": True}
    lines = answer(asked, "summaryText", given).splitlines()
    assert [re.sub(" +", " ", line) for line in lines] == ["Data", " bin_size : 50", "Sequences", " audit_fail : true"]


def test_names_are_cut_from_paths_but_not_from_files_that_exist(asked):
    found = answer(asked, "namedFiles", "A=a.bed, b.bed,with = sign.bed")
    assert found == [["A", "a.bed"], [None, "b.bed"], [None, "with = sign.bed"]]


@pytest.mark.parametrize("parser", PARSERS)
def test_faults_end_the_run_before_any_task(engine, tmp_path, parser):
    done = engine.run(tmp_path, "--bin-size", "5", "--seed", "x", "-with-report", script=START, parser=parser)
    assert done.status == 1
    assert [line for line in done.errors.splitlines() if line] == [
        "ERROR: unknown parameter --bin-size; did you mean --bin_size?",
        "ERROR: --seed x: must be a whole number",
        "ERROR: --workflow signal needs --input, the samplesheet of its files",
        "ERROR: --workflow signal needs --annotations, or --regions with ready regions",
    ]
    assert "TASK" not in done.output
    assert "Submitted" not in done.output
    assert not list(tmp_path.glob("work/*/*/.command.run"))


def test_the_example_of_a_parameter_file_passes(engine, tmp_path):
    for name in ["samplesheet.csv", "annotations.csv", "hg38.chrom.sizes", "hg38-blacklist.bed"]:
        (tmp_path / name).touch()
    done = engine.run(tmp_path, "-params-file", PROJECT / "assets" / "params.example.yml", script=START)
    assert (done.status, done.errors) == (0, "")
    assert "TASK" in done.output


def test_schema_and_configuration_have_the_same_defaults(engine, tmp_path):
    done = engine.call(tmp_path, "config", "-flat", PROJECT)
    assert done.status == 0, done.errors
    found = dict(re.findall(r"^params\.(\w+) = (.*)$", done.output, re.M))
    groups = json.loads(SCHEMA.read_text())["$defs"]
    # Those are asked for, never set.
    asked_for = groups.pop("help_options")["properties"]
    properties = {name: value for group in groups.values() for name, value in group["properties"].items()}
    assert {name: value for name, value in found.items() if name not in asked_for} == {
        name: shown(value) for name, value in properties.items()
    }


def shown(value: dict[str, Any]) -> str:
    """A default as ``nextflow config -flat`` prints it; what is true or false is false."""
    standard = value.get("default", False if value["type"] == "boolean" else None)
    return f"'{standard}'" if isinstance(standard, str) else json.dumps(standard)


def test_choices_of_architecture_are_those_of_train_model():
    training = json.loads(SCHEMA.read_text())["$defs"]["training_options"]["properties"]
    assert training["arch"]["choices"] == list(ARCHITECTURES)


def test_schema_follows_nf_core(engine, tmp_path):
    command = os.environ.get("NFCORE_BIN") or shutil.which("nf-core")
    if command is None:
        pytest.skip("there is no nf-core command; pip install nf-core, or set NFCORE_BIN to it")
    # nf-core asks Nextflow for the configuration, and takes the command from PATH.
    path = os.pathsep.join([str(engine.launcher.parent), engine.environment["PATH"]])
    environment = {**engine.environment, "PATH": path, "HOME": str(tmp_path), "NFCORE_NO_VERSION_CHECK": "1"}
    lint = [command, "pipelines", "schema", "lint", str(SCHEMA)]
    done = subprocess.run(lint, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Pipeline schema looks valid" in done.stdout + done.stderr
    assert "WARNING" not in done.stdout + done.stderr
