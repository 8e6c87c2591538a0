"""train-model: a network or a forest, trained on tracks and regions."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from crekit_tools._multiqc_option import Multiqc
from crekit_tools._options import (
    Device,
    Normalise,
    Output,
    Regions,
    Seed,
    SequenceFiles,
    Threads,
    TracksFiles,
    named_paths,
    tool,
)
from crekit_tools._split_options import SPLIT, Block, By, Fold, Folds, Random, TrainChroms, ValChroms

app = tool("train-model")
_TRAINING = "Training (default: the architecture's paper)"
_SEQUENCES = "Sequences"


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


@app.command(epilog="Example: train-model --arch deepregfinder-cnn -t t.h5 -r regions.bed --folds 5 -o m.safetensors")
def train_model(
    arch: Annotated[str, typer.Option(metavar="NAME", help="Architecture; --list prints them.")],
    output: Output,
    tracks: TracksFiles = [],  # noqa: B006
    regions: Regions = [],  # noqa: B006
    sequences: SequenceFiles = [],  # noqa: B006
    marks: Annotated[str | None, typer.Option(metavar="A,B", help="Use these tracks only; default all.")] = None,
    relabel: Annotated[
        list[str], typer.Option(metavar="OLD=NEW", help="Rename a class, and so merge classes; repeatable.")
    ] = [],  # noqa: B006
    n_bins: Annotated[int, typer.Option(min=4, help="Bins in a window.")] = 20,
    min_nonzero: Annotated[int, typer.Option(min=0, help="Non-zero bins a window needs.")] = 5,
    normalise: Normalise = None,
    init_from: Annotated[Path | None, typer.Option(metavar="MODEL", help="Begin with its weights.")] = None,
    freeze: Annotated[str | None, typer.Option(metavar="LAYERS", help="Keep the first so many, or these.")] = None,
    train_chroms: TrainChroms = None,
    val: ValChroms = None,
    test: Annotated[str | None, typer.Option(metavar="CHROMS", help="Judge by these.", rich_help_panel=SPLIT)] = None,
    folds: Folds = None,
    fold: Fold = None,
    by: By = None,
    block: Block = 1_000_000,
    random: Random = None,
    split: Annotated[
        Literal["stored"] | None, typer.Option(help="That of audit-dataset --fix.", rich_help_panel=SPLIT)
    ] = None,
    share: Annotated[
        float | None,
        typer.Option(min=1e-6, max=1, help="Of the training regions; default all.", rich_help_panel=SPLIT),
    ] = None,
    iterative_folds: Annotated[
        int | None, typer.Option(min=2, metavar="K", help="Enhancer-MDLF's rounds.", rich_help_panel=SPLIT)
    ] = None,
    encodings: Annotated[
        str | None,
        typer.Option(metavar="one-hot,kmer,motif", rich_help_panel=_SEQUENCES, help="Of fusion; default all."),
    ] = None,
    padding: Annotated[
        Literal["valid", "same"] | None, typer.Option(rich_help_panel=_SEQUENCES, help="Of convolutions. [valid]")
    ] = None,
    windows_per_region: Annotated[
        Literal["all", "one"] | None, typer.Option(rich_help_panel=_SEQUENCES, help="Shown in an epoch.")
    ] = None,
    k: Annotated[
        str | None, typer.Option("--k", metavar="K|L,K,D", rich_help_panel=_SEQUENCES, help="5; of gkm-svm 10,6,3.")
    ] = None,
    c: Annotated[
        float | None, typer.Option("--c", min=1e-9, rich_help_panel=_SEQUENCES, help="C: SVM 1, regression 0.001.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, rich_help_panel=_TRAINING, help="At most so many.")] = None,
    batch_size: Annotated[int | None, typer.Option(min=2, rich_help_panel=_TRAINING, help="Sites a step.")] = None,
    lr: Annotated[float | None, typer.Option(min=0, rich_help_panel=_TRAINING, help="Learning rate.")] = None,
    weight_decay: Annotated[float | None, typer.Option(min=0, rich_help_panel=_TRAINING, help="L2 penalty.")] = None,
    patience: Annotated[
        int | None,
        typer.Option(min=0, rich_help_panel=_TRAINING, help="Epochs without gain; 0 = never stop."),
    ] = None,
    balance: Annotated[
        Literal["none", "background", "all"] | None,
        typer.Option(rich_help_panel=_TRAINING, help="What is drawn as often as the rest."),
    ] = None,
    lr_decay: Annotated[
        Literal["none", "exponential", "plateau"] | None,
        typer.Option(rich_help_panel=_TRAINING, help="Course of the learning rate."),
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
        str | None,
        typer.Option(
            metavar="none|flip-bins|reverse-complement", rich_help_panel=_TRAINING, help="Show both directions."
        ),
    ] = None,
    precision: Annotated[
        Literal["fp32", "bf16"] | None, typer.Option(rich_help_panel=_TRAINING, help="bf16 on hardware for it.")
    ] = None,
    calibrate: Annotated[
        Literal["none", "temperature"], typer.Option(rich_help_panel=_TRAINING, help="On validation data.")
    ] = "none",
    multiqc: Multiqc = None,
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
    """Train a model on tracks and regions (-t -r), on sequences (-s), or on both (-s -t, fusion).
    Writes also .metrics.json, .history.tsv, .predictions.tsv, and a .checkpoint while it runs.
    """
    from crekit.errors import InputError
    from crekit.report import multiqc as figures
    from crekit.training import train
    from crekit.training.sites import parse_marks, parse_relabel

    called = figures.stem(output, app.tool_name)
    figures.check(multiqc, called)
    chosen = {
        "epochs": epochs, "batch_size": batch_size, "lr": lr, "weight_decay": weight_decay, "patience": patience,
        "balance": balance, "lr_decay": lr_decay, "loss": loss, "focal_gamma": focal_gamma, "focal_alpha": focal_alpha,
        "focal_epsilon": focal_epsilon, "optimiser": optimiser, "trees": trees, "augment": augment,
        "calibrate": calibrate, "precision": precision, "windows_per_region": windows_per_region, "seed": seed,
        "share": share, "iterative_folds": iterative_folds,
        "threads": threads,
    }  # fmt: skip
    order = train.Order(
        arch=arch,
        output=Path(output),
        training=chosen,
        split=train.SplitOptions(train_chroms, val, test, random, folds, fold, by, block, split == "stored"),
        relabel=parse_relabel(relabel),
        device=device,
        init_from=init_from,
        freeze=freeze,
        resume=resume,
    )
    if sequences:
        if regions or (not tracks and (marks or normalise)):
            raise InputError("-s holds regions and their DNA; leave out -r, and without -t --marks and --normalise")
        train.on_sequences(
            order,
            named_paths(sequences),
            padding=padding,
            k=k,
            c=c,
            encodings=encodings,
            tracks=named_paths(tracks),
            marks=parse_marks(marks),
            n_bins=n_bins,
            normalise=normalise,
        )
        _figures(multiqc, order.output, folds if fold is None else None)
        return
    if not tracks or not regions:
        raise InputError("give tracks and regions (-t and -r), or sequences (-s)")
    for name, value in {"--padding": padding, "--k": k, "--c": c, "--encodings": encodings}.items():
        if value is not None:
            raise InputError(f"{name}: only for models of sequences; leave it out")
    train.on_tracks(
        order,
        named_paths(tracks),
        named_paths(regions),
        marks=parse_marks(marks),
        n_bins=n_bins,
        min_nonzero=min_nonzero,
        normalise=normalise,
    )
    _figures(multiqc, order.output, folds if fold is None else None)


def _figures(folder: Path | None, output: Path, folds: int | None) -> None:
    """Write what MultiQC shows of the model, or of the models of all folds."""
    from crekit.report import multiqc, multiqc_models
    from crekit.training import results

    if folder is not None:
        models = [results.of_fold(output, one) for one in range(1, folds + 1)] if folds else [output]
        multiqc.write(folder, multiqc.stem(output, app.tool_name), multiqc_models.training(models))
