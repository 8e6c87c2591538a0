import gzip
import itertools

import numpy as np
import pytest

from crekit.encoding.fragments import Recipe, count, sentences
from crekit.errors import InputError


@pytest.fixture
def genome(tmp_path):
    """A FASTA of some records, and its path."""

    def write(**records):
        (tmp_path / "g.fa").write_text("".join(f">{name}\n{text}\n" for name, text in records.items()))
        return tmp_path / "g.fa"

    return write


def dna(n, seed=1):
    return "".join(np.random.default_rng(seed).choice(list("ACGT"), n))


def reverse_complement(text):
    return text[::-1].translate(str.maketrans("ACGT", "TGCA"))


def words(path, recipe, chroms=None):
    """The k-mers of each stretch, as text."""
    texts = recipe.texts()
    return [[texts[i] for i in ids] for ids in sentences(path, recipe, chroms)]


def joined(kmers):
    """The DNA that k-mers of one length overlap along."""
    return kmers[0] + "".join(kmer[-1] for kmer in kmers[1:])


def test_ids_go_through_all_kmers_of_each_length():
    recipe = Recipe(1, 3)
    assert recipe.n_kmers == 4 + 16 + 64
    assert recipe.texts() == ["".join(kmer) for k in (1, 2, 3) for kmer in itertools.product("ACGT", repeat=k)]
    assert [recipe.first(k) for k in (1, 2, 3)] == [0, 4, 20]


def test_pieces_cover_the_record_in_order_on_either_strand(genome):
    text = dna(400_000)
    pieces = [joined(kmers) for kmers in words(genome(chr1=text), Recipe(5, 5, epochs=1))]
    start, turned = 0, 0
    for piece in pieces:
        here = text[start : start + len(piece)]
        assert piece in (here, reverse_complement(here))
        turned += piece != here
        start += len(piece)
    assert start == len(text)
    assert all(2_500 <= len(piece) < 5_000 for piece in pieces[:-1])
    assert 0.3 < turned / len(pieces) < 0.7


def test_a_kmer_of_random_length_starts_at_every_base_but_the_last(genome):
    text = dna(200_000)
    recipe = Recipe(2, 4, epochs=1)
    start, found = 0, []
    for kmers in words(genome(chr1=text), recipe):
        here = text[start : start + len(kmers) + recipe.high - 1]
        strands = [one for one in (here, reverse_complement(here)) if one.startswith(kmers[0])]
        assert any(all(one.startswith(kmer, i) for i, kmer in enumerate(kmers)) for one in strands)
        start += len(here)
        found += [len(kmer) for kmer in kmers]
    shares = np.bincount(found)[2:] / len(found)
    np.testing.assert_allclose(shares, [1 / 3] * 3, atol=0.01)


def test_no_kmer_bridges_an_unknown_base_and_short_stretches_are_left_out(genome):
    path = genome(chr1="ACGTAN" + "ccccc" + "RNN" + "GTT" + "N")
    found = {joined(kmers) for kmers in words(path, Recipe(4, 4, epochs=1))}
    assert {min(one, reverse_complement(one)) for one in found} == {"ACGTA", "CCCCC"}


def test_epochs_differ_and_seeds_repeat(genome):
    path = genome(chr1=dna(9_000), chr2=dna(9_000, 2))
    two = words(path, Recipe(3, 5, epochs=2))
    one = words(path, Recipe(3, 5, epochs=1))
    assert two[: len(one)] == one
    assert two[len(one) : 2 * len(one)] != one
    assert words(path, Recipe(3, 5, epochs=1, seed=2)) != one
    assert words(path, Recipe(3, 5, epochs=1)) == one


def test_chosen_records_give_what_they_give_among_all(genome, tmp_path):
    path = genome(chr1=dna(9_000), chr2=dna(9_000, 2))
    recipe = Recipe(3, 5, epochs=1)
    both = words(path, recipe)
    assert words(path, recipe, ["chr1"]) + words(path, recipe, ["chr2"]) == both
    (tmp_path / "g.fa.gz").write_bytes(gzip.compress(path.read_bytes()))
    assert words(tmp_path / "g.fa.gz", recipe) == both


def test_counts_are_those_of_all_epochs(genome):
    path = genome(chr1=dna(20_000))
    recipe = Recipe(1, 2, epochs=3)
    counts, n = count(path, recipe)
    every = words(path, recipe)
    flat = list(itertools.chain(*every))
    assert n == len(every)
    assert dict(zip(recipe.texts(), counts.tolist(), strict=True)) == {
        text: flat.count(text) for text in recipe.texts()
    }


def test_standard_input_is_refused():
    with pytest.raises(InputError, match="read several times"):
        next(sentences("-", Recipe()))
