"""score-variants as its users run it. What it computes is tested in tests/scanning."""

import gzip
import os
import subprocess
import sys
from pathlib import Path

import pysam
import pytest
from running import run_executable, run_tool
from toy_variants import SPLIT, genome, random_variants, save_sequence_model, sequence_model, vcf_text, write_genome

from crekit.models.file import save
from crekit.models.settings import SignalSettings

CHROMS = {"chr1": 900, "chr2": 700}
HEAD = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"


@pytest.fixture(scope="module")
def chroms() -> dict[str, str]:
    return genome(CHROMS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, chroms) -> Path:
    """model.safetensors, genome.fa and its index, variants.vcf with 12 records."""
    made = tmp_path_factory.mktemp("inputs")
    save_sequence_model(made / "model.safetensors", sequence_model())
    write_genome(made / "genome.fa", chroms)
    (made / "variants.vcf").write_text(vcf_text(chroms, random_variants(chroms, 12)))
    return made


def words(folder: Path, vcf: Path | str | None = None) -> list[str | Path]:
    given = ["-m", folder / "model.safetensors", "-g", folder / "genome.fa", "--device", "cpu", "-p", "1"]
    return [*given, "--vcf", vcf or folder / "variants.vcf"]


def outputs(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def refused(ended: subprocess.CompletedProcess[str], *parts: str) -> None:
    """One line, status 2."""
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr.startswith("score-variants: error: ")
    assert ended.stderr.count("\n") == 1
    for part in parts:
        assert part in ended.stderr


def test_a_run_writes_file_index_and_table_and_says_what_it_found(folder, tmp_path):
    ended = run_tool(
        "score-variants", *words(folder), "-o", tmp_path / "scored.vcf.gz", "--table", tmp_path / "scored.tsv"
    )
    assert (ended.returncode, ended.stdout) == (0, "")
    assert "scoring 12 record(s) with deepenhancer-6conv3pool6norm on cpu" in ended.stderr
    assert "allele(s) of 12 record(s) scored" in ended.stderr
    assert "largest change of enhancer: " in ended.stderr
    assert outputs(tmp_path) == {"scored.vcf.gz", "scored.vcf.gz.tbi", "scored.tsv"}


def test_streams_go_through(folder, tmp_path):
    ended = run_executable(
        "score-variants", *words(folder, "-"), "-o", "-", "-q", input=(folder / "variants.vcf").read_text()
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    run_tool("score-variants", *words(folder), "-o", tmp_path / "scored.vcf")
    assert ended.stdout == (tmp_path / "scored.vcf").read_text()
    assert len([line for line in ended.stdout.splitlines() if line[0] != "#"]) == 12


def test_a_table_goes_to_standard_output(folder, tmp_path):
    ended = run_tool("score-variants", *words(folder), "-o", tmp_path / "scored.vcf", "--table", "-", "-q")
    assert ended.stdout.splitlines()[0].startswith("chrom\tpos\tid\tref\talt\tref_background\talt_background\t")
    refused(run_tool("score-variants", *words(folder), "-o", "-", "--table", "-"), "cannot both go to standard output")


def test_options_reach_the_scores_and_their_record(folder, tmp_path):
    options = "--step 20 --window 60 --prefix NET --skip-mismatches"
    ended = run_tool("score-variants", *words(folder), *options.split(), "-o", tmp_path / "scored.vcf")
    assert ended.returncode == 0, ended.stderr
    text = (tmp_path / "scored.vcf").read_text()
    assert '"options": {"window": 60, "step": 20, "prefix": "NET", "skip_mismatches": true}' in text
    assert ";NET_DELTA_enhancer=" in text
    assert "CREKIT" not in text


def test_a_file_without_records_gives_one_without_records(folder, tmp_path):
    (tmp_path / "none.vcf").write_text(HEAD)
    ended = run_tool("score-variants", *words(folder, tmp_path / "none.vcf"), "-o", tmp_path / "scored.vcf.gz")
    assert ended.returncode == 0
    assert "warning: the file holds no record" in ended.stderr
    with pysam.VariantFile(str(tmp_path / "scored.vcf.gz")) as handle:
        assert "CREKIT_DELTA_enhancer" in handle.header.info
        assert not list(handle)
    assert (tmp_path / "scored.vcf.gz.tbi").exists()


def test_duplicate_records_are_scored_alike(folder, chroms, tmp_path):
    record = ("chr1", 100, chroms["chr1"][100].upper(), ["ACCA"])
    (tmp_path / "twice.vcf").write_text(vcf_text(chroms, [record, record]).replace("rs1", "rs0"))
    run_tool("score-variants", *words(folder, tmp_path / "twice.vcf"), "-o", tmp_path / "scored.vcf")
    first, second = (tmp_path / "scored.vcf").read_text().splitlines()[-2:]
    assert first == second


BROKEN = {
    "empty": (b"", "the file is empty"),
    "empty-gzip": (gzip.compress(b""), "empty; give a VCF"),
    "fasta": (b">chr1\nACGT\n", "not a VCF or BCF file"),
    "no-header": (b"chr1\t10\t.\tA\tC\t.\t.\t.\n", "not a VCF or BCF file"),
    "binary": (bytes(range(256)), "not a VCF or BCF file"),
    "cut-line": (f"{HEAD}chr1\t5\t.\tN".encode(), "the record after the header is truncated or damaged"),
    "no-number": (f"{HEAD}chr1\tfive\t.\tA\tC\t.\t.\t.\n".encode(), "the record after the header is"),
}


@pytest.mark.parametrize("kind", list(BROKEN))
def test_files_that_are_no_vcf_are_refused(folder, tmp_path, kind):
    content, message = BROKEN[kind]
    (tmp_path / "broken.vcf").write_bytes(content)
    ended = run_tool("score-variants", *words(folder, tmp_path / "broken.vcf"), "-o", tmp_path / "scored.vcf.gz")
    refused(ended, "broken.vcf: ", message)
    assert outputs(tmp_path) == {"broken.vcf"}


@pytest.mark.parametrize("packing", ["bgzip", "gzip"])
def test_truncated_files_are_refused(folder, tmp_path, packing):
    text = vcf_text({"chr1": "A" * 900}, [("chr1", 5, "A", ["C"])] * 3000)
    (tmp_path / "whole.vcf").write_text(text)
    pysam.tabix_compress(str(tmp_path / "whole.vcf"), str(tmp_path / "whole.vcf.gz"))
    raw = (tmp_path / "whole.vcf.gz").read_bytes() if packing == "bgzip" else gzip.compress(text.encode())
    (tmp_path / "cut.vcf.gz").write_bytes(raw[: len(raw) // 2])
    ended = run_tool("score-variants", *words(folder, tmp_path / "cut.vcf.gz"), "-o", tmp_path / "scored.vcf.gz")
    refused(ended, "cut.vcf.gz: ", "truncated", "copy or make it again")


def other(base: str) -> str:
    return "A" if base.upper() != "A" else "C"


RECORDS = {
    "spelling": ("1\t5\t.\tA\tC", "chromosome 1 is called chr1 in"),
    "stranger": ("chr9\t5\t.\tA\tC", "chromosome chr9 is not in"),
    "past-the-end": ("chr1\t899\t.\tACGT\tC", "record chr1:899: REF lies outside chr1, which has 900 bases"),
    "before-the-start": ("chr1\t0\t.\tA\tC", "record chr1:0: REF lies outside chr1"),
    "rna": ("chr1\t5\t.\tU\tC", "record chr1:5, REF: base 1 is U, so this is RNA"),
}


@pytest.mark.parametrize("kind", list(RECORDS))
def test_records_that_do_not_fit_the_genome_are_refused(folder, tmp_path, kind):
    record, message = RECORDS[kind]
    (tmp_path / "in.vcf").write_text(f"{HEAD}{record}\t.\t.\t.\n")
    refused(
        run_tool("score-variants", *words(folder, tmp_path / "in.vcf"), "-o", tmp_path / "out.vcf"), "in.vcf", message
    )
    assert outputs(tmp_path) == {"in.vcf"}


def test_another_length_in_the_header_is_refused(folder, tmp_path):
    head = HEAD.replace("#CHROM", "##contig=<ID=chr1,length=1000>\n#CHROM")
    (tmp_path / "in.vcf").write_text(f"{head}chr1\t5\t.\tA\tC\t.\t.\t.\n")
    ended = run_tool("score-variants", *words(folder, tmp_path / "in.vcf"), "-o", tmp_path / "out.vcf")
    refused(ended, "its header gives chr1 1000 bases", "has 900", "use the genome build of the file")


def test_a_reference_that_differs_is_refused_or_skipped(folder, chroms, tmp_path):
    right = chroms["chr1"][299].upper()
    rows = [f"chr1\t{300 + i}\t.\t{ref}\tGG\t.\t.\t.\n" for i, ref in enumerate([right, other(chroms["chr1"][300])])]
    (tmp_path / "in.vcf").write_text(HEAD + "".join(rows))
    given = [*words(folder, tmp_path / "in.vcf"), "-o", tmp_path / "out.vcf"]
    message = f"record chr1:301: REF is {other(chroms['chr1'][300])}, but"
    refused(run_tool("score-variants", *given), message, "(1 of 2 records differ)", "--skip-mismatches")
    ended = run_tool("score-variants", *given, "--skip-mismatches")
    assert ended.returncode == 0
    assert "warning: 1 allele(s) not scored: 1 REF not of the genome" in ended.stderr
    scored = (tmp_path / "out.vcf").read_text().splitlines()[-2:]
    assert "CREKIT" in scored[0]
    assert scored[1] + "\n" == rows[1]


@pytest.mark.parametrize("order", [[("chr1", 20), ("chr1", 10)], [("chr1", 10), ("chr2", 10), ("chr1", 20)]])
def test_records_out_of_order_are_refused(folder, chroms, tmp_path, order):
    rows = [(chrom, start, chroms[chrom][start].upper(), ["AAC"]) for chrom, start in order]
    (tmp_path / "in.vcf").write_text(vcf_text(chroms, rows))
    ended = run_tool("score-variants", *words(folder, tmp_path / "in.vcf"), "-o", tmp_path / "out.vcf")
    refused(ended, f"record chr1:{order[-1][1] + 1}: not in order; sort the file: bcftools sort")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--step", "0"], "--step"),
        (["--window", "50"], "--window 50: the model was trained on 60 bases"),
        (["--prefix", "2 x"], "--prefix '2 x': names no INFO field"),
        (["--device", "tpu"], "--device tpu"),
        (["-o", "scored.bcf"], "-o scored.bcf: name it .vcf, or .vcf.gz"),
        (["-g", "none.fa"], "none.fa: no such file"),
        (["--vcf", "none.vcf"], "none.vcf: no such file"),
        (["-m", "none.safetensors"], "none.safetensors: no such file"),
        (["--table", "nowhere/t.tsv"], "nowhere/t.tsv: the folder"),
        (["-o", "nowhere/t.vcf"], "nowhere/t.vcf: the folder"),
    ],
    ids=lambda one: one[0].strip("-") + "-" + one[1].replace("/", "-") if isinstance(one, list) else "",
)
def test_wrong_options_are_refused_in_one_line(folder, tmp_path, options, message):
    refused(run_tool("score-variants", *words(folder), "-o", tmp_path / "scored.vcf", *options), message)
    assert not outputs(tmp_path)


def test_a_model_of_tracks_is_refused(folder, tmp_path):
    settings = SignalSettings(
        arch="ep-dnn", classes=["background", "enhancer"], marks=["A"], bin_size=100, n_bins=20, kinds={"A": "counts"},
        normalise="none", min_nonzero=5, mean=[0.0], std=[1.0], split=SPLIT, training={}, counts={}, record={},
        sizes=CHROMS,
    )  # fmt: skip
    model = tmp_path / "tracks.safetensors"
    save(model, settings, settings.build())
    ended = run_tool("score-variants", *words(folder), "-m", model, "-o", tmp_path / "scored.vcf")
    refused(ended, "tracks.safetensors: a model of tracks, which sequences cannot feed")


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unwritable for the superuser")
def test_an_unwritable_folder_is_refused(folder, tmp_path):
    tmp_path.chmod(0o500)
    refused(run_tool("score-variants", *words(folder), "-o", tmp_path / "scored.vcf"), "cannot be written")


def test_an_output_over_an_input_is_refused(folder):
    refused(run_tool("score-variants", *words(folder), "-o", folder / "variants.vcf"), "both an input and --output")


def test_a_full_disk_ends_with_1_and_leaves_nothing(folder, chroms, tmp_path):
    (tmp_path / "long.vcf").write_text(
        HEAD + "".join(f"chr1\t5\tid{i * 7919}\tA\t<DEL>\t.\t.\t.\n" for i in range(9000))
    )
    (tmp_path / "out").mkdir()
    script = 'ulimit -f 8; trap "" XFSZ; exec "$@"'
    tool = Path(sys.executable).parent / "score-variants"
    given = [*words(folder, tmp_path / "long.vcf"), "-o", tmp_path / "out" / "scored.vcf.gz", "-q"]
    command = ["bash", "-c", script, "bash", str(tool), *map(str, given)]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert "scored.vcf.gz: writing failed" in ended.stderr
    assert not outputs(tmp_path / "out")
