import pytest

from crekit.errors import InputError
from crekit.signal.tracks import create
from crekit.training.data_sets import pair


@pytest.fixture
def files(tmp_path):
    for name in ("a.h5", "b.h5"):
        with create(tmp_path / name, {"chr1": 1000, "chr2": 500}, 100):
            pass
    (tmp_path / "a.bed").write_text("chr1\t0\t10\tenhancer\n")
    (tmp_path / "b.bed").write_text("chr1\t20\t30\tpromoter\n")
    return tmp_path


def test_with_one_track_file_names_of_regions_are_classes(files):
    (only,) = pair([(None, files / "a.h5")], [("enhancer", files / "a.bed"), ("background", files / "b.bed")])
    assert (only.name, list(only.regions.name)) == ("", ["enhancer", "background"])


def test_the_order_of_regions_files_does_not_change_the_checksum(files):
    one, other = (None, files / "a.bed"), (None, files / "b.bed")
    tracks = [(None, files / "a.h5")]
    assert pair(tracks, [one, other])[0].regions_sha256 == pair(tracks, [other, one])[0].regions_sha256
    assert pair(tracks, [one])[0].regions_sha256 != pair(tracks, [("promoter", files / "a.bed")])[0].regions_sha256


def test_several_track_files_are_paired_by_name(files):
    tracks = [("K562", files / "a.h5"), ("HeLa", files / "b.h5")]
    sets = pair(tracks, [("HeLa", files / "b.bed"), ("K562", files / "a.bed")])
    assert [(s.name, list(s.regions.name)) for s in sets] == [("K562", ["enhancer"]), ("HeLa", ["promoter"])]
    with pytest.raises(InputError, match="every name needs both"):
        pair(tracks, [("HeLa", files / "b.bed")])
    with pytest.raises(InputError, match="need a name each"):
        pair([(None, files / "a.h5"), (None, files / "b.h5")], [(None, files / "a.bed")])


def test_the_same_span_in_two_files_is_refused(files):
    with pytest.raises(
        InputError, match=r"a.bed, line 1: chr1:0-10 stands in .*a.bed, line 1, too; remove it from one"
    ):
        pair([(None, files / "a.h5")], [("enhancer", files / "a.bed"), ("promoter", files / "a.bed")])


def test_a_missing_track_file_is_named(files):
    with pytest.raises(InputError, match=r"none\.h5: no such file"):
        pair([(None, files / "none.h5")], [(None, files / "a.bed")])


def test_a_region_past_its_chromosome_is_named_with_its_line(files):
    (files / "a.bed").write_text("chr1\t0\t10\tenhancer\nchr2\t400\t501\tenhancer\n")
    with pytest.raises(
        InputError, match=r"a\.bed, line 2: chr2:400-501 ends past the chromosome \(500 bases in .*a\.h5"
    ):
        pair([(None, files / "a.h5")], [(None, files / "a.bed")])


def test_another_spelling_is_named_with_its_line(files):
    (files / "a.bed").write_text("1\t0\t10\tenhancer\n")
    with pytest.raises(InputError, match=r"a\.bed, line 1: chromosome 1 is called chr1 in .*a\.h5"):
        pair([(None, files / "a.h5")], [(None, files / "a.bed")])


def test_regions_on_chromosomes_without_tracks_are_left_out_with_a_warning(files, caplog):
    (files / "a.bed").write_text("chr1\t0\t10\tenhancer\nchrX\t0\t10\tenhancer\n")
    with caplog.at_level("WARNING", "crekit"):
        (only,) = pair([(None, files / "a.h5")], [(None, files / "a.bed")])
    assert list(only.regions.ids) == ["chr1:0-10"]
    assert "1 regions on chrX left out" in caplog.text
    (files / "a.bed").write_text("chrX\t0\t10\tenhancer\n")
    with pytest.raises(InputError, match="no region lies on a chromosome of"):
        pair([(None, files / "a.h5")], [(None, files / "a.bed")])
