import numpy as np
from tangermeme.utils import one_hot_encode

from crekit.encoding.onehot import one_hot
from crekit.genome.fasta import complement_codes, encode


def test_channels_are_a_c_g_t_and_an_n_is_all_zero():
    values = one_hot(np.array([encode("ACGTN"), encode("TTnca")]))
    assert values.tolist() == [
        [[1, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 1, 0]],
        [[0, 0, 0, 0, 1], [0, 0, 0, 1, 0], [0, 0, 0, 0, 0], [1, 1, 0, 0, 0]],
    ]
    assert values.dtype == np.float32


def test_it_is_the_encoding_of_tangermeme(rng):
    codes = rng.integers(0, 5, (20, 37), dtype=np.uint8)
    for row, values in zip(codes, one_hot(codes), strict=True):
        text = "".join("ACGTN"[code] for code in row)
        assert np.array_equal(values, one_hot_encode(text).numpy())


def test_the_reverse_complement_is_the_encoding_turned_both_ways(rng):
    codes = rng.integers(0, 5, (4, 11), dtype=np.uint8)
    assert np.array_equal(one_hot(complement_codes(codes)), one_hot(codes)[:, ::-1, ::-1])


def test_no_sequences_and_no_bases_are_fine():
    assert one_hot(np.zeros((0, 7), dtype=np.uint8)).shape == (0, 4, 7)
    assert one_hot(np.zeros((2, 0), dtype=np.uint8)).shape == (2, 4, 0)
