"""The files of the house: the example data, the pinned versions, the citation."""

import gzip
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pyBigWig
import pytest

from crekit import __version__

REPOSITORY = Path(__file__).resolve().parent.parent
EXAMPLES = REPOSITORY / "examples"
FILES = sorted((EXAMPLES / "data").iterdir())
CHROMS = {"chr13": 115169878, "chr14": 107349540, "chr15": 102531392, "chr16": 90354753}


def test_the_readme_names_every_file_and_they_stay_small():
    text = (EXAMPLES / "README.md").read_text()
    assert not [path.name for path in FILES if path.name not in text]
    assert sum(path.stat().st_size for path in FILES) < 3_500_000


@pytest.mark.parametrize("path", [path for path in FILES if path.suffix == ".bw"], ids=lambda path: path.stem)
def test_bigwigs_name_the_four_chromosomes(path):
    with pyBigWig.open(str(path)) as handle:
        assert handle.chroms() == CHROMS


@pytest.mark.parametrize("path", [path for path in FILES if path.suffix != ".bw"], ids=lambda path: path.name)
def test_tables_hold_the_four_chromosomes_and_gzip_no_time(path):
    raw = path.read_bytes()
    if path.suffix == ".gz":
        assert raw[4:8] == bytes(4)
        raw = gzip.decompress(raw)
    assert {line.split("\t")[0] for line in raw.decode().splitlines()} == CHROMS.keys()


def test_cut_remakes_the_data(data, tmp_path):
    command = [sys.executable, EXAMPLES / "cut.py", data, tmp_path]
    subprocess.run(command, check=True, capture_output=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == [path.name for path in FILES]
    for path in FILES:
        made, kept = ((folder / path.name).read_bytes() for folder in (tmp_path, path.parent))
        if path.suffix == ".gz":  # another zlib may pack otherwise
            made, kept = gzip.decompress(made), gzip.decompress(kept)
        assert made == kept, path.name


def test_every_dependency_is_pinned():
    lines = (REPOSITORY / "constraints.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    pinned = {name.lower().replace("_", "-") for name in pins}
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    needed = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    assert not [one for one in needed if re.split(r"[<>=!\[ ]", one)[0].lower().replace("_", "-") not in pinned]
    assert pins["torch"] == "2.13.0"


def test_the_citation_is_of_this_version():
    assert f"\nversion: {__version__}\n" in (REPOSITORY / "CITATION.cff").read_text()
    assert f"## [{__version__}]" in (REPOSITORY / "CHANGELOG.md").read_text()
