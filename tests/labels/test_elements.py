"""define-regions' rules, on cases worked out by hand and against plain bedtools commands on real data."""

import gzip
import subprocess
from dataclasses import replace

import numpy as np
import pytest

from crekit.errors import InputError
from crekit.genome.regions import concatenate, make
from crekit.labels import evidence
from crekit.labels.elements import Rules, define
from crekit.labels.evidence import Evidence

EMPTY = make([], [], [], [])


def spans(*items, chrom="chr1"):
    return make([chrom] * len(items), [start for start, _ in items], [end for _, end in items], "")


def given(size=100_000, **parts):
    """Evidence on one chromosome, with nothing but what is named."""
    settings = {"tss": EMPTY, "open": EMPTY, "cofactors": (), "h3k4me3": EMPTY, "tiled": ("chr1",), **parts}
    return Evidence(sizes={"chr1": size}, **settings)


def pairs(regions):
    return list(zip(regions.start.tolist(), regions.end.tolist(), strict=True))


# --- promoters ---


def test_promoter_is_2_kb_round_the_middle_of_merged_tss():
    found = define(given(tss=spans((10_000, 10_001), (10_501, 10_502)), open=spans((10_200, 10_300))))
    assert pairs(found.promoters) == [(9_251, 11_251)]  # merged 10,000-10,502, middle 10,251
    assert set(found.promoters.name) == {"promoter"}


def test_tss_501_bases_apart_stay_two():
    found = define(given(tss=spans((10_000, 10_001), (10_502, 10_503)), open=spans((10_200, 10_300))))
    assert pairs(found.promoters) == [(9_000, 11_000), (9_502, 11_502)]


@pytest.mark.parametrize(("open_start", "promoters"), [(11_000, 1), (11_001, 0)])
def test_promoter_needs_open_chromatin_within_1_kb(open_start, promoters):
    found = define(given(tss=spans((10_000, 10_001)), open=spans((open_start, open_start + 150))))
    assert len(found.promoters) == promoters


def test_windows_cut_by_a_chromosome_end_are_dropped():
    tss = spans((999, 1_000), (1_000, 1_001), (4_000, 4_001), (4_001, 4_002))
    found = define(given(size=5_000, tss=tss, open=spans((0, 5_000))), Rules(tss_merge=0))
    # TSS next to each other touch and are one: 999-1,001 stands at 1,000, 4,000-4,002 at 4,001, 1 base too far
    assert pairs(found.promoters) == [(0, 2_000)]
    assert [one.removed for one in found.filters if one.step.startswith("whole window")] == [1, 0]


def test_width_gives_windows_of_that_width():
    found = define(given(tss=spans((10_000, 10_001)), open=spans((10_000, 10_100))), Rules(width=3_001))
    assert pairs(found.promoters) == [(8_500, 11_501)]


# --- enhancers ---


def test_enhancer_is_2_kb_round_the_middle_of_merged_peaks():
    lists = (spans((50_000, 50_300)), spans((50_200, 50_501), (50_200, 50_501)))
    found = define(given(cofactors=lists, open=spans((50_000, 50_150))))
    assert pairs(found.enhancers) == [(49_250, 51_250)]
    assert set(found.enhancers.name) == {"enhancer"}


@pytest.mark.parametrize(("peak_end", "enhancers"), [(7_999, 1), (8_000, 1), (8_001, 0)])
def test_the_peak_not_its_window_keeps_2_kb_from_tss(peak_end, enhancers):
    # The TSS 10,000-10,001 widened by 2,000 is 8,000-12,001.
    peaks = spans((peak_end - 200, peak_end))
    found = define(given(tss=spans((10_000, 10_001)), cofactors=(peaks,), open=peaks))
    assert len(found.enhancers) == enhancers


def test_tss_in_closed_chromatin_keep_enhancers_away_too():
    peaks = spans((11_800, 12_000))
    found = define(given(tss=spans((10_000, 10_001)), cofactors=(peaks,), open=spans((12_900, 13_000))))
    assert len(found.promoters) == 0
    assert len(found.enhancers) == 0


@pytest.mark.parametrize(("mark_start", "enhancers"), [(51_199, 0), (51_200, 1)])
def test_enhancer_keeps_1_kb_from_h3k4me3(mark_start, enhancers):
    peaks = spans((50_000, 50_200))
    found = define(given(cofactors=(peaks,), open=peaks, h3k4me3=spans((mark_start, mark_start + 500))))
    assert len(found.enhancers) == enhancers


def test_distances_can_be_chosen():
    peaks = spans((10_500, 10_600))
    seen = given(tss=spans((10_000, 10_001)), cofactors=(peaks,), open=peaks, h3k4me3=spans((10_700, 10_800)))
    assert len(define(seen, Rules(tss_distance=499, h3k4me3_distance=100)).enhancers) == 1
    assert len(define(seen, Rules(tss_distance=500, h3k4me3_distance=100)).enhancers) == 0
    assert len(define(seen, Rules(tss_distance=499, h3k4me3_distance=101)).enhancers) == 0


# --- background ---


def test_background_tiles_keep_2_kb_from_all_evidence():
    found = define(
        given(
            size=61_000,
            tss=spans((10_000, 10_001)),
            open=spans((20_000, 20_100)),
            cofactors=(spans((30_000, 30_100)),),
            tfbs=(spans((40_000, 40_100)), spans((49_999, 50_000))),
        )
    )
    near = {8_000, 10_000, 12_000, 18_000, 20_000, 22_000, 28_000, 30_000, 32_000, 38_000, 40_000, 42_000}
    near |= {46_000, 48_000, 50_000}  # 49,999-50,000 widened is 47,999-52,000
    assert found.candidates.start.tolist() == [start for start in range(0, 60_000, 2_000) if start not in near]
    assert (found.candidates.end - found.candidates.start == 2_000).all()


def test_background_never_shares_a_base_with_an_element():
    seen = given(size=20_000, tss=spans((10_000, 10_001)), open=spans((10_000, 10_100)))
    found = define(seen, Rules(background_distance=0))
    assert found.candidates.start.tolist() == [0, 2_000, 4_000, 6_000, 12_000, 14_000, 16_000, 18_000]


# --- markers, blacklist, filters ---


def test_markers_are_all_evidence_without_promoters_merged():
    found = define(
        given(
            tss=spans((10_000, 10_001)),
            open=spans((9_900, 10_100), (10_900, 11_100), (50_000, 50_150)),
            cofactors=(spans((50_100, 50_400)),),
            tfbs=(spans((8_900, 9_100)), spans((50_400, 50_500), (70_000, 70_010))),
        )
    )
    assert pairs(found.markers) == [(8_900, 9_000), (11_000, 11_100), (50_000, 50_500), (70_000, 70_010)]
    assert set(found.markers.name) == {"marker"}


def test_blacklist_removes_every_class_that_shares_a_base():
    peaks = spans((30_000, 30_200))
    seen = given(
        size=60_000, tss=spans((10_000, 10_001)), open=spans((10_000, 10_100), (30_000, 30_100)), cofactors=(peaks,)
    )
    free = define(seen)
    assert (len(free.promoters), len(free.enhancers)) == (1, 1)
    listed = define(replace(seen, blacklist=spans((10_999, 11_000), (31_100, 31_101), (55_999, 56_001))))
    assert (len(listed.promoters), len(listed.enhancers)) == (0, 1)
    assert set(free.candidates.start) - set(listed.candidates.start) == {54_000, 56_000}


def test_filters_account_for_every_record(rng):
    found = define(_random(rng))
    for name in ("promoter", "enhancer", "background"):
        steps = [one for one in found.filters if one.name == name]
        assert [one.before for one in steps[1:]] == [one.kept for one in steps[:-1]]
        assert steps[-1].kept == len(
            {"promoter": found.promoters, "enhancer": found.enhancers}.get(name, found.candidates)
        )


def test_order_and_repeats_of_records_do_not_matter(rng):
    seen = _random(rng)
    once = define(seen)

    def shuffled(regions):
        twice = concatenate([regions, regions])
        return twice[rng.permutation(len(twice))]

    again = define(
        replace(
            seen,
            tss=shuffled(seen.tss),
            open=shuffled(seen.open),
            cofactors=tuple(shuffled(one) for one in reversed(seen.cofactors)),
            h3k4me3=shuffled(seen.h3k4me3),
        )
    )
    for part in ("promoters", "enhancers", "candidates", "markers"):
        np.testing.assert_array_equal(getattr(once, part).ids, getattr(again, part).ids)


def _random(rng):
    def some(number, width):
        starts = rng.integers(0, 3_000_000 - width, number)
        return spans(*((int(start), int(start) + width) for start in starts))

    return given(
        size=3_000_000, tss=some(60, 1), open=some(200, 150), cofactors=(some(100, 300), some(100, 300)),
        h3k4me3=some(30, 1_000), tfbs=(some(50, 200),), blacklist=some(3, 5_000),
    )  # fmt: skip


def test_a_width_of_nothing_is_refused():
    with pytest.raises(InputError, match="1 base or more"):
        define(given(), Rules(width=0))


# --- real data, against plain bedtools ---

CELLS = {
    "hela": {"cofactors": ["p300"], "tfbs": [], "chroms": "chr13-chr16"},
    "k562": {
        "cofactors": ["p300", "tfbs_tal1", "tfbs_gata1"],
        "tfbs": ["tfbs_cmyc", "tfbs_ctcf", "tfbs_jund"],
        "chroms": "chr19-chr22",
    },
}


@pytest.mark.parametrize("cell", CELLS)
def test_equal_to_plain_bedtools_to_the_base(cell, data, tmp_path):
    folder, settings = data / cell, CELLS[cell]
    peaks = {
        name: folder / f"{name}.narrowPeak.gz" for name in ["dnase", *settings["cofactors"], *settings["tfbs"]]
    } | {"h3k4me3": folder / "h3k4me3.broadPeak.gz"}
    seen = evidence.read(
        tss=data / "annotation/gencode.v19.tss.bed.gz",
        open_peaks=peaks["dnase"],
        cofactors=[peaks[name] for name in settings["cofactors"]],
        h3k4me3=peaks["h3k4me3"],
        tfbs=[peaks[name] for name in settings["tfbs"]],
        sizes=data / "annotation/hg19.chrom.sizes",
        blacklist=data / "annotation/hg19-blacklist.v2.bed.gz",
        chroms=settings["chroms"],
    )
    found = define(seen)
    plain = _Plain(tmp_path, seen.sizes)
    expected = plain.elements(
        tss=data / "annotation/gencode.v19.tss.bed.gz",
        blacklist=data / "annotation/hg19-blacklist.v2.bed.gz",
        peaks=peaks,
        **{name: settings[name] for name in ("cofactors", "tfbs")},
    )
    for part, lines in expected.items():
        regions = getattr(found, part)
        columns = zip(regions.chrom, regions.start, regions.end, strict=True)
        assert sorted(f"{chrom}\t{start}\t{end}" for chrom, start, end in columns) == sorted(lines), part
        assert len(lines) > 50, part


class _Plain:
    """The same rules as a chain of bedtools commands; of ours it uses nothing."""

    def __init__(self, folder, sizes):
        self.folder, self.sizes, self.files = folder, sizes, 0
        self.genome = str(self._file("".join(f"{chrom}\t{size}\n" for chrom, size in sizes.items())))

    def elements(self, tss, blacklist, peaks, cofactors, tfbs):
        tss, blacklist = self.bed(tss), self.bed(blacklist)
        peaks = {name: self.bed(path) for name, path in peaks.items()}
        points = self.middles(self.run("merge", "-d", "500", "-i", self.run("sort", "-i", tss)))
        open_near = self.slop(peaks["dnase"], 1000)
        true_tss = self.run("intersect", "-u", "-a", points, "-b", open_near)
        promoters = self.around(true_tss, cut=False)
        promoters_cut = self._file("\n".join(self.around(true_tss, cut=True)) + "\n")
        merged = self.run("merge", "-i", self.run("sort", "-i", self.cat([peaks[name] for name in cofactors])))
        kept = self.run("intersect", "-u", "-a", merged, "-b", open_near)
        kept = self.run("intersect", "-v", "-a", kept, "-b", self.slop(points, 2000))
        kept = self.run("intersect", "-v", "-a", kept, "-b", self.slop(peaks["h3k4me3"], 1000))
        enhancers = self.around(self.middles(kept), cut=False)
        tiles = self.run("makewindows", "-g", self.genome, "-w", "2000")
        for away in [points, peaks["dnase"], merged, *(peaks[name] for name in tfbs)]:
            tiles = self.run("intersect", "-v", "-a", tiles, "-b", self.slop(away, 2000))
        tiles = [line for line in tiles.read_text().splitlines() if self.length(line) == 2000]
        pieces = [self.run("subtract", "-a", one, "-b", promoters_cut) for one in [peaks["dnase"], merged]]
        pieces += [self.run("subtract", "-a", peaks[name], "-b", promoters_cut) for name in tfbs]
        markers = self.run("merge", "-i", self.run("sort", "-i", self.cat(pieces)))
        return {
            "promoters": self.clean(promoters, blacklist),
            "enhancers": self.clean(enhancers, blacklist),
            "candidates": self.clean(tiles, blacklist),
            "markers": markers.read_text().splitlines(),
        }

    def bed(self, path):
        with gzip.open(path, "rt") as handle:
            records = (line.split("\t")[:3] for line in handle)
            return self._file("".join("\t".join(record) + "\n" for record in records if record[0] in self.sizes))

    def clean(self, lines, blacklist):
        return (
            self.run("intersect", "-v", "-a", self._file("\n".join(lines) + "\n"), "-b", blacklist)
            .read_text()
            .splitlines()
        )

    def slop(self, path, distance):
        return self.run("slop", "-g", self.genome, "-b", str(distance), "-i", path)

    def cat(self, paths):
        return self._file("".join(path.read_text() for path in paths))

    def middles(self, path):
        records = (line.split("\t") for line in path.read_text().splitlines())
        points = ((chrom, (int(start) + int(end)) // 2) for chrom, start, end in records)
        return self._file("".join(f"{chrom}\t{point}\t{point + 1}\n" for chrom, point in points))

    def around(self, points, cut):
        windows = []
        for chrom, point, _ in (line.split("\t") for line in points.read_text().splitlines()):
            start, end = int(point) - 1000, int(point) + 1000
            if cut:
                start, end = max(start, 0), min(end, self.sizes[chrom])
            if start >= 0 and end <= self.sizes[chrom]:
                windows.append(f"{chrom}\t{start}\t{end}")
        return windows

    @staticmethod
    def length(line):
        _, start, end = line.split("\t")
        return int(end) - int(start)

    def run(self, *command):
        done = subprocess.run(["bedtools", *map(str, command)], capture_output=True, text=True, check=True)
        return self._file(done.stdout)

    def _file(self, text):
        self.files += 1
        path = self.folder / f"{self.files}.bed"
        path.write_text(text)
        return path
