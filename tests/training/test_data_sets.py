import pytest

from crekit.errors import InputError
from crekit.training.data_sets import pair


@pytest.fixture
def files(tmp_path):
    for name in ("a.h5", "b.h5"):
        (tmp_path / name).write_text("x")
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
    with pytest.raises(InputError, match=r"chr1:0-10 stands in another regions file too"):
        pair([(None, files / "a.h5")], [("enhancer", files / "a.bed"), ("promoter", files / "a.bed")])


def test_a_missing_track_file_is_named(files):
    with pytest.raises(InputError, match=r"none\.h5: no such file"):
        pair([(None, files / "none.h5")], [(None, files / "a.bed")])
