"""Whole scans of a small genome, with a model that counts T (see toy_dna), and with networks of random weights."""

import json
import logging
from pathlib import Path

import numpy as np
import pyBigWig
import pytest
from toy_dna import TWO, random_dna, random_dna_model, save_model, share_model, stream, window_by_window, write_fasta

from crekit.errors import InputError
from crekit.genome.fasta import Genome
from crekit.scanning.join import join_scans
from crekit.scanning.run import Rule
from crekit.scanning.sequence_scan import scan_sequences


def bases(n: int, *runs: tuple[int, int, int]) -> np.ndarray:
    """A everywhere, but for runs (start, end, code)."""
    codes = np.zeros(n, dtype=np.uint8)
    for start, end, code in runs:
        codes[start:end] = code
    return codes


GENOME = {
    "chr10": bases(700, (0, 700, 4)),
    "chr2": bases(3_030, (1_000, 1_500, 3), (2_700, 3_030, 3)),
    "chr1": bases(2_000, (700, 840, 3), (841, 845, 3)),
    "chrM": bases(299),
}


@pytest.fixture
def inputs(tmp_path) -> tuple[Path, Path]:
    return save_model(tmp_path / "model.safetensors", share_model()), write_fasta(tmp_path / "genome.fa", GENOME)


def scan(inputs: tuple[Path, Path | str], rule: Rule | None = None, name: str = "scan", **options):
    """The BED's records and the summary."""
    prefix = inputs[0].parent / name
    scan_sequences(*inputs, str(prefix), rule or Rule(), **options)
    records = [line.split("\t") for line in Path(f"{prefix}.bed").read_text().splitlines()]
    return records, json.loads(Path(f"{prefix}.summary.json").read_text())


def files(folder: Path, name: str) -> dict[str, bytes]:
    return {path.name.removeprefix(name): path.read_bytes() for path in folder.glob(f"{name}.*")}


def as_stream(monkeypatch, path: Path) -> None:
    monkeypatch.setattr("sys.stdin", stream(path.read_bytes()))


def test_blocks_are_those_that_were_drawn(inputs):
    records, summary = scan(inputs)
    # Called are windows with more than 141 T in their first 282 bases: of chr1's T, 144 in all, windows 600 and 650.
    # Of chr2: starts from 1000 - 282 + 142 = 860 to 1500 - 142 = 1358, and from 2560; the last window starts at 2700.
    assert [(chrom, int(start), int(end), name) for chrom, start, end, name, *_ in records] == [
        ("chr1", 600, 1000, "enhancer"),
        ("chr2", 900, 1650, "enhancer"),
        ("chr2", 2600, 3000, "enhancer"),
    ]
    # Most T: 144, 282 and 282.
    assert [int(record[4]) for record in records] == [round(1000 / (1 + np.exp(-0.3))), 1000, 1000]
    assert list(summary["chromosomes"]) == ["chr1", "chr2", "chr10", "chrM"]
    assert [one["windows"] for one in summary["chromosomes"].values()] == [35, 55, 9, 0]
    assert summary["classes"] == {"enhancer": {"blocks": 3, "bases": 400 + 750 + 400}}
    assert (summary["step"], summary["width"]) == (50, 300)


def test_probabilities_are_those_of_window_by_window_but_for_gaps(tmp_path, rng):
    model = random_dna_model("deepenhancer-6conv3pool6norm")
    codes = random_dna(rng, 2_500, share_n=0.02)
    codes[1_000:1_700] = 4
    paths = save_model(tmp_path / "m.safetensors", model), write_fasta(tmp_path / "g.fa", {"chr1": codes})
    expected = window_by_window(model, codes, 30)[:, 1]
    gap = [1_000 <= start <= 1_400 for start in range(0, 2_201, 30)]
    scan(paths, Rule(step=30))
    with pyBigWig.open(str(tmp_path / "scan.enhancer.bw")) as handle:
        found = np.array([value for *_, value in handle.intervals("chr1")])
        assert handle.intervals("chr1")[0][:2] == (135, 165)
    np.testing.assert_allclose(found, np.where(gap, 0, expected), atol=1e-5, rtol=0)
    assert 0 < sum(gap) < len(gap)


def test_nothing_known_is_no_call_even_without_background(tmp_path):
    model = save_model(tmp_path / "m.safetensors", share_model(classes=["promoter", "enhancer"]))
    genome = write_fasta(tmp_path / "g.fa", {"chr1": bases(2_000, (500, 1_500, 4))})
    for rule in (Rule(), Rule(filter="block")):
        records, _ = scan((model, genome), rule)
        assert [(record[1], record[2], record[3]) for record in records] == [
            ("0", "750", "promoter"),
            ("1250", "2000", "promoter"),
        ]


def test_lower_case_and_line_lengths_change_nothing(inputs, tmp_path):
    _, first = scan(inputs)
    text = inputs[1].read_text().lower().replace(">chrm", ">chrM")
    inputs[1].write_text(text)
    Path(f"{inputs[1]}.fai").unlink()
    _, second = scan(inputs)
    assert first == second


def test_both_strands_find_what_one_misses(tmp_path):
    model = save_model(tmp_path / "m.safetensors", share_model())
    genome = write_fasta(tmp_path / "g.fa", {"chr1": bases(2_000, (0, 2_000, 1), (800, 1_100, 0))})
    found = []
    for both in (False, True):
        _, summary = scan((model, genome), both_strands=both)
        with pyBigWig.open(str(tmp_path / "scan.enhancer.bw")) as handle:
            found.append([round(value, 3) for *_, value in handle.intervals("chr1")])
    # A window at 800 holds 300 A: 282 T of the other strand count, 1 for that strand, the mean is one half.
    assert (max(found[0]), found[1][16], found[1][0]) == (0.0, 0.5, 0.0)
    assert summary["record"]["options"]["reverse_complement"] is True


def test_a_stream_gives_the_bytes_of_the_file(inputs, tmp_path, monkeypatch):
    scan(inputs, Rule(step=20), name="file")
    as_stream(monkeypatch, inputs[1])
    scan((inputs[0], "-"), Rule(step=20), name="stream")
    found, expected = files(tmp_path, "stream"), files(tmp_path, "file")
    expected[".igv.xml"] = expected[".igv.xml"].replace(b"file.", b"stream.")
    assert found == expected
    assert not list(tmp_path.glob(".*"))


def test_scans_of_single_chromosomes_join_to_the_bytes_of_one_scan(inputs, tmp_path):
    scan(inputs, name="joined")
    expected = files(tmp_path, "joined")
    for chrom in GENOME:
        scan(inputs, name=f"part{chrom}", chroms=chrom)
    for path in tmp_path.glob("joined.*"):
        path.unlink()
    join_scans([str(tmp_path / f"part{chrom}") for chrom in GENOME], str(tmp_path / "joined"))
    assert files(tmp_path, "joined") == expected


def test_scans_made_in_other_ways_do_not_join(inputs, tmp_path):
    scan(inputs, name="one", chroms="chr1")
    scan(inputs, name="other", chroms="chr2", both_strands=True)
    with pytest.raises(InputError, match="scanned with reverse_complement True"):
        join_scans([str(tmp_path / "one"), str(tmp_path / "other")], str(tmp_path / "joined"))


def test_scans_of_two_genome_builds_do_not_join(inputs, tmp_path):
    for name, chrom, genome in (("one", "chr1", "hg19"), ("other", "chr2", "hg38")):
        scan(inputs, name=name, chroms=chrom)
        path = tmp_path / f"{name}.summary.json"
        path.write_text(path.read_text().replace('"genome": null', f'"genome": "{genome}"'))
    with pytest.raises(InputError, match=r"other\.summary\.json: a scan of hg38, but .*one\.summary\.json of hg19"):
        join_scans([str(tmp_path / "one"), str(tmp_path / "other")], str(tmp_path / "joined"))


def test_the_record_holds_the_checksum_of_what_was_scanned(inputs):
    _, summary = scan(inputs, chroms="chr1-chr2")
    with Genome(inputs[1]) as genome:
        for chrom in ("chr1", "chr2"):
            genome.codes(chrom)
        expected = genome.sha256()
    assert [one["sha256"] for one in summary["record"]["inputs"] if one["role"] == "genome"] == [expected]


def test_threads_do_not_change_the_files(inputs, tmp_path):
    scan(inputs, Rule(step=7), threads=1)
    one = files(tmp_path, "scan")
    scan(inputs, Rule(step=7), threads=3)
    assert files(tmp_path, "scan") == one


def test_known_tss_and_markers_work_as_for_tracks(inputs, tmp_path):
    (tmp_path / "tss.bed").write_text("chr1\t1500\t1501\nchr9\t5\t6\n")
    (tmp_path / "markers.bed").write_text("chr2\t1700\t1800\n")
    rule = Rule(tss_distance=600, marker_distance=100)
    records, summary = scan(inputs, rule, known_tss=tmp_path / "tss.bed", markers=tmp_path / "markers.bed")
    assert [record[0] for record in records] == ["chr2", "chr2"]
    enhancer = summary["classes"]["enhancer"]
    assert (enhancer["removed_near_tss"], enhancer["validated"], enhancer["blocks"]) == (1, 1, 2)


def test_a_model_of_whole_regions_scans_with_the_window_that_is_asked_for(tmp_path, rng):
    model = random_dna_model("lstm", window=0)
    codes = random_dna(rng, 700)
    paths = save_model(tmp_path / "m.safetensors", model), write_fasta(tmp_path / "g.fa", {"chr1": codes})
    with pytest.raises(InputError, match="m: the model reads whole regions of any length; give --window"):
        scan(paths)
    _, summary = scan(paths, Rule(step=100), window=200)
    assert (summary["width"], summary["windows"], summary["record"]["options"]["window"]) == (200, 6, 200)
    with pyBigWig.open(str(tmp_path / "scan.enhancer.bw")) as handle:
        found = [value for *_, value in handle.intervals("chr1")]
    np.testing.assert_allclose(found, window_by_window(model, codes, 100, 200)[:, 1], atol=1e-5)


def test_chromosomes_without_a_window_are_named(inputs, caplog):
    caplog.set_level(logging.WARNING, "crekit")
    logging.getLogger("crekit").propagate = True
    scan(inputs)
    assert "shorter than a window of 300 bases, and not scored: chrM" in caplog.text


def test_what_does_not_fit_is_refused(inputs, tmp_path, monkeypatch):
    model, genome = inputs
    (tmp_path / "other.bed").write_text("1\t5\t6\n")
    for match, rule, options in (
        ("--window 200: the model's windows have 300 bases", Rule(), {"window": 200}),
        ("'chr7' is not known; known are chr1, chr2, chr10, chrM", Rule(), {"chroms": "chr7"}),
        ("other.bed: chromosome 1 is called chr1 in the genome", Rule(), {"known_tss": tmp_path / "other.bed"}),
        ("--filter all", Rule(filter="all"), {}),
    ):
        before = sorted(tmp_path.iterdir())
        with pytest.raises(InputError, match=match):
            scan(inputs, rule, **options)
        assert {*before, Path(f"{genome}.fai")} >= set(tmp_path.iterdir())
    before = sorted(tmp_path.iterdir())
    for match, text, options in (
        ("--chroms: what a stream holds is known at its end", ">chr1\nACGT\n", {"chroms": "chr1"}),
        ("-: standard input is the genome already", ">chr1\nACGT\n", {"markers": "-"}),
        ("standard input: holds no record", "", {}),
        ("record chr1: base 3 is U, so this is RNA", ">chr1\nACU\n", {}),
        ("record chr2: is empty", f">chr1\n{'A' * 400}\n>chr2\n", {}),
        ("record chr1: stands there twice", f">chr1\n{'A' * 400}\n>chr1\nAC\n", {}),
    ):
        monkeypatch.setattr("sys.stdin", stream(text.encode()))
        with pytest.raises(InputError, match=match):
            scan((model, "-"), **options)
        assert sorted(tmp_path.iterdir()) == before


def test_two_classes_are_scanned_by_default_every_50_bases(inputs):
    _, summary = scan(inputs)
    assert summary["record"]["options"] == {
        "step": 50, "cutoff": 0.5, "filter": "window", "window": 300, "reverse_complement": False,
    }  # fmt: skip
    assert list(summary["classes"]) == TWO[1:]
