"""What each allele of a VCF does to the score of every class.

An allele's score for a class is the highest probability among the windows of its own sequence that cover the change,
each averaged over both strands (`crekit.scanning.variants_alleles`). The file is checked against the genome before the
first allele is scored; then its alleles go through the network in batches.
"""

import json
import logging
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from crekit import progress, provenance
from crekit.errors import InputError
from crekit.files import STDIO, require_writable
from crekit.genome.fasta import Genome
from crekit.models.device import device_of
from crekit.models.file import SequenceModel, load_sequence_model
from crekit.scanning import variants_vcf
from crekit.scanning.variants_annotate import Annotator, Fields
from crekit.scanning.variants_check import Checked, check

log = logging.getLogger("crekit")


@dataclass(frozen=True)
class Rule:
    """How alleles are scored and the result is named.

    Parameters
    ----------
    step : int
        Bases between the starts of two windows.
    window : int
        Bases of a window; 0 = as the model was trained.
    prefix : str
        What the names of the INFO fields begin with.
    skip_mismatches : bool
        Whether records whose REF is not what the genome has are kept without scores; else they are an error.
    """

    step: int = 1
    window: int = 0
    prefix: str = "CREKIT"
    skip_mismatches: bool = False

    def check(self) -> None:
        """Check what does not depend on the model.

        Raises
        ------
        InputError
        """
        if self.step < 1 or self.window < 0:
            raise InputError(f"--step {self.step} --window {self.window}: give a step of at least 1, and a width or 0")
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.]*", self.prefix):
            raise InputError(f"--prefix {self.prefix!r}: names no INFO field; give letters, digits, _ and .")

    def of(self, model: SequenceModel) -> "Rule":
        """The same, with the window of a model.

        Raises
        ------
        InputError
            If the window is not the model's, or the model has none and none is given.
        """
        trained = model.settings.window
        if trained and self.window not in {0, trained}:
            raise InputError(f"--window {self.window}: the model was trained on {trained} bases; leave out --window")
        if not trained and not self.window:
            raise InputError(
                f"{model.name}: a model of regions of any length; give --window, the bases round a variant"
            )
        return replace(self, window=trained or self.window)


def score_variants(
    model: str | Path,
    genome: str | Path,
    vcf: str | Path,
    output: str | Path,
    rule: Rule,
    *,
    table: str | Path | None = None,
    device: str = "auto",
    threads: int = 2,
) -> dict[str, Any]:
    """Write a VCF again with the scores of its alleles.

    Parameters
    ----------
    model, genome : path
    vcf : path
        VCF (plain, gzip, bgzip) or BCF, or ``-``; sorted.
    output : path
        ``.vcf``, ``.vcf.gz`` (bgzip, with an index beside it) or ``-``. Each class has the INFO fields
        ``CREKIT_REF_CLASS`` and ``CREKIT_DELTA_CLASS``, one number for each ALT allele. All else is kept.
    rule : Rule
    table : path, optional
        Of a TSV, or ``-``: one row for each ALT allele.
    device : str
        ``auto``, ``cpu`` or ``cuda``.
    threads : int
        CPU threads; the result does not depend on them.

    Returns
    -------
    summary : dict
        ``records``, ``scored`` alleles, and ``not_scored``: reason -> alleles.

    Raises
    ------
    InputError
        If the inputs do not fit together, or an output cannot be written.
    """
    rule.check()
    where = device_of(device)
    loaded = load_sequence_model(model)
    rule = rule.of(loaded)
    if table is not None:
        require_writable(table, text=True)
        if str(table) == str(output) == STDIO:
            raise InputError("--output and --table cannot both go to standard output; name a file for one")
    fields = Fields(rule.prefix, loaded.settings.classes)
    fields.check()
    with Genome(genome) as bases, variants_vcf.opened(vcf) as variants:
        variants_vcf.check_output(output, bases.sizes)
        checked = check(variants, bases, fields, skip_mismatches=rule.skip_mismatches)
        log.info("scoring %d record(s) with %s on %s", checked.n_records, loaded.settings.arch, where.type)
        with (
            variants_vcf.table_of(table) as rows,
            variants_vcf.writer(output, bases.sizes) as write,
            variants.records() as (header, records),
        ):
            for chrom in checked.chroms:
                if chrom not in header.contigs:
                    header.contigs.add(chrom, length=bases.sizes[chrom])
            fields.describe(header, rule.window, rule.step)
            header.add_line(f"##crekit={json.dumps(_record(rule, loaded, bases, checked))}")
            write(str(header))
            annotator = Annotator(
                loaded, bases, fields, rule.window, rule.step, write=write, table=rows, threads=threads, device=where
            )
            for number, record in enumerate(progress.steps(records, "scoring", checked.n_records)):
                annotator.add(record, mismatched=number in checked.mismatches)
            annotator.flush()
    return annotator.report()


def _record(rule: Rule, model: SequenceModel, genome: Genome, checked: Checked) -> dict[str, Any]:
    """See `crekit.provenance.record`."""
    inputs = [
        provenance.Input("model", "", model.sha256),
        provenance.Input("genome", "", genome.sha256()),
        provenance.Input("variants", "", checked.sha256),
    ]
    options = {"window": rule.window, "step": rule.step, "prefix": rule.prefix, "skip_mismatches": rule.skip_mismatches}
    return provenance.record("score-variants", options, inputs)
