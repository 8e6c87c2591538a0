import os
import re
import subprocess
import sys

import h5py
import numpy as np
import pytest

from crekit.errors import InputError
from crekit.signal.tracks import CONTROL, COUNTS, SIGNAL, VALUES, Track, Tracks, create, n_bins

SIZES = {"chr10": 950, "chr2": 1200}  # 10 and 12 bins of 100, in natural order chr2 and chr10


def track(mark: str, content: str, role: str = SIGNAL, kind: str = COUNTS) -> Track:
    """A track as if counted from a file whose checksum is `content`."""
    record = {"tool": "count-bins", "inputs": [{"role": "reads", "name": mark, "sha256": content}]}
    return Track(mark, role, kind, record)


def write(path, tracks, sizes=SIZES, bin_size=100, normalise="rpm"):
    """Write (track, bins per chromosome, library size) in the order of the tracks' keys."""
    with create(path, sizes, bin_size, normalise) as writer:
        for one, bins, library_size in sorted(tracks, key=lambda item: item[0].key):
            part = writer.add(one)
            for chrom in sorted(bins):
                part.put(chrom, bins[chrom])
            part.finish(library_size)
    return path


def counts(rng, sizes=SIZES, top=40):
    return {chrom: rng.integers(0, top, n_bins(size, 100)) for chrom, size in sizes.items()}


@pytest.fixture
def one(tmp_path, rng):
    """A file of one mark with one replicate, its bins, and a library of 2 million reads."""
    bins = counts(rng)
    return write(tmp_path / "one.h5", [(track("H3K27ac", "a"), bins, 2_000_000)]), bins


def test_the_last_bin_may_be_shorter():
    assert [n_bins(size, 100) for size in (1, 99, 100, 101, 950)] == [1, 1, 1, 2, 10]


def test_what_was_written_is_read(one):
    path, bins = one
    with Tracks(path) as tracks:
        assert tracks.marks == ["H3K27ac"]
        assert list(tracks.sizes.items()) == [("chr2", 1200), ("chr10", 950)]
        assert (tracks.bin_size, tracks.normalise, tracks.has_control) == (100, "rpm", False)
        kept = tracks.tracks[0]
        assert (kept.mark, kept.role, kept.kind, kept.library_size) == ("H3K27ac", SIGNAL, COUNTS, 2_000_000)
        assert kept.record == track("H3K27ac", "a").record
        np.testing.assert_array_equal(tracks.raw(kept, "chr10"), bins["chr10"])


def test_rpm_is_count_times_a_million_over_library_size(tmp_path):
    bins = {"chr2": np.arange(12), "chr10": np.zeros(10, dtype=int)}
    path = write(tmp_path / "t.h5", [(track("K4", "a"), bins, 500_000)])
    with Tracks(path) as tracks:
        read = tracks.read("chr2")
        assert read.dtype == np.float32
        np.testing.assert_array_equal(read, [np.arange(12) * 2.0])
        np.testing.assert_array_equal(tracks.read("chr2", normalise="none"), [np.arange(12)])


def test_a_file_of_no_normalisation_gives_counts_unless_asked(tmp_path, rng):
    bins = counts(rng)
    path = write(tmp_path / "t.h5", [(track("K4", "a"), bins, 500_000)], normalise="none")
    with Tracks(path) as tracks:
        np.testing.assert_array_equal(tracks.read("chr2"), [bins["chr2"]])
        np.testing.assert_array_equal(tracks.read("chr2", normalise="rpm"), [bins["chr2"] * 2.0])


def test_replicates_are_averaged_after_normalising(tmp_path):
    a = {"chr2": np.full(12, 3), "chr10": np.full(10, 3)}
    b = {"chr2": np.full(12, 8), "chr10": np.full(10, 8)}
    path = write(tmp_path / "t.h5", [(track("K4", "a"), a, 1_000_000), (track("K4", "b"), b, 2_000_000)])
    with Tracks(path) as tracks:
        np.testing.assert_array_equal(tracks.read("chr2"), np.full((1, 12), (3 / 1 + 8 / 2) / 2))
        np.testing.assert_array_equal(tracks.read("chr2", normalise="none"), np.full((1, 12), (3 + 8) / 2))


def test_the_mean_of_the_controls_is_subtracted_and_not_clipped(tmp_path):
    def flat(value):
        return {"chr2": np.full(12, value), "chr10": np.full(10, value)}

    path = write(
        tmp_path / "t.h5",
        [
            (track("K4", "a"), flat(3), 1_000_000),
            (track("K4", "c", CONTROL), flat(4), 1_000_000),
            (track("K4", "d", CONTROL), flat(12), 2_000_000),
            (track("K9", "a"), flat(7), 1_000_000),
        ],
    )
    with Tracks(path) as tracks:
        assert tracks.has_control
        assert tracks.marks == ["K4", "K9"]
        np.testing.assert_array_equal(tracks.read("chr10")[:, 0], [3 - (4 + 12 / 2) / 2, 7])
        np.testing.assert_array_equal(tracks.read("chr10", control=False)[:, 0], [3, 7])


def test_values_are_taken_as_they_are(tmp_path):
    values = {"chr2": np.linspace(-1, 1, 12), "chr10": np.full(10, 0.1)}
    path = write(tmp_path / "t.h5", [(track("K4", "a", kind=VALUES), values, 0)])
    with Tracks(path) as tracks:
        np.testing.assert_array_equal(tracks.read("chr2")[0], values["chr2"].astype(np.float32))
        np.testing.assert_array_equal(tracks.read("chr10", normalise="rpm")[0], np.full(10, np.float32(0.1)))


def test_an_empty_library_gives_zeros(tmp_path):
    bins = {chrom: np.zeros(n_bins(size, 100), dtype=int) for chrom, size in SIZES.items()}
    path = write(tmp_path / "t.h5", [(track("K4", "a"), bins, 0)])
    with Tracks(path) as tracks:
        np.testing.assert_array_equal(tracks.read("chr2"), np.zeros((1, 12)))


def test_counts_beyond_16_bits_are_kept(tmp_path):
    bins = {"chr2": np.full(12, 70_000), "chr10": np.full(10, 65_535)}
    path = write(tmp_path / "t.h5", [(track("K4", "a"), bins, 1_000_000)])
    with Tracks(path) as tracks:
        np.testing.assert_array_equal(tracks.read("chr2"), np.full((1, 12), 70_000))
        np.testing.assert_array_equal(tracks.read("chr10"), np.full((1, 10), 65_535))


def test_marks_are_read_in_the_order_asked_for(tmp_path, rng):
    parts = {mark: counts(rng) for mark in ("K9", "K27", "K4")}
    tracks = [(track(mark, mark), bins, 1_000_000) for mark, bins in parts.items()]
    with Tracks(write(tmp_path / "t.h5", tracks)) as stored:
        assert stored.marks == ["K27", "K4", "K9"]
        np.testing.assert_array_equal(stored.read("chr2", ["K9", "K4"]), [parts["K9"]["chr2"], parts["K4"]["chr2"]])


def test_the_same_tracks_give_the_same_bytes_whatever_their_order(tmp_path, rng):
    tracks = [
        (track(mark, content, role), counts(rng), 1_000_000)
        for mark, content, role in [("K9", "b", SIGNAL), ("K4", "z", SIGNAL), ("K4", "y", SIGNAL), ("K4", "a", CONTROL)]
    ]
    first = write(tmp_path / "first.h5", tracks)
    second = write(tmp_path / "second.h5", tracks[::-1], sizes=dict(reversed(SIZES.items())))
    assert first.read_bytes() == second.read_bytes()


def add(path, *tracks: Track) -> None:
    with create(path, SIZES, 100) as writer:
        for one in tracks:
            writer.add(one)


def test_the_writer_holds_to_the_order_of_keys(tmp_path):
    with pytest.raises(ValueError, match="tracks must be added in order"):
        add(tmp_path / "t.h5", track("K9", "a"), track("K4", "a"))
    assert list(tmp_path.iterdir()) == []


def test_one_file_is_not_its_own_replicate(tmp_path):
    message = "K4: two of its files have the same contents; replicates must be different files"
    with pytest.raises(InputError, match=message):
        add(tmp_path / "t.h5", track("K4", "a"), track("K4", "a"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mark", ["", "a/b", "."])
def test_a_mark_needs_a_plain_name(tmp_path, mark):
    with pytest.raises(InputError, match="name of a mark"):
        add(tmp_path / "t.h5", track(mark, "a"))


def test_the_writer_refuses_a_wrong_number_of_bins(tmp_path):
    with pytest.raises(ValueError, match="chr2 has 12 bins"), create(tmp_path / "t.h5", SIZES, 100) as writer:
        writer.add(track("K4", "a")).put("chr2", np.zeros(11))


def test_a_missing_mark_and_a_missing_chromosome_are_named(one):
    with Tracks(one[0]) as tracks:
        with pytest.raises(InputError, match=re.escape("one.h5: has no track of K4, K9; it holds H3K27ac")):
            tracks.read("chr2", ["K4", "H3K27ac", "K9"])
        with pytest.raises(InputError, match=re.escape("one.h5: has no chromosome 2; it holds chr2, chr10")):
            tracks.read("2")
        with pytest.raises(InputError, match="'RPM' is no normalisation; choose rpm or none"):
            tracks.read("chr2", normalise="RPM")


@pytest.mark.parametrize(
    ("bin_size", "sizes", "message"),
    [
        (200, SIZES, "one.h5: bins of 100 bases, but m.safetensors has 200; count again with --bin-size 200"),
        (100, {"2": 1200, "10": 950}, "one.h5: its chromosomes (chr2, chr10) are not those of m.safetensors (2, 10)"),
        (100, {"chr2": 1201, "chr3": 5}, "one.h5: chr2 has 1200 bases, but 1201 in m.safetensors; use the same genome"),
    ],
)
def test_another_bin_size_or_genome_is_refused(one, bin_size, sizes, message):
    with Tracks(one[0]) as tracks, pytest.raises(InputError, match=re.escape(message)):
        tracks.require_like(bin_size, sizes, "m.safetensors")


def test_one_shared_chromosome_of_the_same_length_is_enough(one):
    with Tracks(one[0]) as tracks:
        tracks.require_like(100, {"chr10": 950, "chrX": 7}, "m.safetensors")


def test_files_that_are_no_tracks_are_refused(tmp_path):
    text, other, empty = (tmp_path / name for name in ("text.h5", "other.h5", "empty.h5"))
    text.write_text("chr1\t0\t9\n" * 1000)
    empty.touch()
    h5py.File(other, "w").close()
    for path, message in [
        (text, "text.h5: not an HDF5 file, or damaged; make it again with count-bins"),
        (other, "other.h5: an HDF5 file, but not of tracks; make it with count-bins"),
        (empty, "empty.h5: the file is empty"),
        (tmp_path / "none.h5", "none.h5: no such file"),
        (tmp_path, "a folder, not a file"),
    ]:
        with pytest.raises(InputError, match=re.escape(message)):
            Tracks(path)


def test_a_file_of_a_later_format_is_refused(one):
    with h5py.File(one[0], "a") as handle:
        handle.attrs["version"] = 99
    with pytest.raises(InputError, match=re.escape("written by a newer crekit (tracks format 99); update crekit")):
        Tracks(one[0])


def test_a_truncated_file_is_refused(one):
    content = one[0].read_bytes()
    one[0].write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match="not an HDF5 file, or damaged"):
        Tracks(one[0])


def test_a_chromosome_that_was_not_written_is_damage(tmp_path):
    path = write(tmp_path / "t.h5", [(track("K4", "a"), {"chr2": np.zeros(12)}, 1)])
    with Tracks(path) as tracks, pytest.raises(InputError, match="K4 on chr10 cannot be read"):
        tracks.read("chr10")


def test_any_damage_is_one_line_or_harmless(one, rng):
    whole = bytearray(one[0].read_bytes())
    messages = []
    for _ in range(100):
        damaged = whole.copy()
        for position in rng.integers(0, len(whole), 40):
            damaged[position] = rng.integers(0, 256)
        one[0].write_bytes(damaged)
        try:
            with Tracks(one[0]) as tracks:
                for chrom in tracks.sizes:
                    tracks.read(chrom)
        except InputError as error:
            messages.append(str(error))
    assert len(messages) > 20
    assert all(message.startswith(f"{one[0]}: ") for message in messages)


FULL_DISK = """
import resource, sys
import numpy as np
from crekit.errors import WorkError
from crekit.signal.tracks import create
sys.path.insert(0, sys.argv[2])
from test_tracks import track
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
try:
    with create(sys.argv[1], {"chr1": 50_000_000}, 100) as writer:
        writer.add(track("K4", "a")).put("chr1", np.random.default_rng(1).integers(0, 9999, 500_000))
except WorkError as error:
    print(error)
"""


def test_a_full_disk_leaves_nothing(tmp_path):
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path / "t.h5"), os.path.dirname(__file__)]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith(f"{tmp_path / 't.h5'}: writing failed (")
    assert list(tmp_path.iterdir()) == []
