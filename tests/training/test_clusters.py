import numpy as np

from crekit.training.clusters import canonical_kmers, find_clusters


def sequence(text: str) -> np.ndarray:
    return np.array(["ACGTN".index(letter) for letter in text], dtype=np.uint8)


def test_kmers_of_both_strands_are_the_same_and_those_with_n_are_left_out():
    forward, backward = sequence("ACCGTTNAC"), sequence("GTNAACGGT")
    np.testing.assert_array_equal(np.sort(canonical_kmers(forward, 3)), np.sort(canonical_kmers(backward, 3)))
    # ACC 5, CCG 22 (CGG 26), CGT 27 (ACG 6), GTT (AAC 1)
    np.testing.assert_array_equal(canonical_kmers(sequence("ACCGTT"), 3), [5, 22, 6, 1])
    assert len(canonical_kmers(sequence("ACN"), 3)) == len(canonical_kmers(sequence("AC"), 3)) == 0


def test_clusters_are_numbered_by_their_first_member_and_chains_are_joined():
    random = np.random.default_rng(1)
    a, b, c = (random.integers(0, 4, 200).astype(np.uint8) for _ in range(3))
    chain = [np.concatenate([a[:150], b[:50]]), np.concatenate([b[:120], c[:80]]), c]
    np.testing.assert_array_equal(
        find_clusters([a, *chain, random.integers(0, 4, 200).astype(np.uint8)]), [0, 0, 0, 0, 1]
    )


def test_unrelated_sequences_and_simple_repeats_are_not_joined():
    random = np.random.default_rng(2)
    codes = [random.integers(0, 4, 300).astype(np.uint8) for _ in range(200)]
    for one in codes:
        one[100:180] = 0  # a run of A in all of them says nothing
    assert len(set(find_clusters(codes))) == 200


def test_sequences_too_short_for_a_kmer_stand_alone():
    np.testing.assert_array_equal(find_clusters([sequence("ACGT"), sequence("ACGT")]), [0, 1])
