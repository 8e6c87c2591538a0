"""Encoding regions and FASTA records, against plain slicing of the same DNA; what is dropped, refused and recorded."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from crekit.encoding.encode import encode_records, encode_regions
from crekit.encoding.store import Sequences
from crekit.encoding.windows import AMBIGUOUS, SHORT, Rule, lay
from crekit.errors import InputError

TINY = "ACGTNACGTACGTRYacgtaACGT"  # N at 4, ambiguous at 13 and 14


def fasta(path: Path, records: dict[str, str], width: int = 60) -> Path:
    lines = [
        line
        for name, text in records.items()
        for line in (f">{name}", *(text[i : i + width] for i in range(0, len(text), width)))
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


def bed(path: Path, *rows: tuple) -> Path:
    path.write_text("".join("\t".join(map(str, row)) + "\n" for row in rows))
    return path


def text_of(codes: np.ndarray) -> str:
    return "".join("ACGTN"[code] for code in codes)


def known(text: str) -> str:
    """Text as codes see it: upper case, N for all that is not A, C, G or T."""
    return "".join(letter if letter in "ACGT" else "N" for letter in text.upper())


def windows(stored: Sequences) -> dict[str, list[str]]:
    """The text of all windows of each region, by its id."""
    return {
        stored.ids[i]: [
            text_of(row) for row in stored.window_codes(np.full(stored.n_windows[i], i), np.arange(stored.n_windows[i]))
        ]
        for i in range(len(stored))
    }


def on_genome(folder: Path, text: str, *rows: tuple, **rule) -> tuple[dict[str, list[str]], dict]:
    """Windows and summary of regions on a chromosome ``c``."""
    genome = fasta(folder / "genome.fa", {"c": text})
    (folder / "genome.fa.fai").unlink(missing_ok=True)
    regions = bed(folder / "regions.bed", *rows)
    summary = encode_regions([(None, regions)], genome, folder / "s.h5", Rule(**rule))
    with Sequences(folder / "s.h5") as stored:
        return windows(stored), summary


def refused(action) -> str:
    with pytest.raises(InputError) as caught:
        action()
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- windows


def test_windows_of_a_small_region_in_full(tmp_path):
    found, summary = on_genome(tmp_path, "AACCGGTTACGT", ("c", 4, 7, "e"), width=6, stride=1)
    assert found == {"c:4-7": ["CCGGTT", "CGGTTA", "GGTTAC"]}
    assert summary == {"e": {"regions": 1, "windows": 3, "scored": 3, "dropped": 0}}


@pytest.mark.parametrize("ambiguous", AMBIGUOUS)
@pytest.mark.parametrize("short", SHORT)
def test_windows_are_slices_of_the_genome(tmp_path, rng, short, ambiguous):
    letters = np.array(list("ACGTacgtACGTacgtN"))
    sizes = {"chr1": 900, "chr2": 25, "chr10": 600}
    texts = {name: "".join(letters[rng.integers(0, 17 if name != "chr10" else 16, n)]) for name, n in sizes.items()}
    rows = set()
    for chrom, size in sizes.items():
        for start in rng.integers(0, size, 40).tolist():
            rows.add((chrom, start, min(start + int(rng.integers(1, 60)), size)))
    named = [(*row, "ab"[i % 2]) for i, row in enumerate(sorted(rows))]
    rule = Rule(20, 3, short, ambiguous)
    genome, regions = fasta(tmp_path / "g.fa", texts), bed(tmp_path / "r.bed", *named)
    summary = encode_regions([(None, regions)], genome, tmp_path / "s.h5", rule)
    expected, dropped = {}, Counter()
    for chrom, start, end, name in named:
        text = known(texts[chrom])
        _, first = lay(np.array([start]), np.array([end]), sizes[chrom], rule)
        mine = [text[i : i + 20] for i in first]
        if short == "pad" and end - start < 20:
            left = (20 - (end - start)) // 2
            mine = ["N" * left + text[start:end] + "N" * (20 - (end - start) - left)]
            bare = [text[start:end]]
        else:
            bare = mine
        if ambiguous == "drop":
            mine = [one for one, inner in zip(mine, bare, strict=True) if "N" not in inner]
        if mine:
            expected[f"{chrom}:{start}-{end}"] = mine
        else:
            dropped[name] += 1
    with Sequences(tmp_path / "s.h5") as stored:
        assert windows(stored) == expected
        assert list(dict.fromkeys(stored.regions.chrom)) == ["chr1", "chr2", "chr10"][: len(set(stored.regions.chrom))]
        starts = stored.window_start(np.arange(len(stored)), np.zeros(len(stored), dtype=int))
        for i in range(len(stored)):
            if starts[i] >= 0 and not (short == "pad" and stored.regions.end[i] - stored.regions.start[i] < 20):
                chrom = known(texts[stored.regions.chrom[i]])
                assert chrom[starts[i] : starts[i] + 20] == windows(stored)[stored.ids[i]][0]
    for name, one in summary.items():
        assert one["dropped"] == dropped[name]


def test_records_give_the_windows_of_the_same_dna_in_a_genome(tmp_path, rng):
    text = "".join(np.array(list("ACGT"))[rng.integers(0, 4, 3000)])
    spans = [(0, 300), (500, 811), (900, 1500), (2000, 2301)]
    rows = [("c", start, end, "e") for start, end in spans]
    found, _ = on_genome(tmp_path, text, *rows)
    records = fasta(tmp_path / "e.fa", {f"c:{start}-{end}": text[start:end] for start, end in spans})
    encode_records([("e", records)], tmp_path / "r.h5", Rule())
    with Sequences(tmp_path / "r.h5") as stored:
        assert windows(stored) == found
        assert list(zip(stored.regions.start, stored.regions.end, strict=True)) == spans  # as their names say
        assert stored.regions.chrom.tolist() == ["c"] * 4
        assert (stored.source, stored.sizes) == ("fasta", {})


def test_short_records_are_padded_on_both_sides_or_dropped(tmp_path):
    records = fasta(tmp_path / "e.fa", {"long": "ACGTACG", "short": "GGC", "exact": "TTTTTT"})
    encode_records([("e", records)], tmp_path / "pad.h5", Rule(6, 1, "pad"))
    summary = encode_records([("e", records)], tmp_path / "drop.h5", Rule(6, 1, "drop"))
    with Sequences(tmp_path / "pad.h5") as padded, Sequences(tmp_path / "drop.h5") as dropped:
        assert windows(padded) == {"long": ["ACGTAC", "CGTACG"], "short": ["NGGCNN"], "exact": ["TTTTTT"]}
        assert padded.span_start.tolist() == [0, -1, 0]
        assert windows(dropped) == {"long": ["ACGTAC", "CGTACG"], "exact": ["TTTTTT"]}
        assert dropped.dropped == {"shorter than the window": {"e": 1}}
    assert summary["e"] == {"regions": 2, "windows": 3, "scored": 3, "dropped": 1}


def test_records_keep_their_order_within_a_class(tmp_path):
    one, other = fasta(tmp_path / "b.fa", {"z": "ACGT", "y": "CCCC"}), fasta(tmp_path / "a.fa", {"x": "GGGG"})
    encode_records([("b", one), ("a", other)], tmp_path / "s.h5", Rule(4, 1))
    with Sequences(tmp_path / "s.h5") as stored:
        assert stored.ids.tolist() == ["x", "z", "y"]
        assert stored.regions.name.tolist() == ["a", "b", "b"]


def test_whole_regions_are_stored_as_they_are(tmp_path):
    rows = [("c", 0, 3, "e"), ("c", 5, 13, "e"), ("c", 15, 24, "e")]
    found, _ = on_genome(tmp_path, TINY, *rows, width=0)
    assert list(found) == ["c:0-3", "c:5-13", "c:15-24"]
    with Sequences(tmp_path / "s.h5") as stored:
        assert [text_of(stored.codes(i)) for i in range(3)] == ["ACG", "ACGTACGT", "ACGTAACGT"]
        assert stored.n_windows.tolist() == [1, 1, 1]
    records = fasta(tmp_path / "e.fa", {"one": "ACG", "two": "ACGTACGT"})
    encode_records([("e", records)], tmp_path / "r.h5", Rule(0))
    with Sequences(tmp_path / "r.h5") as stored:
        assert [text_of(stored.codes(i)) for i in range(2)] == ["ACG", "ACGTACGT"]


# --- N


def test_windows_with_n_are_left_out_or_kept_with_n(tmp_path):
    row = ("c", 3, 16, "e")
    found, _ = on_genome(tmp_path, TINY, row, width=6, stride=1)
    assert found == {"c:3-16": ["ACGTAC", "CGTACG", "GTACGT"]}
    found, _ = on_genome(tmp_path, TINY, row, width=6, stride=1, ambiguous="zero")
    assert found["c:3-16"] == ["TNACGT", "NACGTA", "ACGTAC", "CGTACG", "GTACGT", "TACGTN", "ACGTNN", "CGTNNA"]


@pytest.mark.parametrize(("width", "rows"), [(6, ("c", 11, 17)), (0, ("c", 3, 6)), (6, ("c", 12, 14))])
@pytest.mark.parametrize("short", ["contain", "pad"])
def test_a_region_without_a_window_free_of_n_is_dropped_and_counted(tmp_path, width, rows, short):
    found, summary = on_genome(tmp_path, TINY, ("c", 5, 11, "e"), (*rows, "e"), width=width, short=short)
    assert list(found) == ["c:5-11"]
    assert summary["e"]["dropped"] == 1
    with Sequences(tmp_path / "s.h5") as stored:
        assert stored.dropped == {"ambiguous bases": {"e": 1}}


def test_runs_of_n_at_both_ends_of_a_chromosome_are_seen(tmp_path):
    found, summary = on_genome(
        tmp_path, "NNACGTNN", ("c", 2, 6, "e"), ("c", 1, 5, "e"), ("c", 4, 8, "e"), ("c", 0, 2, "e"), width=0
    )
    assert (list(found), summary["e"]["dropped"]) == (["c:2-6"], 3)


def test_runs_of_n_across_blocks_are_seen(tmp_path, monkeypatch):
    monkeypatch.setattr("crekit.encoding.cut._BLOCK", 4)
    text = "NACGNNNNACGTACGTNNNNNNNACNGN"
    rows = [("c", i, i + 2, "e") for i in range(len(text) - 1)]
    found, _ = on_genome(tmp_path, text, *rows, width=0)
    assert [one[0] for one in found.values()] == [
        text[i : i + 2] for i in range(len(text) - 1) if "N" not in text[i : i + 2]
    ]


# --- as many scored windows for each class


def test_scored_windows_are_matched_between_classes(tmp_path):
    rows = [("c", 10 * i, 10 * i + length, name) for i, (length, name) in enumerate([(3, "a"), (5, "b"), (5, "b")], 2)]
    _, summary = on_genome(tmp_path, "ACGT" * 40, *rows, width=6, stride=1)
    assert summary == {
        "a": {"regions": 1, "windows": 3, "scored": 1, "dropped": 0},
        "b": {"regions": 2, "windows": 2, "scored": 2, "dropped": 0},
    }


def test_a_class_without_a_window_is_told(tmp_path, caplog):
    _, summary = on_genome(tmp_path, TINY, ("c", 5, 11, "e"), ("c", 11, 17, "other"), width=6)
    assert summary["other"] == {"regions": 0, "windows": 0, "scored": 0, "dropped": 1}
    assert "warning: other: none of its regions gives a window" in caplog.messages


# --- the same bytes


def test_the_order_of_files_and_rows_and_the_packing_do_not_matter(tmp_path, rng):
    text = "".join(np.array(list("ACGT"))[rng.integers(0, 4, 2000)])
    upper = fasta(tmp_path / "upper.fa", {"chr2": text, "chr10": text[::-1]})
    lower = fasta(tmp_path / "lower.fa", {"chr2": text.lower(), "chr10": text[::-1].lower()}, width=71)
    first = [("chr10", 100, 390), ("chr2", 700, 1000), ("chr2", 500, 1000)]
    second = [("chr2", 400, 690), ("chr10", 20, 420)]
    made = []
    for i, (genome, swap) in enumerate([(upper, 1), (upper, -1), (lower, 1)]):
        files = [("a", bed(tmp_path / "a.bed", *first)), ("b", bed(tmp_path / "b.bed", *second))]
        if swap == -1:
            files = [("b", bed(tmp_path / "x.bed", *second)), ("a", bed(tmp_path / "y.bed", *first))]
        encode_regions(files, genome, tmp_path / f"{i}.h5", Rule())
        made.append((tmp_path / f"{i}.h5").read_bytes())
    assert made[0] == made[1] == made[2]
    shuffled = bed(tmp_path / "rows.bed", *first[::-1])
    encode_regions([("a", shuffled), ("b", tmp_path / "b.bed")], upper, tmp_path / "rows.h5", Rule())
    with Sequences(tmp_path / "rows.h5") as one, Sequences(tmp_path / "0.h5") as other:  # only a checksum differs
        assert one.ids.tolist() == other.ids.tolist()
        assert windows(one) == windows(other)
        assert one.record["inputs"][1:] == other.record["inputs"][1:]


def test_the_order_of_fasta_files_does_not_matter(tmp_path):
    files = [
        ("a", fasta(tmp_path / "1.fa", {"r1": "ACGTA"})),
        ("b", fasta(tmp_path / "2.fa", {"r2": "CCCCC"})),
        ("a", fasta(tmp_path / "3.fa", {"r3": "GGGGGG"})),
    ]
    made = []
    for i, order in enumerate([(0, 1, 2), (2, 1, 0), (1, 2, 0)]):
        encode_records([files[one] for one in order], tmp_path / f"{i}.h5", Rule(5, 1))
        made.append((tmp_path / f"{i}.h5").read_bytes())
    assert made[0] == made[1] == made[2]


def test_the_record_holds_rule_and_checksums_and_no_path(tmp_path):
    on_genome(tmp_path, TINY, ("c", 5, 11, "e"), width=6)
    with Sequences(tmp_path / "s.h5") as stored:
        record = stored.record
    assert record["tool"] == "encode-seq"
    assert record["options"] == {"width": 6, "stride": 2, "short": "contain", "ambiguous": "drop"}
    assert [(one["role"], one["name"], len(one["sha256"])) for one in record["inputs"]] == [
        ("regions", "", 64),
        ("genome", "", 64),
    ]
    assert str(tmp_path) not in json.dumps(record)


# --- what is refused


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("c", 20, 25, "e"), "regions.bed, line 1: c:20-25 ends past the chromosome (24 bases in "),
        (("d", 0, 5, "e"), "regions.bed, line 1: chromosome d is not in "),
        (("chrc", 0, 5, "e"), "chromosome chrc is called c in "),
        (("c", 0, 5), "regions.bed, line 1: no class in column 4"),
        (("c", 5, 5, "e"), "is no span"),
    ],
)
def test_wrong_regions_are_refused(tmp_path, row, message):
    said = refused(lambda: on_genome(tmp_path, TINY, row))
    assert said.startswith(str(tmp_path))
    assert message in said
    assert not (tmp_path / "s.h5").exists()


def test_a_region_twice_is_refused_in_one_file_and_in_two(tmp_path):
    row = ("c", 5, 11, "e")
    assert "c:5-11 stands there twice (first in line 1); remove one" in refused(
        lambda: on_genome(tmp_path, TINY, row, row)
    )
    files = [("a", bed(tmp_path / "a.bed", row)), ("b", bed(tmp_path / "b.bed", row))]
    said = refused(lambda: encode_regions(files, tmp_path / "genome.fa", tmp_path / "s.h5", Rule(6)))
    assert said == f"{tmp_path}/b.bed, line 1: c:5-11 stands in {tmp_path}/a.bed, line 1, too; remove it from one"


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"width": 20, "short": "drop"}, "--window 20: longer than every region; give a narrower one, or --short"),
        (
            {"width": 30},
            "no region gives a window (2 past the chromosome end); give a narrower --window, or --short pad",
        ),
        ({"width": 22}, "no region gives a window (2 ambiguous bases); give --ambiguous zero"),
    ],
)
def test_no_window_at_all_is_an_error_that_says_why(tmp_path, rule, message):
    said = refused(lambda: on_genome(tmp_path, TINY, ("c", 5, 11, "e"), ("c", 6, 12, "f"), **rule))
    assert said.startswith(message)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"short": "cut"}, "--short cut: choose one of contain, overlap, pad, drop"),
        ({"ambiguous": "keep"}, "--ambiguous keep: choose drop or zero"),
        ({"stride": 0}, "--window 300 --stride 0: give a width, or 0, and a stride of at least 1"),
        ({"width": -1}, "--window -1 --stride 2: give a width"),
    ],
)
def test_rules_that_do_not_exist_are_refused(tmp_path, rule, message):
    for encode in (
        lambda: on_genome(tmp_path, TINY, ("c", 5, 11, "e"), **rule),
        lambda: encode_records([("e", fasta(tmp_path / "e.fa", {"r": TINY}))], tmp_path / "r.h5", Rule(**rule)),
    ):
        assert refused(encode).startswith(message)


def test_wrong_records_are_refused(tmp_path):
    good, output = fasta(tmp_path / "good.fa", {"r": "ACGTACGT", "s": "CCCCCCCC"}), tmp_path / "s.h5"
    copy = fasta(tmp_path / "copy.fa", {"t": "ACGTACGT", "s": "CCCCCCCC"})
    rna = fasta(tmp_path / "rna.fa", {"r": "ACGUACGU"})
    said = f"{good}, record r: 8 bases are shorter than the window of 9, and a record has nothing around it"
    for short in ("contain", "overlap"):
        assert refused(lambda short=short: encode_records([("e", good)], output, Rule(9, 1, short))).startswith(said)
    both = [("e", good), ("b", copy)]
    assert refused(lambda: encode_records(both, output, Rule(6))) == (
        f"{good}, record s: stands in {copy} too; rename or remove one"
    )
    twice = [("e", good), ("b", good)]
    assert "record r: stands in" in refused(lambda: encode_records(twice, output, Rule(6)))
    assert "record r: base 4 is U, so this is RNA" in refused(lambda: encode_records([("e", rna)], output, Rule(6)))
    assert refused(lambda: encode_records([(None, good)], output, Rule(6))).endswith("give --fasta CLASS=FILE")
    streams = [("a", Path("-")), ("b", Path("-"))]
    assert "can be read only once" in refused(lambda: encode_records(streams, output, Rule(6)))
    assert not output.exists()


def test_real_regions_are_slices_of_the_real_chromosome(data, tmp_path):
    from pyfaidx import Fasta

    regions, genome = data / "regions" / "fantom5_enhancers.chrX.bed", data / "genome" / "hg19.chrX.fa.gz"
    encode_regions([("enhancer", regions)], genome, tmp_path / "s.h5", Rule())
    with Sequences(tmp_path / "s.h5") as stored, Fasta(str(genome), as_raw=True) as truth:
        assert len(stored) == 499
        chosen = np.arange(0, 499, 7)
        last = stored.n_windows[chosen] - 1
        starts = stored.window_start(chosen, last)
        for codes, start in zip(stored.window_codes(chosen, last), starts, strict=True):
            assert text_of(codes) == truth["chrX"][start : start + 300].upper()


def test_a_record_named_by_its_place_lies_there(tmp_path):
    fasta = tmp_path / "a.fa"
    fasta.write_text(">chrX:100-106\nACGTAC\n>chrX:100-107\nACGTAC\n>other\nACGTAC\n")
    encode_records([("a", fasta)], tmp_path / "a.h5", Rule(4, 1, "drop"))
    with Sequences(tmp_path / "a.h5") as stored:
        assert list(zip(stored.regions.chrom, stored.regions.start, stored.regions.end, strict=True)) == [
            ("chrX", 100, 106),
            ("", 0, 6),  # the name says 7 bases
            ("", 0, 6),
        ]
        np.testing.assert_array_equal(stored.window_start(np.array([0, 0, 1]), np.array([0, 2, 1])), [100, 102, 1])
        assert list(stored.ids) == ["chrX:100-106", "chrX:100-107", "other"]
