import numpy as np
import pytest
import torch
from torch import nn
from toy_planted import encoded, fasta, records

from crekit.encoding.encode import encode_records
from crekit.encoding.store import Sequences
from crekit.encoding.windows import Rule
from crekit.genome.fasta import encode
from crekit.training.sequence_sites import SequenceSites

CPU = torch.device("cpu")


def sites(path, *, every_window: bool = False, background: int | None = 0) -> SequenceSites:
    one = Sequences(path)
    labels = np.array([one.classes.index(name) for name in one.regions.name])
    n = len(one)
    return SequenceSites([one], np.zeros(n, dtype=np.int64), np.arange(n), labels, background, every_window)


@pytest.fixture
def three(tmp_path) -> SequenceSites:
    """Three records of 6, 4 and 5 bases in windows of 4: 3, 1 and 2 windows."""
    path = records(tmp_path / "a.fa", ["AACCGT", "TTTT", "GATTA"], "r")
    encode_records([("x", path)], tmp_path / "a.h5", Rule(4, 1, "drop"))
    return sites(tmp_path / "a.h5", background=None)


def read(inputs: torch.Tensor) -> list[str]:
    """One-hot windows as text."""
    letters = np.where(inputs.sum(1) > 0, inputs.argmax(1), 4)
    return ["".join("ACGTN"[i] for i in row) for row in letters]


def test_every_window_is_shown_with_the_class_of_its_region(three):
    every = SequenceSites(three.files, three.file, three.row, np.array([0, 1, 0]), None, every_window=True)
    np.testing.assert_array_equal(every.labels, [0, 0, 0, 1, 0, 0])
    shown = every.inputs(torch.arange(6), torch.zeros(6, 2), "none", CPU)
    assert read(shown) == ["AACC", "ACCG", "CCGT", "TTTT", "GATT", "ATTA"]


def test_one_window_of_a_region_is_chosen_by_the_second_coin(three):
    coins = torch.tensor([[0.0, 0.0], [0.0, 0.34], [0.0, 0.99], [0.0, 0.99]])
    shown = three.inputs(torch.tensor([0, 0, 0, 1]), coins, "none", CPU)
    assert read(shown) == ["AACC", "ACCG", "CCGT", "TTTT"]


def test_the_first_coin_turns_the_strand_only_where_that_is_asked_for(three):
    coins = torch.tensor([[0.4, 0.0], [0.6, 0.0]])
    index = torch.tensor([0, 0])
    assert read(three.inputs(index, coins, "none", CPU)) == ["AACC", "AACC"]
    assert read(three.inputs(index, coins, "reverse-complement", CPU)) == ["GGTT", "AACC"]


def test_a_whole_region_that_is_turned_stays_padded_on_the_right(tmp_path):
    path = records(tmp_path / "a.fa", ["AACCGT", "GAT"], "r")
    encode_records([("x", path)], tmp_path / "a.h5", Rule(0, 1, "drop"))
    shown = sites(tmp_path / "a.h5", background=None).inputs(
        torch.tensor([0, 1]), torch.zeros(2, 2), "reverse-complement", CPU
    )
    assert read(shown) == ["ACGGTT", "ATCNNN"]


class CountsG(nn.Module):
    """Two logits: nothing, and the number of G in a window."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.stack([torch.zeros(len(x)), x[:, 2].sum(1)], dim=1)


def test_a_region_is_judged_by_its_best_scored_window(tmp_path):
    files = [
        ("background", records(tmp_path / "b.fa", ["AAAAGGGG", "AAAA"], "b")),
        ("enhancer", records(tmp_path / "e.fa", ["GGAAAGAA", "CGCC"], "e")),
    ]
    encode_records(files, tmp_path / "a.h5", Rule(4, 1, "drop"))
    found = sites(tmp_path / "a.h5").logits(CountsG(), CPU)
    np.testing.assert_array_equal(found[:, 1], [4, 0, 2, 1])
    one = sites(tmp_path / "a.h5").best(CountsG(), np.arange(4), np.zeros(4, dtype=np.int64), CPU)
    np.testing.assert_array_equal(one[:, 1], [0, 0, 2, 1])


def test_the_middle_window_stands_for_a_region(three):
    assert [codes.tolist() for codes in three.middles()] == [encode(text).tolist() for text in ("ACCG", "TTTT", "ATTA")]


def test_regions_of_two_files_are_cut_from_their_own_file(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    files = [Sequences(fasta(tmp_path / "a", seed=1)), Sequences(fasta(tmp_path / "b", seed=2))]
    both = SequenceSites(files, np.array([1, 0, 1]), np.array([5, 5, 7]), np.zeros(3, dtype=np.int64), None)
    shown = both.inputs(torch.arange(3), torch.zeros(3, 2), "none", CPU)
    for row, file, region in zip(shown, (1, 0, 1), (5, 5, 7), strict=True):
        assert read(row[None])[0] == "".join("ACGTN"[i] for i in files[file].codes(region))


def test_whole_regions_are_judged_alike_whatever_stands_beside_them(tmp_path):
    path = encoded(tmp_path, Rule(0, 1), n=30, chroms=1)
    torch.manual_seed(0)
    from crekit.models.sequence_lstm import SequenceLstm

    network = SequenceLstm(2).eval()
    all_sites = sites(path)
    alone = SequenceSites(all_sites.files, all_sites.file[3:4], all_sites.row[3:4], all_sites.region_labels[3:4], 0)
    torch.testing.assert_close(all_sites.logits(network, CPU)[3:4], alone.logits(network, CPU), rtol=1e-5, atol=1e-6)
