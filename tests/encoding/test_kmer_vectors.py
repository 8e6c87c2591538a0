import gzip
import itertools

import h5py
import numpy as np
import pytest
from gensim.models import KeyedVectors

from crekit.encoding import kmer_vectors
from crekit.encoding.kmer_vectors_text import kmer_number, kmer_text
from crekit.errors import InputError


def kmers(k):
    return ["".join(letters) for letters in itertools.product("ACGT", repeat=k)]


def made(k, dimension=3):
    return np.random.default_rng(k).normal(size=(4**k, dimension)).astype(np.float32)


def lines(k, dimension=3):
    return [
        f"{kmer} {' '.join(map(repr, row.tolist()))}" for kmer, row in zip(kmers(k), made(k, dimension), strict=True)
    ]


@pytest.fixture
def write(tmp_path):
    def write(text, name="v.w2v"):
        (tmp_path / name).write_text("\n".join(text) + "\n")
        return tmp_path / name

    return write


def test_a_kmers_number_has_its_first_base_highest():
    assert [kmer_number(kmer) for kmer in ("AA", "AC", "CA", "TT")] == [0, 1, 4, 15]
    assert [kmer_text(number, 3) for number in range(64)] == kmers(3)


def test_word2vec_text_of_gensim_is_read_in_the_order_of_numbers(tmp_path):
    vectors, words = made(2, 5), kmers(2)
    order = np.random.default_rng(1).permutation(16)
    peer = KeyedVectors(5)
    peer.add_vectors([words[i] for i in order], vectors[order])
    peer.save_word2vec_format(str(tmp_path / "v.w2v"))
    read = kmer_vectors.read(tmp_path / "v.w2v", 2)
    assert (read.k, read.dimension, read.vectors.dtype) == (2, 5, np.float32)
    np.testing.assert_array_equal(read.vectors, vectors)


def test_a_file_of_several_k_may_have_no_first_line_and_be_compressed(write, tmp_path):
    text = [*lines(2), *lines(1), "</s> 0 0 0"]
    plain = write(text)
    (tmp_path / "v.txt.gz").write_bytes(gzip.compress(plain.read_bytes()))
    counted = write([f"{len(text)} 3", *text], "counted.txt")
    for path in (plain, tmp_path / "v.txt.gz", counted):
        for k in (1, 2):
            np.testing.assert_array_equal(kmer_vectors.read(path, k).vectors, made(k))


def test_a_pair_of_index_and_numbers_is_read(write, tmp_path):
    order = np.random.default_rng(1).permutation(16)
    write([kmers(2)[i].lower() for i in order], "dna_index.txt")
    path = write([lines(2)[i].partition(" ")[2] for i in order], "dna_vec.txt")
    np.testing.assert_array_equal(kmer_vectors.read(path, 2).vectors, made(2))


def test_the_published_vectors_are_read(data):
    shape = {k: kmer_vectors.read(data / "dna2vec" / f"dna2veck{k}_vec.txt", k).vectors.shape for k in (3, 4, 5)}
    assert shape == {3: (64, 100), 4: (256, 100), 5: (1024, 100)}
    vectors = kmer_vectors.read(data / "dna2vec" / "dna2veck3_vec.txt", 3).vectors
    np.testing.assert_array_equal(vectors[kmer_number("AAA"), :2], np.float32([0.023137, 0.156295]))
    second = (data / "dna2vec" / "dna2veck3_vec.txt").read_text().splitlines()[1].split()
    np.testing.assert_array_equal(vectors[kmer_number("TTT")], np.array(second, dtype=np.float32))


def test_what_was_written_comes_back_and_has_the_same_bytes(tmp_path):
    vectors = {k: made(k) for k in (2, 1, 3)}
    for name in ("a.h5", "b.h5"):
        kmer_vectors.write(tmp_path / name, vectors, {"tool": "train-embedding"})
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()
    for k in (1, 2, 3):
        np.testing.assert_array_equal(kmer_vectors.read(tmp_path / "a.h5", k).vectors, vectors[k])


def test_the_checksum_is_that_of_the_numbers_whatever_the_format(write, tmp_path):
    kmer_vectors.write(tmp_path / "v.h5", {2: made(2)}, {})
    text, packed = kmer_vectors.read(write(lines(2)), 2), kmer_vectors.read(tmp_path / "v.h5", 2)
    assert text.sha256() == packed.sha256()
    assert text.sha256() != kmer_vectors.KmerVectors(2, made(2) + 1).sha256()


def swapped(at, line):
    return [*lines(1)[:at], line, *lines(1)[at + 1 :]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ([""], "the file is empty; give vectors"),
        (lines(1)[:3], "lacks the vector of T (1 of 4 1-mers are missing)"),
        (swapped(2, "G 1 2"), "line 3: G has 2 numbers where 3 are expected"),
        (["4 2", *lines(1)], "line 2: A has 3 numbers where 2 are expected"),
        (["4 3", *lines(1)[:2]], "2 vectors, but line 1 says 4: truncated"),
        (swapped(3, "T 1 2 nan"), "line 4: 'nan' is no finite number"),
        (swapped(3, "T 1 2 1e39"), "line 4: '1e39' is no finite number"),
        (swapped(3, "T 1 2 two"), "line 4: 'two' is no finite number"),
        (swapped(3, "c 1 2 3"), "line 4: c stands there twice"),
        (swapped(3, "U 1 2 3"), "line 4: 'U' is no k-mer of A, C, G and T"),
        (lines(2), "holds no 1-mers, but k = 2; choose one of these with --k"),
        ([line[2:] for line in lines(1)], "line 1: numbers without a k-mer"),
        (["chr1\t0\t5\tenhancer"], "line 1: 'chr1' is no k-mer"),
        ([">chr1", "ACGT"], "line 1: '>chr1' is no k-mer"),
        (["A", "C", "G", "T"], "line 1: A has 0 numbers where some are expected"),
    ],
    ids=[
        "blank", "missing", "dimension", "dimension of line 1", "truncated", "nan", "overflow", "word", "twice", "rna",
        "other k", "numbers", "bed", "fasta", "no numbers",
    ],
)  # fmt: skip
def test_wrong_text_is_named_with_its_line(write, text, message):
    path = write(text)
    with pytest.raises(InputError) as caught:
        kmer_vectors.read(path, 1)
    assert str(caught.value).startswith(str(path))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_pair_that_does_not_fit_is_refused(write):
    path = write([line[2:] for line in lines(1)], "dna_vec.txt")
    with pytest.raises(InputError, match=r"should stand in dna_index\.txt beside it"):
        kmer_vectors.read(path, 1)
    write(["A", "C", "G"], "dna_index.txt")
    with pytest.raises(InputError, match=r"4 lines of numbers, but dna_index\.txt has 3 k-mers"):
        kmer_vectors.read(path, 1)


def test_files_that_are_no_vectors_are_refused(tmp_path):
    path = tmp_path / "v.h5"
    with pytest.raises(InputError, match="no such file"):
        kmer_vectors.read(path, 1)
    path.touch()
    with pytest.raises(InputError, match="the file is empty"):
        kmer_vectors.read(path, 1)
    path.write_bytes(bytes(range(128, 256)))
    with pytest.raises(InputError, match="not a text file"):
        kmer_vectors.read(path, 1)
    with h5py.File(path, "w") as handle:
        handle.attrs["format"] = "crekit sequences"
    with pytest.raises(InputError, match=r"HDF5, but not of k-mer vectors; give a file of train-embedding"):
        kmer_vectors.read(path, 1)
    kmer_vectors.write(path, {1: made(1), 3: made(3)}, {})
    with pytest.raises(InputError, match="holds no 2-mers, but k = 1, 3"):
        kmer_vectors.read(path, 2)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="truncated or damaged"):
        kmer_vectors.read(path, 1)
    kmer_vectors.write(path, {1: made(2)}, {})
    with pytest.raises(InputError, match="the vectors for k = 1 are damaged"):
        kmer_vectors.read(path, 1)


@pytest.mark.parametrize("k", [0, 13])
def test_a_k_out_of_range_is_refused(tmp_path, k):
    with pytest.raises(InputError, match=f"--k {k}: give a length"):
        kmer_vectors.read(tmp_path / "v.h5", k)
