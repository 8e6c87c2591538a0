import json
from pathlib import Path

import numpy as np
import pytest
from toy_scan import random_model, save_model, save_tracks

from crekit.errors import InputError
from crekit.scanning.join import join_scans
from crekit.scanning.scan import Rule, scan_genome

SIZES = {"chr1": 151_000, "chr2": 120_050, "chr10": 90_000, "chrM": 1_500}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("inputs")
    rng = np.random.default_rng(3)
    counts = {
        f"mark{i}": {chrom: rng.poisson(2.0, -(-size // 100)).astype(np.uint16) for chrom, size in SIZES.items()}
        for i in range(4)
    }
    made = {
        "model": save_model(folder / "model.safetensors", random_model("deepregfinder-cnn"), sizes=SIZES),
        "tracks": save_tracks(folder / "tracks.h5", SIZES, counts),
    }
    for name in ("known_tss", "markers"):
        path = folder / f"{name}.bed"
        starts = rng.integers(0, 80_000, 12)
        path.write_text("".join(f"chr{1 + i % 2}\t{start}\t{start + 1}\n" for i, start in enumerate(starts)))
        made[name] = path
    return made


def scan(inputs: dict[str, Path], prefix: Path, rule: Rule | None = None, **options) -> str:
    prefix.parent.mkdir(exist_ok=True)
    scan_genome(prefix=str(prefix), rule=rule or Rule(), **{**inputs, **options})
    return str(prefix)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("step", [100, 200, 2500])
def test_scans_of_single_chromosomes_join_to_the_bytes_of_one_scan(inputs, tmp_path, step):
    rule = Rule(step=step)
    scan(inputs, tmp_path / "whole" / "scan", rule)
    parts = [
        scan(inputs, tmp_path / "parts" / f"p{i}", rule, chroms=c) for i, c in enumerate(["chrM", "chr10", "chr1,chr2"])
    ]
    (tmp_path / "joined").mkdir()
    join_scans(parts, str(tmp_path / "joined" / "scan"))
    whole, joined = contents(tmp_path / "whole"), contents(tmp_path / "joined")
    assert whole.keys() == joined.keys()
    assert set(whole) == {f"scan.{end}" for end in ("bed", "enhancer.bw", "promoter.bw", "igv.xml", "summary.json")}
    for name in whole:
        assert whole[name] == joined[name], name
    summary = json.loads(whole["scan.summary.json"])["classes"]["enhancer"]
    assert summary["blocks"] > 0
    assert summary["shuffled_validated"] > 0


def test_one_scan_alone_joins_to_itself(inputs, tmp_path):
    part = scan(inputs, tmp_path / "part" / "scan", chroms="chr2")
    (tmp_path / "joined").mkdir()
    join_scans([part], str(tmp_path / "joined" / "scan"))
    assert contents(tmp_path / "part") == contents(tmp_path / "joined")


def test_scans_that_differ_are_refused(inputs, tmp_path):
    first = scan(inputs, tmp_path / "a", chroms="chr1")
    out = str(tmp_path / "joined")
    with pytest.raises(InputError, match=r"scanned with cutoff 0\.6, but .* with 0\.5"):
        join_scans([first, scan(inputs, tmp_path / "b", Rule(cutoff=0.6), chroms="chr2")], out)
    with pytest.raises(InputError, match="scanned with tss_distance None, but"):
        join_scans([first, scan(inputs, tmp_path / "b", chroms="chr2", known_tss=None)], out)
    with pytest.raises(InputError, match="scanned with another markers file"):
        join_scans([first, scan(inputs, tmp_path / "b", chroms="chr2", markers=inputs["known_tss"])], out)
    model = save_model(tmp_path / "m.safetensors", random_model("deepregfinder-cnn", seed=5), sizes=SIZES)
    with pytest.raises(InputError, match="scanned with another model file"):
        join_scans([first, scan(inputs, tmp_path / "b", chroms="chr2", model=model)], out)
    with pytest.raises(InputError, match=r"b\.summary\.json: holds chr1, which .*a\.summary\.json holds too"):
        join_scans([first, scan(inputs, tmp_path / "b", chroms="chr1,chr2")], out)
    assert not list(tmp_path.glob("joined*"))


def test_damaged_scans_are_refused(inputs, tmp_path):
    def spoil(ending: str, content: bytes, match: str) -> None:
        part = scan(inputs, tmp_path / "part", chroms="chr1")
        Path(f"{part}.{ending}").write_bytes(content)
        with pytest.raises(InputError, match=match):
            join_scans([part], str(tmp_path / "joined"))

    with pytest.raises(InputError, match=r"none.summary.json: cannot be read"):
        join_scans([str(tmp_path / "none")], str(tmp_path / "joined"))
    spoil("summary.json", b'{"format": "crekit scan"', "summary.json, line 1: not JSON")
    spoil("summary.json", b'{"format": "metrics"}', "not the summary of a scan")
    spoil("summary.json", b'{"format": "crekit scan", "version": 1}', "the summary of a scan is damaged")
    spoil("bed", b"", "0 blocks on chr1, but")
    spoil("promoter.bw", b"", "promoter.bw: not a bigWig file")
    part = scan(inputs, tmp_path / "part", chroms="chr1")
    Path(scan(inputs, tmp_path / "other", chroms="chr2") + ".enhancer.bw").rename(f"{part}.enhancer.bw")
    with pytest.raises(InputError, match="does not hold chr1"):
        join_scans([part], str(tmp_path / "joined"))
    assert not list(tmp_path.glob("joined*"))
