import gzip
import json

import h5py
import numpy as np
import pytest
from running import run_tool

from crekit.encoding import kmer_vectors

QUICK = ("--k", "2-3", "--dimension", 5, "--epochs", 1, "--min-count", 1)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A genome of two records, plain and compressed, and other vectors."""
    folder = tmp_path_factory.mktemp("genome")
    random = np.random.default_rng(1)
    text = "".join(f">{name}\n{''.join(random.choice(list('ACGT'), 8_000))}\n" for name in ("chr1", "chr2"))
    (folder / "g.fa").write_text(text)
    (folder / "g.fa.gz").write_bytes(gzip.compress(text.encode()))
    kmer_vectors.write(folder / "other.h5", {3: random.normal(size=(64, 7)).astype(np.float32)}, {})
    return folder


def train(made, *args, genome="g.fa"):
    return run_tool("train-embedding", "-g", made / genome, *QUICK, *args)


def test_vectors_neighbours_and_figures_are_written(made, tmp_path):
    more = ("--neighbours", tmp_path / "n.tsv", "--summary", tmp_path / "s.json", "--compare", made / "other.h5")
    ended = train(made, "-o", tmp_path / "v.h5", *more)
    assert (ended.returncode, ended.stdout) == (0, ""), ended.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"v.h5", "n.tsv", "s.json"}
    assert {k: kmer_vectors.read(tmp_path / "v.h5", k).vectors.shape for k in (2, 3)} == {2: (16, 5), 3: (64, 5)}
    assert len((tmp_path / "n.tsv").read_text().splitlines()) == 1 + 16 + 64
    figures = json.loads((tmp_path / "s.json").read_text())
    assert list(figures) == ["kmers", "per_k", "agreement", "provenance"]
    assert figures["agreement"]["pairs"] == 64 * 63 // 2
    assert -1 <= figures["agreement"]["spearman"] <= 1
    assert [one["role"] for one in figures["provenance"]["inputs"]] == ["genome", "compared"]
    assert "k = 3: nearest for " in ended.stderr
    assert f"of all pairs of 64 3-mers: {figures['agreement']['spearman']:.3f}" in ended.stderr
    with h5py.File(tmp_path / "v.h5") as handle:
        record = json.loads(handle.attrs["record"])
    assert record["options"] == {
        "k": "2-3", "dimension": 5, "window": 10, "epochs": 1, "min_count": 1, "workers": 1, "chroms": None, "seed": 1,
    }  # fmt: skip


def test_the_same_seed_gives_the_same_bytes_whether_the_genome_is_compressed_or_not(made, tmp_path):
    for name, genome, seed in (("a", "g.fa", 1), ("b", "g.fa.gz", 1), ("c", "g.fa", 2)):
        outputs = ("-o", tmp_path / f"{name}.h5", "--neighbours", tmp_path / f"{name}.tsv")
        assert train(made, *outputs, "--seed", seed, "-q", genome=genome).returncode == 0
    for end in ("h5", "tsv"):
        a, b, c = ((tmp_path / f"{name}.{end}").read_bytes() for name in "abc")
        assert a == b != c


def test_chosen_chromosomes_are_trained_on(made, tmp_path):
    for name, chroms in (("both", "chr1,chr2"), ("one", "chr2")):
        ended = train(made, "-o", tmp_path / f"{name}.h5", "--chroms", chroms, "--summary", tmp_path / f"{name}.json")
        assert ended.returncode == 0, ended.stderr
    kmers = [json.loads((tmp_path / f"{name}.json").read_text())["kmers"] for name in ("both", "one")]
    assert kmers[1] < 0.6 * kmers[0]


def test_figures_may_go_to_standard_output(made, tmp_path):
    ended = train(made, "-o", tmp_path / "v.h5", "--summary", "-", "-q")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert list(json.loads(ended.stdout)) == ["kmers", "per_k", "provenance"]


def assert_refused(ended, folder, message):
    assert (ended.returncode, ended.stdout) == (2, ""), ended.stderr
    assert ended.stderr.startswith("train-embedding: error: ")
    assert ended.stderr.count("\n") == 1
    assert message in ended.stderr
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--k", "3-8"), "g.fa: too small for 8-mers"),
        (("--k", "8-3"), "--k 8-3: give lengths from 1 to 8"),
        (("--k", "few"), "--k few: give a length or a range"),
        (("--epochs", 0), "--epochs 0: give 1 or more"),
        (("--chroms", "1"), "'1' is not known; known are chr1, chr2"),
        (("--compare", "absent.h5"), "absent.h5: no such file"),
        (("--compare", "g.fa"), "g.fa, line 1: '>chr1' is no k-mer"),
        (("--compare", "other.h5", "--compare-k", 2), "other.h5: holds no 2-mers, but k = 3"),
        (("--compare", "other.h5", "--compare-k", 4), "--compare-k 4: not among the k-mers of this run"),
    ],
    ids=["small", "turned", "k", "epochs", "chroms", "absent", "format", "other k", "k of no run"],
)
def test_bad_options_are_one_line_and_leave_nothing(made, tmp_path, args, message):
    words = [made / word if str(word).endswith((".h5", ".fa")) else word for word in args]
    assert_refused(train(made, "-o", tmp_path / "v.h5", *words), tmp_path, message)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "spoilt.fa: the file is empty"),
        (b"chr1\t0\t5\n", "spoilt.fa: does not begin with '>'"),
        (b">chr1\n>chr2\nACGT\n", "spoilt.fa, record chr1: is empty"),
        (b">chr1\nACGT\n>chr1\nACGT\n", "spoilt.fa, record chr1: stands there twice"),
        (b">chr1\nACGU\n", "so this is RNA"),
        (gzip.compress(b">chr1\n" + bytes(np.random.default_rng(1).choice(list(b"ACGT"), 5_000)))[:900], "truncated"),
    ],
    ids=["empty", "format", "no bases", "duplicate", "rna", "truncated"],
)
def test_a_wrong_genome_is_one_line_and_leaves_nothing(made, tmp_path, content, message):
    (made / "spoilt.fa").write_bytes(content)
    assert_refused(train(made, "-o", tmp_path / "v.h5", genome="spoilt.fa"), tmp_path, message)


def test_outputs_that_cannot_be_written_are_refused_before_the_work(made, tmp_path):
    assert_refused(train(made, "-o", tmp_path / "none" / "v.h5"), tmp_path, "does not exist")
    assert_refused(train(made, "-o", "-"), tmp_path, "cannot go to standard output")
    assert_refused(train(made, "-o", made / "g.fa"), tmp_path, "both an input and --output")
    same = ("-o", tmp_path / "v", "--neighbours", tmp_path / "v")
    assert_refused(train(made, *same), tmp_path, "given for two outputs")
    ended = run_tool("train-embedding", "-g", "-", *QUICK, "-o", tmp_path / "v.h5")
    assert_refused(ended, tmp_path, "read several times")


def test_help_fits_the_screen(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    ended = run_tool("train-embedding", "--help")
    assert ended.returncode == 0
    assert len(ended.stdout.splitlines()) <= 75
