"""The two sheets: what their rows become, and every fault with the sheet, the line and the remedy."""

import json
from pathlib import Path
from typing import Any

import pytest
from pipeline.engine import PARSERS, PROJECT, answers
from pipeline.sheet_cases import ANNOTATIONS, HEADER, INPUTS, NOTES, ROWS, SAMPLES

pytestmark = pytest.mark.nextflow

FILES = """a.bam a.bam.bai b.bam b.bam.bai bare.bam link.bam.bai stem.bam stem.bai c.bw e.bw d.cram d.cram.crai g.fa
t.bed o.bed c.bed h.bed"""
WITH_SPACES = ["no index.bam", "with, comma.bam", "with, comma.bam.bai"]


def sheet(folder: Path, text: str, header: str) -> str:
    """A sheet in the folder; the usual header is put above rows that begin with none."""
    path = folder / f"sheet{len(list(folder.glob('sheet*.csv')))}.csv"
    whole = text if text.startswith(("\ufeff", "sam", "path", "strange")) else f"{header}\n{text}"
    path.write_bytes(whole.encode())
    return str(path)


@pytest.fixture(scope="module", params=PARSERS)
def asked(request, engine, tmp_path_factory) -> tuple[Path, dict[str, Any]]:
    """The folder of the sheets, below that of the run, and all answers by the name of their case."""
    launched = tmp_path_factory.mktemp("samplesheet")
    folder = launched / "sheets"
    (folder / "folder.bam").mkdir(parents=True)
    for name in [*FILES.split(), *WITH_SPACES]:
        (folder / name).touch()
    (folder / "link.bam").symlink_to("a.bam")
    for name in ["launched.bam", "launched.bam.bai"]:
        (launched / name).touch()
    questions = {
        f"input: {name}": ("readInput", [sheet(folder, text, HEADER), marks, None])
        for name, (text, marks, _) in INPUTS.items()
    }
    questions |= {
        f"annotations: {name}": ("readAnnotations", [sheet(folder, text, NOTES)])
        for name, (text, _) in ANNOTATIONS.items()
    }
    questions |= {
        f"samples: {name}": ("sampleFaults", [sheet(folder, files, HEADER), sheet(folder, notes, NOTES)])
        for name, (files, notes, _) in SAMPLES.items()
    }
    questions["rows"] = ("readInput", [sheet(folder, ROWS, HEADER), "K4,K9", None])
    questions["control for all"] = (
        "readInput",
        [sheet(folder, "A,K4,,a.bam,,b.bam,\nA,K9,,stem.bam,,,\nA,K5,,c.bw,,,", HEADER), None, "sheets/link.bam"],
    )
    questions["a bare control for all"] = (
        "readInput",
        [sheet(folder, "A,K4,,a.bam,,,", HEADER), None, "sheets/bare.bam"],
    )
    questions["names"] = ("namedSampleFaults", ["--train_on", ["HeLa", "K652", "X"], ["HeLa", "K562"]])
    questions["swapped"] = ("edits", ["kitten", "sitting"])
    found = answers(engine, launched, list(questions.values()), request.param)
    return folder, dict(zip(questions, found, strict=True))


def faults_of(asked: tuple[Path, dict[str, Any]], sheet_number: int, expected: list[tuple[int, str]]) -> list[str]:
    folder = asked[0]
    path = folder / f"sheet{sheet_number}.csv"
    return [
        (f"{path}, line {line}: {text}" if line else f"{path}: {text}").replace("DIR", str(folder))
        for line, text in expected
    ]


@pytest.mark.parametrize("name", INPUTS)
def test_every_fault_of_the_samplesheet_names_its_line(asked, name):
    expected = faults_of(asked, list(INPUTS).index(name), INPUTS[name][2])
    assert asked[1][f"input: {name}"]["faults"] == expected


@pytest.mark.parametrize("name", ANNOTATIONS)
def test_every_fault_of_the_annotations_names_its_line(asked, name):
    expected = faults_of(asked, len(INPUTS) + list(ANNOTATIONS).index(name), ANNOTATIONS[name][1])
    assert asked[1][f"annotations: {name}"]["faults"] == expected


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_of_one_sheet_alone_is_a_fault(asked, name):
    assert asked[1][f"samples: {name}"] == SAMPLES[name][2]


def test_rows_hold_files_indices_and_numbers(asked):
    folder, found = asked
    assert found["rows"]["faults"] == []
    shown = [{key: shown_path(folder, value) for key, value in row.items()} for row in found["rows"]["rows"]]
    nothing = {"index": None, "control": None, "controlIndex": None, "reference": None}
    first = {**nothing, "index": "a.bam.bai", "control": "b.bam", "controlIndex": "b.bam.bai"}
    assert shown == [
        {"sample": "A", "mark": "K4", "replicate": 2, "path": "a.bam", **first},
        {"sample": "A", "mark": "K4", "replicate": 1, "path": "stem.bam", **nothing, "index": "stem.bai"},
        {
            "sample": "A",
            "mark": "K9",
            "replicate": 3,
            "path": "d.cram",
            **nothing,
            "index": "d.cram.crai",
            "reference": "g.fa",
        },
        # Beside the sheet there is none, so it is the one in the folder of the launch.
        {
            "sample": "A",
            "mark": "K9",
            "replicate": 1,
            "path": "../launched.bam",
            **nothing,
            "index": "../launched.bam.bai",
        },
        {"sample": "A", "mark": "K4", "replicate": 3, "path": "e.bw", **nothing},
    ]


def shown_path(folder: Path, value: Any) -> Any:
    """A path as seen from the folder of the sheets; anything else as it is."""
    if isinstance(value, str) and value.startswith("/"):
        inside = Path(value).is_relative_to(folder)
        return str(Path(value).relative_to(folder)) if inside else f"../{Path(value).relative_to(folder.parent)}"
    return value


def test_a_control_for_all_serves_reads_without_one(asked):
    folder, found = asked
    rows = found["control for all"]["rows"]
    assert found["control for all"]["faults"] == []
    assert [shown_path(folder, row["control"]) for row in rows] == ["b.bam", "link.bam", None]
    assert [shown_path(folder, row["controlIndex"]) for row in rows] == ["b.bam.bai", "link.bam.bai", None]
    bare = folder / "bare.bam"
    assert [line.split(": ", 1)[1] for line in found["a bare control for all"]["faults"]] == [
        f"no index beside bare.bam; run: samtools index {bare}"
    ]


def test_cells_lose_quotes_and_spaces(asked):
    rows = asked[1]["input: quotes, spaces, carriage returns and empty lines"]["rows"]
    assert [(row["sample"], row["mark"], row["replicate"]) for row in rows] == [("A", "K4", 1)]
    rows = asked[1]["input: a cell with a comma"]["rows"]
    assert [Path(row["path"]).name for row in rows] == ["with, comma.bam"]


def test_annotations_hold_a_file_or_a_list(asked):
    folder, found = asked
    rows = found["annotations: all in order"]["rows"]
    shown = [
        {
            key: [shown_path(folder, one) for one in value] if isinstance(value, list) else shown_path(folder, value)
            for key, value in row.items()
        }
        for row in rows
    ]
    single = {"tss": "t.bed", "open": "o.bed", "h3k4me3": "h.bed", "cofactor": ["c.bed"]}
    assert shown == [
        {"sample": "A", **single, "tfbs": ["c.bed", "t.bed"], "plus": ["c.bw"], "minus": ["e.bw"], "reads": []},
        {"sample": "B", **single, "tfbs": [], "plus": [], "minus": [], "reads": ["a.bam"]},
    ]


def test_rows_of_a_choice_of_marks_are_those_marks(asked):
    rows = asked[1]["input: marks that differ, but not those chosen"]["rows"]
    assert [(row["sample"], row["mark"]) for row in rows] == [("A", "K4"), ("B", "K4")]


def test_names_that_are_no_sample_are_faults(asked):
    assert asked[1]["names"] == [
        "--train_on K652: no such sample; did you mean K562?",
        "--train_on X: no such sample; the sheet has HeLa, K562",
    ]


def test_edits_are_counted(asked):
    assert asked[1]["swapped"] == 3


@pytest.mark.parametrize(("name", "columns"), [("input", HEADER), ("annotations", NOTES)])
def test_schemas_describe_the_columns(name, columns):
    items = json.loads((PROJECT / "assets" / f"schema_{name}.json").read_text())["items"]
    needed = {"input": ["sample", "mark", "path"], "annotations": ["sample", "tss", "open", "cofactor", "h3k4me3"]}
    assert list(items["properties"]) == columns.split(",")
    assert items["required"] == needed[name]
