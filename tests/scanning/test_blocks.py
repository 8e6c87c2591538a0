import numpy as np
import pytest

from crekit.scanning.blocks import find_runs, to_blocks

CLASSES = ["background", "enhancer", "promoter"]
SIZE = 100_000


def probabilities(*windows: tuple[int, float]) -> np.ndarray:
    """One row a window: its class has the probability given, the others share the rest."""
    rows = np.array([[(1 - p) / 2] * 3 for _, p in windows], dtype=np.float32)
    for row, (label, p) in zip(rows, windows, strict=True):
        row[label] = p
    return rows


def blocks(
    rows: np.ndarray, rule: str = "window", cutoff: float = 0.5, step: int = 100, size: int = SIZE
) -> list[tuple]:
    found = to_blocks(find_runs(rows, [1, 2], cutoff, rule), "chr1", size, CLASSES, step=step, width=2000)
    regions = found.regions
    assert set(regions.chrom) <= {"chr1"}
    scores = np.round(found.score.astype(float), 6)
    return [tuple(row) for row in zip(regions.start, regions.end, regions.name, scores, strict=True)]


def test_a_run_spans_from_its_first_windows_start_to_its_last_windows_end():
    rows = probabilities((0, 0.9), (0, 0.9), (1, 0.6), (1, 0.8), (1, 0.7), (0, 0.9))
    assert blocks(rows) == [(200, 2400, "enhancer", 0.8)]


def test_neighbours_of_two_classes_are_two_blocks_that_overlap():
    rows = probabilities((1, 0.6), (2, 0.7), (2, 0.8))
    assert blocks(rows) == [(0, 2000, "enhancer", 0.6), (100, 2200, "promoter", 0.8)]


def test_background_and_the_end_of_the_windows_end_a_run():
    rows = probabilities(*[(1, 0.6)] + [(0, 0.9)] * 30 + [(1, 0.7)])
    assert blocks(rows) == [(0, 2000, "enhancer", 0.6), (3100, 5100, "enhancer", 0.7)]


def test_blocks_of_one_class_that_share_a_base_are_merged_with_the_higher_score():
    rows = probabilities(*[(1, 0.6)] + [(0, 0.9)] * 18 + [(1, 0.8)])
    assert blocks(rows) == [(0, 3900, "enhancer", 0.8)]


def test_blocks_of_one_class_that_only_touch_are_not_merged():
    rows = probabilities(*[(1, 0.6)] + [(0, 0.9)] * 19 + [(1, 0.8)])
    assert blocks(rows) == [(0, 2000, "enhancer", 0.6), (2000, 4000, "enhancer", 0.8)]


def test_three_blocks_in_a_chain_become_one():
    gap = [(0, 0.9)] * 14
    rows = probabilities(*[(2, 0.9), *gap, (2, 0.7), *gap, (2, 0.8)])
    assert blocks(rows) == [(0, 5000, "promoter", 0.9)]


def test_windows_at_the_cutoff_make_no_block():
    assert blocks(probabilities((1, 0.5), (1, 0.5))) == []
    assert blocks(probabilities((1, 0.5), (1, 0.5)), rule="block") == []
    assert blocks(probabilities((1, 0.51))) == [(0, 2000, "enhancer", 0.51)]


def test_the_paper_filters_windows_and_the_code_filters_blocks():
    weak = [(1, 0.4)] * 25
    rows = probabilities((1, 0.6), *weak, (1, 0.7), (0, 0.9), (1, 0.45))
    # Each window by itself: 25 weak ones between, so the two good ones are apart.
    assert blocks(rows) == [(0, 2000, "enhancer", 0.6), (2600, 4600, "enhancer", 0.7)]
    # By the run's best: all 27 windows; the last one alone does not pass, though it would overlap.
    assert blocks(rows, rule="block") == [(0, 4600, "enhancer", 0.7)]


def test_a_higher_cutoff_leaves_less():
    rows = probabilities((1, 0.6), (1, 0.95), (2, 0.8))
    assert blocks(rows, cutoff=0.9) == [(100, 2100, "enhancer", 0.95)]
    assert blocks(rows, cutoff=0.9, rule="block") == [(0, 2100, "enhancer", 0.95)]


@pytest.mark.parametrize("step", [100, 200, 3000])
def test_spans_follow_the_step(step):
    rows = probabilities((0, 0.9), (1, 0.6), (1, 0.6))
    assert blocks(rows, step=step) == [(step, 2 * step + 2000, "enhancer", 0.6)]


def test_a_block_ends_with_the_chromosome():
    assert blocks(probabilities((0, 0.9), (1, 0.6)), size=2050) == [(100, 2050, "enhancer", 0.6)]


def test_no_windows_and_no_calls_give_no_blocks():
    assert blocks(probabilities((0, 0.9))) == []
    assert blocks(np.zeros((0, 3), dtype=np.float32)) == []


def test_blocks_equal_the_plain_loop(rng):
    rows = rng.dirichlet([0.4, 0.4, 0.4], 3000).astype(np.float32)
    expected = []
    for label, name in ((1, "enhancer"), (2, "promoter")):
        for i, row in enumerate(rows):
            if row.argmax() != label or row[label] <= 0.5:
                continue
            start, end, score = i * 100, i * 100 + 2000, round(float(row[label]), 6)
            if expected and expected[-1][2] == name and start < expected[-1][1]:
                first, _, _, best = expected.pop()
                start, score = first, max(best, score)
            expected.append((start, end, name, score))
    assert blocks(rows, size=10**6) == sorted(expected)
