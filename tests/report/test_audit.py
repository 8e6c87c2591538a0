import re

import numpy as np
import pytest

from crekit.audit import outputs, quick, read
from crekit.audit.sample import Sample
from crekit.genome.regions import make
from crekit.report import audit, page


@pytest.fixture(scope="module")
def results():
    """Two classes, told apart by length modulo 10, with one copy; and no split."""
    rng = np.random.default_rng(1)
    lengths = 10 * rng.integers(10, 20, 60) + np.tile([1, 6], 30)
    codes = [rng.integers(0, 4, one).astype(np.uint8) for one in lengths]
    codes[2] = codes[0]
    classes = np.array(["enhancer", "none"] * 30, dtype=object)
    ids = np.array([f"r{i}" for i in range(60)], dtype=object)
    sample = Sample(ids, codes, classes, np.zeros(60, dtype=np.int8))
    places = make([""] * 60, [0] * 60, sample.lengths, classes)
    loaded = read.Loaded(sample, places, ids, np.zeros(60, dtype=bool), "fasta", [])
    return audit.Shown(
        outputs.results(quick.quick(sample), loaded, {"kind": "none"}, {"tool": "audit-dataset"}),
        classes,
        sample.lengths,
        outputs.gc_share(codes),
    )


@pytest.fixture(scope="module")
def made(results):
    return audit.page(results)


def sections(made) -> dict[str, page.Section]:
    return {section.heading: section for section in made.sections}


def test_the_verdict_comes_first_and_says_what_it_means(made):
    assert made.figures[0] == ("verdict", "leak")
    assert "without what it should learn" in made.lead
    assert "There is no split" in made.lead


def test_leaks_are_notes_and_what_to_look_at_is_text_with_what_to_do(made):
    blocks = sections(made)["What to do"].blocks
    (leak,) = [one for one in blocks if isinstance(one, page.Note) and "by length modulo" in one.text]
    assert "AUROC 1.000" in leak.text
    assert "--fix" in leak.text
    assert any(isinstance(one, str) and one.startswith("Exact duplicates within a class.") for one in blocks)


def test_the_worst_verdicts_stand_first(made, results):
    rows = sections(made)["Verdicts"].blocks[0].rows
    verdicts = [row[1] for row in rows]
    assert verdicts == sorted(verdicts, key=["leak", "look", "fine", "skipped"].index)
    assert len(rows) == len(results.results["findings"])
    assert ["Exact duplicates within a class", "look", "1", "sequences"] in [list(row[:4]) for row in rows]


def test_every_finding_is_told_once_in_full(made, results):
    text = page.render(made)
    for one in results.results["findings"]:
        assert one["title"] in text
    told = sections(made)["What was found fine, or could not be checked"].blocks
    assert any(one.startswith("Exact duplicates across the split: skipped.") for one in told)


def test_copies_are_named(made):
    (table,) = [one for one in sections(made)["Examples"].blocks if one.caption.startswith("Exact duplicates within")]
    assert set(table.rows[0]) == {"r0", "r2"}


@pytest.mark.parametrize(
    ("split", "told"),
    [
        ({"kind": "folds", "folds": 5, "by": "random"}, "Split: 5 folds at random."),
        ({"kind": "folds", "folds": 3, "by": "block"}, "Split: 3 folds by block."),
        ({"kind": "files"}, "Split: test files."),
        ({"kind": "stored"}, "Split: the one in the sequence file."),
    ],
    ids=["random", "block", "files", "stored"],
)
def test_the_split_is_told(results, split, told):
    shown = audit.Shown({**results.results, "split": split}, results.classes, results.lengths, results.gc)
    assert told in audit.page(shown).lead


def test_plots_tell_lengths_their_remainders_gc_and_aurocs(made):
    drawn = [one.name for section in made.sections for one in section.blocks if isinstance(one, page.Plot)]
    assert drawn == ["told_apart", "lengths", "modulo", "gc"]


def test_equal_lengths_are_said_and_not_drawn(results):
    shown = audit.Shown(results.results, results.classes, np.full(60, 200), results.gc)
    assert sections(audit.page(shown))["Lengths"].blocks == ["All sequences have 200 bases."]


def test_windows_that_hide_lengths_are_told(results):
    counts = {**results.results["counts"], "windows": 300}
    shown = audit.Shown({**results.results, "counts": counts}, results.classes, results.lengths, results.gc)
    assert "windows of 300 bases" in sections(audit.page(shown))["Lengths"].blocks[-1]


def test_what_was_mended_is_told(results):
    fix = {
        "removed": {"copy": {"none": 3}},
        "trimmed": {
            "enhancer": {"sequences": 4, "bases": 50, "of": 1000},
            "none": {"sequences": 0, "bases": 0, "of": 9},
        },
    }
    shown = audit.Shown({**results.results, "fix": fix}, results.classes, results.lengths, results.gc)
    removed, trimmed = sections(audit.page(shown))["What was mended"].blocks
    assert removed.rows == [["copy", 0, 3]]
    assert trimmed.rows == [["enhancer", 4, 50, "5.0 %"], ["none", 0, 0, "0.0 %"]]


def test_sequences_without_known_bases_do_not_stop_the_page(results):
    gc = results.gc.copy()
    gc[:30] = np.nan
    assert "<svg" in page.render(audit.page(audit.Shown(results.results, results.classes, results.lengths, gc)))


def test_the_page_is_the_same_each_time_and_needs_no_network(results):
    one, other = (page.render(audit.page(results)) for _ in range(2))
    assert one == other
    assert not re.search(r"<script|(?:src|href)=\"https?:", one)
