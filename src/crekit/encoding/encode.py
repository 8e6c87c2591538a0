"""From regions of a genome, or records of FASTA files, to a sequence store."""

import hashlib
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from crekit import progress
from crekit.encoding import store
from crekit.encoding.windows import AMBIGUOUS, SHORT, Rule, lay, match_numbers
from crekit.errors import InputError
from crekit.files import require_writable
from crekit.genome.chromosomes import natural_key
from crekit.genome.fasta import Genome, N, read_records
from crekit.genome.regions import Regions, make, read_beds
from crekit.provenance import Input, record

log = logging.getLogger("crekit")

AMBIGUOUS_BASES, TOO_SHORT, AT_THE_END = "ambiguous bases", "shorter than the window", "past the chromosome end"
Named = tuple[str | None, Path]


def check(rule: Rule) -> None:
    """Check a rule before the work.

    Raises
    ------
    InputError
    """
    if rule.short not in SHORT:
        raise InputError(f"--short {rule.short}: choose one of {', '.join(SHORT)}")
    if rule.ambiguous not in AMBIGUOUS:
        raise InputError(f"--ambiguous {rule.ambiguous}: choose {' or '.join(AMBIGUOUS)}")
    if rule.width < 0 or rule.stride < 1:
        raise InputError(
            f"--window {rule.width} --stride {rule.stride}: give a width, or 0, and a stride of at least 1"
        )


def encode_regions(files: Sequence[Named], genome: str | Path, output: str | Path, rule: Rule) -> dict[str, Any]:
    """Encode regions of a genome, chromosome by chromosome.

    Parameters
    ----------
    files : sequence of (str or None, path)
        Class (or None: it stands in column 4) and BED.
    genome : path
    output : path
    rule : Rule

    Returns
    -------
    summary : dict
        Class -> regions, windows, scored windows and dropped regions.

    Raises
    ------
    InputError
        If an input is wrong, or no region is left.
    """
    require_writable(output)
    check(rule)
    with Genome(genome) as opened:
        regions, checksums = read_beds(files, sizes=opened.sizes, sizes_source=str(genome))
        regions = regions.sorted()
        classes = sorted(set(regions.name))
        tally = _Tally()
        with store.create(output, rule, store.GENOME, classes) as writer:
            for chrom in progress.steps(sorted(set(regions.chrom), key=natural_key), "encoding"):
                here = regions[regions.chrom == chrom]
                part = _cut(here, opened.codes(chrom), rule, tally)
                tally.add(part)
                writer.add(part)
            named = sorted((name or "", one) for (name, _), one in zip(files, checksums, strict=True))
            inputs = [Input("regions", name, one) for name, one in named] + [Input("genome", "", opened.sha256())]
            return _finish(writer, tally, classes, rule, opened.sizes, inputs)


def encode_records(files: Sequence[Named], output: str | Path, rule: Rule) -> dict[str, Any]:
    """Encode records of FASTA files, file by file; see `encode_regions`.

    Raises
    ------
    InputError
        If a file is wrong, has no class, or a record's name stands there twice within its class.
    """
    require_writable(output)
    check(rule)
    for name, path in files:
        if not name:
            raise InputError(f"{path}: has no class; give --fasta CLASS=FILE")
    ordered = sorted(files, key=lambda one: str(one[0]))
    classes = sorted({str(name) for name, _ in files})
    tally = _Tally()
    inputs: list[Input] = []
    seen: dict[str, Path] = {}
    with store.create(output, rule, store.FASTA, classes) as writer:
        for of_class, path in progress.steps(ordered, "encoding"):
            digest = hashlib.sha256()
            ids, kept = [], []
            for name, codes in read_records(path):
                digest.update(f">{name}\n".encode() + codes.tobytes() + b"\n")
                if (before := seen.setdefault(name, path)) != path:
                    raise InputError(f"{path}, record {name}: is in {before} too; rename one of them")
                if len(codes) < rule.width and rule.short in {"contain", "overlap"}:
                    raise InputError(
                        f"{path}, record {name}: {len(codes)} bases are shorter than the window of {rule.width}, "
                        "and a record has nothing around it; give --short pad or drop"
                    )
                ids.append(name)
                kept.append(codes)
            inputs.append(Input("sequences", str(of_class), digest.hexdigest()))
            part = _records(ids, kept, str(of_class), rule, tally)
            tally.add(part)
            writer.add(part)
        return _finish(writer, tally, classes, rule, {}, inputs)


class _Tally:
    """What was kept and dropped so far."""

    def __init__(self) -> None:
        self.dropped: dict[str, Counter[str]] = {
            reason: Counter() for reason in (AMBIGUOUS_BASES, TOO_SHORT, AT_THE_END)
        }
        self.windows: list[np.ndarray] = []
        self.names: list[np.ndarray] = []
        self.n_ambiguous = 0

    def add(self, part: store.Part) -> None:
        self.windows.append(np.array([len(starts) for starts in part.starts], dtype=np.int64))
        self.names.append(part.regions.name)


def _cut(regions: Regions, codes: np.ndarray, rule: Rule, tally: _Tally) -> store.Part:
    """Spans and windows of the regions of one chromosome."""
    unknown = np.concatenate([[0], np.cumsum(codes == N, dtype=np.int32)])
    if not rule.width:
        return _whole(regions, codes, unknown, rule, tally)
    region, first = lay(regions.start, regions.end, len(codes), rule)
    laid = np.bincount(region, minlength=len(regions))
    if rule.ambiguous == "drop":
        known = unknown[first] == unknown[first + rule.width]
        tally.n_ambiguous += int((~known).sum())
        region, first = region[known], first[known]
    number = np.bincount(region, minlength=len(regions))
    offset = np.concatenate([[0], np.cumsum(number)])
    short = regions.end - regions.start < rule.width
    spans, origins, starts, kept = [], [], [], []
    for i in range(len(regions)):
        if number[i]:
            mine = first[offset[i] : offset[i + 1]]
            spans.append(codes[mine[0] : mine[-1] + rule.width])
            origins.append(mine[0])
            starts.append(mine - mine[0])
        elif short[i] and rule.short == "pad" and _known(unknown, regions, i, rule):
            before = (rule.width - (regions.end[i] - regions.start[i])) // 2
            spans.append(_padded(codes[regions.start[i] : regions.end[i]], rule.width))
            origins.append(regions.start[i] - before)
            starts.append(np.zeros(1, dtype=np.int64))
        else:
            reason = AMBIGUOUS_BASES if laid[i] or (short[i] and rule.short == "pad") else AT_THE_END
            tally.dropped[TOO_SHORT if short[i] and rule.short == "drop" else reason][regions.name[i]] += 1
            continue
        kept.append(i)
    chosen = regions[np.array(kept, dtype=np.int64)]
    return store.Part(chosen, chosen.ids, spans, np.array(origins, dtype=np.int64), starts)


def _known(unknown: np.ndarray, regions: Regions, i: int, rule: Rule) -> bool:
    """Whether a whole region may be kept as it is."""
    return rule.ambiguous == "zero" or unknown[regions.start[i]] == unknown[regions.end[i]]


def _whole(regions: Regions, codes: np.ndarray, unknown: np.ndarray, rule: Rule, tally: _Tally) -> store.Part:
    """Whole regions of any length, one window each."""
    kept = np.array([_known(unknown, regions, i, rule) for i in range(len(regions))], dtype=bool)
    tally.dropped[AMBIGUOUS_BASES].update(regions.name[~kept])
    chosen = regions[kept]
    spans = [codes[start:end] for start, end in zip(chosen.start, chosen.end, strict=True)]
    return store.Part(chosen, chosen.ids, spans, chosen.start, [np.zeros(1, dtype=np.int64)] * len(chosen))


def _padded(codes: np.ndarray, width: int) -> np.ndarray:
    """A short sequence in the middle of a window of N."""
    before = (width - len(codes)) // 2
    return np.pad(codes, (before, width - len(codes) - before), constant_values=N)


def _records(ids: list[str], sequences: list[np.ndarray], of_class: str, rule: Rule, tally: _Tally) -> store.Part:
    """Spans and windows of FASTA records, each cut as if it were a chromosome."""
    parts: list[tuple[int, np.ndarray, int, np.ndarray]] = []
    for i, codes in enumerate(sequences):
        one = _cut(make(["-"], [0], [len(codes)], of_class), codes, rule, tally)
        if len(one.regions):
            parts.append((i, one.codes[0], int(one.span_start[0]), one.starts[0]))
    kept = [i for i, *_ in parts]
    regions = make([""] * len(kept), [0] * len(kept), [len(sequences[i]) for i in kept], of_class)
    return store.Part(
        regions,
        np.array([ids[i] for i in kept], dtype=object),
        [codes for _, codes, _, _ in parts],
        np.array([start for _, _, start, _ in parts], dtype=np.int64),
        [starts for *_, starts in parts],
    )


def _finish(
    writer: store.Writer,
    tally: _Tally,
    classes: list[str],
    rule: Rule,
    sizes: Mapping[str, int],
    inputs: list[Input],
) -> dict[str, Any]:
    """Match the numbers of windows between classes, say what was done, and write what is known of it."""
    windows, names = np.concatenate(tally.windows), np.concatenate(tally.names)
    dropped = {reason: dict(sorted(counter.items())) for reason, counter in tally.dropped.items() if counter}
    if not len(windows):
        if set(dropped) == {TOO_SHORT}:
            raise InputError(
                f"--window {rule.width}: longer than every region; choose a narrower one, or --short contain or pad"
            )
        reasons = ", ".join(f"{sum(found.values())} {reason}" for reason, found in dropped.items())
        raise InputError(f"no region gives a window ({reasons}); keep those with N by --ambiguous zero")
    position = {name: i for i, name in enumerate(classes)}
    scored = match_numbers(windows, np.array([position[name] for name in names]))
    summary = {
        name: {
            "regions": int((names == name).sum()),
            "windows": int(windows[names == name].sum()),
            "scored": int(scored[names == name].sum()),
            "dropped": sum(found.get(name, 0) for found in dropped.values()),
        }
        for name in classes
    }
    for name, one in summary.items():
        log.info(
            "%s: %d regions, %d windows, of which %d are scored; %d dropped",
            name, one["regions"], one["windows"], one["scored"], one["dropped"],
        )  # fmt: skip
    for reason, found in dropped.items():
        log.info("dropped (%s): %s", reason, ", ".join(f"{number} {name}" for name, number in found.items()))
    if tally.n_ambiguous:
        log.info("left out: %d windows with ambiguous bases", tally.n_ambiguous)
    made = record("encode-seq", asdict(rule), inputs)
    writer.finish(scored, {"sizes": dict(sizes), "dropped": dropped, "record": made})
    return summary
