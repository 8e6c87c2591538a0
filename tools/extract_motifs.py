"""extract-motifs: the motifs that a sequence model learned, compared with known ones."""

from pathlib import Path
from typing import Annotated

import typer

from crekit_tools._options import Device, Html, HtmlAssets, Seed, Threads, tool

app = tool("extract-motifs")

_Model = Annotated[Path, typer.Option("-m", "--model", metavar="FILE", help="Model of train-model, of sequences.")]
_Sequences = Annotated[
    Path | None,
    typer.Option(
        "-s", "--sequences", metavar="H5", help="Sequences of encode-seq; enumerate does without.", show_default=False
    ),
]
_Method = Annotated[
    str, typer.Option(metavar="enumerate|activation|attribution", help="All words, activating sites, or attributions.")
]
_Database = Annotated[
    str | None,
    typer.Option(
        metavar="FILE|none",
        help="Known motifs: MEME, JASPAR or HOMER format; none: do not compare.",
        show_default="JASPAR CORE vertebrates",
    ),
]
_Table = Annotated[
    Path | None,
    typer.Option(metavar="TSV", help="Where the matches go.", show_default="MOTIFS.tomtom.tsv beside -o"),
]


@app.command(
    epilog="Example: extract-motifs -m model.safetensors -s sequences.h5 --method activation -o motifs.meme "
    "--html motifs.html"
)
def extract_motifs(
    model: _Model,
    output: Annotated[str, typer.Option("-o", "--output", metavar="MEME", help="Motifs; - is standard output.")],
    sequences: _Sequences = None,
    method: _Method = "enumerate",
    weighting: Annotated[
        str, typer.Option(metavar="count|activation", help="enumerate: what an activating word counts.")
    ] = "count",
    threshold: Annotated[
        float, typer.Option(min=0, max=1, help="activation: sites above this share of the highest.")
    ] = 0.5,
    database: _Database = None,
    evalue: Annotated[float, typer.Option(min=0, help="List matches with an E-value below it.")] = 0.1,
    min_columns: Annotated[int, typer.Option(min=1, help="A match counts with so many informative columns.")] = 5,
    min_bits: Annotated[
        float, typer.Option(min=0, max=2, help="Bits, in both motifs, that make a column informative.")
    ] = 0.25,
    untrained: Annotated[int, typer.Option(min=0, help="Untrained networks to hold kernels against.")] = 10,
    table: _Table = None,
    html: Html = None,
    html_assets: HtmlAssets = None,
    logos: Annotated[int, typer.Option(min=1, help="Motifs drawn on the page.")] = 20,
    threads: Threads = 2,
    device: Device = "auto",
    seed: Seed = 1,
) -> None:
    """Write the motifs of a model's first-layer kernels, or of its attributions, as a MEME file.

    They are compared with known motifs (Tomtom), and with what untrained kernels match.
    """
    from contextlib import nullcontext

    from crekit.encoding.store import Sequences
    from crekit.explanation import motif_run
    from crekit.labels.outputs import require
    from crekit.models.file import load_sequence_model
    from crekit.motifs import compare, meme
    from crekit.report import motifs as report
    from crekit.report import page

    if database == motif_run.NO_DATABASE:
        table = None
    elif table is None and output != "-":
        table = Path(output).with_name(f"{Path(output).name.removesuffix('.gz').removesuffix('.meme')}.tomtom.tsv")
    compares = table is not None or (html is not None and database != motif_run.NO_DATABASE)
    require(output, table)
    if html is not None:
        page.check(html, html_assets)
    rule = compare.Rule(evalue, min_columns, min_bits)
    known = database if compares else motif_run.NO_DATABASE
    plan = motif_run.Plan(method, weighting, threshold, untrained, known, rule, device, threads, seed)
    loaded = load_sequence_model(model)
    with nullcontext() if sequences is None else Sequences(sequences) as opened:
        found = motif_run.run(loaded, opened, plan)
    meme.write(output, found.motifs)
    if table is not None:
        compare.write_table(table, found.matches)
    if html is not None:
        page.write(html, report.page(found, logos), html_assets)
