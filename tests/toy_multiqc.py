"""Reading what the tools write for MultiQC."""

import json
from pathlib import Path
from typing import Any


def read(folder: Path) -> dict[str, dict[str, Any]]:
    """File name without ``_mqc.json`` -> its JSON object."""
    return {path.name.removesuffix("_mqc.json"): json.loads(path.read_text()) for path in sorted(folder.iterdir())}


def data(folder: Path) -> dict[str, Any]:
    """File name without ``_mqc.json`` -> its data."""
    return {name: content["data"] for name, content in read(folder).items()}
