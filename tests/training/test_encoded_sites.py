"""Encodings as training is shown them: from the cache, turned round, and in batches of any make-up."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from running import run_tool
from toy_encoded import options

from crekit.encoding.encoders import Encoders
from crekit.encoding.store import Sequences
from crekit.genome.fasta import complement_codes
from crekit.training.encoded_sites import EncodedSites, MotifCache, cache_of

CPU = torch.device("cpu")


@pytest.fixture(params=["both", "forward"])
def sites(tmp_path, request):
    words = [*options(tmp_path), "--strands", request.param, "-o", tmp_path / "s.h5"]
    assert run_tool("encode-seq", *words).returncode == 0
    return of(tmp_path / "s.h5")


def of(path, **settings) -> EncodedSites:
    sequences = Sequences(path)
    n = len(sequences)
    labels = (sequences.regions.name == "enhancer").astype(np.int64)
    known = {"encoders": sequences.encoders, "cache": MotifCache(sequences.encoders.motif, sequences.n_windows)}
    what = ([sequences], np.zeros(n, dtype=np.int64), np.arange(n), labels, 0)
    return EncodedSites(*what, **{**known, "place": np.arange(n), **settings})


def shown(sites, region, turned):
    region = np.array(region)
    return sites.values(region, np.zeros_like(region), np.array(turned), CPU)


def test_the_cache_gives_what_is_computed(sites):
    region, turned = [5, 41, 5, 60], [False, True, True, False]
    for _ in range(2):  # the second time from the cache
        values = shown(sites, region, turned)
        for i, (one, round_) in enumerate(zip(region, turned, strict=True)):
            codes = sites.files[0].codes(one)
            codes = complement_codes(codes[None])[0] if round_ else codes
            expected = sites.encoders.encode(codes[None])
            for name in ("kmer", "motif"):
                np.testing.assert_array_equal(values[name][i].numpy(), expected[name][0])


def test_bases_are_shown_where_they_are_read(tmp_path):
    assert run_tool("encode-seq", *options(tmp_path), "-o", tmp_path / "s.h5").returncode == 0
    sites = of(tmp_path / "s.h5", reads_bases=True)
    values = shown(sites, [0, 1], [False, False])["one-hot"]
    assert values.shape[:2] == (2, 4)
    assert values.sum().item() == len(sites.files[0].codes(0)) + len(sites.files[0].codes(1))


def test_stored_encodings_are_read_for_the_strand_that_is_stored(tmp_path):
    words = options(tmp_path)
    assert run_tool("encode-seq", *words, "-o", tmp_path / "s.h5").returncode == 0
    assert run_tool("encode-seq", *words, "--store", "-o", tmp_path / "stored.h5").returncode == 0
    for turned in ([False, False], [True, False]):
        one, other = (shown(of(tmp_path / name), [3, 50], turned) for name in ("s.h5", "stored.h5"))
        assert all(torch.equal(one[name], other[name]) for name in one)


def test_no_cache_is_made_without_motifs(sites):
    bare = EncodedSites(
        sites.files, sites.file, sites.row, sites.region_labels, 0, encoders=Encoders(kmer=sites.encoders.kmer)
    )
    assert list(shown(bare, [0], [False])) == ["kmer"]


def test_a_cache_is_shared_by_the_same_motifs_alone(sites):
    caches = [sites.cache]
    motif = sites.encoders.motif
    n_windows = sites.files[0].n_windows
    assert cache_of(caches, sites.files[0].encoders.motif, n_windows) is sites.cache
    other = replace(motif, thresholds=motif.thresholds + 1)
    assert cache_of(caches, other, n_windows) is caches[1]
    assert cache_of(caches, motif, np.array([1 << 40])) is sites.cache
    assert cache_of([], motif, np.array([1 << 40])) is None


def test_encodings_stored_with_other_motifs_are_not_read(tmp_path):
    assert run_tool("encode-seq", *options(tmp_path), "--store", "-o", tmp_path / "s.h5").returncode == 0
    own = of(tmp_path / "s.h5").encoders
    changed = Encoders(own.kmer, replace(own.motif, thresholds=own.motif.thresholds - 900))
    sites = of(tmp_path / "s.h5", encoders=changed, cache=None)
    codes = sites.files[0].codes(50)
    expected = changed.encode(codes[None])["motif"][0]
    np.testing.assert_array_equal(shown(sites, [50], [False])["motif"][0].numpy(), expected)
    assert not np.array_equal(expected, own.encode(codes[None])["motif"][0])
