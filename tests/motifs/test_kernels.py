import itertools

import numpy as np
import pytest

from crekit.errors import InputError
from crekit.motifs.kernels import Kernels, from_sites, from_words, words


def random_kernels(rng, n, width):
    return Kernels(rng.normal(size=(n, 4, width)), rng.normal(size=n) - 0.5)


def activation(kernels, number, word):
    return kernels.bias[number] + sum(kernels.weights[number, base, i] for i, base in enumerate(word))


@pytest.mark.parametrize("width", [1, 4, 5])
@pytest.mark.parametrize("weighting", ["count", "activation"])
def test_all_words_are_summed_as_one_after_the_other_gives(rng, width, weighting):
    kernels = random_kernels(rng, 6, width)
    found = {motif.name: motif for motif in from_words(kernels, weighting=weighting)}
    for number in range(6):
        counts, n = np.zeros((width, 4)), 0
        for word in itertools.product(range(4), repeat=width):
            active = max(activation(kernels, number, word), 0)
            n += active > 0
            counts[range(width), word] += active if weighting == "activation" else active > 0
        if not n:
            assert f"kernel_{number + 1}" not in found
            continue
        motif = found[f"kernel_{number + 1}"]
        np.testing.assert_allclose(motif.matrix, counts / counts.sum(axis=1, keepdims=True), atol=1e-12)
        assert motif.nsites == n
        assert motif.notes["share_sites"] == n / 4**width


def test_a_kernel_for_one_word_gives_that_word():
    weights = np.zeros((1, 4, 8))
    weights[0, [0, 1, 2, 3, 3, 2, 1, 0], range(8)] = 1
    (motif,) = from_words(Kernels(weights, np.array([-7.5])))
    assert (motif.consensus, motif.nsites) == ("ACGTTGCA", 1)
    (motif,) = from_words(Kernels(weights, np.array([-6.5])))  # and the words that differ from it in one base
    assert motif.nsites == 1 + 8 * 3
    np.testing.assert_allclose(motif.matrix[0], [22 / 25, 1 / 25, 1 / 25, 1 / 25])


def test_kernels_that_nothing_activates_are_left_out_and_numbers_stay(rng):
    kernels = random_kernels(rng, 3, 4)
    kernels.bias[:] = [50, -50, 50]
    assert [motif.name for motif in from_words(kernels)] == ["kernel_1", "kernel_3"]
    np.testing.assert_allclose(from_words(kernels)[0].matrix, 0.25)  # all words


def test_kernels_too_wide_to_list_their_words_are_refused(rng):
    with pytest.raises(InputError, match=r"kernels of 21 bases have too many words .* use --method activation"):
        from_words(random_kernels(rng, 1, 21))


@pytest.mark.parametrize("width", [3, 8, 11, 19])
def test_sites_are_those_of_a_plain_search(rng, width):
    kernels = random_kernels(rng, 4, width)
    spans = [
        rng.integers(0, 5, n).astype(np.uint8) if n < 9 else rng.integers(0, 4, n).astype(np.uint8)
        for n in (5, 60, 0, 8, 90)
    ]
    spans[4][40] = 4
    labels = ["enhancer", "background", "enhancer", "enhancer", "background"]
    places = [
        (i, span[start : start + width])
        for i, span in enumerate(spans)
        for start in range(len(span) - width + 1)
        if (span[start : start + width] < 4).all()
    ]
    found = words(spans, width)
    assert len(found.word_at) == len(places)
    assert found.counts.sum() == len(places)
    motifs = {motif.name: motif for motif in from_sites(kernels, found, labels=labels)}
    for number in range(4):
        active = np.array([activation(kernels, number, word) for _, word in places])
        sites = np.flatnonzero(active > 0.5 * active.max()) if active.max() > 0 else []
        if not len(sites):
            assert f"kernel_{number + 1}" not in motifs
            continue
        motif = motifs[f"kernel_{number + 1}"]
        counts = np.zeros((width, 4))
        for site in sites:
            counts[range(width), places[site][1]] += 1
        np.testing.assert_allclose(motif.matrix, counts / len(sites))
        with_site = {places[site][0] for site in sites}
        assert motif.nsites == len(sites)
        assert motif.notes == {
            "share_sites": len(sites) / len(places),
            "share_sequences": len(with_site) / 5,
            "share_enhancer": len(with_site & {0, 2, 3}) / 3,
            "share_background": len(with_site & {1, 4}) / 2,
        }


def test_no_site_reaches_over_the_end_of_a_sequence():
    spans = [np.array([0, 1], np.uint8), np.array([2, 3, 0], np.uint8)]
    found = words(spans, 3)
    assert found.index.tolist() == [2 * 16 + 3 * 4 + 0]
    assert found.sequence_at.tolist() == [1]
    assert len(words(spans, 4).index) == 0
    assert from_sites(Kernels(np.ones((1, 4, 4)), np.zeros(1)), words(spans, 4)) == []


def test_kernels_too_wide_for_words_are_refused():
    with pytest.raises(InputError, match=r"kernels of 32 bases are too wide"):
        words([], 32)
