import itertools
import logging
from math import comb

import numpy as np
import pytest
import torch
from sklearn.svm import SVC

from crekit.encoding.onehot import one_hot
from crekit.errors import InputError
from crekit.genome.fasta import complement_codes, encode, read_records
from crekit.models.gkm import GkmSvm, fit_gkm_svm
from crekit.models.gkm_kernel import distance_weights, fold, gram, norms, words_of
from crekit.models.kmer_logistic import padded

COMPLEMENT = str.maketrans("ACGTN", "TGCAN")


def distance(a: str, b: str) -> int:
    return sum(x != y for x, y in zip(a, b, strict=True))


def plain_kernel(x: str, y: str, length: int, weights: np.ndarray) -> float:
    """The kernel by strings: every word of x against every word of y and of its reverse complement."""

    def words(sequence: str) -> list[str]:
        return [w for i in range(len(sequence) - length + 1) if "N" not in (w := sequence[i : i + length])]

    pairs = [(u, v) for u in words(x) for strand in (y, y.translate(COMPLEMENT)[::-1]) for v in words(strand)]
    return sum(weights[h] for u, v in pairs if (h := distance(u, v)) < len(weights))


def plain_gram(texts: list[str], length: int, weights: np.ndarray) -> np.ndarray:
    return np.array([[plain_kernel(x, y, length, weights) for y in texts] for x in texts])


def words(texts: list[str], length: int):
    bounds = np.cumsum([0, *map(len, texts)])
    return words_of(encode("".join(texts)), bounds, length)


def random_texts(rng: np.random.Generator, n: int, shortest: int = 12, longest: int = 30) -> list[str]:
    return [
        "".join(rng.choice(list("ACGTN"), rng.integers(shortest, longest), p=[0.27, 0.22, 0.22, 0.26, 0.03]))
        for _ in range(n)
    ]


def decisions(module: GkmSvm, codes: list[np.ndarray]) -> np.ndarray:
    with torch.inference_mode():
        return module(torch.from_numpy(one_hot(padded(codes).numpy()))).numpy()


@pytest.mark.parametrize(("length", "k"), [(3, 1), (3, 2), (4, 2), (4, 3), (3, 3)])
def test_weights_are_those_of_the_least_squares_estimate_of_word_counts(length, k):
    # The matrix from counts of words to counts of gapped k-mers; its pseudo-inverse estimates words from them.
    all_words = ["".join(word) for word in itertools.product("ACGT", repeat=length)]
    rows = {}
    for column, word in enumerate(all_words):
        for kept in itertools.combinations(range(length), k):
            gapped = "".join(base if i in kept else "-" for i, base in enumerate(word))
            rows.setdefault(gapped, []).append(column)
    matrix = np.zeros((comb(length, k) * 4**k, 4**length))
    for row, columns in enumerate(rows.values()):
        matrix[row, columns] = 1
    estimate = np.linalg.pinv(matrix, rcond=1e-10) @ matrix  # the projection on what gapped k-mers fix
    apart = np.array([[distance(a, b) for b in all_words] for a in all_words])
    not_positive = [h for h in range(length + 1) if estimate[0, apart[0] == h][0] < 1e-9]
    estimate[apart >= min(not_positive, default=length + 1)] = 0
    kernel = estimate @ estimate.T
    expected = [kernel[0, apart[0] == h][0] / kernel[0, 0] for h in range(length + 1)]
    np.testing.assert_allclose(distance_weights(length, k, length), expected, atol=1e-9)


def test_weights_are_those_of_lsgkm():
    # Found by least squares from what LS-GKM 0.1.2 (-l 10 -k 6 -d 3) predicted with its own support vectors.
    np.testing.assert_allclose(distance_weights(10, 6, 3), [1, 0.3286282, 0.0881522, 0.0163853], atol=2e-7)


@pytest.mark.parametrize(("length", "k", "d"), [(4, 3, 2), (6, 4, 3), (5, 5, 0)])
def test_the_kernel_is_that_of_a_plain_double_loop(rng, length, k, d):
    texts = [*random_texts(rng, 10), "ACGTACGTACGT", "NNNNNNNN", "ACG", ""]
    weights = distance_weights(length, k, d)
    expected = plain_gram(texts, length, weights)
    found = words(texts, length)
    for threads in (1, 2):
        np.testing.assert_allclose(gram(found, weights, length, threads), expected, rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(norms(found, weights, length, threads), np.sqrt(expected.diagonal()), rtol=1e-10)


@pytest.mark.parametrize(("length", "k", "d"), [(4, 3, 2), (6, 4, 3), (5, 5, 0)])
def test_a_folded_sum_of_kernels_is_that_of_a_plain_double_loop(rng, length, k, d):
    texts, weights = random_texts(rng, 10), distance_weights(length, k, d)
    coefficients = rng.normal(size=len(texts))
    found = words(texts, length)
    table = fold(coefficients, found, weights, length)
    sums = [table[found.forward[start:end]].sum() for start, end in itertools.pairwise(found.bounds)]
    np.testing.assert_allclose(sums, plain_gram(texts, length, weights) @ coefficients, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("weighted", [False, True])
def test_decision_values_are_those_of_libsvm_on_the_plain_kernel(rng, weighted):
    texts, labels = random_texts(rng, 16), np.arange(16) % 2
    weights = rng.uniform(0.5, 2, 16) if weighted else None
    codes = [encode(text) for text in texts]
    kernel = plain_gram(texts, 5, distance_weights(5, 4, 2))
    norm = np.sqrt(kernel.diagonal())
    peer = SVC(C=0.3, kernel="precomputed").fit(kernel / norm / norm[:, None], labels, sample_weight=weights)
    module, parameters = fit_gkm_svm(codes, labels, weights, n_classes=2, l=5, k=4, d=2, c=0.3)
    assert parameters == {"l": 5, "k": 4, "d": 2}
    logits = decisions(module, codes)
    np.testing.assert_array_equal(logits[:, 0], 0)
    # libsvm stops when all conditions hold to 1e-3; where it stops depends on the kernel's last digits.
    np.testing.assert_allclose(logits[:, 1], peer.decision_function(kernel / norm / norm[:, None]), atol=2e-3)


def test_three_classes_are_three_machines_each_against_the_rest(rng):
    codes, labels = [encode(text) for text in random_texts(rng, 30)], np.arange(30) % 3
    module, _ = fit_gkm_svm(codes, labels, None, n_classes=3, l=5, k=4, d=2)
    logits = decisions(module, codes)
    for target in range(3):
        single, _ = fit_gkm_svm(codes, (labels == target).astype(np.int64), None, n_classes=2, l=5, k=4, d=2)
        np.testing.assert_allclose(logits[:, target], decisions(single, codes)[:, 1], atol=1e-6)


def test_decision_values_agree_with_lsgkm(data):
    folder = data / "oracles" / "lsgkm"

    def codes(*names: str) -> list[np.ndarray]:
        return [sequence for name in names for _, sequence in read_records(folder / name)]

    labels = np.repeat([1, 0], 644)
    module, _ = fit_gkm_svm(codes("tr.fa", "neg.tr.fa"), labels, None, n_classes=2, l=10, k=6, d=3, c=1, threads=2)
    theirs = [
        float(line.split()[1])
        for name in ("test.pred.txt", "neg.test.pred.txt")
        for line in (folder / name).read_text().splitlines()
    ]
    ours = decisions(module, codes("test.fa", "neg.test.fa"))[:, 1]
    assert len(ours) == 138
    assert np.corrcoef(ours, theirs)[0, 1] > 0.999999
    np.testing.assert_allclose(ours, theirs, atol=1e-3)  # libsvm itself stops at 1e-3
    np.testing.assert_allclose(module.bias, -0.379216, atol=1e-3)


@pytest.fixture(scope="module")
def trained() -> tuple[GkmSvm, list[np.ndarray]]:
    codes = [encode(text) for text in random_texts(np.random.default_rng(1), 40)]
    return fit_gkm_svm(codes, np.arange(40) % 2, None, n_classes=2, l=6, k=4, d=3)[0], codes


def test_neither_strand_nor_padding_matters(trained):
    module, codes = trained
    scores = decisions(module, codes)
    assert scores[:, 1].std() > 0.1
    np.testing.assert_allclose(decisions(module, [complement_codes(sequence) for sequence in codes]), scores, atol=1e-6)
    longer = [np.append(sequence, np.full(50, 4, np.uint8)) for sequence in codes]
    np.testing.assert_array_equal(decisions(module, longer), scores)
    np.testing.assert_array_equal(np.concatenate([decisions(module, [sequence]) for sequence in codes]), scores)


def test_words_with_an_n_are_left_out():
    found = words(["ACGNTTGCA", "NACG", "GGGGNCCCC"], 4)
    assert found.bounds.tolist() == [0, 2, 2, 4]
    assert found.forward.tolist() == [0b11111001, 0b11100100, 0b10101010, 0b01010101]  # TTGC TGCA GGGG CCCC
    assert found.reverse.tolist() == [0b10010000, 0b11100100, 0b01010101, 0b10101010]  # GCAA TGCA CCCC GGGG


def test_a_sequence_without_a_word_gets_the_bias(trained):
    module, _ = trained
    for text in ("ACGTA", "NNNNNNNNN", "ACGTNACGTNACG"):
        np.testing.assert_array_equal(decisions(module, [encode(text)]), [[0, float(module.bias[0])]])
    assert decisions(module, []).shape == (0, 2)


def test_a_training_sequence_without_a_word_does_no_harm(rng):
    codes = [*(encode(text) for text in random_texts(rng, 20)), encode("NNNNNN"), encode("AC")]
    module, _ = fit_gkm_svm(codes, np.arange(22) % 2, None, n_classes=2, l=6, k=4, d=2)
    assert bool(module.weight.isfinite().all())
    assert np.isfinite(decisions(module, codes)).all()


def test_stored_tensors_give_the_same_logits_and_others_are_refused(trained):
    module, codes = trained
    loaded = GkmSvm(n_classes=2, l=6, k=4, d=3)
    loaded.load_state_dict(module.state_dict())
    np.testing.assert_array_equal(decisions(loaded, codes), decisions(module, codes))
    for strange in ({"l": 7, "k": 4, "d": 3, "n_classes": 2}, {"l": 6, "k": 4, "d": 3, "n_classes": 3}):
        with pytest.raises(RuntimeError, match="size mismatch"):
            GkmSvm(**strange).load_state_dict(module.state_dict())


def test_the_same_bytes_come_back_whatever_the_threads(rng):
    codes = [encode(text) for text in random_texts(rng, 50)]
    one, two = (
        fit_gkm_svm(codes, np.arange(50) % 2, None, n_classes=2, l=6, k=4, d=2, threads=threads)[0]
        for threads in (1, 2)
    )
    assert one.weight.numpy().tobytes() == two.weight.numpy().tobytes()
    assert one.bias.numpy().tobytes() == two.bias.numpy().tobytes()


def test_too_many_sequences_are_thinned_with_a_warning(rng, caplog):
    codes, labels = [encode(text) for text in random_texts(rng, 50)], (np.arange(50) % 5 == 0).astype(np.int64)
    with caplog.at_level(logging.WARNING, "crekit"):
        few, again = (
            fit_gkm_svm(codes, labels, np.ones(50), n_classes=2, l=5, k=4, d=2, seed=3, most=20)[0] for _ in range(2)
        )
    assert "learns from 20 of the 50 sequences" in caplog.text
    np.testing.assert_array_equal(few.weight, again.weight)


@pytest.mark.parametrize(("length", "k", "d"), [(13, 6, 3), (1, 1, 0), (6, 7, 3), (6, 0, 3), (6, 4, 7), (6, 4, -1)])
def test_impossible_words_are_refused(length, k, d):
    with pytest.raises(InputError, match=f"gkm-svm with l = {length}, k = {k}, d = {d} is not possible"):
        GkmSvm(2, length, k, d)
