"""Active or poised: the clusters, the agreement of strands, what is refused, and counting from files."""

import numpy as np
import pysam
import pytest

from crekit.errors import InputError
from crekit.genome.regions import concatenate, make
from crekit.labels import activity_run, transcription
from crekit.labels.activity import cluster, label

BIMODAL = [0, 1, 0, 2, 300, 500, 1, 400]


def regions(**numbers):
    parts = []
    for i, (name, number) in enumerate(numbers.items()):
        starts = np.arange(number) * 2000 + 1_000_000 * i
        parts.append(make(["chr1"] * number, starts, starts + 2000, name))
    return concatenate(parts)


def best_cut(values):
    """The split of sorted numbers with the least squares within both parts, by trying every one."""
    ordered = np.sort(values)

    def within(part):
        return ((part - part.mean()) ** 2).sum()

    cuts = [i for i in range(1, len(ordered)) if ordered[i] > ordered[i - 1]]
    return ordered[min(cuts, key=lambda i: within(ordered[:i]) + within(ordered[i:]))]


# --- clusters ---


def test_the_cluster_with_the_higher_centre_is_active():
    found = cluster(np.array([1.0, 9.0, 1.2, 8.8, 0.8]), seed=1)
    assert found.active.tolist() == [False, True, False, True, False]
    assert (found.low, found.high, found.cut) == (pytest.approx(1.0), pytest.approx(8.9), pytest.approx(4.95))


@pytest.mark.parametrize("shape", ["two", "one", "long tail"])
def test_k_means_finds_the_best_of_all_cuts(rng, shape):
    draws = {
        "two": np.concatenate([rng.normal(2, 1, 60), rng.normal(8, 1, 40)]),
        "one": rng.normal(5, 1, 100),
        "long tail": np.floor(rng.exponential(20, 100)),
    }[shape]
    np.testing.assert_array_equal(cluster(draws, seed=1).active, draws >= best_cut(draws))


def test_clusters_do_not_depend_on_the_order_of_values(rng):
    values = rng.exponential(5, 200)
    shuffle = rng.permutation(200)
    once, again = cluster(values, seed=1), cluster(values[shuffle], seed=1)
    np.testing.assert_array_equal(once.active[shuffle], again.active)
    assert (once.low, once.high, once.bic_two) == (again.low, again.high, again.bic_two)


def test_one_normal_component_is_told_from_two(rng):
    assert not cluster(rng.normal(5, 1, 200), seed=1).distinct
    assert cluster(np.concatenate([rng.normal(2, 1, 100), rng.normal(9, 1, 100)]), seed=1).distinct


@pytest.mark.parametrize("values", [[], [3.0], [3.0, 3.0]])
def test_clusters_need_two_different_values(values):
    with pytest.raises(InputError, match="two different values"):
        cluster(np.array(values), seed=1)


# --- labels ---


def test_enhancers_and_promoters_are_clustered_apart_and_other_classes_pass():
    mixed = regions(enhancer=4, promoter=4, background=2)
    counts = np.array([1, 2, 30, 40, 30, 40, 5000, 6000, 9e9, 9e9])
    found = label(mixed, {"reads": counts})
    expected = ["poised_enhancer"] * 2 + ["active_enhancer"] * 2 + ["poised_promoter"] * 2 + ["active_promoter"] * 2
    assert found.labels.tolist() == [*expected, "background", "background"]
    assert found.labelled.name.tolist() == found.labels.tolist()
    assert np.isnan(found.values["reads"][-2:]).all()


def test_log_scale_moves_the_cut():
    counts = np.array([0, 1, 60, 70, 80, 1000])
    on, off = (label(regions(enhancer=6), {"reads": counts}, log_scale=scale) for scale in (True, False))
    np.testing.assert_allclose(on.values["reads"], np.log2(counts + 1))
    np.testing.assert_array_equal(off.values["reads"], counts)
    assert [str(name).split("_")[0] for name in on.labels] == ["poised"] * 2 + ["active"] * 4
    assert [str(name).split("_")[0] for name in off.labels] == ["poised"] * 5 + ["active"]


def test_strands_must_agree_and_discordant_regions_are_dropped(caplog):
    caplog.set_level("INFO", "crekit")
    found = label(
        regions(promoter=6, background=1),
        {"plus": np.array([0, 1, 900, 800, 900, 0, 5]), "minus": np.array([1, 0, 700, 0, 800, 900, 5])},
    )
    kinds = "poised_promoter poised_promoter active_promoter discordant active_promoter discordant background"
    assert found.labels.tolist() == kinds.split()
    assert len(found.labelled) == 5
    assert "discordant" not in found.labelled.name
    assert "promoter: 2 active, 2 poised, 2 discordant and dropped" in caplog.text


def test_a_warning_says_when_one_component_explains_as_much(rng, caplog):
    label(regions(enhancer=200), {"reads": 2 ** rng.normal(8, 1, 200)})
    assert "warning: enhancer: one normal component explains the signal as well as two (BIC" in caplog.text


@pytest.mark.parametrize(
    ("numbers", "counts", "message"),
    [
        ({"enhancer": 1, "promoter": 3}, [1, 2, 3, 4], "one enhancer only"),
        ({"promoter": 3}, [0, 0, 0], r"all 3 promoters have the same signal \(0\)"),
        ({"background": 3}, [1, 2, 3], "no enhancer or promoter, only background"),
        ({"active_enhancer": 3}, [1, 2, 3], "active_enhancer: they are labelled already"),
    ],
)
def test_what_cannot_be_clustered_is_refused(numbers, counts, message):
    with pytest.raises(InputError, match=message):
        label(regions(**numbers), {"reads": np.array(counts, dtype=float)})


def test_a_strand_with_equal_values_is_named():
    with pytest.raises(InputError, match="same signal on the minus strand"):
        label(regions(enhancer=3), {"plus": np.array([1, 2, 300]), "minus": np.array([7, 7, 7])})


# --- files ---


@pytest.fixture
def bam(tmp_path):
    """Writes an unsorted BAM without an index: so many reads of 30 bases in each of the 2-kb regions of chr1."""

    def write(name, numbers, sizes=None):
        path = tmp_path / name
        sizes = sizes or {"chr1": 200_000, "chr2": 5_000}
        header = {"HD": {"VN": "1.6", "SO": "unsorted"}, "SQ": [{"SN": n, "LN": size} for n, size in sizes.items()]}
        with pysam.AlignmentFile(path, "wb", header=header) as out:
            for i, number in reversed(list(enumerate(numbers))):
                for j in range(number):
                    read = pysam.AlignedSegment(out.header)
                    read.query_name, read.flag, read.reference_id, read.mapping_quality = (
                        f"{i}.{j}",
                        16 * (j % 2),
                        0,
                        60,
                    )
                    read.reference_start, read.cigartuples, read.query_sequence = (
                        2000 * i + j % 1900,
                        [(0, 30)],
                        "A" * 30,
                    )
                    out.write(read)
        return path

    return write


@pytest.fixture
def bigwig(tmp_path):
    """Writes a bigWig with a value at one base of each of the 2-kb regions of chr1."""
    import pyBigWig

    def write(name, values, chrom="chr1"):
        path = tmp_path / name
        with pyBigWig.open(str(path), "w") as out:
            out.addHeader([(chrom, 200_000)])
            starts = [2000 * i + 100 for i in range(len(values))]
            out.addEntries(
                [chrom] * len(starts), starts, ends=[s + 1 for s in starts], values=[float(v) for v in values]
            )
        return path

    return write


def test_reads_of_several_files_add_up(bam):
    spans = regions(enhancer=8)
    one, two = bam("one.bam", BIMODAL), bam("two.bam", [1] * 8)
    counts = transcription.count([one, two], spans)
    assert counts.tolist() == [number + 1 for number in BIMODAL]


def test_bigwig_below_zero_counts_by_its_size(bigwig):
    spans = regions(enhancer=8)
    minus = bigwig("minus.bw", [-number for number in BIMODAL])
    assert transcription.count([minus], spans).tolist() == BIMODAL


def test_files_of_two_kinds_are_not_mixed(bam, bigwig):
    spans = regions(enhancer=8)
    files = {"plus": [bam("p.bam", BIMODAL)], "minus": [bigwig("m.bw", BIMODAL)]}
    with pytest.raises(InputError, match=r"m\.bw: bigWig, but .*p\.bam is BAM"):
        transcription.require_files(files, spans)


def test_a_chromosome_that_a_file_lacks_is_named(bam, bigwig):
    spans = concatenate([regions(enhancer=8), make(["chr7"], [10], [2010], "enhancer")])
    for path in (bam("r.bam", BIMODAL), bigwig("r.bw", BIMODAL)):
        with pytest.raises(InputError, match="no data on chr7, where regions lie; leave them out with --chroms"):
            transcription.require_files({"reads": [path]}, spans)


def test_names_spelled_in_another_way_are_told_apart_from_missing_ones(bigwig):
    with pytest.raises(InputError, match="chromosome chr1 is called 1 in"):
        transcription.require_files({"reads": [bigwig("r.bw", BIMODAL, chrom="1")]}, regions(enhancer=8))


def test_regions_past_the_end_of_a_file_s_chromosome_are_refused(bam):
    spans = make(["chr1"], [199_000], [201_000], "enhancer")
    with pytest.raises(InputError, match="chr1:199000-201000 ends past the chromosome"):
        transcription.require_files({"reads": [bam("r.bam", BIMODAL)]}, spans)


def test_a_chromosome_without_signal_is_warned_of(caplog):
    spans = concatenate([regions(enhancer=2), make(["chr2"] * 3, [0, 1, 2], [9, 9, 9], "enhancer")])
    transcription.warn_of_silence({"reads": np.array([1, 0, 0, 0, 0])}, spans)
    assert "warning: no signal in any of the 3 regions on chr2" in caplog.text


@pytest.mark.parametrize(
    ("reads", "plus", "minus", "message"),
    [
        ([], [], [], "give --reads, or both"),
        ([], ["a"], [], "give --reads, or both"),
        (["a"], ["b"], ["c"], "exclude each other"),
        ([], ["a"], ["a"], "a: given twice"),
    ],
)
def test_files_come_unstranded_or_of_both_strands(reads, plus, minus, message):
    with pytest.raises(InputError, match=message):
        transcription.require_strands(reads, plus, minus)


def test_the_table_holds_every_enhancer_and_promoter(tmp_path, bam):
    spans = regions(enhancer=8)
    outputs = activity_run.Outputs(tmp_path / "o.bed", tmp_path / "t.tsv", tmp_path / "p.png")
    files = {"plus": [bam("p.bam", BIMODAL)], "minus": [bam("m.bam", BIMODAL[::-1])]}
    activity_run.run(spans, files, outputs)
    lines = (tmp_path / "t.tsv").read_text().splitlines()
    assert lines[0].split("\t") == ["id", "class", "plus", "minus", "value_plus", "value_minus", "label"]
    assert lines[1].split("\t") == ["chr1:0-2000", "enhancer", "0", "400", "0.000000", "8.647458", "discordant"]
    assert lines[2].split("\t") == ["chr1:2000-4000", "enhancer", "1", "1", "1.000000", "1.000000", "poised_enhancer"]
    assert len(lines) == 9
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")


def test_plots_of_other_formats_are_refused(tmp_path):
    with pytest.raises(InputError, match="a plot ends in"):
        activity_run.Outputs("-", None, tmp_path / "plot.xlsx").check()


# --- real data ---


def test_k562_pro_seq_labels_follow_the_polymerase_and_the_acetylation(data):
    """72 enhancers of chr21 by p300, TAL1 and GATA1; the active ones carry more H3K27ac, which took no part."""
    from crekit.labels import elements, evidence
    from crekit.signal.bigwig import sum_in_regions

    k562 = data / "k562"
    found = elements.define(
        evidence.read(
            tss=data / "annotation/gencode.v19.tss.bed.gz",
            open_peaks=k562 / "dnase.narrowPeak.gz",
            cofactors=[k562 / f"{name}.narrowPeak.gz" for name in ("p300", "tfbs_tal1", "tfbs_gata1")],
            h3k4me3=k562 / "h3k4me3.broadPeak.gz",
            sizes=data / "annotation/hg19.chrom.sizes",
            chroms="chr21",
        )
    )
    spans = concatenate([found.enhancers, found.promoters]).sorted()
    assert len(found.enhancers) == 72
    counts = {strand: transcription.count([k562 / f"proseq.chr21.{strand}.bw"], spans) for strand in ("plus", "minus")}
    labelled = label(spans, counts).labelled
    acetylation = sum_in_regions(k562 / "H3K27ac.bw", labelled)
    for name in ("enhancer", "promoter"):
        active, poised = (acetylation[labelled.name == f"{kind}_{name}"].mean() for kind in ("active", "poised"))
        assert active > 5 * poised


def test_reads_of_a_real_bam_equal_samtools_to_the_read(data):
    """MCF-7 GRO-seq holds one base a read, so that a region's count is the number of its reads."""
    path = data / "groseq/mcf7.groseq.chr7.0min.bam"
    starts = np.arange(26_000_000, 27_000_000, 2_000)
    spans = make(["chr7"] * len(starts), starts, starts + 2000, "promoter")
    with pysam.AlignmentFile(path) as handle:
        positions = np.array([read.reference_start for read in handle if not read.is_unmapped])
    expected = [int(((positions >= start) & (positions < start + 2000)).sum()) for start in starts]
    assert transcription.count([path], spans).tolist() == expected
    assert sum(expected) > 100
