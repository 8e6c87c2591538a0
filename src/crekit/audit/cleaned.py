"""The files of a cleaned set: FASTA or BED, the split as a table, and a sequence file that holds it."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from crekit.audit.fix import Cleaned
from crekit.audit.outputs import PARTS
from crekit.audit.read import WHOLE, Loaded
from crekit.audit.sample import Sample
from crekit.encoding import store
from crekit.encoding.windows import match_numbers
from crekit.files import output_text
from crekit.genome.regions import write_bed

_LETTERS = np.frombuffer(b"ACGTN", dtype=np.uint8)


def names(prefix: str, classes: Sequence[str], test: bool) -> list[Path]:
    """All files of a cleaned set.

    Parameters
    ----------
    prefix : str
    classes : sequence of str
        Of records; empty for regions.
    test : bool
        Whether there is a test set.
    """
    kept = [Path(f"{prefix}{suffix}") for suffix in (".h5", ".split.tsv", ".audit.json")]
    called: list[str | None] = [*classes] or [None]
    return kept + [_of(prefix, name, held) for held in (False, True)[: 1 + test] for name in called]


def _of(prefix: str, name: str | None, held: bool) -> Path:
    """The FASTA of a class, or the BED of all; those of a test set apart."""
    infix = ".test" if held else ""
    # A class may be called e/p, a file not.
    called = "bed" if name is None else re.sub(r"[^\w.+-]", "_", name) + ".fa"
    return Path(f"{prefix}{infix}.{called}")


def write(prefix: str, made: Cleaned, left: Loaded, original: Loaded, record: dict[str, Any]) -> None:
    """Write all files of a cleaned set but its audit.

    Parameters
    ----------
    prefix : str
    made : Cleaned
    left : Loaded
        What is left, with its split.
    original : Loaded
        Before it was cleaned.
    record : dict
        See `crekit.provenance.record`.
    """
    for held in (False, True):
        mine = left.held == held
        if not mine.any():
            continue
        if left.source == store.GENOME:
            with output_text(_of(prefix, None, held)) as handle:
                write_bed(handle, left.places[mine])
            continue
        for name in left.sample.class_names:
            _write_fasta(_of(prefix, name, held), left.sample[mine & (left.sample.classes == name)])
    _write_split(Path(f"{prefix}.split.tsv"), left.sample)
    _write_store(Path(f"{prefix}.h5"), made, left, original, record)


def _write_fasta(path: Path, sample: Sample) -> None:
    with output_text(path) as handle:
        for name, codes in zip(sample.ids, sample.codes, strict=True):
            handle.write(f">{name}\n{_LETTERS[codes].tobytes().decode()}\n")


def _write_split(path: Path, sample: Sample) -> None:
    folds = np.zeros(len(sample), dtype=np.int64) if sample.fold is None else sample.fold
    with output_text(path) as handle:
        handle.write("id\tclass\tpart\tfold\n")
        for name, one, part, fold in zip(sample.ids, sample.classes, sample.part.tolist(), folds, strict=True):
            handle.write(f"{name}\t{one}\t{PARTS[part]}\t{fold or '.'}\n")


def _write_store(path: Path, made: Cleaned, left: Loaded, original: Loaded, record: dict[str, Any]) -> None:
    """The sequence file, with the windows of the one that was audited, or whole regions."""
    before = original.store
    rule = WHOLE if before is None else before.rule
    part = _windows(left, made.kept, before) if before is not None and before.window else _whole(left)
    classes = left.sample.class_names
    dropped = {} if before is None else {reason: dict(found) for reason, found in before.dropped.items()}
    for reason, found in made.removed.items():
        known = dropped.setdefault(reason, {})
        for name, times in found.items():
            known[name] = known.get(name, 0) + times
    number = np.array([classes.index(name) for name in left.sample.classes])
    with store.create(path, rule, left.source, classes) as writer:
        writer.add(part)
        if before is not None and before.encoders:
            writer.keep(before.encoders)
        writer.finish(
            match_numbers(part.windows, number),
            {"sizes": left.sizes, "dropped": dropped, "record": record},
            left.sample.part,
        )


def _whole(left: Loaded) -> store.Part:
    """Whole sequences, one window each."""
    one = np.ones(len(left.sample), dtype=np.int64)
    return store.Part(left.places, left.sample.ids, left.sample.codes, left.places.start, one, one - 1)


def _windows(left: Loaded, kept: np.ndarray, before: store.Sequences) -> store.Part:
    """The windows that a sequence file has; such sequences are never cut."""
    windows = before.n_windows[kept]
    region = np.repeat(kept, windows)
    rank = np.arange(len(region)) - np.repeat(np.cumsum(windows) - windows, windows)
    first = before.window_start(region, rank) - before.span_start[region]
    codes = [before.codes(i) for i in kept.tolist()]
    return store.Part(left.places, left.sample.ids, codes, before.span_start[kept], windows, first)
