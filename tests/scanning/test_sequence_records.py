import logging
from pathlib import Path

import numpy as np
import pytest
from toy_dna import random_dna, random_dna_model, save_model, share_model, stream, write_fasta

from crekit.encoding.windows import Rule
from crekit.errors import InputError
from crekit.models.file import SequenceModel
from crekit.scanning import sequence_records
from crekit.scanning.sequence_records import cut, score_records, score_regions

COMPLEMENT = np.array([3, 2, 1, 0, 4], dtype=np.uint8)


def best_by_loop(model: SequenceModel, windows: list[np.ndarray]) -> np.ndarray:
    """The probabilities of the window in which enhancer, the second of two classes, is the most probable."""
    rows = np.concatenate([model.probabilities(window[None]) for window in windows])
    return rows[max(range(len(rows)), key=lambda i: rows[i, 1])]


def rows_of(path: Path) -> list[list[str]]:
    return [line.split("\t") for line in path.read_text().splitlines()]


@pytest.fixture
def genome(tmp_path, rng) -> tuple[Path, np.ndarray]:
    codes = random_dna(rng, 4_000)
    codes[2_000] = 4
    return write_fasta(tmp_path / "genome.fa", {"chr2": random_dna(rng, 700), "chr1": codes}), codes


def regions_table(tmp_path: Path, model: SequenceModel, genome: Path, text: str, **options) -> list[list[str]]:
    (tmp_path / "r.bed").write_text(text)
    path = save_model(tmp_path / "model.safetensors", model)
    score_regions(path, genome, [(None, tmp_path / "r.bed")], tmp_path / "out.tsv", **options)
    return rows_of(tmp_path / "out.tsv")


def records_table(tmp_path: Path, model: SequenceModel, fasta: Path | str, **options) -> list[list[str]]:
    path = save_model(tmp_path / "model.safetensors", model)
    score_records(path, fasta, tmp_path / "out.tsv", **options)
    return rows_of(tmp_path / "out.tsv")


@pytest.mark.parametrize("both", [False, True])
def test_a_region_has_the_score_of_its_best_window(tmp_path, genome, both):
    model = random_dna_model("deepenhancer-6conv3pool6norm", stride=10)
    fasta, codes = genome
    text = "chr1\t900\t1260\tlong\nchr2\t0\t300\nchr1\t400\t450\tshort\n"
    rows = regions_table(tmp_path, model, fasta, text, both_strands=both)
    assert rows[0] == ["id", "chrom", "start", "end", "name", "predicted", "background", "enhancer"]
    assert [row[:5] for row in rows[1:]] == [
        ["chr1:900-1260", "chr1", "900", "1260", "long"],
        ["chr2:0-300", "chr2", "0", "300", "."],
        ["chr1:400-450", "chr1", "400", "450", "short"],
    ]
    # Windows of 300 every 10 bases inside the first, and those that contain the last: starts 400, 390 ... above 150.
    for row, starts in ((rows[1], range(900, 961, 10)), (rows[3], range(160, 401, 10))):
        windows = [codes[start : start + 300] for start in starts]
        probabilities = [model.probabilities(window[None])[0] for window in windows]
        if both:
            turned = [model.probabilities(COMPLEMENT[window[None, ::-1]])[0] for window in windows]
            probabilities = [(one + other) / 2 for one, other in zip(probabilities, turned, strict=True)]
        expected = max(probabilities, key=lambda one: one[1])
        np.testing.assert_allclose(np.array(row[6:], dtype=float), expected, atol=1e-5)
        assert row[5] == ("enhancer" if expected[1] > 0.5 else "background")


def test_windows_with_n_are_left_out_as_in_the_training(tmp_path, genome):
    fasta, codes = genome
    text = "chr1\t1850\t2250\n"
    for ambiguous, kept in (("drop", []), ("zero", range(1850, 1951, 50))):
        model = random_dna_model("deepenhancer-6conv3pool6norm", stride=50, ambiguous=ambiguous)
        row = regions_table(tmp_path, model, fasta, text)[1]
        if not kept:
            assert row[5:] == ["NA", "NA", "NA"]
        else:
            expected = best_by_loop(model, [codes[start : start + 300] for start in kept])
            np.testing.assert_allclose(np.array(row[6:], dtype=float), expected, atol=1e-5)


def test_regions_without_a_window_are_not_known_and_counted(tmp_path, genome, caplog):
    caplog.set_level(logging.WARNING, "crekit")
    logging.getLogger("crekit").propagate = True
    model = share_model(short="drop")
    rows = regions_table(tmp_path, model, genome[0], "chr1\t0\t299\nchr1\t0\t300\nchr1\t2000\t2300\n")
    assert [row[5] for row in rows[1:]] == ["NA", "background", "NA"]
    assert "2 region(s) have NA: the model's rule (windows of 300 bases, --short drop, --ambiguous drop)" in caplog.text


def test_cut_lays_the_windows_of_every_rule(rng):
    codes = random_dna(rng, 1_000, share_n=0.002)
    start = rng.integers(0, 900, 40)
    end = np.minimum(start + rng.integers(1, 200, 40), 1_000)
    for short in ("contain", "overlap", "pad", "drop"):
        for ambiguous in ("drop", "zero"):
            rule = Rule(60, 7, short, ambiguous)
            found = cut(codes, start, end, rule)
            assert len(found.kept) == len(found.stretches) == 40
            for i in range(40):
                windows = [found.stretches[i][k * 7 : k * 7 + 60] for k in np.flatnonzero(found.kept[i])]
                assert [window.tolist() for window in windows] == laid(codes, start[i], end[i], rule)


def laid(codes: np.ndarray, start: int, end: int, rule: Rule) -> list[list[int]]:
    """Windows of one region by the words of `crekit.encoding.windows`."""
    width, length = rule.width, end - start
    if length >= width:
        starts = list(range(start, end - width + 1, rule.stride))
    elif rule.short == "contain":
        starts = list(range(start, end - width, -rule.stride))[::-1]
    elif rule.short == "overlap":
        starts = list(range(start - width + 1, end, rule.stride))
    elif rule.short == "pad":
        inside = codes[start:end].tolist()
        before = (width - length) // 2
        bad = 4 in inside if rule.ambiguous == "drop" else set(inside) == {4}
        return [] if bad else [[4] * before + inside + [4] * (width - length - before)]
    else:
        starts = []
    windows = [codes[at : at + width].tolist() for at in starts if at >= 0 and at + width <= len(codes)]
    return [w for w in windows if (4 not in w if rule.ambiguous == "drop" else set(w) != {4})]


def test_records_are_scored_whole_and_in_their_order(tmp_path, rng, monkeypatch):
    monkeypatch.setattr(sequence_records, "_GROUP", 2)
    model = random_dna_model("deepenhancer-6conv3pool6norm", stride=25, short="pad")
    records = {f"r{i}": random_dna(rng, n) for i, n in enumerate((340, 300, 120, 375, 600))}
    rows = records_table(tmp_path, model, write_fasta(tmp_path / "r.fa", records), threads=2)
    assert rows[0] == ["id", "length", "predicted", "background", "enhancer"]
    assert [row[:2] for row in rows[1:]] == [["r0", "340"], ["r1", "300"], ["r2", "120"], ["r3", "375"], ["r4", "600"]]
    for row, codes in zip(rows[1:], records.values(), strict=True):
        padded = np.pad(codes, (90, 90), constant_values=4) if len(codes) == 120 else codes
        windows = [padded[at : at + 300] for at in range(0, len(padded) - 299, 25)]
        np.testing.assert_allclose(np.array(row[3:], dtype=float), best_by_loop(model, windows), atol=1e-5)


def test_a_stream_of_records_is_read(tmp_path, rng, monkeypatch):
    model = random_dna_model("deepenhancer-6conv3pool6norm")
    fasta = write_fasta(tmp_path / "r.fa", {"a": random_dna(rng, 300), "b": random_dna(rng, 310)})
    expected = records_table(tmp_path, model, fasta)
    monkeypatch.setattr("sys.stdin", stream(fasta.read_bytes()))
    assert records_table(tmp_path, model, "-") == expected


def test_models_of_whole_regions_read_them_whole(tmp_path, genome, rng):
    model = random_dna_model("lstm", window=0)
    fasta, codes = genome
    rows = regions_table(tmp_path, model, fasta, "chr1\t10\t75\nchr1\t1900\t2100\nchr1\t100\t900\n")
    assert rows[2][5] == "NA"  # base 2000 is not known, and such regions were left out of the training
    for row, (start, end) in ((rows[1], (10, 75)), (rows[3], (100, 900))):
        expected = model.probabilities(codes[None, start:end])[0]
        np.testing.assert_allclose(np.array(row[6:], dtype=float), expected, atol=1e-5)


def test_what_does_not_fit_is_refused(tmp_path, genome):
    model, fasta = share_model(), genome[0]
    for text, match in (
        ("chr3\t0\t300\n", "line 1: chromosome chr3 is not in"),
        ("2\t0\t300\n", "chromosome 2 is called chr2 in"),
        ("chr1\t3900\t4001\n", "ends past the chromosome"),
        ("chr1\t0\t300\nchr1\t0\t300\n", "stands there twice"),
        ("", "holds no region"),
    ):
        with pytest.raises(InputError, match=match):
            regions_table(tmp_path, model, fasta, text)
    with pytest.raises(InputError, match="-g -: regions cannot be looked up in a stream"):
        regions_table(tmp_path, model, Path("-"), "chr1\t0\t300\n")
    for text, match in (
        (">a\nACGU\n", "record a: base 4 is U, so this is RNA"),
        (">a\nAC\n>a\nAC\n", "record a: stands there twice"),
        (">a\n\n>b\nAC\n", "record a: is empty"),
        ("ACGT\n", "does not begin with '>'"),
    ):
        (tmp_path / "bad.fa").write_text(text)
        with pytest.raises(InputError, match=match):
            records_table(tmp_path, model, tmp_path / "bad.fa")
    assert not (tmp_path / "out.tsv").exists()
