import logging
from pathlib import Path

import numpy as np
import pytest
from toy_scan import centre_model, draw, random_model, save_model, save_tracks

from crekit.errors import InputError
from crekit.scanning.records import score_regions
from crekit.signal.tracks import Tracks

SIZES = {"chr1": 30_000, "chr2": 12_050}


@pytest.fixture
def inputs(tmp_path) -> tuple[Path, Path]:
    drawn = {"chr1": draw(300, (50, 50, 1, 8)), "chr2": draw(121, (70, 70, 2, 6))}
    bins = {mark: {chrom: columns[i] for chrom, columns in drawn.items()} for i, mark in enumerate("AB")}
    model = save_model(tmp_path / "model.safetensors", centre_model(SIZES))
    return model, save_tracks(tmp_path / "tracks.h5", SIZES, bins)


def table(inputs: tuple[Path, Path], *files: tuple[str | None, str], **options) -> list[list[str]]:
    folder = inputs[0].parent
    named = []
    for i, (name, text) in enumerate(files):
        (folder / f"{i}.bed").write_text(text)
        named.append((name, folder / f"{i}.bed"))
    score_regions(*inputs, named, folder / "out.tsv", **options)
    return [line.split("\t") for line in (folder / "out.tsv").read_text().splitlines()]


def test_one_row_a_region_in_the_order_given(inputs):
    # Window 50 of chr1 spans 5000-7000: its centre is the middle of both regions, wide or narrow.
    rows = table(
        inputs, (None, "chr2\t7000\t9000\tx\nchr1\t5990\t6010\ty\nchr1\t4000\t8000\n"), ("mine", "chr1\t10000\t12000\n")
    )
    assert rows == [
        ["id", "chrom", "start", "end", "name", "predicted", "background", "enhancer", "promoter"],
        ["chr2:7000-9000", "chr2", "7000", "9000", "x", "promoter", "0.200000", "0.200000", "0.600000"],
        ["chr1:5990-6010", "chr1", "5990", "6010", "y", "enhancer", "0.100000", "0.800000", "0.100000"],
        ["chr1:4000-8000", "chr1", "4000", "8000", ".", "enhancer", "0.100000", "0.800000", "0.100000"],
        ["chr1:10000-12000", "chr1", "10000", "12000", "mine", "background", "0.900000", "0.050000", "0.050000"],
    ]


def test_a_midpoint_is_rounded_to_the_nearest_bin_edge(inputs):
    # Midpoints 5949, 5950, 6049 and 6050 round to 5900, 6000, 6000 and 6100.
    text = "".join(f"chr1\t{middle - 500}\t{middle + 500}\n" for middle in (5949, 5950, 6049, 6050))
    assert [row[5] for row in table(inputs, (None, text))[1:]] == ["background", "enhancer", "enhancer", "background"]


def test_a_window_past_an_end_of_the_chromosome_is_not_known(inputs, caplog):
    caplog.set_level(logging.WARNING, "crekit")
    logging.getLogger("crekit").propagate = True
    rows = table(inputs, (None, "chr1\t0\t100\nchr1\t29500\t29600\nchr2\t11000\t11100\nchr1\t0\t2000\n"))
    assert [row[5:] for row in rows[1:4]] == [
        ["NA"] * 4,
        ["NA"] * 4,
        ["background", "0.900000", "0.050000", "0.050000"],
    ]
    assert rows[4][5] == "background"
    assert "2 region(s) lie too near an end of their chromosome, and have NA" in caplog.text


def test_a_network_gives_its_own_probabilities(tmp_path, rng):
    model = random_model("deepregfinder-rnn", n_marks=2)
    counts = {f"mark{i}": {"chr1": rng.poisson(2.0, 300).astype(np.uint16)} for i in range(2)}
    sizes = {"chr1": 30_000}
    inputs = save_model(tmp_path / "m.safetensors", model, sizes=sizes), save_tracks(tmp_path / "t.h5", sizes, counts)
    rows = table(inputs, (None, "".join(f"chr1\t{start}\t{start + 2000}\n" for start in range(0, 28_000, 700))))
    with Tracks(inputs[1]) as tracks:
        bins = tracks.read("chr1")
    expected = model.probabilities(np.stack([bins[:, start : start + 20] for start in range(0, 280, 7)]))
    np.testing.assert_allclose(np.array([row[6:] for row in rows[1:]], dtype=float), expected, atol=1.5e-6, rtol=0)


def test_regions_that_do_not_fit_are_refused(inputs):
    for text, match in (
        ("chr3\t0\t2000\n", "0.bed, line 1: chromosome chr3 is not in the tracks"),
        ("1\t0\t2000\n", "chromosome 1 is called chr1 in the tracks"),
        ("chr1\t29000\t30001\n", "ends past the chromosome"),
        ("chr1\t0\t2000\nchr1\t0\t2000\n", "stands there twice"),
        ("", "holds no region"),
    ):
        with pytest.raises(InputError, match=match):
            table(inputs, (None, text))
    with pytest.raises(InputError, match=r"1.bed, line 1: chr1:0-2000 stands in .*0.bed, line 1, too"):
        table(inputs, ("a", "chr1\t0\t2000\n"), ("b", "chr1\t0\t2000\n"))
    assert not (inputs[0].parent / "out.tsv").exists()
