"""What audit-dataset does: read, split, check, and write a cleaned set that is audited again."""

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from crekit.audit import cleaned, outputs, read, run
from crekit.audit.finding import Finding
from crekit.audit.fix import Cleaned, clean
from crekit.audit.read import Loaded
from crekit.errors import InputError
from crekit.files import read_text, require_writable, sha256_text, write_json
from crekit.genome.chromosomes import require_known
from crekit.genome.regions import Regions, parse_bed
from crekit.provenance import Input, record
from crekit.training import audit_split
from crekit.training.train import SplitOptions

log = logging.getLogger("crekit")
Named = tuple[str | None, Path]
_MUCH = 0.25


@dataclass(frozen=True)
class Order:
    """What to audit.

    Parameters
    ----------
    sequences : Path, optional
        A sequence file; or:
    fasta : sequence of (str or None, path)
        Classes and FASTA files; or:
    regions : sequence of (str or None, path)
        Classes and BED files, with `genome`.
    genome : Path, optional
    test : sequence of (str or None, path)
        Test files, of the same kind.
    model : Path, optional
        A model whose split is looked across.
    split : SplitOptions
    blacklist : Path, optional
        BED.
    seed, threads : int
    """

    sequences: Path | None = None
    fasta: Sequence[Named] = ()
    regions: Sequence[Named] = ()
    genome: Path | None = None
    test: Sequence[Named] = ()
    model: Path | None = None
    split: SplitOptions = field(default_factory=SplitOptions)
    blacklist: Path | None = None
    seed: int = 1
    threads: int = 1

    def files(self) -> list[Path]:
        """All files that are read."""
        single = [path for path in (self.sequences, self.genome, self.model, self.blacklist) if path is not None]
        return [path for _, path in (*self.fasta, *self.regions, *self.test)] + single


@dataclass(frozen=True)
class Audited:
    """An audit.

    Parameters
    ----------
    loaded : Loaded
        The sequences, with their split.
    findings : list of Finding
    results : dict
        See docs/audit-dataset.md.
    inputs : list of Input
    blacklist : Regions, optional
    """

    loaded: Loaded
    findings: list[Finding]
    results: dict[str, Any]
    inputs: list[Input]
    blacklist: Regions | None = None


def audit(order: Order) -> Audited:
    """Audit a data set.

    Raises
    ------
    InputError
        If options and files do not go together, or a file is wrong.
    """
    with threadpool_limits(order.threads):
        loaded, split = audit_split.apply(_load(order), order.split, order.model, order.seed)
        blacklist, inputs = _blacklist(order, loaded)
        if len(names := loaded.sample.class_names) == 1:
            log.warning(
                "warning: %s is the only class, so that nothing can tell classes apart; give others too", names[0]
            )
        findings = run.run(loaded.sample, blacklist=blacklist, seed=order.seed, window=loaded.hides_length)
        inputs = [*loaded.inputs, *inputs]
        made = record("audit-dataset", {"split": split, "seed": order.seed}, inputs)
        return Audited(loaded, findings, outputs.results(findings, loaded, split, made), inputs, blacklist)


def _load(order: Order) -> Loaded:
    kinds = [order.sequences is not None, bool(order.fasta), bool(order.regions)]
    if sum(kinds) != 1 or (order.genome is not None) != bool(order.regions):
        given = [name for name, there in zip(("-s", "--fasta", "-r"), kinds, strict=True) if there]
        given += ["-g"] if order.genome is not None else []
        raise InputError(
            f"{' and '.join(given) or 'nothing'} given; give a sequence file (-s) alone, records (--fasta CLASS=FILE) "
            "alone, or regions and their genome (-r and -g)"
        )
    if order.sequences is not None:
        if order.test:
            raise InputError("--test: not with -s; encode training and test together, or give both as --fasta or -r")
        return read.read_store(order.sequences)
    if order.fasta:
        return read.read_fasta(order.fasta, order.test)
    assert order.genome is not None  # noqa: S101 (checked above)
    return read.read_regions(order.regions, order.genome, order.test)


def _blacklist(order: Order, loaded: Loaded) -> tuple[Regions | None, list[Input]]:
    """Spans to leave out, and their checksum."""
    path = order.blacklist
    if path is None:
        return None, []
    if loaded.sample.regions is None:
        raise InputError(
            f"--blacklist {path}: records of a FASTA have no place on a genome, unless their names are places such as "
            "chrX:100-400; give regions (-r -g)"
        )
    text = read_text(path)
    spans = parse_bed(text, str(path), name="", unique=False, named=False)
    known = loaded.sizes or set(loaded.places.chrom)
    require_known(sorted(set(spans.chrom)), str(path), known, "the data", strangers=True)
    return spans, [Input("blacklist", "", sha256_text(text))]


def check_outputs(order: Order, prefix: str, others: Sequence[str | Path]) -> None:
    """Check before the work that a cleaned set can be written, and that it destroys no input and no other output.

    Raises
    ------
    InputError
    """
    taken = {os.path.realpath(path) for path in (*order.files(), *others) if str(path) != "-"}
    for path in cleaned.names(prefix, _classes(order), bool(order.test)):
        require_writable(path)
        if os.path.realpath(path) in taken:
            raise InputError(f"--fix {prefix}: would write {path}, which is an input or another output; name another")


def _classes(order: Order) -> list[str]:
    return sorted({name for name, _ in order.fasta if name})


def fix(order: Order, audited: Audited, prefix: str) -> dict[str, Any]:
    """Write a cleaned set, and audit it.

    Parameters
    ----------
    order : Order
    audited : Audited
    prefix : str
        Of all files; see `crekit.audit.cleaned`.

    Returns
    -------
    results : dict
        Of the audit of the cleaned set; ``fix`` says what was taken away.
    """
    wrong = {one.check for one in audited.findings if one.verdict in {"look", "leak"}}
    with threadpool_limits(order.threads):
        made = clean(
            audited.loaded,
            trim=not wrong.isdisjoint(run.BY_LENGTH) and _can_trim(audited.loaded),
            drop_unknown="unknown" in wrong,
            drop_like_test="homology" in wrong,
            blacklist=audited.blacklist,
        )
        left = audit_split.by_cluster(made.loaded, order.seed)
        _say(made, left)
        findings = run.run(left.sample, blacklist=audited.blacklist, seed=order.seed, window=left.hides_length)
    split = {"kind": "folds", "by": "cluster", "folds": audit_split.FOLDS, "seed": order.seed}
    noted = record("audit-dataset", {"fix": True, "split": split, "seed": order.seed}, audited.inputs)
    results = outputs.results(findings, left, split, noted)
    results["fix"] = {"removed": made.removed, "trimmed": made.trimmed}
    cleaned.write(prefix, made, left, audited.loaded, noted)
    write_json(f"{prefix}.audit.json", results)
    log.info("the cleaned set:")
    outputs.say(findings)
    return results


def _can_trim(loaded: Loaded) -> bool:
    """Whether lengths can be changed: windows that are cut already stay as they are."""
    if loaded.store is None or not loaded.store.window:
        return True
    if not loaded.hides_length:
        log.warning(
            "warning: the windows of short regions show their lengths by the N round them (--short pad); "
            "fix the regions or records instead, and encode what comes of it"
        )
    return False


def _say(made: Cleaned, left: Loaded) -> None:
    for reason, found in made.removed.items():
        log.info("removed (%s): %s", reason, ", ".join(f"{number} {name}" for name, number in found.items()))
    for name, one in made.trimmed.items():
        if one["bases"]:
            share = one["bases"] / one["of"]
            log.info(
                "cut: %d sequences of %s, by %d bases (%.2f %% of the class)",
                one["sequences"], name, one["bases"], 100 * share,
            )  # fmt: skip
            if share > _MUCH:
                log.warning("warning: more than a quarter of %s is cut off; a matched background loses nothing", name)
    parts = outputs.counts(left.sample)["classes"]
    for name, one in parts.items():
        log.info("%s: %s", name, ", ".join(f"{number} {part}" for part, number in one["parts"].items()))
