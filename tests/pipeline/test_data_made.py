"""The data of the profile `test` are what tests/make_pipeline_data.py makes, and hold what the pipeline is tried on."""

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pyBigWig
import pysam
import pytest
from make_pipeline_data import AS_BIGWIG, bare_reads, make, other_cells, write_rpm
from simulate import ELEMENTS, MARKS, Simulated, simulate

SHIPPED = Path(__file__).parents[2] / "nextflow" / "assets" / "test"

pytestmark = pytest.mark.xdist_group("pipeline_data")


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "with a space"
    make(folder)
    return folder


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Simulated:
    return simulate(tmp_path_factory.mktemp("small"), n_chroms=1)


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def content(path: Path):
    """What a file says. Compressed bytes may differ between versions of zlib, so records are compared, not bytes."""
    if path.suffix == ".bam":
        with pysam.AlignmentFile(str(path)) as bam:
            return str(bam.header), [read.to_string() for read in bam]
    if path.suffix == ".bw":
        with pyBigWig.open(str(path)) as bigwig:
            return bigwig.chroms(), [bigwig.intervals(chrom) for chrom in bigwig.chroms()]
    return None if path.suffix == ".bai" else path.read_bytes()


def rows(name: str) -> list[dict[str, str]]:
    with open(SHIPPED / name, newline="") as sheet:
        return list(csv.DictReader(sheet))


def test_the_shipped_files_are_those_that_the_script_makes(made):
    assert files(made) == files(SHIPPED)
    for name in files(made):
        assert content(SHIPPED / name) == content(made / name), f"{name}: run tests/make_pipeline_data.py again"


def test_made_again_elsewhere_the_bytes_are_the_same(made, tmp_path):
    make(tmp_path)
    for name in files(made):
        assert (tmp_path / name).read_bytes() == (made / name).read_bytes(), name


def test_the_shipped_files_are_small():
    assert sum((SHIPPED / name).stat().st_size for name in files(SHIPPED)) < 1_200_000


def test_both_samples_have_all_marks_as_bam_bigwig_replicates_and_control():
    sheet = rows("samplesheet.csv")
    for sample in ("alpha", "beta"):
        found = Counter(row["mark"] for row in sheet if row["sample"] == sample)
        assert found == {**dict.fromkeys(MARKS, 1), "H3K4me1": 2}
        for row in (row for row in sheet if row["sample"] == sample):
            is_bigwig = row["mark"] in AS_BIGWIG[sample]
            assert Path(row["path"]).suffix == (".bw" if is_bigwig else ".bam")
            assert row["control"] == ("" if is_bigwig else f"{sample}/Input.bam")
    assert [bool(row["plus"] and row["minus"]) for row in rows("annotations.csv")] == [True, False]
    assert [bool(row["reads"]) for row in rows("annotations.csv")] == [False, True]


def test_every_path_of_the_sheets_is_there_and_every_file_is_in_a_sheet():
    named = {cell for row in rows("samplesheet.csv") for key in ("path", "control") if (cell := row[key])}
    named |= {f"{name}.bai" for name in named if name.endswith(".bam")}
    named |= {cell for row in rows("annotations.csv") for key, cell in row.items() if key != "sample" and cell}
    assert named == set(files(SHIPPED)) - {"samplesheet.csv", "annotations.csv", "chrom.sizes", "blacklist.bed"}


def test_other_cells_have_as_much_of_each_kind_at_the_same_places(small):
    others = other_cells(small.elements, np.random.default_rng(1))
    assert [one[:2] for one in others] == [one[:2] for one in small.elements]
    assert Counter(one.kind for one in others) == Counter(one.kind for one in small.elements)
    changes = {(one.kind, other.kind) for one, other in zip(small.elements, others, strict=True)}
    for stays in ("silent", "artefact"):
        assert {other for kind, other in changes if kind == stays} == {stays}
    for kind in ELEMENTS:
        assert {other for one, other in changes if one == kind} > {kind}
    assert {other for kind, other in changes if kind.endswith("promoter")} == {"active_promoter", "poised_promoter"}


def test_bare_reads_lie_where_the_reads_lie(small, tmp_path):
    bare_reads(small.control, tmp_path / "bare.bam")
    with pysam.AlignmentFile(str(small.control)) as full, pysam.AlignmentFile(str(tmp_path / "bare.bam")) as bare:
        for one, other in zip(full, bare, strict=True):
            fields = one.to_string().split("\t")
            assert other.to_string().split("\t") == ["*", *fields[1:9], "*", "*"]


def test_a_bigwig_holds_reads_per_million_in_bins_of_100_bases(small, tmp_path):
    write_rpm(small.control, tmp_path / "control.bw")
    with pysam.AlignmentFile(str(small.control)) as bam:
        middles = [(read.reference_start + read.reference_end) // 2 for read in bam]
    with pyBigWig.open(str(tmp_path / "control.bw")) as bigwig:
        assert bigwig.chroms() == {"chr1": 402_350}
        # The 50 bases after the last whole bin have no value.
        values = bigwig.values("chr1", 0, 402_350, numpy=True)
        assert np.isnan(values[402_300:]).all()
        assert values[:402_300].reshape(-1, 100).std(axis=1).max() < 0.01
        inside = sum(86_700 <= middle < 86_800 for middle in middles)
        assert values[86_750] == pytest.approx(inside * 1e6 / len(middles), rel=1e-6)
        assert values[:402_300:100].sum() == pytest.approx(1e6, rel=1e-3)
