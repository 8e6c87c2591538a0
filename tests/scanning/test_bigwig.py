import numpy as np
import pyBigWig
import pytest

from crekit.scanning import bigwig

SIZES = {"chr1": 400_030, "chr2": 1000, "chr10": 250_000}


@pytest.fixture
def values(rng) -> dict[str, np.ndarray]:
    n = {"chr1": 3982, "chr10": 2481}  # nothing on chr2; the last value of chr1 runs past its end
    return {chrom: rng.random(count).astype(np.float32) ** 4 for chrom, count in n.items()}


def write(path, values: dict[str, np.ndarray], start: int = 1850, span: int = 100, step: int = 100) -> str:
    with bigwig.create(path, SIZES) as writer:
        for chrom, column in values.items():
            writer.add(chrom, start, span, step, column)
    return str(path)


def intervals(path: str, chrom: str) -> list[tuple[int, int, float]]:
    with pyBigWig.open(path) as handle:
        return list(handle.intervals(chrom) or [])


@pytest.mark.parametrize(("span", "step"), [(100, 100), (60, 100)])
def test_another_reader_finds_every_value_at_its_place(tmp_path, values, span, step):
    path = write(tmp_path / "x.bw", values, span=span, step=step)
    with pyBigWig.open(path) as handle:
        assert dict(handle.chroms()) == SIZES
    for chrom, column in values.items():
        starts = 1850 + step * np.arange(len(column))
        ends = np.minimum(starts + span, SIZES[chrom])
        assert intervals(path, chrom) == list(zip(starts, ends, column.astype(float), strict=True))
    assert intervals(path, "chr2") == []


def test_a_last_value_past_the_end_is_cut_there(tmp_path):
    path = write(tmp_path / "x.bw", {"chr2": np.array([0.25, 0.5], dtype=np.float32)}, start=850)
    assert intervals(path, "chr2") == [(850, 950, 0.25), (950, 1000, 0.5)]


def test_zoom_levels_summarise_the_values(tmp_path, values):
    path = write(tmp_path / "x.bw", values)
    with pyBigWig.open(path) as handle:
        for chrom, column in values.items():
            # Whole records of the second zoom level: 64 values each.
            start, end = 1850, 1850 + 64 * 100 * (len(column) // 64)
            groups = column[: len(column) // 64 * 64].reshape(-1, 64).astype(float)
            for kind, expected in (("mean", groups.mean(1)), ("max", groups.max(1)), ("min", groups.min(1))):
                found = handle.stats(chrom, start, end, type=kind, nBins=len(groups))
                np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_the_header_sums_up_the_file(tmp_path, values):
    path = write(tmp_path / "x.bw", values)
    with pyBigWig.open(path) as handle:
        header = handle.header()
    covered = {chrom: np.full(len(column), 100) for chrom, column in values.items()}
    covered["chr1"][-1] = 400_030 - (1850 + 3981 * 100)
    assert header["nBasesCovered"] == sum(bases.sum() for bases in covered.values())
    total = sum((column.astype(float) * covered[chrom]).sum() for chrom, column in values.items())
    assert header["sumData"] == int(total)


def test_zoom_levels_agree_with_those_of_another_writer(tmp_path, values):
    ours = write(tmp_path / "ours.bw", values)
    other = str(tmp_path / "other.bw")
    with pyBigWig.open(other, "w") as handle:
        handle.addHeader(list(SIZES.items()))
        for chrom, column in values.items():
            handle.addEntries(chrom, 1850, values=column, span=100, step=100)
    with pyBigWig.open(ours) as a, pyBigWig.open(other) as b:
        for chrom in values:
            for n in (1, 7):
                expected = b.stats(chrom, 1000, 240_000, type="mean", nBins=n)
                np.testing.assert_allclose(a.stats(chrom, 1000, 240_000, type="mean", nBins=n), expected, rtol=0.03)


def test_many_blocks_make_a_tree_of_several_levels(tmp_path, monkeypatch, values):
    monkeypatch.setattr(bigwig, "_VALUES", 8)
    monkeypatch.setattr(bigwig, "_NODE", 4)
    path = write(tmp_path / "x.bw", values)
    with pyBigWig.open(path) as handle:
        for chrom, column in values.items():
            for i in (0, 1, 700, 1999, len(column) - 1):
                (found,) = handle.intervals(chrom, 1850 + 100 * i, 1850 + 100 * i + 1)
                assert found[2] == column[i]


def test_a_file_without_values_can_be_read(tmp_path):
    path = write(tmp_path / "x.bw", {})
    with pyBigWig.open(path) as handle:
        assert dict(handle.chroms()) == SIZES
        assert handle.header()["nBasesCovered"] == 0


def test_the_same_values_give_the_same_bytes(tmp_path, values):
    first, second = (write(tmp_path / name, values) for name in ("a.bw", "b.bw"))
    with open(first, "rb") as a, open(second, "rb") as b:
        assert a.read() == b.read()
