"""audit-dataset as its users run it. What it computes is tested in tests/audit, its page in tests/report."""

import gzip
import json
import os
from pathlib import Path

import numpy as np
import pytest
import toy_sequences as toy
from running import run_tool
from toy_multiqc import read as read_multiqc

from crekit.encoding.store import Sequences
from crekit.models.file import save

DNA = np.array(list("ACGT"))


def text(rng, length: int) -> str:
    return "".join(DNA[rng.integers(0, 4, length)])


def write(path: Path, records: dict[str, str]) -> Path:
    path.write_text("".join(f">{name}\n{dna}\n" for name, dna in records.items()))
    return path


@pytest.fixture
def folder(tmp_path, rng) -> Path:
    """Two classes of one length, and a test set; a genome with regions; a folder for what is written."""
    for name in "eb":
        write(tmp_path / f"{name}.fa", {f"{name}{i}": text(rng, 80) for i in range(24)})
        write(tmp_path / f"{name}t.fa", {f"{name}t{i}": text(rng, 80) for i in range(12)})
    write(tmp_path / "g.fa", {f"chr{i}": text(rng, 40_000) for i in (1, 2, 3)})
    rows = [f"chr{1 + i % 3}\t{2000 + 1200 * (i // 3)}\t{2080 + 1200 * (i // 3)}\t{'eb'[i % 2]}\n" for i in range(48)]
    (tmp_path / "r.bed").write_text("".join(rows))
    (tmp_path / "out").mkdir()
    return tmp_path


def audit(folder: Path, *args: object, **settings: object):
    return run_tool("audit-dataset", *args, "-o", folder / "out" / "a.json", **settings)


def records(folder: Path) -> list[str]:
    return [f"--fasta=e={folder / 'e.fa'}", f"--fasta=b={folder / 'b.fa'}"]


def on_genome(folder: Path) -> list[object]:
    return ["-r", folder / "r.bed", "-g", folder / "g.fa"]


def found(folder: Path, name: str = "a.json") -> dict:
    return json.loads((folder / "out" / name).read_text())


def verdicts(results: dict) -> dict[str, str]:
    return {one["check"]: one["verdict"] for one in results["findings"]}


def assert_refused(folder: Path, ended, message: str) -> None:
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr.startswith("audit-dataset: error: ")
    assert ended.stderr.count("\n") == 1
    assert message in ended.stderr
    assert ended.stdout == ""
    assert os.listdir(folder / "out") == []


def test_a_clean_set_is_fine_and_each_check_says_so(folder):
    ended = audit(folder, *records(folder), "--tsv", folder / "out" / "a.tsv")
    assert (ended.returncode, ended.stdout) == (0, "")
    results = found(folder)
    assert list(results) == ["verdict", "counts", "split", "findings", "record"]
    assert results["verdict"] == "fine"
    assert results["split"] == {"kind": "none"}
    assert [one["role"] for one in results["record"]["inputs"]] == ["sequences", "sequences"]
    lines = ended.stderr.splitlines()
    assert lines[-1].startswith("verdict: fine (")
    assert len(lines) == 1 + len(results["findings"])
    rows = (folder / "out" / "a.tsv").read_text().splitlines()
    assert [row.split("\t")[0] for row in rows[1:]] == [one["check"] for one in results["findings"]]


def test_a_leak_ends_with_3_where_that_is_asked_and_all_is_written(folder):
    copies = dict(zip(["x1", "x2"], (folder / "e.fa").read_text().splitlines()[1:4:2], strict=True))
    write(folder / "et.fa", copies)
    args = [*records(folder), f"--test=e={folder / 'et.fa'}", f"--test=b={folder / 'bt.fa'}"]
    for option, status in ((), 0), (("--fail-on", "leak"), 3), (("--fail-on", "look"), 3):
        ended = audit(folder, *args, *option)
        assert ended.returncode == status, ended.stderr
        assert verdicts(found(folder))["duplicates-split"] == "leak"
    assert audit(folder, *records(folder), "--fail-on", "look").returncode == 0


def test_a_look_is_no_leak(folder):
    lines = (folder / "e.fa").read_text()
    (folder / "e.fa").write_text(lines + ">again\n" + lines.splitlines()[1] + "\n")
    assert audit(folder, *records(folder), "--fail-on", "leak").returncode == 0
    assert found(folder)["verdict"] == "look"
    assert audit(folder, *records(folder), "--fail-on", "look").returncode == 3


def test_the_cleaned_set_is_written_with_its_split_and_audited(folder, rng):
    for name, grid in (("e", 1), ("b", 6)):
        write(folder / f"{name}.fa", {f"{name}{i}": text(rng, 80 + 10 * (i % 8) + grid) for i in range(40)})
    prefix = folder / "out" / "clean"
    ended = audit(folder, *records(folder), "--fix", prefix, "--html", folder / "out" / "a.html")
    assert ended.returncode == 0, ended.stderr
    assert sorted(os.listdir(folder / "out")) == [
        "a.html", "a.json", "clean.audit.json", "clean.b.fa", "clean.e.fa", "clean.h5", "clean.split.tsv"
    ]  # fmt: skip
    before, after = found(folder), found(folder, "clean.audit.json")
    assert verdicts(before)["length-modulo"] == "leak"
    assert verdicts(after)["length-modulo"] == verdicts(after)["length"] == "fine"
    assert after["fix"]["trimmed"] == {
        "b": {"sequences": 40, "bases": 200, "of": 4840},
        "e": {"sequences": 0, "bases": 0, "of": 4640},
    }
    assert after["split"] == {"kind": "folds", "by": "cluster", "folds": 5, "seed": 1}
    with Sequences(prefix.with_suffix(".h5")) as stored:
        assert np.bincount(stored.split).tolist() == [48, 16, 16]
        assert sorted(len(stored.codes(i)) for i in range(40)) == sorted(len(stored.codes(i)) for i in range(40, 80))


def test_a_sequence_file_is_audited_by_the_split_that_it_holds(folder):
    assert audit(folder, *records(folder), "--fix", folder / "out" / "c").returncode == 0
    assert audit(folder, "-s", folder / "out" / "c.h5").returncode == 0
    assert found(folder)["split"] == {"kind": "stored"}
    assert found(folder)["counts"]["parts"] == ["train", "val", "test"]


def test_regions_are_audited_by_chromosome_blocks_and_a_blacklist(folder):
    (folder / "black.bed").write_text("chr1\t2000\t2010\nchrUn\t5\t10\n")
    args = [*on_genome(folder), "--blacklist", folder / "black.bed"]
    assert audit(folder, *args, "--train", "chr1", "--val", "chr2", "--test", "chr3").returncode == 0
    results = found(folder)
    assert results["split"] == {"kind": "chromosomes", "train": ["chr1"], "val": ["chr2"], "test": ["chr3"]}
    assert verdicts(results)["neighbours"] == "fine"
    assert verdicts(results)["blacklist"] == "look"
    ended = audit(folder, *args, "--folds", "3", "--by", "block", "--block", "5000", "--fix", folder / "out" / "c")
    assert ended.returncode == 0, ended.stderr
    assert found(folder, "c.audit.json")["fix"]["removed"] == {"on the blacklist": {"e": 1}}
    rows = (folder / "out" / "c.bed").read_text().splitlines()
    assert len(rows) == 47
    assert rows[0] == "chr1\t3200\t3280\tb\t0\t."


def test_test_regions_are_a_split(folder):
    (folder / "t.bed").write_text("chr1\t2000\t2080\te\nchr3\t39000\t39080\tb\n")
    ended = audit(folder, *on_genome(folder), "--test", folder / "t.bed", "--fix", folder / "out" / "c")
    assert ended.returncode == 0, ended.stderr
    assert verdicts(found(folder))["duplicates-split"] == "leak"
    assert verdicts(found(folder, "c.audit.json"))["duplicates-split"] == "fine"
    assert (folder / "out" / "c.test.bed").read_text() == "chr1\t2000\t2080\te\t0\t.\nchr3\t39000\t39080\tb\t0\t.\n"


def test_a_model_tells_its_split(folder):
    sequences = toy.write(folder / "s.h5")
    model = toy.model("block", 1)
    save(folder / "m.safetensors", model.settings, model.settings.build())
    ended = audit(folder, "-s", sequences, "-m", folder / "m.safetensors")
    assert ended.returncode == 0, ended.stderr
    assert found(folder)["split"] == {
        "kind": "folds", "by": "block", "folds": 3, "fold": 1, "seed": 1, "block": 20_000,
        "train": [3], "val": [2], "test": [1],
    }  # fmt: skip
    assert [one["role"] for one in found(folder)["record"]["inputs"]] == ["sequences", "model"]


def test_the_same_seed_gives_the_same_bytes_whatever_the_threads(folder):
    kept = []
    for threads in (1, 2):
        args = [*records(folder), "--fix", folder / "out" / "c", "-p", threads, "--html", folder / "out" / "a.html"]
        assert audit(folder, *args, "-q").stderr == ""
        kept.append({path.name: path.read_bytes() for path in (folder / "out").iterdir()})
    assert kept[0] == kept[1]
    assert not any(str(folder).encode() in content for content in kept[0].values())


def test_records_come_from_gzip_and_a_stream(folder, monkeypatch):
    assert audit(folder, *records(folder)).returncode == 0
    whole = (folder / "out" / "a.json").read_bytes()
    packed = folder / "b.fa.gz"
    packed.write_bytes(gzip.compress((folder / "b.fa").read_bytes()))
    with open(folder / "e.fa") as handle:
        monkeypatch.setattr("sys.stdin", handle)
        ended = audit(folder, "--fasta=e=-", f"--fasta=b={packed}")
    assert ended.returncode == 0, ended.stderr
    assert (folder / "out" / "a.json").read_bytes() == whole


def test_a_plain_page_has_its_plots_beside_it(folder):
    ended = audit(
        folder, *records(folder), "--html", folder / "out" / "a.html", "--html-assets", folder / "out" / "png"
    )
    assert ended.returncode == 0, ended.stderr
    assert sorted(os.listdir(folder / "out" / "png")) == ["gc.png", "told_apart.png"]
    assert "<svg" not in (folder / "out" / "a.html").read_text()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "give a sequence file (-s) alone, records"),
        (["-r", "{0}/r.bed"], "give a sequence file (-s) alone, records"),
        (["-g", "{0}/g.fa", "--fasta", "e={0}/e.fa"], "give a sequence file (-s) alone, records"),
        (["-r", "{0}/r.bed", "-g", "{0}/g.fa", "--fasta", "e={0}/e.fa"], "give a sequence file (-s) alone, records"),
        (["--fasta", "{0}/e.fa"], "e.fa: has no class; give --fasta CLASS=FILE"),
        (["--fasta", "e={0}/e.fa", "--test", "{0}/et.fa"], "et.fa: has no class; give --test CLASS=FILE"),
        (["--fasta", "e={0}/e.fa", "--test", "x={0}/et.fa"], "class x is in no --fasta, only e"),
        (["--fasta", "e={0}/none.fa"], "none.fa: no such file"),
        (["--fasta", "e=-", "--fasta", "b=-"], "standard input can be read only once"),
        (["--fasta", "e={0}/e.fa", "--folds", "3", "--by", "block"], "--by block: records of a FASTA have no place"),
        (["--fasta", "e={0}/e.fa", "--train", "chr1", "--val", "chr2", "--test", "chr3"], "lie on no chromosome"),
        (["--fasta", "e={0}/e.fa", "--by", "block"], "--fold and --by belong to --folds K"),
        (["--fasta", "e={0}/e.fa", "--test", "e={0}/et.fa", "--folds", "3"], "choose one split"),
        (["--fasta", "e={0}/e.fa", "--blacklist", "{0}/r.bed"], "have no place on a genome"),
        (["--fasta", "e={0}/e.fa", "-m", "{0}/r.bed"], "r.bed"),
        (["--fasta", "e={0}/e.fa", "--html-assets", "{0}/out/png"], "--html-assets needs --html"),
        (["--fasta", "e={0}/e.fa", "--fix", "{0}/none/c"], "the folder {0}/none does not exist"),
        (["--fasta", "e={0}/e.fa", "--tsv", "{0}/none/t"], "the folder {0}/none does not exist"),
        (["-s", "{0}/r.bed"], "r.bed: not an HDF5 file"),
        (["-r", "{0}/r.bed", "-g", "{0}/g.fa", "--train", "chr1", "--val", "chr2", "--test", "1"], "'1' is not known"),
    ],
)
def test_wrong_options_are_refused_in_one_line(folder, args, message):
    assert_refused(folder, audit(folder, *(word.format(folder) for word in args)), message.format(folder))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "e.fa: the file is empty"),
        (b"\n", "e.fa: holds no record"),
        (b"chr1\t1\t2\n", "does not begin with '>'"),
        (b">e1\nACGT\n>e2\n", "record e2: is empty"),
        (b">e1\nACGU\n", "this is RNA"),
        (b">e1\nACGT\n>e1\nACGT\n", "record e1: stands there twice"),
        (gzip.compress(b">e1\n" + b"ACGT" * 5000)[:40], "the gzip file is truncated or damaged"),
    ],
    ids=["empty", "blank", "bed", "truncated", "rna", "twice", "gzip"],
)
def test_wrong_records_are_refused_in_one_line(folder, content, message):
    (folder / "e.fa").write_bytes(content)
    assert_refused(folder, audit(folder, *records(folder)), message)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "r.bed: holds no region"),
        ("chr1 1 2 e\n", "separated by tabs"),
        ("1\t100\t200\te\n", "chromosome 1 is called chr1"),
        ("chr1\t39990\t40010\te\n", "ends past the chromosome"),
        ("chr1\t100\t200\n", "no class in column 4"),
    ],
    ids=["empty", "spaces", "names", "past the end", "no class"],
)
def test_wrong_regions_are_refused_in_one_line(folder, content, message):
    (folder / "r.bed").write_text(content)
    assert_refused(folder, audit(folder, *on_genome(folder)), message)


def test_a_blacklist_with_other_names_of_chromosomes_is_refused(folder):
    (folder / "black.bed").write_text("1\t2000\t2010\n")
    ended = audit(folder, *on_genome(folder), "--blacklist", folder / "black.bed")
    assert_refused(folder, ended, "chromosome 1 is called chr1")


def test_a_model_of_other_data_is_refused(folder):
    model = toy.model("random", 1)
    save(folder / "m.safetensors", model.settings, model.settings.build())
    ended = audit(folder, *records(folder), "-m", folder / "m.safetensors")
    assert_refused(folder, ended, "none of the sequences is in its split")


def test_where_nothing_can_be_left_nothing_is_written(folder):
    (folder / "b.fa").write_text((folder / "e.fa").read_text())
    ended = audit(folder, *records(folder), "--fix", folder / "out" / "c", "--tsv", folder / "out" / "t.tsv", "-q")
    assert_refused(folder, ended, "--fix: nothing of class b is left")


def test_a_cleaned_set_does_not_overwrite_what_was_read(folder):
    source = folder / "out" / "x.e.fa"
    (folder / "e.fa").rename(source)
    content = source.read_bytes()
    args = [f"--fasta=e={source}", f"--fasta=b={folder / 'b.fa'}", "--fix", folder / "out" / "x"]
    ended = audit(folder, *args)
    assert (ended.returncode, source.read_bytes()) == (2, content)
    assert "x.e.fa, which is an input or another output; name another" in ended.stderr


def test_verdicts_are_written_for_multiqc_those_of_the_cleaned_set_too(folder):
    lines = (folder / "e.fa").read_text()
    (folder / "e.fa").write_text(lines + ">again\n" + lines.splitlines()[1] + "\n")
    out = folder / "out"
    ended = audit(folder, *records(folder), "--fix", out / "clean", "--multiqc", out / "mqc", "-q")
    assert ended.returncode == 0, ended.stderr
    (content,) = read_multiqc(out / "mqc").values()
    rows = {"a": found(folder), "a: cleaned": found(folder, "clean.audit.json")}
    assert content["data"] == {row: {"verdict": one["verdict"], **verdicts(one)} for row, one in rows.items()}
    # All checks have a title of their own, so that every audit has the same columns.
    assert not [name for name, column in content["headers"].items() if column["title"] == name]
