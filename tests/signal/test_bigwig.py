"""Means of bins and sums of regions against what the library says of each."""

import numpy as np
import pyBigWig
import pytest
from reads import write_bigwig as write

from crekit.errors import InputError
from crekit.genome.regions import make
from crekit.signal import bigwig


@pytest.fixture
def small(tmp_path):
    entries = [("chr1", 0, 50, 2.0), ("chr1", 50, 100, 4.0), ("chr1", 130, 140, -1.5), ("chr1", 295, 450, 8.0)]
    return write(tmp_path / "small.bw", entries, {"chr1": 450, "chr2": 300})


def test_a_bin_is_the_mean_of_its_bases_with_data(small):
    np.testing.assert_array_equal(bigwig.bin_means(small, "chr1", 450, 100), [3, -1.5, 8, 8, 8])
    np.testing.assert_array_equal(bigwig.bin_means(small, "chr2", 300, 100), [0, 0, 0])
    np.testing.assert_array_equal(bigwig.bin_means(small, "chr3", 50, 100), [0])


def exact(path, chrom, size, bin_size):
    """The library's own exact means, bin by bin."""
    handle = pyBigWig.open(str(path))
    edges = [(start, min(start + bin_size, size)) for start in range(0, size, bin_size)]
    means = [handle.stats(chrom, start, end, type="mean", exact=True)[0] for start, end in edges]
    handle.close()
    return np.array([mean or 0 for mean in means], dtype=np.float32)


@pytest.mark.parametrize("bin_size", [1, 7, 100, 333, 5000])
@pytest.mark.parametrize("bases", [1000, 1 << 20])
def test_bins_are_the_exact_means_of_the_library(tmp_path, rng, monkeypatch, bin_size, bases):
    monkeypatch.setattr(bigwig, "_BASES", bases)
    size = 20_011
    edges = np.sort(rng.choice(size, 1200, replace=False))
    values = (rng.gamma(1, 5, len(edges)) * rng.choice([-1, 1, 1e-3, 1e3], len(edges))).astype(np.float32)
    entries = [("chr1", int(s), int(e), float(v)) for s, e, v in zip(edges[::2], edges[1::2], values, strict=False)]
    path = write(tmp_path / "x.bw", entries, {"chr1": size})
    np.testing.assert_array_equal(bigwig.bin_means(path, "chr1", size, bin_size), exact(path, "chr1", size, bin_size))


@pytest.mark.parametrize(
    ("name", "chrom", "start"),
    [
        ("imr90_pilot/H3K4me1.bw", "chr1", 151_100_000),
        ("hela/H3K4me1.bw", "chr16", 0),
        ("k562/proseq.chr21.minus.bw", "chr21", 33_000_000),
    ],
)
def test_real_bins_are_the_exact_means_of_the_library(data, name, chrom, start):
    size = bigwig.read_sizes(data / name)[chrom]
    means = bigwig.bin_means(data / name, chrom, size, 100)
    handle = pyBigWig.open(str(data / name))
    # Spans with data of about 600 kb: to ask the library for whole chromosomes takes minutes.
    first = start // 100
    expected = handle.stats(chrom, start, start + 600_000, nBins=6000, type="mean", exact=True)
    expected = np.array([value or 0 for value in expected], dtype=np.float32)
    assert np.count_nonzero(expected) > 100
    np.testing.assert_array_equal(means[first : first + 6000], expected)
    handle.close()


def test_sums_add_absolute_values_over_bases(small):
    regions = make(["chr1", "chr1", "chr2", "chr1"], [0, 120, 0, 440], [60, 135, 300, 450], "x")
    np.testing.assert_array_equal(bigwig.sum_in_regions(small, regions), [140, 7.5, 0, 80])


def test_sums_of_unknown_chromosomes_are_zero_unless_all_are_unknown(small):
    np.testing.assert_array_equal(bigwig.sum_in_regions(small, make(["chr9", "chr1"], [0, 0], [10, 10], "x")), [0, 20])
    with pytest.raises(InputError, match="chromosome 1 is called chr1 in"):
        bigwig.sum_in_regions(small, make(["1"], [0], [10], "x"))


def test_a_region_past_its_chromosome_is_refused(small):
    with pytest.raises(InputError, match=r"chr1:400-500 ends past the chromosome \(450 bases there\)"):
        bigwig.sum_in_regions(small, make(["chr1"], [400], [500], "x"))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_value_that_is_no_number_is_named(tmp_path, value):
    path = write(tmp_path / "x.bw", [("chr1", 0, 10, 1.0), ("chr1", 500, 510, value)], {"chr1": 1000})
    message = r"x\.bw: the value of chr1:500-510 is (nan|inf|-inf); make the file again"
    with pytest.raises(InputError, match=message):
        bigwig.bin_means(path, "chr1", 1000, 100)
    with pytest.raises(InputError, match=message):
        bigwig.sum_in_regions(path, make(["chr1"], [450], [600], "x"))


def test_truncated_and_damaged_files_are_refused(small, tmp_path, capfd):
    content = small.read_bytes()
    path = tmp_path / "hurt.bw"
    path.write_bytes(content[:100])
    with pytest.raises(InputError, match=r"hurt\.bw: "):
        bigwig.read_sizes(path)
    with bigwig.opened(small) as handle:
        assert handle.chroms() == {"chr1": 450, "chr2": 300}
    hurt = bytearray(content)
    at = int.from_bytes(content[16:24], "little") + 8  # the data
    hurt[at : at + 20] = bytes(20)
    path.write_bytes(hurt)
    with pytest.raises(InputError, match=r"hurt\.bw: damaged on chr1:0-450"):
        bigwig.bin_means(path, "chr1", 450, 100)
    path.write_bytes(content[:4][::-1] + content[4:])
    with pytest.raises(InputError, match="big-endian"):
        bigwig.read_sizes(path)
    with pytest.raises(InputError, match="cannot be read"):
        bigwig.read_sizes(tmp_path / "missing.bw")
    assert capfd.readouterr().err == ""  # the library's own messages do not get through
