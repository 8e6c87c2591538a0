"""The image as Apptainer has it, built from that of podman and run for real."""

import shutil
import subprocess
from pathlib import Path

import pytest

from crekit import __version__

REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPT = REPOSITORY / "containers" / "apptainer.sh"
pytestmark = [pytest.mark.containers, pytest.mark.slow, pytest.mark.xdist_group("containers")]


def apptainer(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """What the script does, in a folder; skips where Apptainer cannot be had."""
    ended = subprocess.run([SCRIPT, *words], cwd=folder, capture_output=True, text=True, timeout=1800)
    if ended.returncode == 77:
        pytest.skip(ended.stderr.splitlines()[-1])
    return ended


@pytest.mark.usefixtures("image")
def test_a_tool_in_the_apptainer_image_writes_the_same_bytes(outside, tmp_path):
    built = apptainer("build", folder=tmp_path)
    assert built.returncode == 0, built.stderr
    assert Path(built.stdout.strip()).stat().st_size > 100_000_000
    said = apptainer("exec", "count-bins", "--version", folder=tmp_path)
    assert (said.returncode, said.stdout) == (0, f"count-bins {__version__}\n"), said.stderr
    words = ("count-bins", "H3K27ac.bw", "--chroms", "chr16", "-o", "tracks.h5")
    for folder in ("inside", "outside"):
        (tmp_path / folder).mkdir()
        shutil.copy(REPOSITORY / "examples" / "data" / "H3K27ac.bw", tmp_path / folder)
    there = apptainer("exec", *words, folder=tmp_path / "inside")
    assert there.returncode == 0, there.stderr
    assert outside(*words, folder=tmp_path / "outside").returncode == 0
    made, expected = (tmp_path / folder / "tracks.h5" for folder in ("inside", "outside"))
    assert made.read_bytes() == expected.read_bytes()
