import subprocess
import sys

import numpy as np
import pytest
from gensim.models import Word2Vec

from crekit.encoding.fragments import Recipe, sentences
from crekit.encoding.kmer_vectors import KmerVectors
from crekit.errors import InputError
from crekit.training import embedding_neighbours
from crekit.training.embedding import Settings, parse_lengths, train
from crekit.training.embedding_neighbours import agreement, neighbours, reverse_numbers, write_table


def dna(random, n, shares=(0.25, 0.25, 0.25, 0.25)):
    return "".join(random.choice(list("ACGT"), n, p=shares))


@pytest.fixture(scope="module")
def genome(tmp_path_factory):
    path = tmp_path_factory.mktemp("genome") / "g.fa"
    path.write_text(f">chr1\n{dna(np.random.default_rng(1), 9_000, (0.35, 0.2, 0.17, 0.28))}\n")
    return path


def test_vectors_are_those_of_gensims_skip_gram_on_the_same_kmers(genome):
    recipe = Recipe(2, 3, epochs=2)
    vectors, n = train(genome, Settings(recipe, dimension=6, window=4))
    texts = np.array(recipe.texts(), dtype=object)
    corpus = [texts[ids].tolist() for ids in sentences(genome, recipe)]
    # k-mers that come as often as another would get other first vectors here: name them in one order.
    names = {text: i for i, text in enumerate(texts)}
    peer = Word2Vec(vector_size=6, window=4, min_count=5, sg=1, epochs=1, seed=1, workers=1)
    flat = [text for one in corpus for text in one]
    peer.build_vocab_from_freq({text: flat.count(text) for text in sorted(set(flat), key=names.get)})
    peer.train(corpus, total_examples=len(corpus), epochs=1)
    assert n == len(flat)
    assert {k: (of.shape, of.dtype) for k, of in vectors.items()} == {2: ((16, 6), "f4"), 3: ((64, 6), "f4")}
    np.testing.assert_array_equal(vectors[2], [peer.wv[text] for text in recipe.texts()[:16]])
    np.testing.assert_array_equal(vectors[3], [peer.wv[text] for text in recipe.texts()[16:]])


def test_kmers_that_stand_together_become_neighbours(tmp_path):
    """DNA of A and T beside DNA of C and G: k-mers of one kind share their contexts."""
    random = np.random.default_rng(1)
    kinds = [(0.5, 0, 0, 0.5), (0, 0.5, 0.5, 0)]
    blocks = [dna(random, 500, kinds[i % 2]) for i in range(120)]
    (tmp_path / "g.fa").write_text(f">chr1\n{''.join(blocks)}{dna(random, 2_000)}\n")
    vectors, _ = train(tmp_path / "g.fa", Settings(Recipe(2, 2, epochs=2), dimension=8))
    found = neighbours(KmerVectors(2, vectors[2]))
    weak = [0, 3, 12, 15]  # AA, AT, TA, TT
    for number in weak:
        assert set(found.nearest[number, :3]) < set(weak)


SCRIPT = """
import sys
from crekit.encoding.fragments import Recipe
from crekit.training.embedding import Settings, train
vectors, _ = train(sys.argv[1], Settings(Recipe(2, 2, epochs=1), dimension=4))
print(vectors[2].tobytes().hex())
"""


def test_the_same_bytes_come_from_another_process_with_another_hash(genome):
    run = [sys.executable, "-c", SCRIPT, str(genome)]
    there = subprocess.run(run, capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": "1"})
    vectors, _ = train(genome, Settings(Recipe(2, 2, epochs=1), dimension=4))
    assert there.stdout.strip() == vectors[2].tobytes().hex()


def test_more_workers_are_warned_of(genome, caplog):
    vectors, _ = train(genome, Settings(Recipe(2, 2, epochs=1), dimension=4, workers=2))
    assert np.isfinite(vectors[2]).all()
    assert "another run gives other bytes; --workers 1 gives the same" in caplog.text


def test_a_genome_without_a_kmer_is_refused_before_the_training(tmp_path):
    (tmp_path / "g.fa").write_text(f">chr1\n{'ACGT' * 500}\n")
    with pytest.raises(InputError, match=r"too small for 2-mers: .* AA among them, come less than 5 times") as caught:
        train(tmp_path / "g.fa", Settings(Recipe(1, 2, epochs=1)))
    assert str(caught.value).startswith(str(tmp_path / "g.fa"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (Settings(Recipe(5, 3)), "--k 5-3: give lengths from 1 to 8"),
        (Settings(Recipe(3, 9)), "--k 3-9: give lengths from 1 to 8"),
        (Settings(Recipe(0, 2)), "--k 0-2"),
        (Settings(Recipe(epochs=0)), "--epochs 0: give 1 or more"),
        (Settings(dimension=0), "--dimension 0"),
        (Settings(min_count=0), "--min-count 0"),
        (Settings(workers=0), "--workers 0"),
    ],
    ids=["turned", "too long", "too short", "epochs", "dimension", "min count", "workers"],
)
def test_settings_that_cannot_be_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        settings.check()


def test_lengths_are_a_number_or_a_range():
    assert [parse_lengths(text) for text in ("3-8", "4", " 2 - 3 ")] == [(3, 8), (4, 4), (2, 3)]
    for text in ("", "3-", "-3", "3-8-9", "three", "3,4"):
        with pytest.raises(InputError, match="give a length or a range, such as 3-8"):
            parse_lengths(text)


def test_the_reverse_complement_of_each_number():
    assert reverse_numbers(1).tolist() == [3, 2, 1, 0]
    assert reverse_numbers(2).tolist()[:4] == [15, 11, 7, 3]  # AA TT, AC GT, AG CT, AT AT
    assert np.array_equal(reverse_numbers(4)[reverse_numbers(4)], np.arange(256))


def test_neighbours_go_by_the_cosine_whatever_the_lengths(tmp_path):
    of = KmerVectors(1, np.array([[1, 0], [3, 1], [0, 5], [2, 2]], dtype=np.float32))  # at 0, 18.4, 90 and 45 degrees
    found = neighbours(of)
    assert found.nearest.tolist() == [[1, 3, 2], [0, 3, 2], [3, 1, 0], [1, 0, 2]]
    np.testing.assert_allclose(found.cosine[0], [0.9487, 0.7071, 0], atol=1e-4)
    assert found.reverse_rank.tolist() == [2, 3, 2, 2]  # A T, C G
    np.testing.assert_allclose(found.reverse_cosine, [0.7071, 0.3162, 0.3162, 0.7071], atol=1e-4)
    cosines = [0.9487, 0, 0.7071, 0.3162, 0.8944, 0.7071]  # of all six pairs
    assert found.others == pytest.approx(np.mean(cosines), abs=1e-4)
    write_table(tmp_path / "n.tsv", {1: found})
    assert (tmp_path / "n.tsv").read_text().splitlines()[:2] == [
        "kmer\tneighbours\tcosines\treverse_complement\treverse_rank\treverse_cosine",
        "A\tC,T,G\t0.9487,0.7071,0.0000\tT\t2\t0.7071",
    ]


def test_neighbours_found_in_blocks_are_those_of_the_whole_matrix(rng, monkeypatch):
    monkeypatch.setattr(embedding_neighbours, "_BLOCK", 100)
    vectors = rng.normal(size=(4**4, 5)).astype(np.float32)
    found = neighbours(KmerVectors(4, vectors))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    alike = unit @ unit.T
    np.fill_diagonal(alike, -2)
    np.testing.assert_allclose(found.cosine, -np.sort(-alike, axis=1)[:, :5], atol=1e-6)
    np.testing.assert_allclose(np.take_along_axis(alike, found.nearest, axis=1), found.cosine, atol=1e-6)
    own = reverse_numbers(4) == np.arange(4**4)
    assert own.sum() == 16
    assert not found.reverse_rank[own].any()
    summary = found.summary()
    assert summary["reverse_complement_nearest"] == pytest.approx(
        (found.reverse_rank == 1).sum() / (4**4 - 16), abs=1e-4
    )
    assert summary["cosine_of_all_pairs"] == pytest.approx((unit @ unit.T)[np.triu_indices(4**4, 1)].mean(), abs=1e-3)


def test_agreement_is_one_for_turned_vectors_and_about_zero_for_strangers(rng):
    vectors = rng.normal(size=(64, 5)).astype(np.float32)
    turn = np.linalg.qr(rng.normal(size=(5, 5)))[0].astype(np.float32)
    assert agreement(KmerVectors(3, vectors), KmerVectors(3, 2 * vectors @ turn)) == pytest.approx(1, abs=1e-3)
    stranger = KmerVectors(3, rng.normal(size=(64, 9)).astype(np.float32))
    assert abs(agreement(KmerVectors(3, vectors), stranger)) < 0.15
