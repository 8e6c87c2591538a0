import logging

import numpy as np
import pytest
import toy_explain as toy

from crekit.encoding.onehot import one_hot
from crekit.encoding.store import Sequences
from crekit.errors import InputError
from crekit.explanation import attribution_motifs
from crekit.explanation.attribution_motifs import Search
from crekit.explanation.sequence_explanation_run import Plan
from crekit.genome.fasta import encode
from crekit.models.file import SequenceModel

WORDS = ["TGACTCATC", "GGAAGTGAAA", "CACGCGCAT"]


def agreement(matrix, word):
    """The mean probability that a motif gives to a word's bases, at their best place on either strand."""
    best = 0.0
    for table in (matrix, matrix[::-1, ::-1]):
        padded = np.pad(table, ((len(word), len(word)), (0, 0)), constant_values=0.25)
        wanted = one_hot(encode(word)[None])[0].T
        places = range(len(padded) - len(word) + 1)
        best = max(best, *(float((padded[i : i + len(word)] * wanted).sum() / len(word)) for i in places))
    return best


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    model, positive = toy.train(WORDS)
    return model, toy.encode_fasta(tmp_path_factory.mktemp("planted"), positive[:240])


def test_planted_words_come_back_as_motifs(trained):
    model, path = trained
    with Sequences(path) as sequences:
        motifs = attribution_motifs.attribution_motifs(model, sequences, Plan(threads=1), Search(shuffles=5))
    for word in WORDS:
        assert max(agreement(one.matrix, word) for one in motifs) > 0.9, word
    assert [one.name for one in motifs] == [f"enhancer_{i + 1}" for i in range(len(motifs))]
    assert [one.nsites for one in motifs] == sorted((one.nsites for one in motifs), reverse=True)
    for one in motifs[:3]:
        np.testing.assert_allclose(one.matrix.sum(axis=1), 1)
        assert 7 <= one.width <= 14
        assert one.notes["class"] == "enhancer"
        assert 0.15 < one.notes["share_sequences"] < 0.5
        assert one.notes["contribution"] > 1


def test_motifs_do_not_depend_on_threads(trained):
    model, path = trained
    search = Search(per_class=90, shuffles=2)
    found = []
    for threads in (1, 2):
        with Sequences(path) as sequences:
            found.append(attribution_motifs.attribution_motifs(model, sequences, Plan(threads=threads), search))
    one, two = found
    assert [motif.matrix.tobytes() for motif in one] == [motif.matrix.tobytes() for motif in two]
    assert [(motif.nsites, motif.notes) for motif in one] == [(motif.nsites, motif.notes) for motif in two]


def test_too_few_seqlets_give_no_motif_and_a_warning(tmp_path, caplog):
    path = toy.encode_fasta(tmp_path, toy.planted([toy.WORD], 20, 60))
    model = SequenceModel(toy.settings(), toy.matcher())
    with Sequences(path) as sequences, caplog.at_level(logging.WARNING, "crekit"):
        assert attribution_motifs.attribution_motifs(model, sequences, Plan(threads=1), Search(shuffles=2)) == []
    assert "give more regions" in caplog.text


def test_seqlets_are_the_stretches_that_contribute():
    rng = np.random.default_rng(1)
    contributions = rng.normal(0, 0.01, (50, 100)).astype(np.float32)
    contributions[:, 70:78] += 1
    contributions[3, 5:12] += 2
    found = attribution_motifs.seqlets(contributions, 0.01)
    window, start, end = found[0]
    assert (window, end - start) == (3, 30)
    assert start <= 5
    assert end >= 12
    others = found[1:51]
    assert sorted(others[:, 0]) == list(range(50))
    assert (others[:, 1] <= 70).all()
    assert (others[:, 2] >= 78).all()


def test_sequences_are_needed():
    with pytest.raises(InputError, match="motifs from attribution need sequences"):
        attribution_motifs.attribution_motifs(toy.model(), None, Plan())


def test_seqlets_that_do_not_vary_give_a_warning_and_no_motif(trained, monkeypatch, caplog):
    from modiscolite import tfmodisco

    def fails(*_args, **_settings):
        raise ValueError("Input contains NaN.")  # what it says of a network that learned nothing

    monkeypatch.setattr(tfmodisco, "seqlets_to_patterns", fails)
    model, path = trained
    with Sequences(path) as sequences, caplog.at_level(logging.WARNING, "crekit"):
        assert attribution_motifs.attribution_motifs(model, sequences, Plan(threads=1), Search(shuffles=2)) == []
    assert "give no group" in caplog.text
