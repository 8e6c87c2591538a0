import logging
from pathlib import Path

import numpy as np
import pytest

from crekit.audit import outputs, quick, read, run
from crekit.audit.finding import Finding
from crekit.audit.sample import Sample
from crekit.encoding import encode
from crekit.encoding.windows import Rule
from crekit.errors import InputError
from crekit.genome.regions import make
from crekit.training import audit_run, audit_split
from crekit.training.train import SplitOptions

CHECKS = [
    "duplicates-within", "duplicates-classes", "duplicates-split", "near-within", "near-classes", "near-split",
    "neighbours", "homology", "length", "length-modulo", "gc", "unknown", "composition", "blacklist",
]  # fmt: skip


def dna(rng, length) -> np.ndarray:
    return rng.integers(0, 4, length).astype(np.uint8)


def fasta(path: Path, records: dict[str, np.ndarray]) -> Path:
    path.write_text("".join(f">{name}\n{''.join('ACGTN'[c] for c in codes)}\n" for name, codes in records.items()))
    return path


def sample(rng, lengths, classes, **changes) -> Sample:
    n = len(lengths)
    ids = np.array([f"r{i}" for i in range(n)], dtype=object)
    made = {"ids": ids, "codes": [dna(rng, one) for one in lengths], "classes": np.array(classes, dtype=object)}
    return Sample(**{**made, "part": np.zeros(n, dtype=np.int8), **changes})


def verdicts(findings: list[Finding]) -> dict[str, str]:
    return {one.check: one.verdict for one in findings}


# --- reading


def test_records_of_a_class_stand_in_the_order_of_their_files_contents(tmp_path, rng):
    one, two = (fasta(tmp_path / f"{name}.fa", {name: dna(rng, 30)}) for name in ("p", "q"))
    both = [read.read_fasta([("e", a), ("e", b)]).sample.ids.tolist() for a, b in ((one, two), (two, one))]
    assert both[0] == both[1]


def test_names_that_several_sequences_share_are_told_apart(tmp_path, rng):
    records = {"s1": dna(rng, 30), "s2": dna(rng, 30)}
    a = fasta(tmp_path / "a.fa", records)
    b = fasta(tmp_path / "b.fa", {"s1": dna(rng, 30), "s3": dna(rng, 30)})
    c = fasta(tmp_path / "c.fa", {"s1": dna(rng, 30)})
    loaded = read.read_fasta([("a", a), ("b", b)], [("b", c)])
    assert loaded.sample.ids.tolist() == ["a:s1", "s2", "train:b:s1", "s3", "test:b:s1"]
    assert loaded.names.tolist() == ["s1", "s2", "s1", "s3", "s1"]
    assert loaded.sample.part.tolist() == [0, 0, 0, 0, 2]
    assert loaded.held.tolist() == [False] * 4 + [True]


def test_a_region_that_stands_there_twice_is_read_twice(tmp_path, rng):
    fasta(tmp_path / "g.fa", {"chr1": dna(rng, 900)})
    (tmp_path / "r.bed").write_text("chr1\t10\t40\ta\nchr1\t10\t40\ta\nchr1\t10\t40\tb\n")
    loaded = read.read_regions([(None, tmp_path / "r.bed")], tmp_path / "g.fa")
    assert loaded.sample.ids.tolist() == ["train:a:chr1:10-40:1", "train:a:chr1:10-40:2", "b:chr1:10-40"]
    found = verdicts(quick.quick(loaded.sample))
    assert (found["duplicates-within"], found["duplicates-classes"]) == ("look", "look")


def test_places_are_known_only_where_every_record_has_one(tmp_path, rng):
    placed = fasta(tmp_path / "a.fa", {"chr1:5-35": dna(rng, 30)})
    other = fasta(tmp_path / "b.fa", {"x": dna(rng, 30)})
    assert read.read_fasta([("a", placed)]).sample.regions.start.tolist() == [5]
    assert read.read_fasta([("a", placed), ("b", other)]).sample.regions is None


@pytest.mark.parametrize(
    ("rule", "lengths", "hides"),
    [
        (Rule(60, 20, "contain", "drop"), [60, 100], 60),
        (Rule(60, 20, "pad", "drop"), [40, 100], 0),
        (Rule(0, 2, "pad", "drop"), [40, 100], 0),
    ],
    ids=["windows", "padded", "whole"],
)
def test_spans_of_a_sequence_file_are_read_without_their_padding(tmp_path, rng, rule, lengths, hides):
    fasta(tmp_path / "g.fa", {"chr1": dna(rng, 900)})
    (tmp_path / "r.bed").write_text("chr1\t300\t340\ta\nchr1\t500\t600\tb\n")
    encode.encode_regions([(None, tmp_path / "r.bed")], tmp_path / "g.fa", tmp_path / "s.h5", rule)
    loaded = read.read_store(tmp_path / "s.h5")
    assert loaded.sample.lengths.tolist() == lengths
    assert loaded.hides_length == hides


# --- the checks together


def test_every_check_says_something_in_a_fixed_order(rng):
    made = sample(rng, rng.integers(50, 60, 60), ["a", "b"] * 30)
    findings = run.run(made)
    assert [one.check for one in findings] == CHECKS
    assert set(verdicts(findings).values()) <= {"fine", "skipped"}
    assert verdicts(findings)["neighbours"] == "skipped"


def test_the_same_seed_gives_the_same_findings(rng):
    made = sample(rng, rng.integers(50, 60, 60), ["a", "b"] * 30)
    assert [one.record() for one in quick.quick(made, 3)] == [one.record() for one in quick.quick(made, 3)]


def test_the_quick_part_finds_copies_length_and_its_remainders(rng):
    classes = ["a", "b"] * 100
    lengths = 10 * rng.integers(30, 60, 200) + np.where(np.arange(200) % 2, 6, 1)
    part = np.repeat(np.array([0, 2], dtype=np.int8), [150, 50])
    made = sample(rng, lengths, classes, part=part)
    made.codes[180] = made.codes[10]
    found = quick.quick(made)
    assert [one.check for one in found] == [
        "duplicates-within", "duplicates-classes", "duplicates-split", "length", "length-modulo", "gc"
    ]  # fmt: skip
    assert verdicts(found)["duplicates-split"] == "leak"  # 1 of 50 is 2 %
    assert verdicts(found)["length-modulo"] == "leak"
    assert next(one.value for one in found if one.check == "length-modulo") == 1.0


def test_windows_that_do_not_show_lengths_make_no_leak_of_them(rng):
    made = sample(rng, [301, 306] * 50, ["a", "b"] * 50)
    whole, windows = (quick.quick(made, window=width) for width in (0, 200))
    assert verdicts(whole)["length-modulo"] == "leak"
    assert verdicts(windows)["length-modulo"] == "look"
    assert next(one.says for one in windows if one.check == "length").endswith(
        "Windows of 200 bases do not show it; whole sequences would."
    )


# --- the split


def loaded_of(made: Sample, places=None) -> read.Loaded:
    n = len(made)
    places = places or make([""] * n, [0] * n, made.lengths, made.classes)
    return read.Loaded(made, places, made.ids, np.zeros(n, dtype=bool), "fasta", [])


def test_options_of_train_model_make_the_split_that_it_makes(rng):
    n = 60
    places = make(["chr1", "chr2", "chr3"] * 20, np.arange(n) * 5000, np.arange(n) * 5000 + 50, ["a", "b"] * 30)
    made = loaded_of(sample(rng, [50] * n, ["a", "b"] * 30, regions=places), places)
    split, kept = audit_split.apply(made, SplitOptions("chr1", "chr2", "chr3"), None, 1)
    assert split.sample.part.tolist() == [0, 1, 2] * 20
    assert kept == {"kind": "chromosomes", "train": ["chr1"], "val": ["chr2"], "test": ["chr3"]}
    split, kept = audit_split.apply(made, SplitOptions(folds=3, by="chromosome"), None, 1)
    assert kept == {"kind": "folds", "by": "chromosome", "folds": 3, "seed": 1}
    assert [len(set(split.sample.fold[i::3])) for i in range(3)] == [1, 1, 1]
    split, kept = audit_split.apply(made, SplitOptions(folds=3, fold=2, by="random"), None, 1)
    assert (split.sample.fold, kept["fold"]) == (None, 2)


def test_two_splits_are_refused(rng, tmp_path):
    made = loaded_of(sample(rng, [50] * 4, ["a", "b"] * 2))
    with pytest.raises(InputError, match="choose one split"):
        audit_split.apply(made, SplitOptions(folds=3), tmp_path / "m.safetensors", 1)


def test_folds_by_cluster_keep_likeness_on_one_side(rng):
    base = [dna(rng, 200) for _ in range(40)]
    codes = base + [one[20:180] for one in base]
    made = sample(rng, [1] * 80, ["a", "b"] * 40, codes=codes)
    split = audit_split.by_cluster(loaded_of(made), seed=1).sample
    assert split.fold[:40].tolist() == split.fold[40:].tolist()
    assert verdicts(run.run(split))["near-split"] == "fine"


def test_a_cluster_larger_than_a_fold_trains_and_is_told(rng, caplog):
    base = dna(rng, 200)
    codes = [base] * 30 + [dna(rng, 200) for _ in range(30)]
    made = sample(rng, [1] * 60, ["a", "b"] * 30, codes=codes)
    split = audit_split.by_cluster(loaded_of(made), seed=1).sample
    assert set(split.part[:30]) == {0}
    assert np.bincount(split.part).tolist() == pytest.approx([44, 8, 8], abs=2)
    assert "30 of 60 sequences are one cluster" in caplog.text


# --- outputs


def test_counts_tell_classes_parts_lengths_and_gc(rng):
    codes = [np.array([1, 1, 0, 0]), np.array([1, 2, 4]), np.array([4, 4])]
    made = sample(rng, [1] * 3, ["a", "a", "b"], codes=[one.astype(np.uint8) for one in codes])
    assert outputs.counts(made) == {
        "parts": ["train"],
        "classes": {
            "a": {"sequences": 2, "bases": 7, "length": [3, 3.5, 4], "gc": 0.75, "parts": {"train": 2}},
            "b": {"sequences": 1, "bases": 2, "length": [2, 2.0, 2], "gc": None, "parts": {"train": 1}},
        },
    }


def test_the_log_tells_each_verdict_and_what_to_do(caplog):
    found = [
        Finding("length", "By length", "leak", "AUROC 1.", remedy="Trim."),
        Finding("gc", "By GC", "fine", "AUROC .5."),
    ]
    with caplog.at_level(logging.INFO, "crekit"):
        outputs.say(found)
    assert caplog.messages == [
        "leak     By length: AUROC 1.",
        "         Trim.",
        "fine     By GC: AUROC .5.",
        "verdict: leak (1 leak, 1 fine)",
    ]


def test_a_table_has_a_line_a_check(tmp_path):
    found = [Finding("length", "By length", "leak", "AUROC 1.", 1.0, "AUROC", (0.9, 1.0), 0.001, remedy="Trim.")]
    outputs.write_tsv(str(tmp_path / "t.tsv"), found)
    assert (tmp_path / "t.tsv").read_text().splitlines() == [
        "check\tverdict\tvalue\twhat\tlow\thigh\tp\tsays\tremedy",
        "length\tleak\t1\tAUROC\t0.9\t1\t0.001\tAUROC 1.\tTrim.",
    ]


# --- real data


def test_published_sets_leak_as_measured(data, tmp_path):
    text = (data / "sequences" / "nhlf.train.fa").read_text()
    for name in ("Positive", "Negative"):
        records = [f">{one}" for one in text.split(">") if one.startswith(name)]
        (tmp_path / f"{name}.fa").write_text("".join(records))
    files = [(name, tmp_path / f"{name}.fa") for name in ("Positive", "Negative")]
    order = audit_run.Order(fasta=files)
    found = {one.check: one for one in quick.quick(read.read_fasta(files).sample)}
    assert (found["length-modulo"].verdict, found["length-modulo"].value) == ("leak", 1.0)
    assert found["length-modulo"].detail["modulus"] == 10
    assert (found["length"].verdict, round(found["length"].value, 2)) == ("leak", 0.62)
    assert order.files() == [path for _, path in files]
