"""The quick audit that train-model and evaluate-model run by themselves."""

import json

import numpy as np
import pytest
from running import run_tool
from toy_planted import letters


def fasta(path, remainder, seed, n=60):
    """Records whose lengths are `remainder` modulo 10."""
    random = np.random.default_rng(seed)
    lengths = 100 + 10 * random.integers(0, 6, n) + remainder
    rows = [
        f">{path.stem}_{i}\n{letters(int(length), random).tobytes().decode()}\n" for i, length in enumerate(lengths)
    ]
    path.write_text("".join(rows))
    return path


@pytest.fixture(params=["clean", "leaking"])
def made(tmp_path, request):
    files = [
        fasta(tmp_path / "enhancer.fa", 1, 1),
        fasta(tmp_path / "background.fa", 1 + 5 * (request.param == "leaking"), 2),
    ]
    words = [word for path in files for word in ("--fasta", f"{path.stem}={path}")]
    assert run_tool("encode-seq", *words, "--window", 0, "--short", "pad", "-o", tmp_path / "s.h5").returncode == 0
    output = tmp_path / "m.safetensors"
    trained = run_tool("train-model", "--arch", "kmer-logistic", "-s", tmp_path / "s.h5", "--folds", 3, "-o", output)
    assert trained.returncode == 0, trained.stderr
    return request.param, tmp_path, trained.stderr


def test_metrics_and_report_say_what_the_data_leak(made):
    kind, folder, said = made
    verdict = {"clean": "fine", "leaking": "leak"}[kind]
    assert json.loads((folder / "m.fold2.metrics.json").read_text())["audit"]["verdict"] == verdict
    assert said.count("audit, leak: Length modulo 10 tells") == (kind == "leaking")  # once, and not for each fold
    words = ["-m", folder / "m.safetensors", "-s", folder / "s.h5", "--bootstrap", 0, "--html", folder / "e.html"]
    ended = run_tool("evaluate-model", *words, "-o", folder / "e.json")
    assert ended.returncode == 0, ended.stderr
    assert json.loads((folder / "e.json").read_text())["data_audit"]["verdict"] == verdict
    assert f"in the data themselves: {verdict}" in (folder / "e.html").read_text()


def test_findings_are_kept_without_details(made):
    _, folder, _ = made
    found = json.loads((folder / "m.fold1.metrics.json").read_text())["audit"]["findings"]
    assert {"length", "length-modulo", "gc"} <= {one["check"] for one in found}
    assert not any("detail" in one for one in found)
