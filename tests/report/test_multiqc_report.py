"""The sections in a real MultiQC report: files of two outputs become one section, and no row is lost."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from crekit.report import multiqc, multiqc_data, multiqc_evaluation, multiqc_models

CONFIG = Path(__file__).parents[2] / "nextflow" / "assets" / "multiqc_config.yml"
MULTIQC = os.environ.get("MULTIQC_BIN") or shutil.which("multiqc")
CELL = dict.fromkeys(("precision", "recall", "F1", "AUROC", "mAP"), 0.5) | {"sites": 9, "marks": [], "own": True}

pytestmark = pytest.mark.skipif(not MULTIQC, reason="no multiqc on PATH, and MULTIQC_BIN is not set")


def sections_of(called):
    """A part of every kind of plot, as the tools write them for one output."""
    found = {"findings": [{"check": "gc", "verdict": "look"}], "verdict": "look"}
    scanned = {"classes": {"enhancer": {"blocks": 3, "bases": 6000, "validation_rate": 0.5, "shuffled_rate": 0.25}}}
    matrix = {"models": [called], "cells": [CELL | {"model": called, "data_set": one} for one in ("one", "two")]}
    loss = next(section for section in multiqc_models.training([]) if section.name == "loss")
    return [
        *multiqc_data.regions(called, {"enhancer": 4, "promoter": 5, "background": 30}),
        *multiqc_data.audit({called: found}),
        *multiqc_models.scan(called, scanned),
        *multiqc_evaluation.matrix(called, matrix),
        multiqc.Section(
            loss.name, loss.title, loss.description, loss.kind, {called: [[1, 0.5], [2, 0.25]]}, loss.settings
        ),
    ]


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The folder of a report on two outputs, one of a name that MultiQC would cut, and versions beside."""
    folder = tmp_path_factory.mktemp("report")
    for called in ("HeLa.sorted", "K562"):
        multiqc.write(folder / "figures", called, sections_of(called))
    (folder / "figures" / "all_mqc_versions.yml").write_text("COUNT_BINS:\n  count-bins: 9.8.7\n")
    command = [str(MULTIQC), "-c", str(CONFIG), "-o", str(folder / "out"), "-n", "report.html", "figures"]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=300, check=False)
    assert ended.returncode == 0, ended.stderr
    for word in ("WARNING", "ERROR", "No data found", "Traceback"):
        assert word not in ended.stderr, ended.stderr
    return folder / "out"


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("regions", ["HeLa.sorted", "K562"]),
        ("audit", ["HeLa.sorted", "K562"]),
        ("scan", ["HeLa.sorted: enhancer", "K562: enhancer"]),
        ("cells", ["HeLa.sorted: one", "HeLa.sorted: two", "K562: one", "K562: two"]),
        ("matrix", ["HeLa.sorted", "K562"]),
        ("loss", ["HeLa.sorted", "K562"]),
    ],
)
def test_rows_of_all_outputs_stand_in_one_section(report, name, rows):
    raw = json.loads((report / "report_data" / "multiqc_data.json").read_text())["report_saved_raw_data"]
    assert sorted(raw[f"multiqc_crekit_{name}_plot"]) == rows


def test_the_report_has_each_section_once_results_first_and_versions_last(report):
    text = (report / "report.html").read_text()
    order = ["matrix", "cells", "scan", "audit", "loss", "regions"]
    places = [text.index(f'id="mqc-section-wrapper-crekit_{name}"') for name in order]
    assert places == sorted(places)
    assert all(text.count(f'id="mqc-section-wrapper-crekit_{name}"') == 1 for name in order)
    assert text.index("9.8.7") > places[-1]
