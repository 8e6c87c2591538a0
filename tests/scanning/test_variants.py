"""Scoring a VCF: equal to the plain definition, whatever the batches and threads; the files keep what they held."""

import gzip
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pysam
import pytest
import torch
from toy_variants import (
    CLASSES,
    WINDOW,
    genome,
    plain_scores,
    random_variants,
    save_sequence_model,
    sequence_model,
    vcf_text,
    write_genome,
)

from crekit.errors import InputError
from crekit.scanning import variants_annotate, variants_vcf
from crekit.scanning.variants import Rule, score_variants

CHROMS = {"chr1": 1200, "chr2": 700}
STEP = 30


@pytest.fixture(scope="module")
def chroms() -> dict[str, str]:
    return genome(CHROMS)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory, chroms) -> tuple[Path, Path, Path]:
    """Model, genome and VCF of 20 variants."""
    folder = tmp_path_factory.mktemp("inputs")
    model = save_sequence_model(folder / "model.safetensors", sequence_model())
    vcf = folder / "variants.vcf"
    vcf.write_text(vcf_text(chroms, random_variants(chroms, 20)))
    return model, write_genome(folder / "genome.fa", chroms), vcf


def scored(inputs, output: Path, **options) -> Path:
    model, fasta, vcf = inputs
    rule = Rule(**{"step": STEP, **options})
    score_variants(model, fasta, vcf, output, rule, device="cpu", threads=1)
    return output


def test_scores_of_200_variants_equal_the_plain_definition(inputs, chroms, tmp_path):
    model, step = sequence_model(), 11
    (tmp_path / "200.vcf").write_text(vcf_text(chroms, random_variants(chroms, 200)))
    output = scored((*inputs[:2], tmp_path / "200.vcf"), tmp_path / "scored.vcf.gz", step=step)
    n_scored, changes = 0, []
    with pysam.VariantFile(str(output)) as handle:
        records = list(handle)
    assert len(records) == 200
    for record in records:
        for i, alt in enumerate(record.alts):
            text = chroms[record.contig]
            ref, changed = plain_scores(model, text, record.start, record.ref, alt, WINDOW, step)
            for j, name in enumerate(CLASSES):
                found = [record.info.get(f"CREKIT_{what}_{name}", (None, None))[i] for what in ("REF", "DELTA")]
                if ref is None or changed is None:
                    assert found == [None, None]
                    continue
                assert found == pytest.approx([ref[j], changed[j] - ref[j]], abs=3e-6)
                changes.append(abs(changed[j] - ref[j]))
            n_scored += ref is not None and changed is not None
    assert n_scored == 248  # and 18 next to chromosome ends are not
    assert np.median(changes) > 1e-3  # else everything would equal everything


def test_every_base_is_tried_with_step_1(inputs, chroms, tmp_path):
    model = sequence_model()
    (tmp_path / "few.vcf").write_text(vcf_text(chroms, random_variants(chroms, 20)[5:8]))
    with pysam.VariantFile(str(scored((*inputs[:2], tmp_path / "few.vcf"), tmp_path / "scored.vcf", step=1))) as handle:
        for record in handle:
            ref, changed = plain_scores(
                model, chroms[record.contig], record.start, record.ref, record.alts[0], WINDOW, 1
            )
            delta = record.info["CREKIT_DELTA_enhancer"][0]
            assert delta == pytest.approx(changed[1] - ref[1], abs=3e-6)


def test_a_padded_record_scores_as_the_bare_one(inputs, chroms, tmp_path):
    model, fasta, _ = inputs
    text = chroms["chr1"].upper()
    alt = "A" if text[300] != "A" else "C"
    rows = [("chr1", 295, text[295:306], [text[295:300] + alt + text[301:306]]), ("chr1", 300, text[300], [alt])]
    (tmp_path / "two.vcf").write_text(vcf_text(chroms, rows))
    with pysam.VariantFile(str(scored((model, fasta, tmp_path / "two.vcf"), tmp_path / "scored.vcf"))) as handle:
        padded, bare = ([record.info[f"CREKIT_DELTA_{name}"] for name in CLASSES] for record in handle)
    assert padded == bare


def test_bytes_depend_neither_on_batches_nor_on_threads(inputs, tmp_path, monkeypatch):
    first = scored(inputs, tmp_path / "first.vcf").read_bytes()
    model, fasta, vcf = inputs
    score_variants(model, fasta, vcf, tmp_path / "threads.vcf", Rule(step=STEP), device="cpu", threads=3)
    assert (tmp_path / "threads.vcf").read_bytes() == first
    monkeypatch.setattr(variants_annotate, "_BATCH", 40)  # windows
    small = scored(inputs, tmp_path / "small.vcf").read_text().splitlines()
    # Other batches may change the last bit of a float32, and so the sixth decimal.
    for one, other in zip(small, first.decode().splitlines(), strict=True):
        numbers = [[float(x) for x in line.partition("CREKIT")[2].split("=")[-1].split(",") if x != "."]
                   if line[0] != "#" and "CREKIT" in line else [] for line in (one, other)]  # fmt: skip
        assert numbers[0] == pytest.approx(numbers[1], abs=2e-6)
        assert one.split("\t")[:5] == other.split("\t")[:5]


def test_what_the_file_held_is_kept_and_what_cannot_be_scored_passes_through(inputs, chroms, tmp_path):
    model, fasta, _ = inputs
    base = chroms["chr1"][200].upper()
    other = "C" if base != "C" else "G"
    lines = (
        "##fileformat=VCFv4.2\n"
        '##INFO=<ID=END,Number=1,Type=Integer,Description="End">\n'
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n'
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tone\n"
    )
    kept = [
        f"chr1\t150\tsv\t{chroms['chr1'][149].upper()}\t<DEL>\t7\tlow\tEND=190;SVTYPE=DEL\tGT:XX\t0/1:3",
        "chr1\t160\t.\tN\t.\t.\t.\tEND=162\tGT\t0/0",
        "elsewhere\t5\tbnd\tA\tA[chr2:100[\t.\t.\t.\tGT\t./.",
    ]
    mixed = f"chr1\t201\tmixed\t{base}\t{other},<DEL>,*\t50\tPASS\tEND=201\tGT\t1/2"
    (tmp_path / "in.vcf").write_text(lines + "\n".join([kept[0], kept[1], mixed, kept[2]]) + "\n")
    summary = score_variants(
        model, fasta, tmp_path / "in.vcf", tmp_path / "out.vcf", Rule(step=STEP), table=tmp_path / "t.tsv"
    )
    assert summary == {
        "records": 4, "scored": 1, "not_scored": {"symbolic": 2, "deleted by another (*)": 1, "breakend": 1},
    }  # fmt: skip
    found = (tmp_path / "out.vcf").read_text().splitlines()
    records = [line for line in found if not line.startswith("#")]
    assert [records[0], records[1], records[3]] == kept
    columns, expected = records[2].split("\t"), mixed.split("\t")
    assert columns[:7] + columns[8:] == expected[:7] + expected[8:]
    info = dict(field.split("=") for field in columns[7].split(";"))
    assert list(info) == ["END", *(f"CREKIT_{what}_{name}" for name in CLASSES for what in ("REF", "DELTA"))]
    assert all(value.endswith(",.,.") and value[0] != "." for name, value in info.items() if name != "END")
    assert [line for line in found if line.startswith("##contig")] == ["##contig=<ID=chr1,length=1200>"]
    rows = [line.split("\t") for line in (tmp_path / "t.tsv").read_text().splitlines()]
    assert rows[0][:8] == ["chrom", "pos", "id", "ref", "alt", "ref_background", "alt_background", "delta_background"]
    assert [row[:5] for row in rows[2:5]] == [["chr1", "201", "mixed", base, alt] for alt in (other, "<DEL>", "*")]
    assert [row[5] for row in rows[1:]] == ["NA", rows[2][5], "NA", "NA", "NA"]
    ref, alt, delta = map(float, rows[2][8:11])
    assert (delta, ref) == pytest.approx((alt - ref, float(info["CREKIT_REF_enhancer"].split(",")[0])), abs=1e-9)


def test_the_header_describes_fields_and_says_how_they_were_made(inputs, tmp_path):
    with pysam.VariantFile(str(scored(inputs, tmp_path / "scored.vcf"))) as handle:
        field = handle.header.info["CREKIT_REF_promoter"]
        assert (field.number, field.type) == ("A", "Float")
        assert "windows of 60 bases, every 30" in field.description
        record = json.loads(next(line.value for line in handle.header.records if line.key == "crekit"))
    assert record["tool"] == "score-variants"
    assert record["options"] == {"window": 60, "step": 30, "prefix": "CREKIT", "skip_mismatches": False}
    assert [one["role"] for one in record["inputs"]] == ["model", "genome", "variants"]
    assert str(tmp_path) not in (tmp_path / "scored.vcf").read_text()


def test_all_forms_of_a_file_give_the_same_bytes(inputs, tmp_path, monkeypatch):
    model, fasta, vcf = inputs
    expected = scored(inputs, tmp_path / "plain.vcf").read_text()
    text = vcf.read_bytes()
    (tmp_path / "gzip.vcf.gz").write_bytes(gzip.compress(text))
    pysam.tabix_compress(str(vcf), str(tmp_path / "bgzip.vcf.gz"))
    with (
        pysam.VariantFile(str(vcf)) as source,
        pysam.VariantFile(str(tmp_path / "a.bcf"), "wb", header=source.header) as bcf,
    ):
        for record in source:
            bcf.write(record)
    for name in ("gzip.vcf.gz", "bgzip.vcf.gz", "a.bcf"):
        assert scored((model, fasta, tmp_path / name), tmp_path / "out.vcf").read_text() == expected
    for given in (text, gzip.compress(text)):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(given))))
        assert scored((model, fasta, "-"), tmp_path / "out.vcf").read_text() == expected
    with pysam.BGZFile(str(scored(inputs, tmp_path / "packed.vcf.gz")), "rb") as packed:
        assert packed.read().decode() == expected


def test_packed_output_has_an_index(inputs, tmp_path):
    output = scored(inputs, tmp_path / "scored.vcf.gz")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scored.vcf.gz", "scored.vcf.gz.tbi"]
    with pysam.VariantFile(str(output)) as handle:
        all_of_it = [record.id for record in handle if record.contig == "chr2" and 300 < record.pos <= 600]
        assert [record.id for record in handle.fetch("chr2", 300, 600) if record.start >= 300] == all_of_it
    assert all_of_it


def test_chromosomes_that_a_tbi_cannot_hold_get_a_csi(tmp_path):
    with variants_vcf.writer(tmp_path / "long.vcf.gz", {"chr1": 2**29}) as write:
        write("##fileformat=VCFv4.2\n##contig=<ID=chr1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n")
        write("chr1\t536870911\tlast\tA\tC\t.\t.\t.\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["long.vcf.gz", "long.vcf.gz.csi"]
    with pysam.VariantFile(str(tmp_path / "long.vcf.gz")) as handle:
        assert [record.id for record in handle.fetch("chr1", 2**29 - 10, 2**29)] == ["last"]


def test_a_second_model_has_fields_of_its_own(inputs, tmp_path):
    model, fasta, _ = inputs
    once = scored(inputs, tmp_path / "once.vcf")
    with pytest.raises(InputError, match="INFO field CREKIT_REF_background already; choose another --prefix"):
        scored((model, fasta, once), tmp_path / "twice.vcf")
    with pysam.VariantFile(str(scored((model, fasta, once), tmp_path / "twice.vcf", prefix="B"))) as handle:
        assert len([line for line in handle.header.records if line.key == "crekit"]) == 2
        for record in handle:
            if "CREKIT_DELTA_enhancer" in record.info:
                assert record.info["B_DELTA_enhancer"] == record.info["CREKIT_DELTA_enhancer"]


def test_models_of_whole_regions_take_the_window_that_is_given(inputs, chroms, tmp_path):
    whole = sequence_model("lstm", 0)
    model = save_sequence_model(tmp_path / "lstm.safetensors", whole)
    _, fasta, vcf = inputs
    with pytest.raises(InputError, match="give --window, the bases"):
        scored((model, fasta, vcf), tmp_path / "out.vcf")
    with pysam.VariantFile(str(scored((model, fasta, vcf), tmp_path / "out.vcf", window=80, step=20))) as handle:
        record = list(handle)[5]
    ref, alt = plain_scores(whole, chroms[record.contig], record.start, record.ref, record.alts[0], 80, 20)
    assert record.info["CREKIT_REF_enhancer"][0] == pytest.approx(ref[1], abs=3e-6)
    assert record.info["CREKIT_DELTA_enhancer"][0] == pytest.approx(alt[1] - ref[1], abs=3e-6)


def test_reference_letters_that_are_unknown_in_the_genome_agree_with_any(inputs, chroms, tmp_path):
    model, fasta, _ = inputs
    (tmp_path / "n.vcf").write_text(vcf_text(chroms, [("chr1", 601, "A", ["C"])]))
    with pysam.VariantFile(str(scored((model, fasta, tmp_path / "n.vcf"), tmp_path / "out.vcf"))) as handle:
        found = next(handle).info["CREKIT_DELTA_enhancer"][0]
    text = chroms["chr1"][:601] + "A" + chroms["chr1"][602:]
    ref, alt = plain_scores(sequence_model(), text, 601, "A", "C", WINDOW, STEP)
    assert found == pytest.approx(alt[1] - ref[1], abs=3e-6)


def test_classes_become_names_that_vcf_allows(inputs, tmp_path):
    _, fasta, vcf = inputs
    model = save_sequence_model(tmp_path / "m.safetensors", sequence_model(classes=["back ground", 'enh/"x"']))
    with pysam.VariantFile(str(scored((model, fasta, vcf), tmp_path / "out.vcf"))) as handle:
        assert [name for name in handle.header.info if "DELTA" in name] == [
            "CREKIT_DELTA_back_ground", "CREKIT_DELTA_enh__x_",
        ]  # fmt: skip
        assert handle.header.info["CREKIT_REF_enh__x_"].description.startswith("Probability of enh/_x_ with")
    model = save_sequence_model(tmp_path / "m.safetensors", sequence_model(classes=["a b", "a_b"]))
    with pytest.raises(InputError, match="two classes of the model give the same INFO field"):
        scored((model, fasta, vcf), tmp_path / "out.vcf")
