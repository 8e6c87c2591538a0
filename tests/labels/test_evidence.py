"""Reading TSS and peaks: BED or GTF, strands, chosen chromosomes, and what is wrong with a file."""

import gzip

import pytest

from crekit.errors import InputError
from crekit.labels import evidence

SIZES = "chr1\t100000\nchr2\t50000\nchr3\t40000\n"
GTF = (
    '#!genome-build GRCh37\nchr1\tHAVANA\tgene\t1001\t3000\t.\t+\t.\tgene_id "A";\n'
    'chr1\tHAVANA\ttranscript\t1001\t3000\t.\t+\t.\tgene_id "A"; transcript_id "A1";\n'
    'chr1\tHAVANA\texon\t1001\t1100\t.\t+\t.\tgene_id "A"; transcript_id "A1";\n'
    'chr2\tHAVANA\ttranscript\t5001\t9000\t.\t-\t.\tgene_id "B"; transcript_id "B1";\n'
)


@pytest.fixture
def read(tmp_path):
    """Reads a run of small files; those named are replaced by the text given."""

    def run(chroms=None, lists=(), **texts):
        files = {"sizes": SIZES, "tss": "chr1\t10000\t10001\n", "open": "chr1\t1\t2\n", "cofactor": "chr1\t5\t9\n"}
        files |= {"h3k4me3": "chr2\t5\t9\n", **texts}
        paths = {}
        for name, text in files.items():
            paths[name] = tmp_path / name
            paths[name].write_bytes(text if isinstance(text, bytes) else text.encode())
        return evidence.read(
            tss=paths["tss"],
            open_peaks=paths["open"],
            cofactors=[paths["cofactor"], *(paths[name] for name in lists)],
            h3k4me3=paths["h3k4me3"],
            sizes=paths["sizes"],
            blacklist=paths.get("blacklist"),
            chroms=chroms,
        )

    return run


def records(regions):
    return list(zip(regions.chrom, regions.start.tolist(), regions.end.tolist(), strict=True))


@pytest.mark.parametrize("text", [GTF, gzip.compress(GTF.encode())], ids=["plain", "gzip"])
def test_gtf_gives_the_5_prime_end_of_each_transcript(read, text):
    assert records(read(tss=text).tss) == [("chr1", 1000, 1001), ("chr2", 8999, 9000)]


def test_wide_bed_with_strand_gives_the_5_prime_end(read):
    text = "chr1\t1000\t3000\tA\t0\t+\nchr2\t5000\t9000\tB\t0\t-\nchr2\t7\t8\tC\t0\t-\n"
    assert records(read(tss=text).tss) == [("chr1", 1000, 1001), ("chr2", 8999, 9000), ("chr2", 7, 8)]


def test_wide_bed_without_strand_stays_and_is_warned_of(read, caplog):
    assert records(read(tss="chr1\t1000\t3000\nchr1\t7\t8\n").tss) == [("chr1", 1000, 3000), ("chr1", 7, 8)]
    assert "1 records are wider than 1 base and have no strand" in caplog.text


def test_nine_columns_of_a_bed_are_no_gtf(read):
    assert records(read(tss="chr1\t10\t11\tA\t0\t+\t10\t11\t0\n").tss) == [("chr1", 10, 11)]


def test_narrow_and_broad_peaks_are_read_and_may_repeat(read):
    seen = read(open="track name=x\nchr1\t1\t2\t.\t0\t.\t5\t-1\t-1\t0\nchr1\t1\t2\t.\t0\t.\t6\t-1\t-1\n")
    assert records(seen.open) == [("chr1", 1, 2), ("chr1", 1, 2)]


def test_background_is_not_looked_for_where_no_open_chromatin_was_found(read):
    assert read().tiled == ("chr1",)
    assert read(chroms="chr1,chr2").tiled == ("chr1", "chr2")


def test_chosen_chromosomes_hold_for_all_files_and_spare_unknown_ones(read):
    seen = read(chroms="chr1", open="chr1\t1\t2\nGL000192.1\t1\t2\n", h3k4me3="chr1\t5\t9\nchr2\t5\t9999999\n", tss=GTF)
    assert seen.sizes == {"chr1": 100000}
    assert (records(seen.open), records(seen.h3k4me3)) == ([("chr1", 1, 2)], [("chr1", 5, 9)])
    assert records(seen.tss) == [("chr1", 1000, 1001)]


def test_a_list_without_records_on_the_chosen_chromosomes_is_warned_of(read, caplog):
    assert len(read(chroms="chr1").h3k4me3) == 0
    assert "h3k4me3 holds no record on the chosen chromosomes" in caplog.text


def test_the_order_of_lists_does_not_show_in_the_record(read):
    texts = {"cofactor": "chr1\t5\t9\n", "other": "chr1\t6\t8\n"}
    once = read(**texts, lists=["other"]).inputs
    assert once == read(cofactor=texts["other"], other=texts["cofactor"], lists=["other"]).inputs
    assert [one.role for one in once] == ["cofactor", "cofactor", "h3k4me3", "open", "tss", "sizes"]


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({"open": "chr1\t1\t2\nchr9\t1\t2\n"}, "open, line 2: chromosome chr9 is not in .*sizes"),
        ({"cofactor": "1\t1\t2\n"}, "cofactor, line 1: chromosome 1 is called chr1 in .*sizes; rename"),
        ({"h3k4me3": "chr1\t1\t2\n#\nchr1\t99999\t100001\n"}, "h3k4me3, line 3: chr1:99999-100001 ends past"),
        ({"tss": "chr1\t100000\t100001\n"}, "tss, line 1: .* ends past the chromosome"),
        ({"tss": GTF.replace("9000", "60000")}, "tss, line 5: chr2:59999-60000 ends past the chromosome"),
        ({"tss": GTF.replace("\ttranscript\t", "\tmRNA\t")}, "tss: holds no 'transcript' features; give"),
        ({"tss": GTF.replace(".\t-\t.", ".\t.\t.")}, "tss, line 5: a transcript needs coordinates and a strand"),
        ({"tss": "chr1 10 11\n"}, r"tss, line 1: 1 column\(s\) where BED needs"),
        ({"blacklist": "chr1\t9\t9\n"}, "blacklist, line 1: chr1:9-9 is no span"),
        ({"open": ""}, "open: holds no region"),
        ({"open": gzip.compress(b"chr1\t1\t2\n" * 99)[:-12]}, "open: the gzip file is truncated"),
        ({"cofactor": b"BAM\x01\xff\xfe\x00"}, "cofactor: not a text file"),
        ({"sizes": "chr1\n"}, "sizes, line 1: not a name and a size"),
        ({"chroms": "chr1,chr7"}, "chromosome 'chr7' is not known; known are chr1, chr2, chr3"),
        ({"chroms": "chr3"}, "open: holds no record on the chosen chromosomes; choose others"),
        ({"chroms": "chr1", "h3k4me3": "1\t5\t6\n"}, "h3k4me3: chromosome 1 is called chr1 in .*sizes; rename"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(read, texts, message):
    with pytest.raises(InputError, match=message):
        read(**texts)


def test_standard_input_serves_one_file_only():
    with pytest.raises(InputError, match="standard input"):
        evidence.read(tss="-", open_peaks="-", cofactors=["p"], h3k4me3="h", sizes="s")
