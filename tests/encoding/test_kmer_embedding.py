import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from crekit.encoding.kmer_embedding import embed
from crekit.encoding.kmer_vectors import KmerVectors
from crekit.errors import InputError

N = 4


def vectors(k=3, dimension=100):
    return KmerVectors(k, np.random.default_rng(k).normal(size=(4**k, dimension)).astype(np.float32))


def batch(sequences):
    """Sequences as rows, padded with N on the right."""
    codes = np.full((len(sequences), max(map(len, sequences))), N, dtype=np.uint8)
    for row, sequence in zip(codes, sequences, strict=True):
        row[: len(sequence)] = sequence
    return codes


def rows(sequence, of):
    """The vectors of a sequence's k-mers, one after another."""
    kmers = np.lib.stride_tricks.sliding_window_view(sequence.astype(np.int64), of.k)
    return of.vectors[kmers @ 4 ** np.arange(of.k)[::-1]]


@pytest.fixture(scope="module")
def random_sequences():
    random = np.random.default_rng(7)
    return [random.integers(0, 4, length).astype(np.uint8) for length in random.integers(3, 1200, 200)]


def test_flat_pooling_is_torchs_adaptive_average_of_the_flat_list(random_sequences):
    of = vectors()
    found = embed(batch(random_sequences), of, "flat")
    assert (found.shape, found.dtype) == ((200, 10_000), np.float32)
    for sequence, values in zip(random_sequences, found, strict=True):
        flat = torch.from_numpy(rows(sequence, of).reshape(1, 1, -1))
        expected = torch.nn.functional.adaptive_avg_pool1d(flat, 10_000)[0, 0].numpy()
        np.testing.assert_allclose(values, expected, rtol=0, atol=1e-6)


def test_axis_pooling_is_the_mean_over_bins_of_equal_area(random_sequences):
    of = vectors()
    found = embed(batch(random_sequences), of, "axis")
    assert (found.shape, found.dtype) == ((200, 10_000), np.float32)
    for sequence, values in zip(random_sequences[:20], found, strict=False):
        cut = np.repeat(rows(sequence, of).astype(np.float64), 100, axis=0)  # each k-mer in 100 parts
        expected = cut.reshape(100, -1, 100).mean(axis=1).ravel()
        np.testing.assert_allclose(values, expected, rtol=0, atol=1e-6)


def test_axis_pooling_weights_a_kmer_by_the_part_that_a_bin_covers():
    of = KmerVectors(1, np.array([[0, 1], [3, 1], [6, 1], [9, 1]], dtype=np.float32))
    found = embed(np.array([[0, 1, 2]], dtype=np.uint8), of, "axis", size=4)  # bins of 1.5 bases: A and half of C
    np.testing.assert_allclose(found, [[1, 1, 5, 1]], rtol=1e-7)


def test_flat_pooling_mixes_coordinates_and_axis_pooling_does_not():
    of = KmerVectors(1, np.array([[0, 1], [3, 1], [6, 1], [9, 1]], dtype=np.float32))
    found = embed(
        np.array([[0, 1, 2]], dtype=np.uint8), of, "flat", size=4
    )  # of the list 0 1 3 1 6 1, 1.5 numbers each
    np.testing.assert_allclose(found, [[0.5, 2, 3.5, 3.5]], rtol=1e-7)


@pytest.mark.parametrize("pooling", ["axis", "flat"])
def test_a_kmer_with_an_n_counts_as_zeros(pooling):
    of = vectors(3, 10)
    sequence = np.random.default_rng(1).integers(0, 4, 60).astype(np.uint8)
    sequence[20] = N
    zeroed = np.where(sequence == N, 0, sequence)
    lost = rows(zeroed, of)
    lost[18:21] = 0
    if pooling == "flat":
        flat = torch.from_numpy(lost.reshape(1, 1, -1))
        expected = torch.nn.functional.adaptive_avg_pool1d(flat, 200).numpy()[0]
    else:
        expected = np.repeat(lost, 20, axis=0).reshape(20, -1, 10).mean(axis=1).reshape(1, -1)
    np.testing.assert_allclose(embed(sequence[None], of, pooling, size=200), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("pooling", ["axis", "flat"])
def test_a_row_depends_on_its_sequence_alone_and_not_on_padding(random_sequences, pooling):
    of = vectors()
    together = embed(batch(random_sequences[:5]), of, pooling)
    for sequence, values in zip(random_sequences[:5], together, strict=True):
        sequence.setflags(write=False)
        np.testing.assert_array_equal(embed(sequence[None], of, pooling)[0], values)


@pytest.mark.parametrize("pooling", ["axis", "flat"])
def test_sequences_shorter_than_k_are_zeros(pooling):
    codes = np.array([[0, 1, N, N], [N, N, N, N], [0, 1, 2, N]], dtype=np.uint8)
    found = embed(codes, vectors(), pooling)
    assert [row.any() for row in found] == [False, False, True]
    assert embed(np.empty((0, 5), dtype=np.uint8), vectors(), pooling).shape == (0, 10_000)
    assert not embed(np.empty((2, 0), dtype=np.uint8), vectors(), pooling).any()


def test_wrong_poolings_are_refused():
    codes = np.zeros((1, 9), dtype=np.uint8)
    with pytest.raises(InputError, match="--pooling max: choose axis or flat"):
        embed(codes, vectors(), "max")
    with pytest.raises(InputError, match="vectors of dimension 12 do not divide the 10000 numbers"):
        embed(codes, vectors(3, 12), "axis")
    assert embed(codes, vectors(3, 12), "flat").shape == (1, 10_000)


def of_two_lengths(random, n):
    """Random sequences of 100 to 1,000 bases; the length modulo 10 is 1 or 6."""
    ends = np.tile([1, 6], n // 2)
    lengths = 100 + 10 * random.integers(0, 90, n) + ends
    return batch([random.integers(0, 4, length) for length in lengths]), ends == 1


def test_a_regression_tells_the_length_modulo_10_from_flat_pooling_but_not_from_axis_pooling(rng):
    """Every hundredth number, for speed; benchmarks/kmer_embedding.py takes all, and trees besides."""
    of = vectors()
    of = KmerVectors(3, of.vectors + of.vectors[0])  # all vectors share something, as those of dna2vec do
    (train, known), (test, true) = of_two_lengths(rng, 1000), of_two_lengths(rng, 2000)
    found = {}
    for pooling in ("axis", "flat"):
        learner = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        learner.fit(embed(train, of, pooling)[:, ::100], known)
        found[pooling] = roc_auc_score(true, learner.decision_function(embed(test, of, pooling)[:, ::100]))
    assert found["axis"] < 0.55
    assert found["flat"] > 0.95
