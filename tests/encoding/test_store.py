"""The sequence store: what is written is read back, and damage is told."""

import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

from crekit.encoding.store import FASTA, GENOME, Part, Sequences, create
from crekit.encoding.windows import Rule
from crekit.errors import InputError
from crekit.genome.fasta import encode
from crekit.genome.regions import make

SIZES = {"chr1": 100, "chr2": 50}
METADATA = {"sizes": SIZES, "dropped": {"ambiguous bases": {"b": 1}}, "record": {"tool": "encode-seq"}}


def write(path: Path) -> Path:
    """Three regions on two chromosomes; windows of 4."""
    first = make(["chr1", "chr1"], [10, 40], [16, 43], ["b", "a"])
    second = make(["chr2"], [0], [4], "b")
    with create(path, Rule(4, 2), GENOME, ["a", "b"]) as writer:
        spans = [encode("ACGTAC"), encode("TTNNGG")]
        writer.add(Part(first, first.ids, spans, np.array([10, 38]), np.array([2, 2]), np.array([0, 2, 0, 2])))
        writer.add(Part(second, second.ids, [encode("GATC")], np.array([0]), np.array([1]), np.array([0])))
        writer.finish(np.array([2, 1, 1]), METADATA)
    return path


@pytest.fixture
def file(tmp_path) -> Path:
    return write(tmp_path / "sequences.h5")


def refused(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        Sequences(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_is_written_is_read_back(file):
    with Sequences(file) as stored:
        assert (stored.window, stored.stride, stored.source, stored.classes) == (4, 2, GENOME, ["a", "b"])
        assert stored.rule == Rule(4, 2, "contain", "drop")
        assert (stored.sizes, stored.record, stored.dropped) == (SIZES, METADATA["record"], METADATA["dropped"])
        assert len(stored) == 3
        assert stored.ids.tolist() == ["chr1:10-16", "chr1:40-43", "chr2:0-4"]
        assert stored.regions.chrom.tolist() == ["chr1", "chr1", "chr2"]
        assert stored.regions.start.tolist() == [10, 40, 0]
        assert stored.regions.end.tolist() == [16, 43, 4]
        assert stored.regions.name.tolist() == ["b", "a", "b"]
        assert (stored.n_windows.tolist(), stored.n_scored.tolist()) == ([2, 2, 1], [2, 1, 1])
        assert [stored.codes(i).tolist() for i in range(3)] == [
            [0, 1, 2, 3, 0, 1],
            [3, 3, 4, 4, 2, 2],
            [2, 0, 3, 1],
        ]


def test_windows_are_cut_from_their_spans_in_any_order(file):
    region, window = np.array([2, 0, 1, 1, 0]), np.array([0, 1, 1, 0, 0])
    with Sequences(file) as stored:
        codes = stored.window_codes(region, window)
        assert codes.tolist() == [[2, 0, 3, 1], [2, 3, 0, 1], [4, 4, 2, 2], [3, 3, 4, 4], [0, 1, 2, 3]]
        assert codes.dtype == np.uint8
        assert stored.window_start(region, window).tolist() == [0, 12, 40, 38, 10]
        assert stored.window_codes(np.array([], dtype=int), np.array([], dtype=int)).shape == (0, 4)


def test_the_windows_to_score_are_the_middle_ones(file):
    with Sequences(file) as stored:
        region, window = stored.scored()
    assert (region.tolist(), window.tolist()) == ([0, 0, 1, 2], [0, 1, 1, 0])


def test_whole_regions_are_padded_to_the_longest_asked_for(tmp_path):
    regions = make(["", ""], [0, 0], [3, 5], "a")
    with create(tmp_path / "whole.h5", Rule(0), FASTA, ["a"]) as writer:
        ids = np.array(["one", "two"], dtype=object)
        spans = [encode("ACG"), encode("TTTTT")]
        writer.add(Part(regions, ids, spans, np.zeros(2, dtype=int), np.ones(2, dtype=int), np.zeros(2, dtype=int)))
        writer.finish(np.ones(2), {**METADATA, "sizes": {}})
    with Sequences(tmp_path / "whole.h5") as stored:
        assert (stored.window, stored.source, stored.ids.tolist()) == (0, FASTA, ["one", "two"])
        assert stored.window_codes(np.array([1, 0]), np.zeros(2, dtype=int)).tolist() == [[3] * 5, [0, 1, 2, 4, 4]]
        assert stored.window_codes(np.array([0]), np.zeros(1, dtype=int)).tolist() == [[0, 1, 2]]


def test_the_same_contents_are_the_same_bytes(file, tmp_path):
    again = write(tmp_path / "again.h5")
    assert again.read_bytes() == file.read_bytes()
    with Sequences(file) as one, Sequences(again) as other:
        assert one.sha256() == other.sha256()


def test_a_failure_on_the_way_leaves_no_file(tmp_path):
    with pytest.raises(RuntimeError, match="stopped"), create(tmp_path / "x.h5", Rule(), GENOME, ["a"]):
        raise RuntimeError("stopped")
    assert not list(tmp_path.iterdir())


# --- damage

COLUMNS = ("codes", "window_start", "start", "end", "class", "span_start", "span", "windows", "chrom", "id", "scored")


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("damage", ["absent", "cut", "text"])
def test_a_column_that_is_absent_cut_or_of_the_wrong_kind_is_told(file, column, damage):
    with h5py.File(file, "r+") as handle:
        values = handle[column][:]
        del handle[column]
        if damage == "cut":
            handle[column] = values[:-1]
        elif damage == "text" and column in {"chrom", "id"}:
            handle[column] = np.arange(3)
        elif damage == "text":
            handle[column] = ["x"] * len(values)
    said = refused(file)
    assert said.startswith(f"{file}: the sequence file is damaged (")
    assert said.endswith("make it again with encode-seq")


@pytest.mark.parametrize(
    ("column", "place", "value", "what"),
    [
        ("codes", 3, 9, "bases"),
        ("window_start", 0, -1, "windows"),
        ("window_start", 1, 3, "windows"),
        ("start", 0, 20, "regions' spans"),
        ("start", 0, -1, "regions' spans"),
        ("span_start", 0, 16, "regions' spans"),
        ("span_start", 0, 4, "regions' spans"),
        ("end", 2, 51, "regions"),
        ("chrom", 0, "chr9", "regions"),
        ("class", 0, 2, "classes"),
        ("class", 0, -1, "classes"),
        ("span", 0, 7, "spans"),
        ("span", 0, -6, "spans"),
        ("windows", 0, 0, "numbers of windows"),
        ("windows", 0, 3, "numbers of windows"),
        ("scored", 0, 0, "scored windows"),
        ("scored", 0, 3, "scored windows"),
    ],
)
def test_numbers_that_cannot_be_right_are_told(file, column, place, value, what):
    with h5py.File(file, "r+") as handle:
        handle[column][place] = value
    assert refused(file) == (
        f"{file}: the sequence file is damaged ({what} cannot be right); make it again with encode-seq"
    )


def test_a_flipped_bit_is_told(file):
    raw = bytearray(file.read_bytes())
    with h5py.File(file) as handle:
        place = handle["codes"].id.get_chunk_info(0).byte_offset
    raw[place + 5] ^= 4
    file.write_bytes(raw)
    assert "the sequence file is damaged" in refused(file)


@pytest.mark.parametrize("name", ["format", "version", "source", "rule", "classes", "metadata"])
def test_an_attribute_that_is_absent_is_told(file, name):
    with h5py.File(file, "r+") as handle:
        del handle.attrs[name]
    assert "encode-seq" in refused(file)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("format", "crekit tracks", "an HDF5 file, but not of sequences; make it with encode-seq"),
        ("version", 2, "written by a newer crekit (sequences format 2); update crekit"),
        ("rule", "{", "the sequence file is damaged"),
        ("rule", json.dumps({"width": 4, "colour": 1}), "the sequence file is damaged"),
        ("rule", json.dumps({"width": 400}), "windows cannot be right"),
        ("rule", json.dumps({"width": 0}), "windows cannot be right"),
        ("classes", "[]", "classes cannot be right"),
        ("metadata", "{}", "the sequence file is damaged"),
    ],
)
def test_an_attribute_that_cannot_be_right_is_told(file, name, value, message):
    with h5py.File(file, "r+") as handle:
        handle.attrs[name] = value
    assert message in refused(file)


def test_other_files_are_told(file, tmp_path):
    assert refused(tmp_path / "none.h5").endswith("no such file; check the path")
    for content in (b"chr1\t0\t10\n", file.read_bytes()[:3000], file.read_bytes()[:-2000]):
        cut = tmp_path / "cut.h5"
        cut.write_bytes(content)
        assert "make it again with encode-seq" in refused(cut)
    cut.write_bytes(b"")
    assert refused(cut).endswith("the file is empty; make it again")
    shutil.copy(file, cut)
    assert len(Sequences(cut)) == 3
