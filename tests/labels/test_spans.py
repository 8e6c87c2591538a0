"""Set algebra through bedtools: what it gives, and what happens when bedtools is missing, fails or is cut short."""

import os
import shutil
import tempfile

import numpy as np
import pytest

from crekit.errors import WorkError
from crekit.genome.regions import make
from crekit.labels.spans import workspace

SIZES = {"chr1": 10_000, "chr10": 5_000, "chr2": 4_001}


def spans(*items):
    return make([chrom for chrom, _, _ in items], [start for _, start, _ in items], [end for _, _, end in items], "x")


def records(regions):
    return list(zip(regions.chrom, regions.start.tolist(), regions.end.tolist(), strict=True))


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """A folder for temporary files, to see what is left in it."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


@pytest.fixture
def fake_bedtools(tmp_path, monkeypatch):
    """Puts a shell script in the place of bedtools."""
    real = shutil.which("bedtools")

    def install(script):
        folder = tmp_path / "bin"
        folder.mkdir()
        path = folder / "bedtools"
        path.write_text(f"#!/bin/sh\n{script.replace('REAL', str(real))}\n")
        path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    return install


def test_merge_joins_what_overlaps_touches_or_lies_near():
    peaks = spans(("chr2", 5, 9), ("chr1", 100, 200), ("chr1", 200, 300), ("chr1", 150, 160), ("chr1", 310, 320))
    with workspace(SIZES) as bed:
        assert records(bed.merge(peaks)) == [("chr1", 100, 300), ("chr1", 310, 320), ("chr2", 5, 9)]
        assert records(bed.merge(peaks, 10)) == [("chr1", 100, 320), ("chr2", 5, 9)]
        assert len(bed.merge(spans())) == 0


def test_widen_stops_at_the_ends_of_the_chromosome():
    with workspace(SIZES) as bed:
        assert records(bed.widen(spans(("chr1", 50, 60), ("chr2", 3_990, 4_000)), 100)) == [
            ("chr1", 0, 160),
            ("chr2", 3_890, 4_001),
        ]


def test_meets_tells_every_region_of_every_set_in_their_order():
    regions = spans(("chr2", 0, 10), ("chr1", 100, 200), ("chr1", 0, 50))
    sets = [spans(("chr1", 199, 300)), spans(), spans(("chr1", 50, 100), ("chr2", 9, 10))]
    with workspace(SIZES) as bed:
        hit = bed.meets(regions, sets)
        assert bed.meets(spans(), sets).shape == (0, 3)
    np.testing.assert_array_equal(hit, [[False, False, True], [True, False, False], [False, False, False]])


def test_subtract_leaves_what_the_others_do_not_hold():
    with workspace(SIZES) as bed:
        left = bed.subtract(spans(("chr1", 0, 100), ("chr1", 50, 200)), spans(("chr1", 20, 30), ("chr1", 190, 500)))
        assert records(left) == [("chr1", 0, 20), ("chr1", 30, 190)]
        assert records(bed.subtract(spans(("chr1", 0, 9)), spans(("chr1", 0, 9)))) == []


def test_tiles_stand_in_natural_order_and_the_last_is_cut():
    with workspace(SIZES) as bed:
        tiles = bed.tiles(2_000, ["chr10", "chr2"])
    assert records(tiles) == [
        *[("chr2", 0, 2_000), ("chr2", 2_000, 4_000), ("chr2", 4_000, 4_001)],
        *[("chr10", 0, 2_000), ("chr10", 2_000, 4_000), ("chr10", 4_000, 5_000)],
    ]


def test_no_file_is_left_behind(temporary):
    with workspace(SIZES) as bed:
        bed.merge(spans(("chr1", 1, 2)))
        assert len(list(temporary.iterdir())) == 1
    assert list(temporary.iterdir()) == []


def test_no_file_is_left_behind_after_an_error(temporary):
    def fail():
        with workspace(SIZES) as bed:
            bed.merge(spans(("chr1", 1, 2)))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert list(temporary.iterdir()) == []


def test_missing_bedtools_is_said_with_how_to_install_it(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    remedy = r"apt-get install bedtools, conda install .*, or brew install"
    with pytest.raises(WorkError, match=remedy), workspace(SIZES):
        pass


def test_what_bedtools_says_is_passed_on(fake_bedtools, temporary):
    fake_bedtools("echo 'ERROR: out of luck' >&2; exit 1")
    with pytest.raises(WorkError, match=r"bedtools failed \(ERROR: out of luck\)"), workspace(SIZES) as bed:
        bed.merge(spans(("chr1", 1, 2)))
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("script", ['REAL "$@" | head -n 2', 'REAL "$@" | head -c 9', 'REAL "$@" >/dev/full; true'])
def test_a_result_cut_short_in_silence_is_found(fake_bedtools, script):
    fake_bedtools(script)
    regions = spans(*[("chr1", i * 10, i * 10 + 5) for i in range(100)])
    for work in (
        lambda bed: bed.merge(regions),
        lambda bed: bed.widen(regions, 1),
        lambda bed: bed.meets(regions, [regions]),
        lambda bed: bed.subtract(regions, spans(("chr1", 0, 1))),
        lambda bed: bed.tiles(10, ["chr1"]),
    ):
        with pytest.raises(WorkError, match=r"less than it must|bedtools failed"), workspace(SIZES) as bed:
            work(bed)
