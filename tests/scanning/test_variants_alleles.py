"""The bases that alleles change, and the windows that cover them, against literal values and a plain loop."""

import numpy as np
import pytest
import torch
from torch import nn
from toy_variants import sequence_settings

from crekit.genome.fasta import encode
from crekit.models.file import SequenceModel
from crekit.scanning.variants_alleles import Change, covering, highest, trim, unscorable


@pytest.mark.parametrize(
    ("ref", "alt", "change"),
    [
        ("A", "C", Change(10, "A", "C")),
        ("a", "A", Change(10, "", "")),
        ("A", "ATT", Change(11, "", "TT")),
        ("ATT", "A", Change(11, "TT", "")),
        ("TTT", "TT", Change(10, "T", "")),
        ("ACGT", "ATGT", Change(11, "C", "T")),
        ("ACG", "TTTT", Change(10, "ACG", "TTTT")),
    ],
    ids=["snv", "same", "insertion", "deletion", "repeat", "padded", "replacement"],
)
def test_a_change_is_what_the_alleles_do_not_share(ref, alt, change):
    assert trim(10, ref, alt) == change


@pytest.mark.parametrize(
    ("alt", "reason"),
    [
        ("ACGTNacgtn", None),
        ("<DEL>", "symbolic"),
        ("<NON_REF>", "symbolic"),
        ("*", "deleted by another (*)"),
        ("A[chr2:100[", "breakend"),
        ("]chr2:100]A", "breakend"),
        (".A", "breakend"),
        ("A.", "breakend"),
        ("R", "of other letters than ACGTN"),
    ],
    ids=["bases", "del", "non-ref", "star", "mate-after", "mate-before", "single-before", "single-after", "iupac"],
)
def test_alleles_without_a_sequence_are_told(alt, reason):
    assert unscorable(alt) == reason


def test_windows_of_a_base_lie_evenly_round_it():
    # The base is the tenth; windows of 10 that hold it start at 0 to 9.
    assert covering(9, 1, 9, 10, 1).tolist() == list(range(10))
    assert covering(9, 1, 9, 10, 4).tolist() == [0, 4, 8]
    assert covering(9, 1, 9, 10, 5).tolist() == [2, 7]
    assert covering(9, 1, 9, 10, 50).tolist() == [4]


def test_an_allele_without_bases_is_covered_by_windows_that_hold_both_neighbours():
    assert covering(9, 0, 9, 10, 1).tolist() == list(range(9))


def test_both_alleles_of_an_insertion_share_windows_up_to_the_end_of_the_shorter():
    assert covering(9, 0, 9, 10, 4).tolist() == [0, 4, 8]
    assert covering(9, 6, 9, 10, 4).tolist() == [0, 4, 8, 12]


def test_windows_past_the_chromosome_ends_are_left_out():
    assert covering(2, 1, 9, 10, 1).tolist() == [0, 1, 2]
    assert covering(9, 1, 3, 10, 1).tolist() == [0, 1, 2, 3]
    assert covering(2, 1, 3, 10, 1).tolist() == []


@pytest.mark.parametrize("step", [1, 2, 7, 30])
def test_covering_windows_are_those_of_a_plain_loop(step):
    for left in (0, 5, 19):
        for length in (0, 1, 13):
            for right in (0, 4, 19):
                expected = []
                for begin in range(-19 + 19 % step // 2, 100, step):  # counted from the change
                    covers = begin < length and begin + 20 > 0 if length else begin < 0 < begin + 20
                    if covers and begin >= -left and begin + 20 <= length + right:
                        expected.append(begin + left)
                assert covering(left, length, right, 20, step).tolist() == expected


class _Gata(nn.Module):
    """Logit of the second class: 4 if GATA is in the forward sequence, else 0."""

    def forward(self, one_hot: torch.Tensor) -> torch.Tensor:
        kernel = torch.zeros(1, 4, 4)
        for position, base in enumerate("GATA"):
            kernel[0, "ACGT".index(base), position] = 1
        found = (nn.functional.conv1d(one_hot, kernel) > 3.5).any(dim=2).float()
        return torch.cat([torch.zeros_like(found), 4 * found], dim=1)


def test_scores_are_the_highest_of_the_windows_with_strands_averaged():
    model = SequenceModel(sequence_settings(window=6, classes=["background", "enhancer"]), _Gata())
    yes, no = 1 / (1 + np.exp(-4)), 0.5
    sequences = [encode("CCCCGATACCCC"), encode("CCCCGACACCCC"), encode("GATATC")]
    starts = [np.arange(7), np.arange(7), np.arange(1)]  # the third has GATA on both strands
    scores = highest(model, sequences, starts, 6, 1)
    np.testing.assert_allclose(scores[0], [0.5, (yes + no) / 2], atol=1e-6)
    np.testing.assert_allclose(scores[1], [0.5, no], atol=1e-6)
    np.testing.assert_allclose(scores[2], [1 - yes, yes], atol=1e-6)
