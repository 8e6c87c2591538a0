"""The option that the tools with a part in a MultiQC report share."""

from pathlib import Path
from typing import Annotated

import typer

Multiqc = Annotated[
    Path | None,
    typer.Option("--multiqc", metavar="DIR", help="Write figures for MultiQC in DIR.", show_default=False),
]
