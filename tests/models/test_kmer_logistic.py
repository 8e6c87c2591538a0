from collections import Counter

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from crekit.encoding.onehot import one_hot
from crekit.errors import InputError
from crekit.genome.fasta import complement_codes, encode
from crekit.models.kmer_logistic import KmerLogistic, fit_kmer_logistic, padded

COMPLEMENT = str.maketrans("ACGTN", "TGCAN")


def plain_shares(sequence: str, k: int) -> dict[str, float]:
    """Shares of canonical k-mers, by strings and a dict."""
    kmers = [sequence[i : i + k] for i in range(len(sequence) - k + 1)]
    counts = Counter(min(kmer, kmer.translate(COMPLEMENT)[::-1]) for kmer in kmers if "N" not in kmer)
    return {kmer: count / sum(counts.values()) for kmer, count in counts.items()}


def kmers(k: int) -> list[str]:
    """Canonical k-mers in the order of the alphabet."""
    all_kmers = ["".join("ACGT"[i // 4 ** (k - 1 - j) % 4] for j in range(k)) for i in range(4**k)]
    return sorted({min(kmer, kmer.translate(COMPLEMENT)[::-1]) for kmer in all_kmers})


def logits(module: KmerLogistic, codes: list[np.ndarray]) -> np.ndarray:
    with torch.inference_mode():
        return module(torch.from_numpy(one_hot(padded(codes).numpy()))).numpy()


def random_texts(rng: np.random.Generator, n: int, longest: int = 80) -> list[str]:
    return [
        "".join(rng.choice(list("ACGTN"), rng.integers(30, longest), p=[0.3, 0.2, 0.2, 0.28, 0.02])) for _ in range(n)
    ]


@pytest.mark.parametrize(("k", "n_features"), [(1, 2), (2, 10), (3, 32), (4, 136), (5, 512)])
def test_a_kmer_and_its_reverse_complement_are_one_feature(k, n_features):
    assert KmerLogistic(2, k).mean.shape == (n_features,)
    assert len(kmers(k)) == n_features


@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_shares_are_those_of_a_plain_count(rng, k):
    texts = random_texts(rng, 20)
    shares = KmerLogistic(2, k).shares(padded([encode(text) for text in texts])).numpy()
    expected = [[plain_shares(text, k).get(kmer, 0) for kmer in kmers(k)] for text in texts]
    np.testing.assert_allclose(shares, expected, atol=1e-7)


def test_a_sequence_without_a_kmer_has_no_shares():
    module = KmerLogistic(2, 3)
    for text in ("", "AC", "NNNNN", "ACNGTNA"):
        assert module.shares(padded([encode(text)])).numpy().sum() == 0


@pytest.mark.parametrize("n_classes", [2, 3])
def test_logits_are_scikit_learns(rng, n_classes):
    texts = random_texts(rng, 90)
    labels, weights = np.arange(90) % n_classes, rng.uniform(0.5, 2, 90)
    codes = [encode(text) for text in texts]
    values = np.array([[plain_shares(text, 2).get(kmer, 0) for kmer in kmers(2)] for text in texts])
    peer = make_pipeline(StandardScaler(), LogisticRegression(C=0.5, max_iter=2000))
    peer.fit(values, labels, logisticregression__sample_weight=weights)
    module, parameters = fit_kmer_logistic(codes, labels, weights, n_classes=n_classes, k=2, c=0.5)
    assert parameters == {"k": 2}
    np.testing.assert_allclose(
        torch.softmax(torch.from_numpy(logits(module, codes)), dim=1).numpy(), peer.predict_proba(values), atol=1e-3
    )


def test_neither_strand_nor_padding_matters(rng):
    codes = [encode(text) for text in random_texts(rng, 40)]
    module, _ = fit_kmer_logistic(codes, np.arange(40) % 2, None, n_classes=2, k=3)
    scores = logits(module, codes)
    assert scores.std() > 0
    np.testing.assert_allclose(logits(module, [complement_codes(sequence) for sequence in codes]), scores, atol=1e-6)
    longer = [np.append(sequence, np.full(50, 4, np.uint8)) for sequence in codes]
    np.testing.assert_array_equal(logits(module, longer), scores)
    np.testing.assert_allclose(np.concatenate([logits(module, [sequence]) for sequence in codes]), scores, atol=1e-6)


def test_stored_tensors_give_the_same_logits_and_others_are_refused(rng):
    codes = [encode(text) for text in random_texts(rng, 40)]
    module, parameters = fit_kmer_logistic(codes, np.arange(40) % 2, None, n_classes=2, k=3)
    loaded = KmerLogistic(n_classes=2, **parameters)
    loaded.load_state_dict(module.state_dict())
    np.testing.assert_array_equal(logits(loaded, codes), logits(module, codes))
    with pytest.raises(RuntimeError, match="size mismatch"):
        KmerLogistic(n_classes=2, k=4).load_state_dict(module.state_dict())


def test_the_same_bytes_come_back_whatever_the_threads(rng):
    codes = [encode(text) for text in random_texts(rng, 60)]
    one, two = (
        fit_kmer_logistic(codes, np.arange(60) % 3, None, n_classes=3, threads=threads)[0] for threads in (1, 2)
    )
    for name, tensor in one.state_dict().items():
        assert tensor.numpy().tobytes() == two.state_dict()[name].numpy().tobytes()


@pytest.mark.parametrize("k", [0, 9])
def test_a_k_out_of_range_is_refused(k):
    with pytest.raises(InputError, match="1 to 8 bases"):
        KmerLogistic(2, k)
