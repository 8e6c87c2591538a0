"""Encoders in the sequence store, and through encode-seq's options."""

import h5py
import numpy as np
import pytest
from running import run_tool
from toy_encoded import MOTIF, K, motif_file, options, vector_file

from crekit.encoding.encoder_files import EncoderOptions, read_encoders
from crekit.encoding.encoders import Encoders, restore, sizes
from crekit.encoding.store import Sequences
from crekit.errors import InputError
from crekit.motifs import hits


@pytest.fixture
def encoded(tmp_path):
    made = run_tool("encode-seq", *options(tmp_path), "-o", tmp_path / "s.h5")
    assert made.returncode == 0, made.stderr
    return tmp_path / "s.h5"


def test_a_store_holds_its_encoders(encoded, tmp_path):
    own = read_encoders(EncoderOptions(tmp_path / "vectors.txt", K, motifs=tmp_path / "motifs.meme")).encoders
    with Sequences(encoded) as sequences:
        assert sequences.encoders.same_as(own)
        assert sequences.encoders.names == ["kmer", "motif"]
        assert sizes(sequences.encoders.facts()) == {"kmer": 10_000, "motif": 2}
        roles = [one["role"] for one in sequences.record["inputs"]]
        assert roles == ["sequences", "sequences", "kmer-vectors", "motifs"]
        assert sequences.stored_encodings == []


def test_a_store_without_encoders_says_so(tmp_path):
    words = options(tmp_path)[:8]
    assert run_tool("encode-seq", *words, "-o", tmp_path / "s.h5").returncode == 0
    assert not Sequences(tmp_path / "s.h5").encoders


def test_stored_encodings_are_those_computed(tmp_path):
    made = run_tool("encode-seq", *options(tmp_path), "--store", "-o", tmp_path / "s.h5")
    assert made.returncode == 0, made.stderr
    with Sequences(tmp_path / "s.h5") as sequences:
        assert sequences.stored_encodings == ["kmer", "motif"]
        chosen = np.array([3, 70, 3, 12])
        window = np.zeros(4, dtype=int)
        expected = sequences.encoders.encode(sequences.window_codes(chosen, window))
        for name, values in expected.items():
            np.testing.assert_array_equal(sequences.encodings(name, chosen, window), values)


def test_windows_are_stored_in_their_order(tmp_path):
    words = [*options(tmp_path), "--window", 100, "--stride", 20, "--store"]
    words[words.index("--window") + 1] = 100
    assert run_tool("encode-seq", *words, "-o", tmp_path / "s.h5").returncode == 0
    with Sequences(tmp_path / "s.h5") as sequences:
        region = np.repeat(np.arange(len(sequences)), sequences.n_windows)
        window = np.concatenate([np.arange(n) for n in sequences.n_windows])
        expected = hits.frequencies(list(sequences.window_codes(region, window)), sequences.encoders.motif)
        np.testing.assert_array_equal(sequences.encodings("motif", region, window), expected)


def test_the_motif_is_found_in_its_class(encoded):
    with Sequences(encoded) as sequences:
        every = np.arange(len(sequences))
        found = sequences.encoders.encode(sequences.window_codes(every, 0 * every))["motif"][:, 0] > 0
        enhancer = sequences.regions.name == "enhancer"
    assert found[enhancer].all()
    assert found[~enhancer].mean() < 0.2  # 280 places with a chance of 1e-4 each


@pytest.mark.parametrize(
    ("words", "mention"),
    [
        (["--pooling", "round"], "--pooling round: choose axis or flat"),
        (["--strands", "left"], "--strands left: choose both or forward"),
        (["--frequency", "often"], "--frequency often: choose position or length"),
        (["--motif-p", "2"], "--motif-p 2.0: give a probability"),
    ],
)
def test_options_that_cannot_be_right_are_refused(tmp_path, words, mention):
    ended = run_tool("encode-seq", *options(tmp_path), *words, "-o", tmp_path / "s.h5")
    assert (ended.returncode, mention in ended.stderr, ended.stderr.count("\n")) == (2, True, 1)
    assert not (tmp_path / "s.h5").exists()


@pytest.mark.parametrize(
    ("words", "mention"), [(["--store"], "give --kmer-vectors"), (["--motif-thresholds"], "belongs to --motifs")]
)
def test_options_without_what_they_belong_to_are_refused(tmp_path, words, mention):
    given = [*words, tmp_path / "motifs.meme"] if len(words) == 1 and words[0] != "--store" else words
    ended = run_tool("encode-seq", *options(tmp_path)[:8], *given, "-o", tmp_path / "s.h5")
    assert (ended.returncode, mention in ended.stderr) == (2, True)


@pytest.mark.parametrize(
    ("words", "mention"),
    [
        (["--k", "4"], "--k belongs to --kmer-vectors"),
        (["--pooling", "flat"], "--pooling belongs to --kmer-vectors"),
        (["--motif-p", "0.1"], "--motif-p belongs to --motifs"),
        (["--strands", "forward"], "--strands belongs to --motifs"),
        (["--motifs", "-", "--motif-thresholds", "-"], "standard input"),
    ],
)
def test_an_option_without_its_file_is_refused(tmp_path, words, mention):
    ended = run_tool("encode-seq", *options(tmp_path)[:8], *words, "-o", tmp_path / "s.h5")
    assert (ended.returncode, mention in ended.stderr, ended.stderr.count("\n")) == (2, True, 1), ended.stderr


def test_vectors_that_do_not_divide_the_embedding_are_refused(tmp_path):
    words = options(tmp_path)
    path = words[words.index("--kmer-vectors") + 1]
    lines = path.read_text().splitlines()[1:]
    path.write_text("".join(" ".join(line.split()[:4]) + "\n" for line in lines))  # 3 numbers a k-mer
    ended = run_tool("encode-seq", *words, "-o", tmp_path / "s.h5")
    assert (ended.returncode, "do not divide" in ended.stderr, ended.stderr.count("\n")) == (2, True, 1), ended.stderr


def test_two_kinds_of_threshold_are_refused(tmp_path):
    words = ["--motif-thresholds", tmp_path / "t.homer", "--motif-p", "1e-5"]
    ended = run_tool("encode-seq", *options(tmp_path), *words, "-o", tmp_path / "s.h5")
    assert (ended.returncode, "choose one" in ended.stderr) == (2, True)


def test_motifs_come_from_standard_input_too(tmp_path):
    words = options(tmp_path)
    assert run_tool("encode-seq", *words, "-o", tmp_path / "file.h5").returncode == 0
    text, words[-1] = (tmp_path / "motifs.meme").read_text(), "-"
    ended = run_tool("encode-seq", *words, "-o", tmp_path / "stream.h5", input=text)
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "stream.h5").read_bytes() == (tmp_path / "file.h5").read_bytes()


@pytest.mark.parametrize(
    ("text", "mention"),
    [
        (">A\n>B\n0.1 0.2 0.3 -0.9\n", "line 1: motif A has no positions"),
        (">A\n0 0 0 0\n0 0 0 0\n", "line 1: motif A has only zeros"),
        (">A\n0.05 -0.71 0.37 0.007\n0.5 x 0 0\n", "line 3: '0.5 x 0 0' where four log odds should stand"),
        (">A\n0.05 -0.71 0.37 0.007\n0.5 0.\n", "copy it again if cut"),
    ],
)
def test_damaged_log_odds_are_named_for_what_they_are(tmp_path, text, mention):
    words = options(tmp_path)
    words[-1].write_text(text)
    ended = run_tool("encode-seq", *words, "-o", tmp_path / "s.h5")
    assert (ended.returncode, mention in ended.stderr, ended.stderr.count("\n")) == (2, True, 1), ended.stderr


def test_a_folder_instead_of_motifs_is_refused(tmp_path):
    words = options(tmp_path)
    words[-1] = tmp_path
    ended = run_tool("encode-seq", *words, "-o", tmp_path / "s.h5")
    assert (ended.returncode, "folder" in ended.stderr) == (2, True), ended.stderr


def test_a_damaged_store_is_refused(encoded):
    with h5py.File(encoded, "a") as handle:
        del handle["encoders/motif_widths"]
    with pytest.raises(InputError, match="damaged"):
        Sequences(encoded)


def test_restore_refuses_what_does_not_fit(tmp_path):
    made = read_encoders(EncoderOptions(vector_file(tmp_path / "v.txt"), K)).encoders
    with pytest.raises(ValueError, match="vectors"):
        restore(made.facts(), {"kmer_vectors": np.zeros((16, 3))})
    assert restore({}, {}) == Encoders()


def test_other_motifs_are_not_the_same(tmp_path):
    one = read_encoders(EncoderOptions(motifs=motif_file(tmp_path / "a.meme", MOTIF))).encoders
    other = read_encoders(EncoderOptions(motifs=motif_file(tmp_path / "b.meme", MOTIF[::-1]))).encoders
    assert not one.same_as(other)
    assert one.same_as(one)
