import numpy as np
import pytest
import torch
from toy_dna import random_dna, random_dna_model, window_by_window

from crekit.models.deepenhancer import NAMES
from crekit.scanning import sequence_score
from crekit.scanning.sequence_score import along, known_windows, of_stretches, whole

COMPLEMENT = np.array([3, 2, 1, 0, 4], dtype=np.uint8)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    """Chunks of a few windows, so that their edges lie within short stretches."""
    monkeypatch.setattr(sequence_score, "_STRETCH", {"cpu": (300, 7)})
    monkeypatch.setattr(sequence_score, "_WINDOWS", {"cpu": 5})
    monkeypatch.setattr(sequence_score, "_COUNTED", 3)


def with_gaps(rng: np.random.Generator, n: int) -> np.ndarray:
    """DNA with single N, with N at both ends, and with a gap that holds whole windows."""
    codes = random_dna(rng, n, share_n=0.01)
    codes[:40] = codes[-10:] = codes[n // 2 : n // 2 + 450] = 4
    return codes


@pytest.mark.parametrize("step", [1, 2, 7, 50, 301])
@pytest.mark.parametrize("name", NAMES)
def test_the_five_networks_score_as_window_by_window(name, step, rng):
    model = random_dna_model(f"deepenhancer-{name}")
    codes = with_gaps(rng, 960 if step > 2 else 780)
    expected = window_by_window(model, codes[: None if step > 2 else 330], step)
    found = along(model, codes[: None if step > 2 else 330], step)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("arch", "others"),
    [
        ("deepenhancer-4conv2pool", {"parameters": {"padding": "same"}}),
        ("lstm", {"window": 0, "parameters": {}}),
        ("kmer-logistic", {"parameters": {"k": 3}}),
        ("gkm-svm", {"parameters": {"l": 6, "k": 4, "d": 2}}),
    ],
    ids=["padded", "lstm", "kmer-logistic", "gkm-svm"],
)
def test_other_models_score_as_window_by_window(arch, others, rng):
    model = random_dna_model(arch, **others)
    codes = with_gaps(rng, 900)
    found = along(model, codes, 75, width=300, threads=2)
    np.testing.assert_allclose(found, window_by_window(model, codes, 75), atol=1e-5, rtol=0)


@pytest.mark.parametrize("n", [0, 1, 299, 300, 301, 349, 350])
def test_windows_lie_within_the_stretch(n, rng):
    model = random_dna_model("deepenhancer-6conv3pool")
    codes = random_dna(rng, n)
    assert along(model, codes, 50).shape == (max((n - 300) // 50 + 1, 0), 2)
    assert known_windows(codes, 300, 50).shape == (max((n - 300) // 50 + 1, 0),)


@pytest.mark.parametrize("arch", ["deepenhancer-6conv3pool6norm", "kmer-logistic"])
def test_both_strands_are_averaged(arch, rng):
    model = random_dna_model(arch, parameters={"k": 3} if arch == "kmer-logistic" else {})
    codes = with_gaps(rng, 800)
    one = window_by_window(model, codes, 25)
    # The other strand's windows, each turned round by itself.
    turned = [COMPLEMENT[codes[start : start + 300]][::-1] for start in range(0, 501, 25)]
    other = np.concatenate([window_by_window(model, window, 25) for window in turned])
    found = along(model, codes, 25, both_strands=True)
    np.testing.assert_allclose(found, (one + other) / 2, atol=1e-5, rtol=0)


def test_the_number_of_threads_does_not_change_a_bit(rng):
    model = random_dna_model("deepenhancer-4conv2pool4norm")
    codes = with_gaps(rng, 1500)
    one, three = (along(model, codes, 20, threads=threads) for threads in (1, 3))
    np.testing.assert_array_equal(one, three)
    assert torch.get_num_threads() == 1


def test_stretches_follow_each_other(rng):
    model = random_dna_model("deepenhancer-6conv3pool")
    stretches = [random_dna(rng, n) for n in (310, 0, 299, 420, 300)]
    found = of_stretches(model, stretches, 2, threads=2)
    expected = np.concatenate([along(model, codes, 2) for codes in stretches])
    assert len(found) == 6 + 61 + 1
    np.testing.assert_allclose(found, expected, atol=1e-6, rtol=0)


def test_whole_sequences_score_as_one_by_one(rng, monkeypatch):
    monkeypatch.setattr(sequence_score, "_BATCH", 3)
    monkeypatch.setattr(sequence_score, "_BATCH_BASES", 500)
    model = random_dna_model("lstm", window=0)
    sequences = [random_dna(rng, int(n)) for n in rng.integers(20, 300, 20)]
    expected = np.concatenate([model.probabilities(codes[None]) for codes in sequences])
    np.testing.assert_allclose(whole(model, sequences), expected, atol=1e-5, rtol=0)
    turned = np.concatenate([model.probabilities(COMPLEMENT[codes[None, ::-1]]) for codes in sequences])
    both = whole(model, sequences, both_strands=True, threads=2)
    np.testing.assert_allclose(both, (expected + turned) / 2, atol=1e-5, rtol=0)
    assert whole(model, []).shape == (0, 2)


def test_a_window_is_known_by_one_base():
    codes = np.full(30, 4, dtype=np.uint8)
    codes[[12, 29]] = 0
    # Windows of 5 at 0, 3, 6 ... 24; base 12 lies in those at 9 and 12, base 29 in none.
    expected = [False, False, False, True, True, False, False, False, False]
    np.testing.assert_array_equal(known_windows(codes, 5, 3), expected)
