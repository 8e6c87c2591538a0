"""Whole runs in the library: what is stored, that no order matters, and what is found before any work."""

import logging
import os
from pathlib import Path

import h5py
import numpy as np
import pysam
import pytest
from reads import SIZES, simulate, write_bam, write_bigwig
from worker_tasks import die, double, refuse

from crekit.errors import InputError, WorkError
from crekit.signal import binning, workers
from crekit.signal.plan import Request, make_plan
from crekit.signal.rules import Filters, Rule
from crekit.signal.samplesheet import Source
from crekit.signal.tracks import CONTROL, SIGNAL, Tracks


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("binning")
    for seed, name in enumerate(("a", "b", "c", "input")):
        write_bam(folder / f"{name}.bam", simulate(1500, seed=seed))
    write_bigwig(
        folder / "v.bw", [("chr1", 0, 250, 2.0), ("chr2", 90, 110, 3.0)], {"chr1": SIZES["chr1"], "chr2": SIZES["chr2"]}
    )
    return folder


def sources(folder: Path, *names: str, controls: tuple[str, ...] = ()) -> list[Source]:
    """``MARK=name`` or ``name`` of files in the folder."""
    found = []
    for text, role in [*((name, SIGNAL) for name in names), *((name, CONTROL) for name in controls)]:
        mark, _, name = text.rpartition("=")
        found.append(Source(folder / name, mark or None, role))
    return found


def run(folder: Path, output: Path, *names: str, controls: tuple[str, ...] = (), threads: int = 1, **settings) -> Path:
    plan, problems = make_plan(sources(folder, *names, controls=controls), Request(**settings))
    problems.raise_first()
    binning.write_tracks(plan, output, threads)
    return output


def problems_of(folder: Path, *names: str, controls: tuple[str, ...] = (), **settings) -> list[str]:
    return list(make_plan(sources(folder, *names, controls=controls), Request(**settings))[1])


def test_the_file_holds_marks_replicates_controls_and_library_sizes(folder, tmp_path):
    path = run(folder, tmp_path / "x.h5", "B=b.bam", "A=a.bam", "A=c.bam", "V=v.bw", controls=("A=input.bam",))
    with Tracks(path) as tracks:
        assert tracks.marks == ["A", "B", "V"]
        assert list(tracks.sizes.items()) == [("chr1", 10_050), ("chr2", 5_000), ("chr10", 777)]
        assert (tracks.bin_size, tracks.normalise) == (100, "rpm")
        assert [(track.mark, track.role, track.kind) for track in tracks.tracks] == [
            ("A", "signal", "counts"),
            ("A", "signal", "counts"),
            ("A", "control", "counts"),
            ("B", "signal", "counts"),
            ("V", "signal", "values"),
        ]
        for track in tracks.tracks[:4]:
            # A read can count in two bins, none counts in more than that here, and some count nowhere.
            total = sum(int(tracks.raw(track, chrom).sum()) for chrom in tracks.sizes)
            assert 1000 < track.library_size <= total
            assert track.record["options"]["min-overlap"] == 0.5
        values = tracks.raw(tracks.tracks[4], "chr1")
        np.testing.assert_array_equal(values[:5], [2, 2, 2, 0, 0])
        assert tracks.raw(tracks.tracks[4], "chr10").sum() == 0
        assert tracks.tracks[4].record["options"] == {"bin-size": 100}


@pytest.mark.parametrize("threads", [1, 2])
def test_neither_the_order_of_files_nor_the_number_of_workers_changes_a_byte(folder, tmp_path, monkeypatch, threads):
    monkeypatch.setattr(binning, "_SMALL", 0)
    first = run(folder, tmp_path / "1.h5", "A=a.bam", "A=c.bam", "B=b.bam", "V=v.bw", controls=("input.bam",))
    other = run(
        folder, tmp_path / "2.h5", "V=v.bw", "B=b.bam", "A=c.bam", "A=a.bam", controls=("input.bam",), threads=threads
    )
    assert first.read_bytes() == other.read_bytes()


def test_joined_tracks_equal_those_counted_at_once(folder, tmp_path):
    blacklist = tmp_path / "black.bed"
    blacklist.write_text("chr1\t1000\t3000\n")
    for settings in ({}, {"blacklist": blacklist}, {"bin_size": 50, "rule": Rule(bin_size=50)}):
        once = run(
            folder,
            tmp_path / "once.h5",
            "A=a.bam",
            "A=c.bam",
            "B=b.bam",
            "V=v.bw",
            controls=("A=input.bam",),
            **settings,
        )
        run(folder, tmp_path / "p1.h5", "A=a.bam", controls=("A=input.bam",), **settings)
        run(folder, tmp_path / "p2.h5", "A=c.bam", controls=("A=input.bam",), **settings)
        # A bigWig alone knows fewer chromosomes, and a part must have all of them.
        sizes = tmp_path / "all.sizes"
        sizes.write_text("".join(f"{chrom}\t{size}\n" for chrom, size in SIZES.items()))
        run(folder, tmp_path / "p3.h5", "V=v.bw", sizes=sizes, **settings)
        run(tmp_path, tmp_path / "p12.h5", "p2.h5", "p1.h5")
        joined = run(
            Path("/"),
            tmp_path / "joined.h5",
            f"{tmp_path}/p3.h5",
            f"{tmp_path}/p12.h5",
            f"B={folder}/b.bam",
            **settings,
        )
        assert joined.read_bytes() == once.read_bytes()


def test_a_control_without_a_mark_serves_all_marks_counted_from_reads(folder, tmp_path):
    path = run(folder, tmp_path / "x.h5", "A=a.bam", "B=b.bam", "V=v.bw", controls=("input.bam",))
    with Tracks(path) as tracks:
        controls = [track for track in tracks.tracks if track.role == CONTROL]
        assert [track.mark for track in controls] == ["A", "B"]
        for chrom in tracks.sizes:
            np.testing.assert_array_equal(tracks.raw(controls[0], chrom), tracks.raw(controls[1], chrom))
        assert controls[0].library_size == controls[1].library_size > 1000


def test_the_library_is_counted_before_chromosomes_are_chosen(folder, tmp_path):
    whole, part = (
        run(folder, tmp_path / "w.h5", "A=a.bam"),
        run(folder, tmp_path / "p.h5", "A=a.bam", chroms="chr2,chr10"),
    )
    sizes = tmp_path / "one.sizes"
    sizes.write_text("chr2\t5000\n")
    other = run(folder, tmp_path / "s.h5", "A=a.bam", sizes=sizes)
    with Tracks(whole) as w, Tracks(part) as p, Tracks(other) as s:
        assert list(p.sizes) == ["chr2", "chr10"]
        assert list(s.sizes) == ["chr2"]
        assert w.tracks[0].library_size == p.tracks[0].library_size == s.tracks[0].library_size
        np.testing.assert_array_equal(w.raw(w.tracks[0], "chr2"), p.raw(p.tracks[0], "chr2"))


def test_blacklisted_bins_are_zero_and_the_library_stays(folder, tmp_path):
    blacklist = tmp_path / "black.bed.gz"
    import gzip

    blacklist.write_bytes(
        gzip.compress(b"chr1\t150\t201\tx\nchr1\t150\t160\nchr1\t9990\t99999\tends past it\nchrM\t1\t5\tnot there\n")
    )
    whole = run(folder, tmp_path / "w.h5", "A=a.bam", "V=v.bw")
    black = run(folder, tmp_path / "b.h5", "A=a.bam", "V=v.bw", blacklist=blacklist)
    with Tracks(whole) as w, Tracks(black) as b:
        for kept, cut in zip(w.tracks, b.tracks, strict=True):
            expected = w.raw(kept, "chr1").copy()
            expected[[1, 2, 99, 100]] = 0
            np.testing.assert_array_equal(b.raw(cut, "chr1"), expected)
            assert kept.library_size == cut.library_size
            assert [one["role"] for one in cut.record["inputs"]][1:] == ["blacklist"]


def test_cram_bins_equal_bam_bins(folder, tmp_path):
    reference = tmp_path / "reference.fa"
    reference.write_text("".join(f">{chrom}\n{'A' * size}\n" for chrom, size in SIZES.items()))
    pysam.faidx(str(reference))
    records = [r for r in simulate(1500, seed=9) if r["start"] < SIZES[r["chrom"]] - 1500]
    bam = write_bam(tmp_path / "r.bam", records)
    cram = tmp_path / "r.cram"
    pysam.view("-C", "-T", str(reference), "-o", str(cram), str(bam), catch_stdout=False)
    pysam.index(str(cram))
    one = run(tmp_path, tmp_path / "bam.h5", "A=r.bam")
    other = run(tmp_path, tmp_path / "cram.h5", "A=r.cram", reference=reference)
    with Tracks(one) as b, Tracks(other) as c:
        assert b.tracks[0].library_size == c.tracks[0].library_size > 500
        for chrom in SIZES:
            np.testing.assert_array_equal(b.raw(b.tracks[0], chrom), c.raw(c.tracks[0], chrom))
    (problem,) = problems_of(tmp_path, "A=r.cram")
    assert "give it with --reference" in problem
    reference.write_text(">chr1\nACGT\n")
    Path(f"{reference}.fai").unlink()
    pysam.faidx(str(reference))
    (problem,) = problems_of(tmp_path, "A=r.cram", reference=reference)
    assert "chr1 has 10050 bases, but 4 in" in problem


def test_a_file_of_no_reads_gives_zeros_and_a_warning(tmp_path, caplog):
    write_bam(tmp_path / "none.bam", [])
    with caplog.at_level(logging.WARNING, "crekit"):
        path = run(tmp_path, tmp_path / "x.h5", "A=none.bam")
    assert "A (signal): no read of" in caplog.text
    with Tracks(path) as tracks:
        assert tracks.tracks[0].library_size == 0
        assert tracks.read("chr1").sum() == 0


def test_many_reads_in_a_bin_are_counted_as_they_are(tmp_path):
    write_bam(tmp_path / "x.bam", [{"start": 10, "cigar": "10M", "sequence": False}] * 70_000)
    path = run(tmp_path, tmp_path / "x.h5", "A=x.bam")
    with Tracks(path) as tracks:
        assert tracks.raw(tracks.tracks[0], "chr1")[0] == 70_000


def test_nothing_in_the_file_tells_where_or_when_it_was_made(folder, tmp_path):
    path = run(folder, tmp_path / "x.h5", "A=a.bam")
    with h5py.File(path) as handle:
        record = handle["tracks/A/signal1"].attrs["record"]
    assert str(folder) not in record
    assert "a.bam" not in record


# What is wrong with the inputs, found before any work.


def test_all_problems_are_found_and_the_first_is_raised(folder, tmp_path):
    gone = Source(tmp_path / "gone.bw", "C")
    problems = make_plan([*sources(folder, "A=missing.bam", "B=a.bam"), gone], Request(chroms="chr7"))[1]
    assert len(problems) == 3
    with pytest.raises(InputError, match=r"missing\.bam: no such file.*\(and 2 more; --check lists all\)"):
        problems.raise_first()


def test_a_file_without_index_is_refused(folder, tmp_path):
    for order, remedy in (
        ("coordinate", "run samtools index"),
        ("queryname", "run samtools sort, then samtools index"),
    ):
        path = write_bam(tmp_path / "x.bam", [{"start": 5}], order=order)
        path.with_name("x.bam.bai").unlink(missing_ok=True)
        (problem,) = problems_of(tmp_path, "x.bam")
        assert problem == f"{path}: no index beside it; {remedy} {path}"


def test_a_file_of_reads_that_are_not_aligned_is_refused(tmp_path):
    write_bam(tmp_path / "x.bam", [], {}, order="unsorted")
    (problem,) = problems_of(tmp_path, "x.bam")
    assert "its header names no chromosome" in problem


def test_an_index_older_than_its_file_is_a_warning(tmp_path, caplog):
    path = write_bam(tmp_path / "x.bam", [{"start": 5}])
    os.utime(f"{path}.bai", (1, 1))
    with caplog.at_level(logging.WARNING, "crekit"):
        assert problems_of(tmp_path, "x.bam") == []
    assert "older than x.bam" in caplog.text


def test_an_index_of_another_file_is_found(tmp_path):
    path = write_bam(tmp_path / "x.bam", [{"start": start} for start in range(100)])
    other = write_bam(tmp_path / "y.bam", [{"start": start} for start in range(90)])
    Path(f"{path}.bai").write_bytes(Path(f"{other}.bai").read_bytes())
    with pytest.raises(InputError, match=r"x\.bam: 100 records on chr1, but its index says 90; run samtools index"):
        run(tmp_path, tmp_path / "x.h5", "x.bam")
    assert list(tmp_path.glob("*.h5")) == []


def test_chromosomes_that_differ_are_found(folder, tmp_path):
    write_bam(tmp_path / "ucsc.bam", [{"start": 5}], {"chr1": 500})
    write_bam(tmp_path / "ensembl.bam", [{"start": 5, "chrom": "1"}], {"1": 500})
    write_bam(tmp_path / "other.bam", [{"start": 5}], {"chr1": 600})
    write_bam(tmp_path / "more.bam", [{"start": 5}], {"chr1": 500, "chr2": 70})
    write_bigwig(tmp_path / "e.bw", [("1", 0, 10, 1.0)], {"1": 500})
    write_bigwig(tmp_path / "ucsc.bw", [("chr1", 0, 10, 1.0)], {"chr1": 500})
    found = problems_of(tmp_path, "ucsc.bam", "ensembl.bam")
    assert any("chromosome 1 is called chr1 in" in problem for problem in found)
    assert "chromosome 1 is called chr1 in" in problems_of(tmp_path, "ucsc.bam", "e.bw")[0]
    assert "chromosome 1 is called chr1 in" in problems_of(tmp_path, "ucsc.bw", "e.bw")[0]
    assert "chr1 has 600 bases, but 500 in" in problems_of(tmp_path, "ucsc.bam", "other.bam")[0]
    assert "more.bam: chromosome chr2 is not in" in problems_of(tmp_path, "ucsc.bam", "more.bam")[0]
    assert problems_of(tmp_path, "ucsc.bam", "more.bam", chroms="chr1") == []
    assert "chromosome 'chr9' is not known; known are chr1" in problems_of(tmp_path, "ucsc.bam", chroms="chr9")[0]
    sizes = tmp_path / "x.sizes"
    sizes.write_text("chr1\t500\nchr2\t70\n")
    assert "chromosome chr2 is not in" in problems_of(tmp_path, "ucsc.bam", sizes=sizes)[0]
    sizes.write_text("chr1\t501\n")
    assert "ucsc.bam: chr1 has 500 bases, but 501 in" in problems_of(tmp_path, "ucsc.bam", sizes=sizes)[0]
    blacklist = tmp_path / "b.bed"
    blacklist.write_text("1\t5\t10\n")
    assert "chromosome 1 is called chr1" in problems_of(tmp_path, "ucsc.bam", blacklist=blacklist)[0]


def test_a_bigwig_may_lack_chromosomes(folder, caplog):
    with caplog.at_level(logging.WARNING, "crekit"):
        assert problems_of(folder, "A=a.bam", "v.bw") == []
    assert "v.bw: has no chr10; bins there are 0" in caplog.text


def test_the_same_data_twice_for_a_mark_are_refused_but_not_for_two_marks(folder, tmp_path):
    copy = tmp_path / "copy.bam"
    copy.write_bytes((folder / "a.bam").read_bytes())
    Path(f"{copy}.bai").write_bytes((folder / "a.bam.bai").read_bytes())
    with pytest.raises(InputError, match="hold the same data; replicates must be different files"):
        run(Path("/"), tmp_path / "x.h5", f"A={folder}/a.bam", f"A={copy}")
    run(Path("/"), tmp_path / "x.h5", f"A={folder}/a.bam", f"B={copy}")
    run(folder, tmp_path / "y.h5", "A=a.bam", "B=a.bam")
    with Tracks(tmp_path / "x.h5") as x, Tracks(tmp_path / "y.h5") as y:
        np.testing.assert_array_equal(x.read("chr1"), y.read("chr1"))


def test_controls_need_a_mark_that_is_counted(folder):
    assert (
        "a control of X, but no such mark is counted (A)"
        in problems_of(folder, "A=a.bam", controls=("X=input.bam",))[0]
    )
    assert "give MARK=PATH" in problems_of(folder, "v.bw", controls=("input.bam",))[0]
    assert "no file to count" in problems_of(folder)[0]


def test_tracks_that_do_not_fit_are_refused(folder, tmp_path):
    run(folder, tmp_path / "50.h5", "A=a.bam", bin_size=50, rule=Rule(bin_size=50))
    run(folder, tmp_path / "100.h5", "B=b.bam")
    run(folder, tmp_path / "none.h5", "C=c.bam", normalise="none")
    run(folder, tmp_path / "chr2.h5", "C=c.bam", chroms="chr2")
    assert "its bin size is 100, but 50 in" in problems_of(tmp_path, "50.h5", "100.h5")[0]
    assert "its bin size is 100, but 50 is asked for" in problems_of(tmp_path, "100.h5", bin_size=50)[0]
    assert "its normalisation is none, but rpm in" in problems_of(tmp_path, "100.h5", "none.h5")[0]
    assert problems_of(tmp_path, "100.h5", "none.h5", normalise="rpm") == []
    assert "chr2.h5" in problems_of(tmp_path, "100.h5", "chr2.h5")[0]
    assert problems_of(tmp_path, "100.h5", "chr2.h5", chroms="chr2") == []
    assert "keeps its marks (B); leave out X=" in problems_of(tmp_path, "X=100.h5")[0]
    assert "name it as an input" in problems_of(tmp_path, "100.h5", controls=("100.h5",))[0]
    assert "give rpm or none" in problems_of(tmp_path, "100.h5", normalise="cpm")[0]
    blacklist = tmp_path / "b.bed"
    blacklist.write_text("chr1\t5\t10\n")
    assert "B was counted without the blacklist" in problems_of(tmp_path, "100.h5", blacklist=blacklist)[0]
    with pytest.raises(InputError, match="hold the same data"):
        run(tmp_path, tmp_path / "x.h5", "100.h5", f"B={folder}/b.bam")


def test_a_control_counted_by_two_rules_is_refused(folder, tmp_path):
    run(folder, tmp_path / "1.h5", "A=a.bam", controls=("input.bam",))
    run(folder, tmp_path / "2.h5", "A=b.bam", controls=("input.bam",), rule=Rule(filters=Filters(min_mapq=30)))
    with pytest.raises(InputError, match="counted by different rules"):
        run(tmp_path, tmp_path / "x.h5", "1.h5", "2.h5")


def test_bins_need_not_divide_the_chromosome(folder, tmp_path):
    path = run(folder, tmp_path / "x.h5", "A=a.bam", bin_size=333, rule=Rule(bin_size=333))
    with Tracks(path) as tracks:
        assert tracks.raw(tracks.tracks[0], "chr10").shape == (3,)


# Worker processes.


def test_results_come_in_the_order_of_the_tasks():
    with workers.workers(2, []) as run_all:
        assert list(run_all(double, range(20))) == list(range(0, 40, 2))


def test_a_killed_worker_is_a_work_error():
    with pytest.raises(WorkError, match="a worker process was killed"), workers.workers(2, []) as run_all:
        list(run_all(die, range(3)))


def test_an_input_error_of_a_worker_comes_through():
    with pytest.raises(InputError, match="no 0"), workers.workers(2, []) as run_all:
        list(run_all(refuse, range(3)))
