"""Hits against a plain loop, MOODS, lightmotif, FIMO and Enhancer-MDLF's features."""

import MOODS.scan
import numpy as np
import pytest
from Bio import SeqIO

from crekit.genome.fasta import complement_codes, encode
from crekit.motifs import hits
from crekit.motifs.scoring import Scoring, calibrated, published
from crekit.motifs.thresholds import exact

WIDTHS = (1, 2, 5, 6, 7, 11, 12, 13, 19, 24)


def random_scoring(rng, *, p=1e-2, whole=True, **settings):
    """Motifs of many widths; whole scores as calibrated, or log odds."""
    odds = [np.log(4 * rng.dirichlet([0.6] * 4, width) + 1e-3) for width in WIDTHS]
    whole_scores = np.rint(100 * np.concatenate(odds)).astype(np.int64)
    limits, _ = exact(whole_scores, np.array(WIDTHS), p)
    scores, limits = (whole_scores, limits) if whole else (np.concatenate(odds), limits / 100)
    names = [f"m{width}" for width in WIDTHS]
    return Scoring(names, scores.astype(float), np.array(WIDTHS), limits.astype(float), **settings)


def random_sequences(rng, lengths, n_share=0.0):
    return [np.where(rng.random(n) < n_share, 4, rng.integers(0, 4, n)).astype(np.uint8) for n in lengths]


def joined(sequences):
    return np.concatenate(sequences), np.append(0, np.cumsum([len(one) for one in sequences]))


def plain(sequences, scoring):
    """Hits and positions, all sites of a sequence written out, their scores summed column by column."""
    firsts = np.append(0, scoring.widths.cumsum())
    rows = np.pad(scoring.scores, ((0, 0), (0, 1)))  # N scores 0
    found = np.zeros((2, len(sequences), scoring.n_motifs), dtype=np.int64)
    for s, sequence in enumerate(sequences):
        for m, width in enumerate(scoring.widths):
            if len(sequence) < width:
                continue
            forward = np.lib.stride_tricks.sliding_window_view(sequence, width)
            for sites in (forward, complement_codes(forward)) if scoring.strands == "both" else (forward,):
                scanned = sites if scoring.ambiguous else sites[(sites < 4).all(axis=1)]
                scores = np.zeros(len(scanned))
                for j in range(width):
                    scores += rows[firsts[m] + j, scanned[:, j]]
                found[0, s, m] += (scores >= scoring.thresholds[m]).sum()
                found[1, s, m] += len(scanned)
    return found


@pytest.mark.parametrize("strands", ["both", "forward"])
@pytest.mark.parametrize("ambiguous", [False, True], ids=["N left out", "N adds 0"])
@pytest.mark.parametrize("whole", [True, False], ids=["integers", "log odds"])
def test_hits_and_positions_are_those_of_a_plain_loop(rng, strands, ambiguous, whole):
    scoring = random_scoring(rng, whole=whole, strands=strands, ambiguous=ambiguous)
    sequences = random_sequences(rng, [0, 3, 6, 24, 25, 200, 1, 300], 0.02)
    found = hits.count(*joined(sequences), scoring)
    wanted = plain(sequences, scoring)
    assert wanted[0].sum() > 30
    np.testing.assert_array_equal(found[0], wanted[0])
    np.testing.assert_array_equal(found[1], wanted[1])


def test_hits_at_the_seams_of_tiles_are_found_once(rng):
    scoring = random_scoring(rng)
    (sequence,) = random_sequences(rng, [9000], 0.001)
    cut = np.sort(rng.integers(0, 9000, 5))
    wanted = plain([sequence], scoring)
    np.testing.assert_array_equal(hits.count(*joined([sequence]), scoring), wanted)
    parts = hits.count(*joined(np.split(sequence, cut)), scoring)
    np.testing.assert_array_equal(parts, plain(np.split(sequence, cut), scoring))  # hits do not bridge records


def test_the_result_does_not_depend_on_threads_or_on_company(rng):
    scoring = random_scoring(rng, whole=False)
    sequences = random_sequences(rng, rng.integers(0, 400, 30), 0.01)
    alone = [hits.count(*joined([one]), scoring) for one in sequences]
    for threads in (1, 2, 3):
        together = hits.count(*joined(sequences), scoring, threads)
        for k in (0, 1):
            np.testing.assert_array_equal(together[k], np.concatenate([one[k] for one in alone]))


@pytest.mark.parametrize("whole", [True, False], ids=["integers", "log odds"])
def test_a_sequence_and_its_reverse_complement_have_the_same_hits(rng, whole):
    scoring = random_scoring(rng, whole=whole)
    sequences = random_sequences(rng, [500, 700], 0.01)
    turned = [complement_codes(one) for one in sequences]
    np.testing.assert_array_equal(hits.count(*joined(sequences), scoring), hits.count(*joined(turned), scoring))


def test_a_palindrome_is_a_hit_on_each_strand():
    rows = np.where(np.eye(4)[[0, 1, 2, 3]] > 0, 100.0, -100.0)  # ACGT
    scoring = Scoring(["m"], rows, np.array([4]), np.array([400.0]))
    found, positions = hits.count(encode("TTACGTTT"), np.array([0, 8]), scoring)
    assert (found.tolist(), positions.tolist()) == ([[2]], [[10]])


def test_frequencies_are_by_position_or_by_length():
    rows = np.where(np.eye(4)[[0, 0, 2]] > 0, 100.0, -100.0)  # AAG, CTT
    sequences = [encode("AAGTTCTTNAAG"), encode("AA"), encode("NNNNN"), encode("")]
    settings = (["m"], rows, np.array([3]), np.array([300.0]))
    assert hits.frequencies(sequences, Scoring(*settings)).ravel().tolist() == pytest.approx([3 / 14, 0, 0, 0])
    by_length = Scoring(*settings, strands="forward", frequency="length")
    found = hits.frequencies(sequences, by_length)
    assert (found.dtype, found.shape) == (np.float32, (4, 1))
    assert found.ravel().tolist() == pytest.approx([2 / 12, 0, 0, 0])
    assert hits.frequencies([], by_length).shape == (0, 1)


def test_offsets_that_do_not_fit_are_refused(rng):
    scoring = random_scoring(rng)
    for offsets in ([1, 3], [0, 2], [0, 2, 1, 3], []):
        with pytest.raises(ValueError, match="offsets must rise"):
            hits.count(np.zeros(3, np.uint8), np.array(offsets, dtype=np.int64), scoring)


@pytest.fixture(scope="module")
def hocomoco(data):
    return data / "motifs" / "HOCOMOCOv11_core_pwms_HUMAN_mono.txt"


@pytest.fixture(scope="module")
def enhancers(data):
    """Every hundredth sequence of the NHLF training set."""
    records = list(SeqIO.parse(data / "sequences" / "nhlf.train.fa", "fasta"))
    return [str(record.seq).upper() for record in records[::100]]


def test_hits_of_hocomoco_are_those_of_moods(hocomoco, enhancers):
    scoring = calibrated(hocomoco)
    firsts = np.append(0, scoring.widths.cumsum())
    matrices = [scoring.scores[firsts[m] : firsts[m + 1]].T for m in range(scoring.n_motifs)]
    scanner = MOODS.scan.Scanner(7)
    both = [*matrices, *(matrix[::-1, ::-1] for matrix in matrices)]
    scanner.set_motifs([matrix.tolist() for matrix in both], [0.25] * 4, [*scoring.thresholds] * 2)
    theirs = np.array([[len(found) for found in scanner.scan(text)] for text in enhancers])
    ours, _ = hits.count(*joined([encode(text) for text in enhancers]), scoring, 2)
    assert ours.sum() > 5000
    np.testing.assert_array_equal(ours, theirs[:, :401] + theirs[:, 401:])


def test_hits_of_hocomoco_are_those_of_lightmotif(hocomoco, enhancers):
    import lightmotif

    scoring = calibrated(hocomoco, p=1e-3, strands="forward")
    texts = enhancers[:3]
    striped = [lightmotif.stripe(text) for text in texts]
    theirs = np.empty((len(texts), scoring.n_motifs), dtype=np.int64)
    firsts = np.append(0, scoring.widths.cumsum())
    for m, threshold in enumerate(scoring.thresholds):
        rows = scoring.scores[firsts[m] : firsts[m + 1]]
        matrix = lightmotif.ScoringMatrix({base: rows[:, b].tolist() for b, base in enumerate("ACGT")})
        for s, sequence in enumerate(striped):
            # It scores what it fills its stripes up with, too.
            starts = matrix.calculate(sequence).threshold(threshold)
            theirs[s, m] = sum(start <= len(texts[s]) - len(rows) for start in starts)
    ours, _ = hits.count(*joined([encode(text) for text in texts]), scoring)
    assert ours.sum() > 500
    np.testing.assert_array_equal(ours, theirs)


def test_published_features_are_to_the_bit_those_of_a_triple_loop(data, hocomoco, enhancers):
    of_file = data / "motifs" / "HOCOMOCOv11_core_HUMAN_mono_homer_format_0.0001.txt"
    motifs, limits = {}, {}
    for line in hocomoco.read_text().splitlines():
        if line.startswith(">"):
            rows = motifs.setdefault(line[1:], [])
        else:
            rows.append([float(word) for word in line.split()])
    for line in of_file.read_text().splitlines():
        if line.startswith(">"):
            limits[line.split()[1]] = float(line.split()[2])
    texts = [enhancers[0][:120], enhancers[-1][:100], "NNNN" + enhancers[5][:40] + "N" + enhancers[5][40:80]]
    wanted = np.zeros((len(texts), len(motifs)))
    for s, text in enumerate(texts):
        for m, (name, rows) in enumerate(motifs.items()):
            count = 0
            for at in range(len(text) - len(rows) + 1):
                score = 0
                for j, row in enumerate(rows):
                    base = text[at + j]
                    score += row["ACGT".index(base)] if base != "N" else 0
                if score >= limits[name]:
                    count += 1
            wanted[s, m] = count / len(text)
    scoring = published(hocomoco, of_file)
    sequences = [encode(text) for text in texts]
    counts, positions = hits.count(*joined(sequences), scoring)
    lengths = np.array([len(text) for text in texts])
    assert wanted.sum() > 0.1
    np.testing.assert_array_equal(hits.shares(counts, positions, lengths, scoring), wanted)
    np.testing.assert_array_equal(hits.frequencies(sequences, scoring), wanted.astype(np.float32))
