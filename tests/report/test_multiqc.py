"""What MultiQC is given: the form of a section, and the figures of the data."""

import json

import numpy as np
import pytest
from toy_multiqc import data, read

from crekit.errors import InputError
from crekit.report import multiqc, multiqc_data
from crekit.report.multiqc import TABLE, Section, number
from crekit.signal import tracks as store
from crekit.signal.tracks import Track


@pytest.mark.parametrize(
    ("output", "called"),
    [
        ("out/HeLa.bed", "HeLa"),
        ("HeLa.bed.gz", "HeLa"),
        ("HeLa.rep1.h5", "HeLa.rep1"),
        ("metrics", "metrics"),
        ("-", "evaluate-model"),
    ],
)
def test_rows_and_files_are_called_after_the_output(output, called):
    assert multiqc.stem(output, "evaluate-model") == called


def test_a_section_is_a_json_object_of_custom_content(tmp_path):
    values = {"HeLa": {"one": 0.123456, "two": 1_234_567, "none": None, "nan": float("nan")}}
    section = Section(
        "thing", "A thing", "What it is.", TABLE, values, {"col1_header": "x"}, {"one": number("One", "1")}
    )
    multiqc.write(tmp_path / "new", "HeLa", [section, Section("empty", "Empty", "", TABLE, {})])
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["HeLa.thing_mqc.json"]
    assert read(tmp_path / "new")["HeLa.thing"] == {
        "id": "crekit_thing",
        "parent_id": "crekit",
        "parent_name": "crekit",
        "parent_description": "finds enhancers and promoters from DNA sequence and histone marks.",
        "section_name": "A thing",
        "description": "What it is.",
        "plot_type": "table",
        "pconfig": {"id": "crekit_thing_plot", "title": "crekit: A thing", "col1_header": "x"},
        "headers": {"one": {"title": "One", "description": "1", "min": 0, "format": "{:,.0f}", "scale": "Greys"}},
        "data": {"HeLa": {"one": 0.1235, "two": 1_234_567}},
    }


def test_what_cannot_be_the_folder_is_said_before_the_work(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file: a file, not a folder; give --multiqc a folder"):
        multiqc.check(tmp_path / "file", "x")
    with pytest.raises(InputError, match=r"the folder .*absent does not exist; make it first"):
        multiqc.check(tmp_path / "absent" / "mqc", "x")
    multiqc.check(tmp_path / "mqc", "x")
    multiqc.check(None, "x")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def write_tracks(path):
    """Two replicates and a control of A, and B of a bigWig, on a chromosome of eight bins and one of two."""
    kept = [
        (Track("A", "signal", "counts", {"inputs": [{"sha256": "1"}]}), 900, [0, 2, 0, 3, 0, 0, 0, 0], [1, 0]),
        (Track("A", "signal", "counts", {"inputs": [{"sha256": "2"}]}), 700, [1, 1, 1, 1, 1, 1, 1, 1], [1, 1]),
        (Track("A", "control", "counts", {"inputs": [{"sha256": "3"}]}), 50, [0] * 8, [0, 5]),
        (Track("B", "signal", "values", {"inputs": [{"sha256": "4"}]}), 0, [0, 0, 0, 0, 0, 0, 0.5, 1.25], [0, 2.5]),
    ]
    with store.create(path, {"chr1": 800, "chr2": 150}, 100) as writer:
        for track, library, *bins in kept:
            written = writer.add(track)
            for chrom, values in zip(("chr1", "chr2"), bins, strict=True):
                written.put(chrom, np.array(values, dtype=np.float32 if track.kind == "values" else np.uint16))
            written.finish(library)


def test_tracks_have_their_reads_and_a_bigwig_the_sum_of_its_values(tmp_path):
    write_tracks(tmp_path / "t.h5")
    multiqc.write(tmp_path / "mqc", "HeLa", multiqc_data.tracks("HeLa", tmp_path / "t.h5"))
    assert data(tmp_path / "mqc") == {
        "HeLa.reads": {
            "HeLa: A signal1": {"signal": 900},
            "HeLa: A signal2": {"signal": 700},
            "HeLa: A control1": {"control": 50},
        },
        "HeLa.tracks": {
            "HeLa: A signal1": {"reads": 900, "with_signal": 0.3, "bins": 10},
            "HeLa: A signal2": {"reads": 700, "with_signal": 1.0, "bins": 10},
            "HeLa: A control1": {"reads": 50, "with_signal": 0.1, "bins": 10},
            "HeLa: B signal1": {"values": 4.25, "with_signal": 0.3, "bins": 10},
        },
    }


def test_every_class_has_a_bar_and_strange_ones_share_one():
    (defined,) = multiqc_data.regions("HeLa", {"enhancer": 7, "background": 30})
    assert defined.content()["data"] == {"HeLa": {"enhancer": 7, "promoter": 0, "background": 30}}
    labels = ["active_enhancer"] * 3 + ["discordant", "background", "insulator", "silencer"]
    (labelled,) = multiqc_data.activity("HeLa", labels)
    counts = {"active_enhancer": 3, "discordant": 1, "background": 1, "other": 2}
    assert {name: n for name, n in labelled.data["HeLa"].items() if n} == counts
    assert list(labelled.content()["categories"]) == list(labelled.data["HeLa"])


def finding(check, verdict):
    return {"check": check, "verdict": verdict}


def test_an_audit_is_a_row_with_the_worst_verdict_of_each_check():
    findings = [finding("gc", "fine"), finding("gc", "look"), finding("gc", "fine"), finding("blacklist", "skipped")]
    (section,) = multiqc_data.audit({"a": {"verdict": "look", "findings": findings}})
    content = section.content()
    assert content["data"] == {"a": {"verdict": "look", "gc": "look", "blacklist": "skipped"}}
    assert next(iter(content["headers"])) == "verdict"
    assert content["headers"]["gc"]["cond_formatting_rules"]["leak"] == [{"s_eq": "leak"}]


def test_the_columns_of_an_audit_are_the_same_whatever_it_checked():
    one, other = (
        multiqc_data.audit({"a": {"verdict": v, "findings": [finding(c, v)]}})
        for c, v in (("gc", "fine"), ("length", "leak"))
    )
    assert json.dumps(one[0].content()["headers"]) == json.dumps(other[0].content()["headers"])
