"""audit-dataset: what could make a benchmark lie, with a verdict on each, and a cleaned set."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from crekit_tools._multiqc_option import Multiqc
from crekit_tools._options import Blacklist, Html, HtmlAssets, Output, Seed, Threads, named_paths, tool
from crekit_tools._split_options import SPLIT, Block, By, Fold, Folds, Random, TrainChroms, ValChroms

app = tool("audit-dataset")
_OUT = "More outputs"
FAILED_AUDIT = 3
_RANK = ("look", "leak")

_Sequences = Annotated[
    Path | None, typer.Option("-s", "--sequences", metavar="H5", help="Sequences of encode-seq.", show_default=False)
]
_Fasta = Annotated[
    list[str],
    typer.Option(metavar="CLASS=FILE", help="Records of one class, instead; repeatable.", show_default=False),
]
_Regions = Annotated[
    list[str],
    typer.Option(
        "-r", "--regions", metavar="[CLASS=]BED", help="Regions, instead; class in column 4, or given here.",
        show_default=False,
    ),
]  # fmt: skip


@app.command(
    epilog="Example: audit-dataset --fasta enhancer=e.fa --fasta background=b.fa -o audit.json --html audit.html "
    "--fail-on leak"
)
def audit_dataset(
    output: Output,
    sequences: _Sequences = None,
    fasta: _Fasta = [],  # noqa: B006
    regions: _Regions = [],  # noqa: B006
    genome: Annotated[Path | None, typer.Option("-g", "--genome", metavar="FASTA", help="With -r.")] = None,
    blacklist: Blacklist = None,
    test: Annotated[
        list[str],
        typer.Option(
            metavar="CLASS=FILE|CHROMS",
            help="Test files, of the same kind; or, with --train, chromosomes.",
            rich_help_panel=SPLIT,
            show_default=False,
        ),
    ] = [],  # noqa: B006
    model: Annotated[
        Path | None, typer.Option("-m", "--model", metavar="FILE", help="That of a model.", rich_help_panel=SPLIT)
    ] = None,
    train: TrainChroms = None,
    val: ValChroms = None,
    folds: Folds = None,
    fold: Fold = None,
    by: By = None,
    block: Block = 1_000_000,
    random: Random = None,
    tsv: Annotated[
        str | None, typer.Option(metavar="FILE", help="The verdicts as a table.", rich_help_panel=_OUT)
    ] = None,
    html: Html = None,
    html_assets: HtmlAssets = None,
    multiqc: Multiqc = None,
    fix: Annotated[
        str | None,
        typer.Option(metavar="PREFIX", help="Write a cleaned set, split by cluster; audit it.", rich_help_panel=_OUT),
    ] = None,
    fail_on: Annotated[
        Literal["look", "leak"] | None, typer.Option(help="End with status 3 on such a verdict, or a worse one.")
    ] = None,
    threads: Threads = 2,
    seed: Seed = 1,
) -> None:
    """Look for what a model could score by without learning: duplicates, length, composition, a leaking split.

    Without a split, what crosses one is not looked for; a sequence file may hold one.
    """
    from crekit.audit import outputs
    from crekit.errors import InputError
    from crekit.files import require_writable, write_json
    from crekit.report import multiqc as figures
    from crekit.report import multiqc_data, page
    from crekit.training import audit_run

    if html_assets is not None and html is None:
        raise InputError("--html-assets needs --html, the page that the plots belong to")
    for path in filter(None, (output, tsv)):
        require_writable(path, text=True)
    if html is not None:
        page.check(html, html_assets)
    called = figures.stem(output, app.tool_name)
    figures.check(multiqc, called)
    order = _order(train, val, test, random, folds, fold, by, block) | {
        "sequences": sequences, "fasta": named_paths(fasta), "regions": named_paths(regions), "genome": genome,
        "model": model, "blacklist": blacklist, "seed": seed, "threads": threads,
    }  # fmt: skip
    asked = audit_run.Order(**order)
    if fix is not None:
        audit_run.check_outputs(asked, fix, [path for path in (output, tsv, html) if path])
    audited = audit_run.audit(asked)
    outputs.say(audited.findings)
    found = {called: audited.results}
    if fix is not None:
        found[f"{called}: cleaned"] = audit_run.fix(asked, audited, fix)
    _write(audited, tsv, html, html_assets)
    if multiqc is not None:
        figures.write(multiqc, called, multiqc_data.audit(found))
    write_json(output, audited.results)
    if fail_on is not None and audited.results["verdict"] in _RANK[_RANK.index(fail_on) :]:
        raise typer.Exit(FAILED_AUDIT)


def _order(train: str | None, val: str | None, test: list[str], *rest: Any) -> dict[str, Any]:
    """The options of a split; ``--test`` names chromosomes beside --train and --val, and files without."""
    from crekit.errors import InputError
    from crekit.training.train import SplitOptions

    if train is None and val is None:
        return {"split": SplitOptions(None, None, None, *rest), "test": named_paths(test)}
    if len(test) > 1:
        raise InputError("--test: give the chromosomes once, as a list such as chr8,chr9")
    return {"split": SplitOptions(train, val, test[0] if test else None, *rest)}


def _write(audited: Any, tsv: str | None, html: Path | None, assets: Path | None) -> None:
    """Write table and page."""
    from crekit.audit import outputs
    from crekit.report import audit as report
    from crekit.report import page

    if tsv is not None:
        outputs.write_tsv(tsv, audited.findings)
    if html is not None:
        sample = audited.loaded.sample
        shown = report.Shown(audited.results, sample.classes, sample.lengths, outputs.gc_share(sample.codes))
        page.write(html, report.page(shown), assets)
