"""train-model as its users run it: on a small genome of three chromosomes, where two marks tell the classes apart."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from running import run_tool
from toy_multiqc import data

from crekit.models import file as model_file
from crekit.signal import tracks as store
from crekit.signal.tracks import Track

CHROMS = {f"chr{i}": 400_000 for i in (1, 2, 3)}
SPLIT = ["--train", "chr1", "--val", "chr2", "--test", "chr3"]


def write_data(folder: Path, seed: int = 1) -> tuple[Path, Path]:
    """Regions every 4 kb, class by turns; the mark of its class is high in the middle of a region."""
    rng = np.random.default_rng(seed)
    names = ["background", "enhancer", "promoter"]
    lines, bins = [], {mark: {} for mark in ("H3K4me1", "H3K4me3")}
    for chrom, size in CHROMS.items():
        for counts in bins.values():
            counts[chrom] = rng.poisson(1.0, size // 100)
        for i, start in enumerate(range(2000, size - 4000, 4000)):
            name = names[i % 3]
            lines.append(f"{chrom}\t{start}\t{start + 2000}\t{name}\t0\t.\n")
            for mark, of_class in (("H3K4me1", "enhancer"), ("H3K4me3", "promoter")):
                if name == of_class:
                    bins[mark][chrom][start // 100 + 7 : start // 100 + 13] += rng.poisson(2.0, 6)
    tracks, regions = folder / "tracks.h5", folder / "regions.bed"
    with store.create(tracks, CHROMS, 100) as writer:
        for mark, of_chrom in bins.items():
            record = {"inputs": [{"role": "reads", "name": mark, "sha256": f"{seed}{mark}"}]}
            track = writer.add(Track(mark, "signal", "counts", record))
            for chrom, counts in of_chrom.items():
                track.put(chrom, counts)
            track.finish(int(sum(c.sum() for c in of_chrom.values())))
    regions.write_text("".join(lines))
    return tracks, regions


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("train"))


def train(files, output: Path, *extra: object, arch: str = "deepregfinder-rnn", split=SPLIT):
    tracks, regions = files
    data = ["-t", tracks, "-r", regions, "-o", output]
    return run_tool("train-model", "--arch", arch, *data, *split, "--threads", 1, *extra)


def start(files, output: Path, *extra: object) -> subprocess.Popen[str]:
    """The same as a process of its own, to be ended by a signal."""
    words = [Path(sys.executable).parent / "train-model", "--arch", "deepregfinder-rnn", "-t", files[0], "-r", files[1]]
    words += ["-o", output, *SPLIT, "--threads", 1, *extra]
    return subprocess.Popen([str(word) for word in words], stderr=subprocess.PIPE, text=True)


@pytest.fixture(scope="module")
def trained(files, tmp_path_factory):
    output = tmp_path_factory.mktemp("model") / "rnn.safetensors"
    done = train(files, output, "--epochs", 6, "--batch-size", 32, "--calibrate", "temperature")
    assert done.returncode == 0, done.stderr
    return output


def test_a_model_learns_what_was_planted_and_is_written_with_its_figures(trained):
    metrics = json.loads(trained.with_suffix(".metrics.json").read_text())
    assert metrics["test"]["mAP"] > 0.8
    assert metrics["counts"]["train"] == {"background": 33, "enhancer": 33, "promoter": 33}
    assert metrics["parameters"] == 16_992 + 224 * 2 + 33 * 3
    history = trained.with_suffix(".history.tsv").read_text().splitlines()
    assert history[0].split("\t") == ["epoch", "lr", "train_loss", "val_loss", "val_map"]
    assert len(history) == 7
    rows = [line.split("\t") for line in trained.with_suffix(".predictions.tsv").read_text().splitlines()]
    assert rows[0] == ["id", "part", "class", "predicted", "background", "enhancer", "promoter"]
    assert {row[1] for row in rows[1:]} == {"val", "test"}
    assert {row[0].split(":")[0] for row in rows[1:]} == {"chr2", "chr3"}
    assert not trained.with_suffix(".checkpoint").exists()


def test_the_model_file_keeps_all_that_new_tracks_need(trained, files):
    settings = model_file.load(trained).settings
    assert settings.classes == ["background", "enhancer", "promoter"]
    assert settings.marks == ["H3K4me1", "H3K4me3"]
    assert settings.split == {"kind": "chromosomes", "train": ["chr1"], "val": ["chr2"], "test": ["chr3"]}
    assert settings.sizes == CHROMS
    assert settings.temperature != 1
    assert settings.training["threads"] == 1
    assert [item["role"] for item in settings.record["inputs"]] == ["tracks", "regions"]
    assert str(files[0].parent) not in trained.read_bytes().decode("latin-1")


def test_standardisation_comes_from_training_sites_alone(trained, files):
    from crekit.genome.regions import read_bed
    from crekit.signal.tracks import Tracks
    from crekit.training.sites import load_sites

    regions, _ = read_bed(files[1])
    with Tracks(files[0]) as tracks:
        sites = load_sites(tracks, regions.on(["chr1"]), ["H3K4me1", "H3K4me3"])
    settings = model_file.load(trained).settings
    np.testing.assert_allclose(settings.mean, sites.values.mean(axis=(0, 2)), rtol=1e-5)
    np.testing.assert_allclose(settings.std, sites.values.std(axis=(0, 2)), rtol=1e-5)


def test_the_order_and_packing_of_the_regions_do_not_change_the_model(files, tmp_path):
    import gzip

    lines = files[1].read_text().splitlines(keepends=True)
    packed = tmp_path / "packed.bed.gz"
    packed.write_bytes(gzip.compress(files[1].read_bytes()))
    (tmp_path / "turned.bed").write_text("".join(reversed(lines)))
    weights = []
    for i, regions in enumerate((files[1], packed, tmp_path / "turned.bed")):
        done = train((files[0], regions), tmp_path / f"{i}.safetensors", "--epochs", 2)
        assert done.returncode == 0, done.stderr
        weights.append(model_file.load(tmp_path / f"{i}.safetensors").network.state_dict()["dense.weight"].numpy())
    assert (tmp_path / "0.safetensors").read_bytes() == (tmp_path / "1.safetensors").read_bytes()
    np.testing.assert_array_equal(weights[0], weights[2])


def test_a_killed_run_goes_on_to_the_same_bytes(files, tmp_path):
    settings = ["--epochs", 12, "--batch-size", 8]
    whole = tmp_path / "whole.safetensors"
    assert train(files, whole, *settings).returncode == 0
    broken, checkpoint = tmp_path / "broken.safetensors", tmp_path / "broken.checkpoint"
    command = [
        Path(sys.executable).parent / "train-model",
        "--arch",
        "deepregfinder-rnn",
        "-t",
        files[0],
        "-r",
        files[1],
    ]
    command += ["-o", broken, *SPLIT, "--threads", 1, *settings]
    process = subprocess.Popen([str(word) for word in command], stderr=subprocess.DEVNULL)
    while not checkpoint.exists() and process.poll() is None:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL, "the run ended before it could be killed"
    assert not broken.exists()
    done = train(files, broken, *settings, "--resume")
    assert done.returncode == 0, done.stderr
    assert "goes on after epoch" in done.stderr
    for suffix in (".safetensors", ".metrics.json", ".history.tsv", ".predictions.tsv"):
        assert broken.with_suffix(suffix).read_bytes() == whole.with_suffix(suffix).read_bytes(), suffix


def test_two_four_and_five_classes_go_by_the_names_in_the_bed(files, tmp_path):
    text = files[1].read_text().splitlines(keepends=True)
    named = [
        line.replace("enhancer", ["active_enhancer", "poised_enhancer"][i // 3 % 2]) for i, line in enumerate(text)
    ]
    (tmp_path / "four.bed").write_text("".join(named))
    both = [
        line.replace("promoter", ["active_promoter", "poised_promoter"][i // 3 % 2]) for i, line in enumerate(named)
    ]
    (tmp_path / "five.bed").write_text("".join(both))
    expected = {
        "four": ["background", "poised_enhancer", "active_enhancer", "promoter"],
        "five": ["background", "poised_enhancer", "active_enhancer", "poised_promoter", "active_promoter"],
    }
    for name, classes in expected.items():
        output = tmp_path / f"{name}.safetensors"
        done = train((files[0], tmp_path / f"{name}.bed"), output, "--epochs", 1, arch="deepregfinder-cnn")
        assert done.returncode == 0, done.stderr
        assert model_file.load(output).settings.classes == classes
    output = tmp_path / "two.safetensors"
    assert train(files, output, "--epochs", 1, "--relabel", "promoter=background").returncode == 0
    assert model_file.load(output).settings.classes == ["background", "enhancer"]
    assert model_file.load(output).settings.counts["train"] == {"background": 66, "enhancer": 33}


def test_a_forest_is_trained_and_used_like_a_network(files, tmp_path):
    output = tmp_path / "forest.safetensors"
    assert train(files, output, "--trees", 30, arch="random-forest").returncode == 0
    model = model_file.load(output)
    assert model.settings.parameters["n_trees"] == 30
    assert json.loads((tmp_path / "forest.metrics.json").read_text())["test"]["mAP"] > 0.8
    assert train(files, tmp_path / "again.safetensors", "--trees", 30, arch="random-forest").returncode == 0
    assert (tmp_path / "again.safetensors").read_bytes() == output.read_bytes()


def test_several_data_sets_are_pooled_and_paired_by_name(files, tmp_path):
    other = write_data(tmp_path, seed=2)
    output = tmp_path / "both.safetensors"
    pairs = ["-t", f"A={files[0]}", "-r", f"A={files[1]}", "-t", f"B={other[0]}", "-r", f"B={other[1]}"]
    done = run_tool("train-model", "--arch", "ep-dnn", *pairs, *SPLIT, "--epochs", 1, "-o", output)
    assert done.returncode == 0, done.stderr
    settings = model_file.load(output).settings
    assert settings.counts["train"] == {"background": 66, "enhancer": 66, "promoter": 66}
    assert set(settings.counts["dropped"]) == {"A", "B"}
    assert [item["name"] for item in settings.record["inputs"]] == ["A", "A", "B", "B"]


def test_a_random_split_warns_and_keeps_the_ids(files, tmp_path):
    output = tmp_path / "random.safetensors"
    done = train(files, output, "--epochs", 1, split=["--random", "0.6,0.2,0.2"])
    assert done.returncode == 0, done.stderr
    assert "flatters the model" in done.stderr
    split = model_file.load(output).settings.split
    assert split["kind"] == "random"
    assert sum(len(split[part]) for part in ("train", "val", "test")) == 297


def failing(files, tmp_path, *extra, split=SPLIT, arch="deepregfinder-cnn") -> str:
    """The one line that a refused run prints; it must leave nothing."""
    output = tmp_path / "m.safetensors"
    done = train(files, output, *extra, split=split, arch=arch)
    lines = [line for line in done.stderr.splitlines() if "error" in line]
    assert (done.returncode, len(lines)) == (2, 1), done.stderr
    assert not list(tmp_path.glob("m.*")), "something was left"
    return lines[0]


def test_bad_input_is_one_line_with_the_remedy(files, tmp_path):
    tracks, regions = files
    assert "has no track of H3K9ac; it holds H3K4me1, H3K4me3" in failing(files, tmp_path, "--marks", "H3K4me1,H3K9ac")
    assert "'net' is not known; known are deepregfinder-cnn" in failing(files, tmp_path, arch="net")
    unknown = failing(files, tmp_path, split=["--train", "chr1", "--val", "chr2", "--test", "chr9"])
    assert "chromosome 'chr9' is not known; known are chr1, chr2, chr3" in unknown
    bare = tmp_path / "bare.bed"
    bare.write_text(regions.read_text().replace("chr", ""))
    assert "called chr1 in" in failing((tracks, bare), tmp_path)
    few = tmp_path / "few.bed"
    kept = [line for line in regions.read_text().splitlines(keepends=True) if "promoter" not in line]
    few.write_text("".join([*kept, "chr1\t10000\t12000\tpromoter\n"]))
    assert "class promoter has 1 site(s) in --train" in failing((tracks, few), tmp_path)
    only = tmp_path / "only.bed"
    only.write_text("".join(line for line in regions.read_text().splitlines(keepends=True) if "chr3" not in line))
    assert "--test holds no site" in failing((tracks, only), tmp_path)
    twice = tmp_path / "twice.bed"
    twice.write_text(regions.read_text() + regions.read_text().splitlines(keepends=True)[0])
    assert "line 298: chr1:2000-4000 stands there twice (first in line 1)" in failing((tracks, twice), tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"not hdf5", "not an HDF5 file, or damaged"),
        (None, "no such file"),
    ],
)
def test_bad_tracks_are_named(files, tmp_path, content, message):
    path = tmp_path / "bad.h5"
    if content is not None:
        path.write_bytes(content)
    line = failing((path, files[1]), tmp_path)
    assert f"{path}: {message}" in line


def test_truncated_tracks_are_named(files, tmp_path):
    path = tmp_path / "cut.h5"
    path.write_bytes(files[0].read_bytes()[:20_000])
    assert "not an HDF5 file, or damaged" in failing((path, files[1]), tmp_path)


def test_an_output_never_overwrites_an_input(files, tmp_path):
    tracks, regions = files
    before = regions.read_bytes()
    done = run_tool("train-model", "--arch", "ep-dnn", "-t", tracks, "-r", regions, *SPLIT, "-o", regions)
    assert done.returncode == 2
    assert f"{regions}: both an input and --output" in done.stderr
    named = run_tool("train-model", "--arch", "ep-dnn", "-t", f"A={tracks}", "-r", f"A={regions}", *SPLIT, "-o", tracks)
    assert "both an input and --output" in named.stderr
    assert regions.read_bytes() == before
    log = tmp_path / "m.safetensors"
    twice = run_tool(
        "train-model", "--arch", "ep-dnn", "-t", tracks, "-r", regions, *SPLIT, "-o", log, "--log-file", log
    )
    assert "given for two outputs, --output and --log-file" in twice.stderr


def test_a_model_cannot_go_to_standard_output(files):
    done = train(files, Path("-"))
    assert (done.returncode, "cannot go to standard output" in done.stderr) == (2, True)
    assert not Path("-").exists()


def test_a_full_disk_is_named_and_leaves_nothing(files, tmp_path):
    words = [Path(sys.executable).parent / "train-model", "--arch", "ep-dnn", "-t", files[0], "-r", files[1], *SPLIT]
    words += ["-o", tmp_path / "m.safetensors", "--epochs", 1, "-q"]
    limited = f"ulimit -f 60; exec {shlex.join(map(str, words))}"
    done = subprocess.run(["bash", "-c", limited], capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert done.stderr.startswith(f"train-model: error: {tmp_path / 'm.checkpoint'}: writing failed (File too large)")
    assert not list(tmp_path.iterdir())


def test_an_output_folder_that_is_missing_is_named(files, tmp_path):
    done = train(files, tmp_path / "none" / "m.safetensors")
    assert done.returncode == 2
    assert "does not exist; make it first" in done.stderr


def test_ctrl_c_ends_with_130_and_leaves_no_model(files, tmp_path):
    output = tmp_path / "m.safetensors"
    command = [
        Path(sys.executable).parent / "train-model",
        "--arch",
        "deepregfinder-rnn",
        "-t",
        files[0],
        "-r",
        files[1],
    ]
    command += ["-o", output, *SPLIT, "--epochs", 500]
    process = subprocess.Popen([str(word) for word in command], stderr=subprocess.PIPE, text=True)
    while not (tmp_path / "m.checkpoint").exists() and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, messages = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "train-model: error: interrupted" in messages.splitlines()[-1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.checkpoint"]


def test_list_prints_every_architecture(tmp_path):
    done = run_tool("train-model", "--list")
    assert done.returncode == 0
    for name in ("deepregfinder-cnn", "deepregfinder-rnn", "ep-dnn", "random-forest"):
        assert f"{name}: " in done.stdout


def test_losses_and_best_epochs_are_written_for_multiqc_fold_by_fold(files, tmp_path):
    done = train(
        files,
        tmp_path / "m.safetensors",
        "--epochs",
        2,
        "--multiqc",
        tmp_path / "mqc",
        split=["--folds", 3, "--by", "chromosome"],
    )
    assert done.returncode == 0, done.stderr
    found = data(tmp_path / "mqc")
    assert list(found) == ["m.loss", "m.training"]
    for name, line in found["m.loss"].items():
        rows = [row.split("\t") for row in (tmp_path / f"{name}.history.tsv").read_text().splitlines()[1:]]
        assert line == [[int(row[0]), pytest.approx(float(row[3]), rel=1e-3)] for row in rows]
        metrics = json.loads((tmp_path / f"{name}.metrics.json").read_text())
        row = found["m.training"][name]
        assert (row["best_epoch"], row["epochs"]) == (metrics["best_epoch"], 2)
        assert row["test_mAP"] == pytest.approx(metrics["test"]["mAP"], abs=1e-3)
    assert list(found["m.loss"]) == list(found["m.training"]) == ["m.fold1", "m.fold2", "m.fold3"]
