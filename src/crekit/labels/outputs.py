"""What define-regions leaves behind: regions, markers, figures."""

import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from crekit import provenance
from crekit.errors import InputError
from crekit.files import output_text, require_writable, write_json
from crekit.genome.regions import Regions, concatenate, write_bed
from crekit.labels.background import Group
from crekit.labels.elements import ENHANCER, MARKER, PROMOTER, Elements, Rules
from crekit.labels.evidence import Evidence
from crekit.labels.summary import as_text, figures

log = logging.getLogger("crekit")


def require(*paths: str | Path | None) -> None:
    """Check that all outputs can be written and that no two are the same; None is an output that is not wanted.

    Raises
    ------
    InputError
    """
    wanted = [str(path) for path in paths if path is not None]
    for path in wanted:
        if wanted.count(path) > 1:
            raise InputError(f"{path}: given for two outputs; choose another name for one of them")
        require_writable(path, text=True)


def write(
    evidence: Evidence,
    rules: Rules,
    groups: Sequence[Group],
    seed: int,
    elements: Elements,
    background: Regions,
    output: str | Path,
    markers_output: str | Path | None = None,
    summary: str | Path | None = None,
) -> None:
    """Write regions (BED6), markers (BED4) and figures (JSON, with the record of the run), and log the figures."""
    regions = concatenate([elements.promoters, elements.enhancers, background]).sorted()
    markers = elements.markers
    found = figures(elements, regions)
    log.info("%s", as_text(found))
    for name, number in ((PROMOTER, len(elements.promoters)), (ENHANCER, len(elements.enhancers))):
        if not number:
            log.warning("warning: no %s is left; the table shows which filter removed them", name)
    with output_text(output) as handle:
        write_bed(handle, regions)
    if markers_output is not None:
        with output_text(markers_output) as handle:
            for chrom, start, end in zip(markers.chrom, markers.start, markers.end, strict=True):
                handle.write(f"{chrom}\t{start}\t{end}\t{MARKER}\n")
    if summary is not None:
        options = {
            **asdict(rules),
            "background": [{"chroms": list(group.chroms), "number": group.number} for group in groups],
            "chroms": list(evidence.sizes),
            "seed": seed,
        }
        record = provenance.record("define-regions", options, list(evidence.inputs))
        write_json(summary, {**found, "provenance": record})
