"""The files of the house: the example data, the pinned versions, the citation."""

import gzip
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pyBigWig
import pytest

from crekit import __version__
from crekit.genome.fasta import read_records

REPOSITORY = Path(__file__).resolve().parent.parent
EXAMPLES = REPOSITORY / "examples"
FILES = sorted((EXAMPLES / "data").iterdir())
FASTAS = [path for path in FILES if path.name.endswith(".fa.gz")]
TABLES = [path for path in FILES if path.suffix != ".bw" and path not in FASTAS]
CHROMS = {"chr13": 115169878, "chr14": 107349540, "chr15": 102531392, "chr16": 90354753}


def test_the_readme_names_every_file_and_they_stay_small():
    text = (EXAMPLES / "README.md").read_text()
    assert not [path.name for path in FILES if path.name not in text]
    assert sum(path.stat().st_size for path in FILES) < 3_500_000


@pytest.mark.parametrize("path", [path for path in FILES if path.suffix == ".bw"], ids=lambda path: path.stem)
def test_bigwigs_name_the_four_chromosomes(path):
    with pyBigWig.open(str(path)) as handle:
        assert handle.chroms() == CHROMS


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.name)
def test_tables_hold_the_four_chromosomes_and_gzip_no_time(path):
    raw = path.read_bytes()
    if path.suffix == ".gz":
        assert raw[4:8] == bytes(4)
        raw = gzip.decompress(raw)
    assert {line.split("\t")[0] for line in raw.decode().splitlines()} == CHROMS.keys()


def test_cut_remakes_the_data(data, tmp_path):
    command = [sys.executable, EXAMPLES / "cut.py", data, tmp_path]
    subprocess.run(command, check=True, capture_output=True)
    kept = [path for path in FILES if path not in FASTAS]
    assert sorted(path.name for path in tmp_path.iterdir()) == [path.name for path in kept]
    for path in kept:
        made, kept = ((folder / path.name).read_bytes() for folder in (tmp_path, path.parent))
        if path.suffix == ".gz":  # another zlib may pack otherwise
            made, kept = gzip.decompress(made), gzip.decompress(kept)
        assert made == kept, path.name


@pytest.mark.parametrize("path", FASTAS, ids=lambda path: path.name)
def test_sequences_are_named_by_their_places_and_gzip_no_time(path):
    assert path.read_bytes()[4:8] == bytes(4)
    records = dict(read_records(path))
    assert len(records) == 494
    for name, codes in records.items():
        chrom, start, end = re.fullmatch(r"(chrX):(\d+)-(\d+)", name).groups()
        assert (chrom, int(end) - int(start), len(codes), codes.max() < 4) == ("chrX", 400, 400, True)


def test_the_sequences_are_remade_from_the_genome(data, tmp_path):
    genome = tmp_path / "chrX.fa"
    genome.write_bytes(gzip.decompress((data / "genome" / "hg19.chrX.fa.gz").read_bytes()))
    folder = data / "regions"
    beds = [folder / "fantom5_enhancers.chrX.bed", *sorted(folder.glob("ensreg_*.bed")), *folder.glob("cohn*.bed")]
    command = [sys.executable, EXAMPLES / "cut_sequences.py", genome, *beds, "-o", tmp_path]
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    subprocess.run(command, check=True, capture_output=True, env=environment)
    for path in FASTAS:
        made, kept = (gzip.decompress((folder / path.name).read_bytes()) for folder in (tmp_path, path.parent))
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
