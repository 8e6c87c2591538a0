"""The tools write the same bytes in the image as in this environment."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pyBigWig
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.containers, pytest.mark.xdist_group("containers")]

CPU = "--device cpu -p 1"
CHAIN = f"""
define-regions --tss in/tss.bed --open in/dnase.narrowPeak --cofactor in/p300.narrowPeak \\
    --h3k4me3 in/h3k4me3.narrowPeak --sizes in/chrom.sizes -o regions.bed --markers-output markers.bed
count-bins in/H3K*_rep?.bam -p 1 -o tracks.h5
label-activity -r regions.bed --reads in/groseq.bam -o labelled.bed --plot activity.png
train-model --arch deepregfinder-cnn -t tracks.h5 -r labelled.bed --train chr1-chr3 --val chr4 --test chr5,chr6 \\
    --epochs 2 --batch-size 32 {CPU} -o model.safetensors
evaluate-model -m model.safetensors -t tracks.h5 -r labelled.bed {CPU} --bootstrap 50 \\
    -o metrics.json --html report.html
scan-genome -m model.safetensors -t tracks.h5 --chroms chr5 --known-tss in/tss.bed --markers markers.bed {CPU} -o scan
grep enhancer regions.bed > enhancers.bed
sample-background -r enhancers.bed -g in/genome.fa --exclude regions.bed -o background.bed
encode-seq -r enhancer=enhancers.bed -r background=background.bed -g in/genome.fa -o sequences.h5
train-model --arch kmer-logistic -s sequences.h5 --folds 3 --fold 1 {CPU} -o kmers.safetensors
audit-dataset -s sequences.h5 -o audit.json --html audit.html
"""


def contents(folder: Path) -> Iterator[tuple[str, object]]:
    """Each file's name and bytes; of bigWig files, whose headers differ with the library, chromosomes and intervals."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        if path.suffix == ".bw":
            with pyBigWig.open(str(path)) as handle:
                yield path.name, [(chrom, handle.intervals(chrom)) for chrom in sorted(handle.chroms())]
        else:
            yield str(path.relative_to(folder)), path.read_bytes()


def differing(one: Path, other: Path) -> tuple[list[str], int]:
    """Names of the files that are not the same in both folders, and how many files there are in all."""
    left, right = dict(contents(one)), dict(contents(other))
    names = left.keys() | right.keys()
    return sorted(name for name in names if name not in left or left[name] != right.get(name)), len(names)


def open_to_all(folder: Path) -> Path:
    """The folder, readable and writable for the unknown user of the image."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666 | path.stat().st_mode)
    return folder


@pytest.mark.usefixtures("same_versions")
def test_a_chain_of_tools_writes_the_same_bytes(inside, outside, image, simulated, tmp_path):
    folders = [tmp_path / "outside", tmp_path / "inside"]
    for folder in folders:
        shutil.copytree(simulated.folder, folder / "in")
        (folder / "chain.sh").write_text(f"set -euo pipefail\n{CHAIN}")
        open_to_all(folder)
    for ended in (
        outside("bash", "chain.sh", folder=folders[0], timeout=900),
        inside(image, "bash", "chain.sh", folder=folders[1], timeout=900),
    ):
        assert ended.returncode == 0, ended.stderr
    assert (folders[0] / "scan.bed").stat().st_size > 0
    assert differing(*folders)[0] == []


@pytest.mark.slow
@pytest.mark.usefixtures("same_versions")
@pytest.mark.parametrize(("script", "place"), [("demo.sh", "."), ("demo_sequences.sh", "sequences")])
def test_the_demo_writes_the_same_bytes(inside, outside, image, tmp_path, script, place):
    folders = [tmp_path / "outside", tmp_path / "inside"]
    for folder in folders:
        shutil.copytree(REPOSITORY / "examples", folder / "examples")
        open_to_all(folder)
    if results := os.environ.get("CREKIT_DEMO_RESULTS"):  # what `make demo` has just written, to save another run
        made = Path(results).resolve() / place
        ignore = shutil.ignore_patterns("sequences") if place == "." else None
        shutil.copytree(made, folders[0] / "demo-results" / place, ignore=ignore)
    else:
        ended = outside(f"examples/{script}", folder=folders[0], timeout=1800)
        assert ended.returncode == 0, ended.stderr
    ended = inside(image, f"examples/{script}", folder=folders[1], timeout=1800)
    assert ended.returncode == 0, ended.stderr
    names, number = differing(folders[0] / "demo-results", folders[1] / "demo-results")
    assert names == []
    assert number >= 12
