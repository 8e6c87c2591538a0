"""How an output was made, as it is kept inside the output.

A record holds the version, the options that change the result, and of each input its role, name and checksum. It
holds no path, time or host, so that the same run in a shell, a pipeline or a browser gives the same bytes.
"""

from dataclasses import asdict, dataclass
from typing import Any

from crekit import __version__


@dataclass(frozen=True)
class Input:
    """One input of a run.

    Parameters
    ----------
    role : str
        What it was used as: "reads", "control", "regions", "tracks", "model".
    name : str
        Its mark, class or data set; empty where it has none.
    sha256 : str
        Checksum of its contents (text: after decompression).
    """

    role: str
    name: str
    sha256: str


def record(tool: str, options: dict[str, Any], inputs: list[Input]) -> dict[str, Any]:
    """The record that an output carries.

    Parameters
    ----------
    tool : str
        Name of the executable.
    options : dict
        Options that change the result, by their long names. Threads, paths and log options do not belong here.
    inputs : list of Input
        In an order that does not depend on file names.
    """
    return {
        "tool": tool,
        "version": __version__,
        "options": options,
        "inputs": [asdict(item) for item in inputs],
    }
