from xml.etree import ElementTree

import numpy as np
import pytest

from crekit.genome.regions import make
from crekit.scanning.blocks import Blocks
from crekit.scanning.browser import bed_lines, colours, genome_of, igv_session


def test_blocks_are_written_as_bed9_with_a_score_that_browsers_take():
    regions = make(["chr1", "chr1"], [100, 5000], [2200, 7100], ["enhancer", "promoter"])
    lines = bed_lines(Blocks(regions, np.array([0.51234, 0.9996], dtype=np.float32)), ["enhancer", "promoter"])
    assert lines == (
        "chr1\t100\t2200\tenhancer\t512\t.\t100\t2200\t255,140,0\n"
        "chr1\t5000\t7100\tpromoter\t1000\t.\t5000\t7100\t214,39,40\n"
    )


def test_every_class_has_a_colour_of_its_own():
    named = ["poised_enhancer", "active_enhancer", "poised_promoter", "active_promoter", "silencer", "insulator"]
    assert len({colours(named)[name] for name in named}) == len(named)


@pytest.mark.parametrize(
    ("sizes", "genome"),
    [
        ({"chr1": 249_250_621}, "hg19"),
        ({"chr13": 115_169_878, "chrUn": 5}, "hg19"),
        ({"16": 90_354_753}, "hg19"),
        ({"chr21": 46_709_983}, "hg38"),
        ({"chr1": 195_471_971}, None),
        ({"chrX": 155_270_560}, None),
    ],
)
def test_the_genome_is_known_by_the_length_of_its_chromosomes(sizes, genome):
    assert genome_of(sizes) == genome


def test_known_genomes_agree_with_real_sizes(data):
    sizes = dict(line.split() for line in (data / "annotation" / "hg19.chrom.sizes").read_text().splitlines())
    for i in range(1, 23):
        assert genome_of({f"chr{i}": int(sizes[f"chr{i}"])}) == "hg19"


def test_the_session_names_every_file_and_shows_probabilities_on_one_scale():
    text = igv_session("scan.bed", {"enhancer": "scan.enhancer.bw", "a<b": "scan.a_b.bw"}, "hg19")
    session = ElementTree.fromstring(text)  # noqa: S314 (written by us)
    assert session.tag == "Session"
    assert session.attrib == {"genome": "hg19", "locus": "All", "version": "8"}
    files = [(one.get("path"), one.get("type")) for one in session.findall("Resources/Resource")]
    assert files == [("scan.bed", "bed"), ("scan.enhancer.bw", "bw"), ("scan.a_b.bw", "bw")]
    tracks = session.findall("Panel/Track")
    assert [(one.get("id"), one.get("name")) for one in tracks] == [
        ("scan.bed", "blocks"), ("scan.enhancer.bw", "enhancer"), ("scan.a_b.bw", "a<b"),
    ]  # fmt: skip
    assert tracks[0].get("displayMode") == "EXPANDED"
    for track in tracks[1:]:
        assert track.get("autoScale") == "false"
        assert (track.find("DataRange").get("minimum"), track.find("DataRange").get("maximum")) == ("0.0", "1.0")


def test_an_unknown_genome_is_left_to_the_user():
    assert "genome=" not in igv_session("scan.bed", {}, None)
