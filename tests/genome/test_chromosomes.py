import re

import pytest

from crekit.errors import InputError
from crekit.genome.chromosomes import abridged, natural_key, read_sizes, require_known, select

HG = [*(f"chr{i}" for i in range(1, 23)), "chrX", "chrY", "chrM"]


def test_natural_order_puts_2_before_10_and_named_ones_last():
    names = ["chrUn_gl000220", "chrM", "chr10", "chrX", "chr2", "chrY", "chr1_random", "chr1"]
    ordered = ["chr1", "chr2", "chr10", "chrX", "chrY", "chrM", "chr1_random", "chrUn_gl000220"]
    assert sorted(names, key=natural_key) == ordered


def test_natural_order_needs_no_chr():
    assert sorted(["MT", "X", "10", "9", "Y"], key=natural_key) == ["9", "10", "X", "Y", "MT"]


def test_sizes_come_in_the_order_of_the_file(tmp_path):
    path = tmp_path / "sizes"
    path.write_text("#name\tbases\nchr2\t200\n\nchr1 100\n")
    assert list(read_sizes(path).items()) == [("chr2", 200), ("chr1", 100)]


def test_sizes_come_from_a_fasta_index(tmp_path):
    path = tmp_path / "genome.fa.fai"
    path.write_text("chr1\t100\t6\t60\t61\nchr2\t50\t113\t60\t61\n")
    assert read_sizes(path) == {"chr1": 100, "chr2": 50}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("chr1\n", "line 1: not a name and a size in bases; give two columns or a .fai"),
        ("chr1\t100\nchr2\tlong\n", "line 2: not a name and a size in bases"),
        ("chr1\t0\n", "line 1: not a name and a size in bases"),
        ("chr1\t-5\n", "line 1: not a name and a size in bases"),
        ("chr1\t1e6\n", "line 1: not a name and a size in bases"),
        ("chr1\t100\nchr1\t100\n", "line 2: chr1 stands there twice; remove one"),
        ("# nothing\n\n", "holds no chromosome sizes; give two columns (name, bases) or a .fai"),
        ("", "holds no chromosome sizes"),
    ],
)
def test_wrong_sizes_are_refused(tmp_path, text, message):
    path = tmp_path / "sizes"
    path.write_text(text)
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        read_sizes(path)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize(
    ("expression", "chosen"),
    [
        ("chr1", ["chr1"]),
        ("chrX,chr2", ["chr2", "chrX"]),
        ("chr9-chr11", ["chr9", "chr10", "chr11"]),
        (" chr1 , chr3 - chr5 ,chrX,", ["chr1", "chr3", "chr4", "chr5", "chrX"]),
        ("chr21-chrM", ["chr21", "chr22", "chrX", "chrY", "chrM"]),
        ("chr2,chr1-chr2,chr2", ["chr1", "chr2"]),
        ("chr7-chr7", ["chr7"]),
    ],
)
def test_select_takes_names_and_ranges(expression, chosen):
    assert select(expression, HG) == chosen


def test_a_range_takes_only_what_is_known():
    assert select("chr1-chr7", ["chr7", "chr3", "chr1", "chrX"]) == ["chr1", "chr3", "chr7"]


def test_a_name_with_a_dash_is_a_name_before_it_is_a_range():
    known = ["HLA-A", "HLA-B", "chr1"]
    assert select("HLA-A", known) == ["HLA-A"]
    assert select("HLA-A-HLA-B", known) == ["HLA-A", "HLA-B"]


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("chr23", "chromosome 'chr23' is not known; known are chr1, chr2"),
        ("1", "chromosome '1' is not known"),
        ("chr1-chr99", "chromosome 'chr1-chr99' is not known"),
        ("chr5-chr2", "chromosomes 'chr5-chr2': chr5 comes after chr2; turn the range round"),
        ("", "no chromosome is named in ''; known are chr1"),
        (" , ", "no chromosome is named in ' , '"),
    ],
)
def test_select_refuses_what_is_not_known(expression, message):
    with pytest.raises(InputError, match=re.escape(message)):
        select(expression, HG)


def test_a_long_list_of_names_is_cut_short():
    assert abridged(["a", "b"]) == "a, b"
    assert abridged("abcd", 2) == "a, b and 2 more"


def test_known_names_pass():
    require_known(["chr1", "chrX"], "peaks.bed", HG, "hg19.sizes")


@pytest.mark.parametrize(
    ("name", "known", "message"),
    [
        ("1", HG, "peaks.bed: chromosome 1 is called chr1 in hg19.sizes; rename the chromosomes of one of them"),
        ("chr1", ["1", "2"], "peaks.bed: chromosome chr1 is called 1 in hg19.sizes"),
        ("MT", HG, "peaks.bed: chromosome MT is called chrM in hg19.sizes"),
        ("chrM", ["1", "MT"], "peaks.bed: chromosome chrM is called MT in hg19.sizes"),
        (
            "chr30",
            ["chr2", "chr1"],
            "peaks.bed: chromosome chr30 is not in hg19.sizes (chr1, chr2); remove those records",
        ),
    ],
)
def test_an_unknown_name_is_refused_and_another_spelling_is_told(name, known, message):
    with pytest.raises(InputError, match=re.escape(message)):
        require_known([name], "peaks.bed", known, "hg19.sizes")
