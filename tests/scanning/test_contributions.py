import numpy as np
import pyBigWig
import pytest
import toy_explain as toy

from crekit.encoding.store import Sequences
from crekit.errors import InputError
from crekit.scanning import contributions

SIZES = {"chr1": 100, "chr2": 50, "chr3": 80}


def test_each_base_has_its_value_and_shared_bases_the_mean(tmp_path):
    chrom = np.array(["chr3", "chr1", "chr1", "chr1"], dtype=object)
    start = np.array([78, 40, 10, 12])
    values = np.array([[1, 2, 3, 4], [5, 6, 7, 8], [1, 2, 3, 4], [10, 20, 30, 40]], dtype=np.float32)
    contributions.write(tmp_path / "x.bw", SIZES, chrom, start, values)
    with pyBigWig.open(str(tmp_path / "x.bw")) as handle:
        assert handle.chroms() == SIZES
        found = [(first, value) for first, _, value in handle.intervals("chr1")]
        assert found == [
            (10, 1), (11, 2), (12, 6.5), (13, 12), (14, 30), (15, 40), (40, 5), (41, 6), (42, 7), (43, 8)
        ]  # fmt: skip
        assert handle.intervals("chr2") is None
        assert handle.intervals("chr3") == ((78, 79, 1.0), (79, 80, 2.0))  # what is padded past the end is left out
        assert handle.stats("chr1", 0, 100, type="max", exact=True) == [40]
        assert handle.header()["nBasesCovered"] == 12


def test_records_of_a_fasta_have_no_place(tmp_path):
    path = toy.encode_fasta(tmp_path, toy.planted([toy.WORD], 4, 60))
    with Sequences(path) as sequences, pytest.raises(InputError, match="no place on a genome for a bigWig"):
        contributions.paths(str(tmp_path / "x"), ["enhancer"], sequences)


def test_classes_need_files_of_their_own(tmp_path):
    with Sequences(toy.encode_genome(tmp_path)) as sequences:
        found = contributions.paths(str(tmp_path / "x"), ["a b", "c"], sequences)
        assert {name: path.name for name, path in found.items()} == {"a b": "x.a_b.bw", "c": "x.c.bw"}
        with pytest.raises(InputError, match="two classes of the model give the same file name"):
            contributions.paths(str(tmp_path / "x"), ["a b", "a_b"], sequences)
        with pytest.raises(InputError, match="does not exist"):
            contributions.paths(str(tmp_path / "no" / "x"), ["a"], sequences)
