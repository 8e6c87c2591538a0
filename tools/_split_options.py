"""The options of a split, as train-model and audit-dataset share them."""

from typing import Annotated

import typer

SPLIT = "Split (chromosome lists, --folds or --random)"

TrainChroms = Annotated[
    str | None, typer.Option("--train", metavar="CHROMS", help="Learn from these.", rich_help_panel=SPLIT)
]
ValChroms = Annotated[
    str | None, typer.Option("--val", metavar="CHROMS", help="Choose the epoch by these.", rich_help_panel=SPLIT)
]
Folds = Annotated[
    int | None, typer.Option("--folds", min=3, metavar="K", help="Each of K folds is the test.", rich_help_panel=SPLIT)
]
Fold = Annotated[
    int | None, typer.Option("--fold", min=1, metavar="I", help="Only this fold: tests on I.", rich_help_panel=SPLIT)
]
By = Annotated[
    str | None,
    typer.Option(
        "--by", metavar="block|chromosome|cluster|random", help="What folds keep whole.", rich_help_panel=SPLIT
    ),
]
Block = Annotated[int, typer.Option("--block", min=1, help="Bases in a block.", rich_help_panel=SPLIT)]
Random = Annotated[
    str | None,
    typer.Option("--random", metavar="SHARES", help="0.6,0.2,0.2; flatters the model.", rich_help_panel=SPLIT),
]
