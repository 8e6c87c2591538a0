"""The BAM reader against pysam, and what it says of damaged files."""

import io
from dataclasses import fields
from pathlib import Path

import numpy as np
import pysam
import pytest
from reads import NH_TYPES, SIZES, simulate, write_bam

from crekit.errors import InputError
from crekit.signal import bam, bgzf, cram, filetypes
from crekit.signal.alignments import Alignments, of_bam, of_bam_chromosome
from crekit.signal.rules import Filters


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("alignments")


@pytest.fixture(scope="module")
def simulated(folder) -> Path:
    return write_bam(folder / "simulated.bam", simulate(3000, seed=1, paired=True))


def plain(path: Path, filters: Filters) -> list[tuple]:
    """What pysam says of every read that passes: chromosome, flag, template, blocks."""
    found = []
    with pysam.AlignmentFile(str(path), check_sq=False) as handle:
        for read in handle.fetch(until_eof=True):
            hits = dict(read.get_tags()).get("NH", 1)
            if read.is_unmapped or read.mapping_quality < filters.min_mapq or (filters.unique and hits > 1):
                continue
            if (read.is_duplicate and filters.duplicates == "drop") or (
                read.is_secondary and filters.secondary == "drop"
            ):
                continue
            blocks: list[list[int]] = []
            for start, end in read.get_blocks():
                if blocks and blocks[-1][1] == start:
                    blocks[-1][1] = end
                else:
                    blocks.append([start, end])
            found.append((read.reference_id, read.flag, read.template_length, blocks))
    return found


def columns(batches: list[Alignments]) -> list[tuple]:
    return [
        (int(reference), int(flag), int(template), np.stack([b.block_start, b.block_end], 1)[low:high].tolist())
        for b in batches
        for reference, flag, template, low, high in zip(
            b.reference, b.flag, b.template, b.first_block, b.first_block[1:], strict=False
        )
    ]


@pytest.mark.parametrize(
    "filters",
    [
        Filters(),
        Filters(multimappers="keep"),
        Filters(duplicates="drop", secondary="drop"),
        Filters(min_mapq=30),
    ],
)
def test_reads_are_those_of_pysam(simulated, filters):
    found = columns(list(of_bam(simulated, filters)))
    assert len(found) > 500
    assert found == plain(simulated, filters)


def test_start_and_end_are_those_of_the_blocks_and_length_that_of_the_cigar(folder):
    path = write_bam(
        folder / "one.bam",
        [
            {"start": 100, "cigar": "5S20M10D20M3I2M10N1M4S"},
            {"start": 200, "cigar": "10H10M", "sequence": False},
            {"start": 300, "cigar": "25=1X5I20M"},
        ],
    )
    (batch,) = of_bam(path, Filters())
    np.testing.assert_array_equal(batch.start, [100, 200, 300])
    np.testing.assert_array_equal(batch.end, [163, 210, 346])
    np.testing.assert_array_equal(batch.length, [55, 10, 51])
    np.testing.assert_array_equal(batch.first_block, [0, 3, 4, 5])
    np.testing.assert_array_equal(batch.block_start, [100, 130, 162, 200, 300])
    np.testing.assert_array_equal(batch.block_end, [120, 152, 163, 210, 346])


@pytest.mark.parametrize("kind", NH_TYPES)
def test_a_read_with_several_hits_is_left_out_whatever_the_type_of_the_tag(folder, kind):
    tags = [("AA", "x"), ("BB", [1.5, 2.0]), ("CC", [1, 2], None), ("DD", 1.5)]
    records = [{"start": 100 * hits, "tags": [*tags, ("NH", hits, kind), ("ZZ", 3)]} for hits in (0, 1, 2, 100)]
    (batch,) = of_bam(write_bam(folder / f"nh_{kind}.bam", records), Filters())
    np.testing.assert_array_equal(batch.start, [0, 100])


def test_a_cigar_too_long_for_its_column_is_read_from_its_tag(folder):
    many = 70_000
    path = write_bam(folder / "long.bam", [{"start": 5, "cigar": "1M1D" * many + "1M"}], {"chr1": 200_000})
    (batch,) = of_bam(path, Filters())
    assert len(batch.block_start) == many + 1
    assert (batch.start[0], batch.end[0], batch.length[0]) == (5, 5 + 2 * many + 1, many + 1)


def test_reads_do_not_depend_on_where_pieces_end(simulated):
    data = b"".join(bgzf.inflate(io.BytesIO(simulated.read_bytes()), simulated))
    from crekit.signal.alignments import of_stream

    whole = columns(list(of_bam(simulated, Filters())))
    for size in (50_000, 777, 61):
        pieces = (data[at : at + size] for at in range(0, len(data), size))
        assert columns(list(of_stream(pieces, simulated, Filters()))) == whole


@pytest.mark.parametrize("option", [[], ["-c"]])
def test_a_chromosome_is_found_by_either_index(simulated, folder, option):
    path = folder / f"indexed{len(option)}.bam"
    path.write_bytes(simulated.read_bytes())
    pysam.index(*option, str(path))
    places = bam.read_index(bam.find_index(path))
    assert list(places) == [0, 1]  # chr10 has no reads
    stats = [line.split("\t") for line in pysam.idxstats(str(path)).splitlines()]
    assert [(p.mapped, p.records) for p in places.values()] == [
        (int(mapped), int(mapped) + int(unmapped)) for _, _, mapped, unmapped in stats[:2]
    ]
    for number, chrom in enumerate(list(SIZES)[:2]):
        batches = list(of_bam_chromosome(path, Filters(), number, places[number].offset))
        assert sum(batch.n_records for batch in batches) == places[number].records
        assert columns(batches) == [read for read in plain(path, Filters()) if read[0] == number], chrom


def test_header_gives_sizes_in_order_and_the_sort_order(simulated):
    header = bam.read_header(simulated)
    assert list(header.sizes.items()) == list(SIZES.items())
    assert header.order == "coordinate"


def test_cram_gives_the_same_reads_as_bam(simulated, folder):
    reference = folder / "reference.fa"
    reference.write_text(
        "".join(
            f">{chrom}\n{'ACGTN' * (size // 5 + 1)}"[: size + len(chrom) + 2] + "\n" for chrom, size in SIZES.items()
        )
    )
    pysam.faidx(str(reference))
    path = folder / "simulated.cram"
    # Reads that hang over the end of a chromosome cannot be compressed against it.
    with (
        pysam.AlignmentFile(str(simulated)) as source,
        pysam.AlignmentFile(str(folder / "inside.bam"), "wb", template=source) as target,
    ):
        for read in source:
            if read.is_unmapped or read.reference_end <= SIZES[read.reference_name]:
                target.write(read)
    inside = folder / "inside.bam"
    pysam.view("-C", "-T", str(reference), "-o", str(path), str(inside), catch_stdout=False)
    pysam.index(str(path))
    pysam.index(str(inside))
    assert filetypes.kind_of(path) == "CRAM"
    assert cram.read_header(path, reference).sizes == SIZES
    assert cram.chromosomes_with_reads(cram.find_index(path), 3) in ([0, 1], [0, 1, 2])
    for chrom in (None, "chr2", "chr10"):
        found = list(cram.alignments(path, Filters(), reference, chrom))
        number = None if chrom is None else list(SIZES).index(chrom)
        expected = [read for read in plain(inside, Filters()) if number in (None, read[0])]
        assert columns(found) == expected
    whole, other = list(of_bam(inside, Filters())), list(cram.alignments(path, Filters(), reference))
    for one in fields(Alignments):
        if one.name not in ("n_records", "first_block"):
            np.testing.assert_array_equal(
                np.concatenate([getattr(b, one.name) for b in whole]),
                np.concatenate([getattr(b, one.name) for b in other]),
            )


def test_cram_without_reference_is_refused(folder):
    with pytest.raises(InputError, match="--reference"):
        cram.read_header(folder / "x.cram", None)


def test_truncated_files_are_refused(simulated, folder):
    data = simulated.read_bytes()
    cut = folder / "cut.bam"
    for end in (len(data) - len(bgzf.EOF), len(data) - 5000, len(data) - 10):
        cut.write_bytes(data[:end])
        with pytest.raises(InputError, match=r"cut.bam: the file is truncated .*; copy it again"):
            list(of_bam(cut, Filters()))
    cut.write_bytes(data[: len(data) - 5000] + bgzf.EOF)  # a block cut in two, yet an end
    with pytest.raises(InputError, match=r"cut\.bam: (damaged at byte|the file is truncated)"):
        list(of_bam(cut, Filters()))


def test_a_flipped_bit_is_found_wherever_it_is(simulated, folder, rng):
    data = bytearray(simulated.read_bytes())
    hurt = folder / "hurt.bam"
    for at in rng.integers(30, len(data) - 30, 40):
        data[at] ^= 16
        hurt.write_bytes(data)
        with pytest.raises(InputError, match=r"hurt\.bam: "):
            list(of_bam(hurt, Filters()))
        data[at] ^= 16


def test_a_sorted_header_over_unsorted_reads_is_found(folder):
    records = [{"start": start} for start in (500, 400)]
    path = write_bam(folder / "unsorted.bam", records, order="unsorted")
    assert len(next(of_bam(path, Filters()))) == 2  # read as a stream it is fine
    header = bam.read_header(path)
    with pytest.raises(InputError, match=r"unsorted.bam: not sorted by position; run samtools sort"):
        list(of_bam_chromosome(path, Filters(), 0, header_offset(path, header)))


def header_offset(path: Path, header: bam.Header) -> int:
    """Virtual offset of the first read of a small file: inside the first block, or at the second."""
    first = next(iter(bgzf.inflate(io.BytesIO(path.read_bytes()), path, size=1)))
    if len(first) > header.length:
        return header.length
    return (int.from_bytes(path.read_bytes()[16:18], "little") + 1) << 16


def test_an_index_that_points_elsewhere_is_found(simulated):
    places = bam.read_index(bam.find_index(simulated))
    for reference, offset in ((2, places[0].offset), (0, places[0].offset + (1000 << 16)), (0, 1 << 60)):
        with pytest.raises(InputError, match=r"simulated\.bam: no reads where its index points"):
            list(of_bam_chromosome(simulated, Filters(), reference, offset))


@pytest.mark.parametrize("content", [b"", b"BAI\1\5\0\0\0", b"nothing of the kind"])
def test_a_damaged_index_is_refused(folder, content):
    path = folder / "x.bai"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"x\.bai: not a BAI or CSI index"):
        bam.read_index(path)


def test_other_files_are_told_by_their_contents(folder):
    for name, content in {"a.bam": b"@HD\tVN:1.6\n", "b.bw": b"#bedGraph\n", "c.h5": b"\x00" * 20}.items():
        (folder / name).write_bytes(content)
        with pytest.raises(InputError, match=rf"{name}: not BAM, CRAM, bigWig or tracks"):
            filetypes.kind_of(folder / name)
    bed = folder / "bed.bam"
    pysam.tabix_compress(write_text(folder / "x.bed", "chr1\t1\t2\n" * 9), str(bed), force=True)
    with pytest.raises(InputError, match="compressed as BAM files are, but not BAM"):
        bam.read_header(bed)


def write_text(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)
