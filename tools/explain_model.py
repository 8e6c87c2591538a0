"""explain-model: what the first layer of a signal model looks for."""

from pathlib import Path
from typing import Annotated

import typer

from crekit_tools._options import (
    Device,
    Normalise,
    Output,
    Regions,
    Seed,
    Threads,
    TracksFiles,
    named_paths,
    tool,
)

app = tool("explain-model")


@app.command(epilog="Example: explain-model -m model.safetensors -t tracks.h5 -r regions.bed -o explanation.html")
def explain_model(
    model: Annotated[Path, typer.Option("-m", "--model", metavar="FILE", help="Model of train-model.")],
    tracks: TracksFiles,
    regions: Regions,
    output: Output,
    table: Annotated[
        str | None, typer.Option(metavar="TSV", help="Write weights and activations.", show_default=False)
    ] = None,
    per_class: Annotated[
        int, typer.Option(min=1, metavar="NUMBER", help="Regions of each class: those the model is surest of.")
    ] = 100,
    subset: Annotated[
        str, typer.Option(metavar="test|all|CHROMS", help="Which regions; test = the model's own test set.")
    ] = "test",
    html_assets: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="A plain page, its plots as PNG files in DIR.", show_default=False),
    ] = None,
    normalise: Normalise = None,
    threads: Threads = 2,
    device: Device = "auto",
    seed: Seed = 1,
) -> None:
    """Show the filters of a model's first layer, and on which classes they respond, on one HTML page.

    Filters are clustered by their activation on the regions that the model is surest of.
    """
    from crekit.labels.outputs import require
    from crekit.report import explanation, page
    from crekit.training import data_sets, explanation_run

    require(output, table)
    page.check(output, html_assets)
    loaded = explanation_run.load_model(model)
    plan = explanation_run.Plan(per_class, subset, normalise, device, threads)
    found = explanation_run.run(data_sets.pair(named_paths(tracks), named_paths(regions)), loaded, plan)
    if table is not None:
        explanation_run.write_table(table, found.layer)
    regions_shown = [(one.name, one.shown, one.available, one.lowest) for one in found.chosen]
    shown = explanation.Shown(
        found.layer, found.arch, found.bin_size, regions_shown, found.chroms, found.subset, found.record
    )
    page.write(output, explanation.page(shown), html_assets)
