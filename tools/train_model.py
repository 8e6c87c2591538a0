"""train-model: a network or a forest, trained on tracks and regions."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from crekit_tools._options import Device, Normalise, Output, Regions, Seed, Threads, TracksFiles, named_paths, tool

app = tool("train-model")
_SPLIT, _TRAINING = "Split (all three chromosome lists, or --random)", "Training (default: the architecture's paper)"


def _print_list(wanted: bool) -> None:
    """Print the architectures and the settings of their papers, and end."""
    if not wanted:
        return
    from crekit.models.registry import ARCHITECTURES
    from crekit.training.settings import describe

    for name, architecture in ARCHITECTURES.items():
        print(f"{name}: {architecture.summary}")
        print("   ", " ".join(f"--{option} {value}" for option, value in describe(architecture).items()))
    raise typer.Exit


@app.command(
    epilog="Example: train-model --arch deepregfinder-cnn -t tracks.h5 -r regions.bed "
    "--train chr1-chr7 --val chr8-chr11 --test chr12-chr16 -o model.safetensors"
)
def train_model(
    arch: Annotated[str, typer.Option(metavar="NAME", help="Architecture; --list prints them.")],
    tracks: TracksFiles,
    regions: Regions,
    output: Output,
    marks: Annotated[str | None, typer.Option(metavar="A,B", help="Use these tracks only; default all.")] = None,
    relabel: Annotated[
        list[str], typer.Option(metavar="OLD=NEW", help="Rename a class, and so merge classes; repeatable.")
    ] = [],  # noqa: B006
    n_bins: Annotated[int, typer.Option(min=4, help="Bins in a window.")] = 20,
    min_nonzero: Annotated[int, typer.Option(min=0, help="Leave out windows with fewer non-zero bins.")] = 5,
    normalise: Normalise = None,
    train: Annotated[
        str | None, typer.Option(metavar="CHROMS", help="Learn from these.", rich_help_panel=_SPLIT)
    ] = None,
    val: Annotated[
        str | None, typer.Option(metavar="CHROMS", help="Choose the epoch by these.", rich_help_panel=_SPLIT)
    ] = None,
    test: Annotated[str | None, typer.Option(metavar="CHROMS", help="Judge by these.", rich_help_panel=_SPLIT)] = None,
    random: Annotated[
        str | None,
        typer.Option(metavar="SHARES", help="0.6,0.2,0.2 at random; flatters the model.", rich_help_panel=_SPLIT),
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, rich_help_panel=_TRAINING, help="At most so many.")] = None,
    batch_size: Annotated[int | None, typer.Option(min=2, rich_help_panel=_TRAINING, help="Sites a step.")] = None,
    lr: Annotated[float | None, typer.Option(min=0, rich_help_panel=_TRAINING, help="Learning rate.")] = None,
    weight_decay: Annotated[float | None, typer.Option(min=0, rich_help_panel=_TRAINING, help="L2 penalty.")] = None,
    patience: Annotated[
        int | None,
        typer.Option(min=0, rich_help_panel=_TRAINING, help="Epochs without gain before it stops; 0 = never."),
    ] = None,
    balance: Annotated[
        Literal["none", "background", "all"] | None,
        typer.Option(rich_help_panel=_TRAINING, help="Draw background as often as the rest, or all classes alike."),
    ] = None,
    lr_decay: Annotated[
        Literal["none", "exponential", "plateau"] | None,
        typer.Option(rich_help_panel=_TRAINING, help="Learning rate's course."),
    ] = None,
    loss: Annotated[
        Literal["cross-entropy", "focal"] | None, typer.Option(rich_help_panel=_TRAINING, help="What is minimised.")
    ] = None,
    focal_gamma: Annotated[float | None, typer.Option(min=0, rich_help_panel=_TRAINING, help="[3]")] = None,
    focal_alpha: Annotated[float | None, typer.Option(min=0, rich_help_panel=_TRAINING, help="[0.5]")] = None,
    focal_epsilon: Annotated[float | None, typer.Option(min=0, rich_help_panel=_TRAINING, help="[1e-7]")] = None,
    optimiser: Annotated[
        Literal["adam", "sgd"] | None, typer.Option(rich_help_panel=_TRAINING, help="How weights are updated.")
    ] = None,
    trees: Annotated[int | None, typer.Option(min=1, rich_help_panel=_TRAINING, help="Of a forest.")] = None,
    augment: Annotated[
        Literal["none", "flip-bins"] | None,
        typer.Option(rich_help_panel=_TRAINING, help="Show windows both ways round."),
    ] = None,
    calibrate: Annotated[
        Literal["none", "temperature"], typer.Option(rich_help_panel=_TRAINING, help="On validation data.")
    ] = "none",
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint of a killed run.")] = False,
    threads: Threads = 2,
    device: Device = "auto",
    seed: Seed = 1,
    list_: Annotated[
        bool,
        typer.Option(
            "--list",
            is_eager=True,
            callback=_print_list,
            help="Print architectures and their papers' settings.",
        ),
    ] = False,
) -> None:
    """Train a model on tracks and regions; split by chromosome.

    Writes beside the model its .metrics.json, .history.tsv and .predictions.tsv, and a .checkpoint while it runs.
    """
    from crekit.models import registry
    from crekit.training import data_sets, settings, signal_run, sites, splits

    given = {
        "epochs": epochs, "batch_size": batch_size, "lr": lr, "weight_decay": weight_decay, "patience": patience,
        "balance": balance, "lr_decay": lr_decay, "loss": loss, "focal_gamma": focal_gamma, "focal_alpha": focal_alpha,
        "focal_epsilon": focal_epsilon, "optimiser": optimiser, "trees": trees, "augment": augment,
        "calibrate": calibrate, "seed": seed, "threads": threads,
    }  # fmt: skip
    plan = signal_run.Plan(
        arch=arch,
        training=settings.of_paper(registry.find(arch), **given),
        split=splits.choose(train, val, test, random, seed),
        marks=sites.parse_marks(marks),
        relabel=sites.parse_relabel(relabel),
        n_bins=n_bins,
        min_nonzero=min_nonzero,
        normalise=normalise,
        device=device,
    )
    sets = data_sets.pair(named_paths(tracks), named_paths(regions))
    signal_run.run(sets, plan, Path(output), resume=resume)
