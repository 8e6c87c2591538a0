import numpy as np
import pytest

from crekit.errors import InputError
from crekit.genome.regions import make
from crekit.models.fitting import window_starts
from crekit.signal import tracks as store
from crekit.signal.tracks import Track, Tracks
from crekit.training import sites


def record(sha: str) -> dict:
    return {"inputs": [{"role": "reads", "name": "", "sha256": sha}]}


@pytest.fixture
def path(tmp_path):
    """Two marks on chr1 (50 bins of 100 bases): A counts its own bin, B is zero but in bins 20 to 29."""
    out = tmp_path / "tracks.h5"
    a, b = np.arange(1, 51), np.zeros(50, dtype=int)
    b[20:30] = 7
    with store.create(out, {"chr1": 5000}, 100, "none") as writer:
        for mark, bins in (("A", a), ("B", b)):
            track = writer.add(Track(mark, "signal", "counts", record(mark)))
            track.put("chr1", bins)
            track.finish(1_000_000)
    return out


def test_the_window_is_the_midpoint_rounded_to_a_bin_edge_with_ten_bins_on_both_sides():
    midpoints = np.array([1000, 1049, 1050, 1099, 2500])
    np.testing.assert_array_equal(window_starts(midpoints, bin_size=100, n_bins=20), [0, 0, 1, 1, 15])


def test_a_site_holds_the_bins_of_its_window(path):
    with Tracks(path) as tracks:
        loaded = sites.load_sites(tracks, make(["chr1"], [1500], [3500], "enhancer"), ["B", "A"])
    assert loaded.values.shape == (1, 2, 20)
    np.testing.assert_array_equal(loaded.values[0, 1], np.arange(16, 36))
    np.testing.assert_array_equal(loaded.values[0, 0], [0] * 5 + [7] * 10 + [0] * 5)


def test_windows_over_an_end_and_windows_with_few_nonzero_bins_are_dropped_and_counted(path):
    regions = make(
        ["chr1"] * 4, [0, 3900, 0, 1500], [1000, 4900, 2000, 3500], ["promoter", "promoter", "background", "enhancer"]
    )
    with Tracks(path) as tracks:
        kept = sites.load_sites(tracks, regions, ["B"], min_nonzero=5)
    assert list(kept.regions.ids) == ["chr1:1500-3500"]
    assert kept.dropped == {sites.EDGE: {"promoter": 2}, sites.ZERO: {"background": 1}}


def test_the_nonzero_rule_counts_cells_of_all_marks_before_controls(tmp_path):
    out = tmp_path / "control.h5"
    with store.create(out, {"chr1": 2000}, 100, "none") as writer:
        for role in ("signal", "control"):
            track = writer.add(Track("A", role, "counts", record(role)))
            track.put("chr1", np.full(20, 3))
            track.finish(1)
    with Tracks(out) as tracks:
        kept = sites.load_sites(tracks, make(["chr1"], [0], [2000], "enhancer"), ["A"], min_nonzero=20)
    np.testing.assert_array_equal(kept.values, np.zeros((1, 1, 20)))


def test_sites_come_in_natural_order_whatever_the_order_of_the_regions(path):
    regions = make(["chr1"] * 3, [2000, 1000, 1500], [4000, 3000, 3500], ["enhancer", "promoter", "enhancer"])
    with Tracks(path) as tracks:
        loaded = sites.load_sites(tracks, regions, ["A"])
    assert list(loaded.regions.start) == [1000, 1500, 2000]
    np.testing.assert_array_equal(loaded.values[:, 0, 0], [11, 16, 21])


def test_other_chromosome_names_are_refused_with_the_remedy(path):
    with Tracks(path) as tracks, pytest.raises(InputError, match=r"chromosome 1 is called chr1 in .*rename"):
        sites.load_sites(tracks, make(["1"], [0], [2000], "enhancer"), ["A"])


def test_labels_are_positions_in_the_models_classes(path):
    with Tracks(path) as tracks:
        loaded = sites.load_sites(tracks, make(["chr1"], [1500], [3500], "enhancer"), ["A"])
    np.testing.assert_array_equal(loaded.labels(["background", "enhancer"]), [1])
    with pytest.raises(InputError, match="hold class enhancer, but the model has background, promoter"):
        loaded.labels(["background", "promoter"])


def test_marks_are_named_once():
    assert sites.parse_marks("A, B") == ("A", "B")
    assert sites.parse_marks(None) is None
    for wrong in ("A,A", "A,", ""):
        with pytest.raises(InputError, match="name each mark once"):
            sites.parse_marks(wrong)


def test_relabel_merges_classes_and_refuses_absent_ones():
    regions = make(["chr1"] * 2, [0, 10], [5, 15], ["promoter", "enhancer"])
    merged = sites.relabel(regions, sites.parse_relabel(["promoter=background"]))
    assert list(merged.name) == ["background", "enhancer"]
    with pytest.raises(InputError, match="--relabel silencer: the regions hold no such class, only enhancer, promoter"):
        sites.relabel(regions, {"silencer": "x"})
    for wrong in ("promoter", "=x", "promoter="):
        with pytest.raises(InputError, match="give OLD=NEW"):
            sites.parse_relabel([wrong])
