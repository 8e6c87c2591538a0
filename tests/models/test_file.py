from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from crekit.errors import InputError
from crekit.models import file as model_file
from crekit.models import registry
from crekit.models.file import SignalSettings


def settings(**changes: object) -> SignalSettings:
    made = SignalSettings(
        arch="deepregfinder-cnn",
        classes=["background", "enhancer", "promoter"],
        marks=["H3K27ac", "H3K4me1"],
        bin_size=100,
        n_bins=20,
        sizes={"chr1": 10_000},
        kinds={"H3K27ac": "counts", "H3K4me1": "counts"},
        normalise="rpm",
        min_nonzero=5,
        mean=[1.0, 2.0],
        std=[0.5, 4.0],
        split={"kind": "chromosomes", "train": ["chr1"], "val": ["chr2"], "test": ["chr3"]},
        training={},
        counts={},
        record={},
    )
    return replace(made, **changes)


@pytest.fixture
def saved(tmp_path):
    torch.manual_seed(0)
    network = registry.find("deepregfinder-cnn").build(2, 3, 20).eval()
    model_file.save(tmp_path / "m.safetensors", settings(), network)
    return tmp_path / "m.safetensors", network


def test_a_model_comes_back_as_it_was_saved(saved):
    path, network = saved
    model = model_file.load(path)
    assert model.settings == settings()
    assert model.name == "m"
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(model.network.state_dict()[name], tensor, rtol=0, atol=0)


def test_the_same_model_gives_the_same_bytes(saved, tmp_path):
    path, network = saved
    model_file.save(tmp_path / "again.safetensors", settings(), network)
    assert (tmp_path / "again.safetensors").read_bytes() == path.read_bytes()


def test_probabilities_are_the_softmax_of_logits_of_standardised_tracks(saved, rng):
    path, network = saved
    values = rng.normal(size=(11, 2, 20)).astype(np.float32)
    standardised = (values - np.array([[1.0], [2.0]], np.float32)) / np.array([[0.5], [4.0]], np.float32)
    with torch.inference_mode():
        expected = torch.softmax(network(torch.from_numpy(standardised)), dim=1).numpy()
    np.testing.assert_allclose(model_file.load(path).probabilities(values, batch_size=4), expected, atol=1e-6)


def test_the_temperature_divides_the_logits(saved, rng):
    path, _ = saved
    values = rng.normal(size=(5, 2, 20)).astype(np.float32)
    cool = model_file.load(path)
    warm = replace(cool, settings=settings(temperature=2.0))
    np.testing.assert_allclose(
        np.log(warm.probabilities(values)[:, 0] / warm.probabilities(values)[:, 1]) * 2,
        np.log(cool.probabilities(values)[:, 0] / cool.probabilities(values)[:, 1]),
        rtol=1e-4,
    )


def test_a_truncated_model_is_refused(saved):
    path, _ = saved
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InputError, match=r"m\.safetensors: not a safetensors file, or damaged"):
        model_file.load(path)


def test_a_damaged_weight_is_found_though_it_is_a_number(saved):
    path, _ = saved
    content = bytearray(path.read_bytes())
    content[-40] ^= 0x01
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"m\.safetensors: the model's weights are damaged"):
        model_file.load(path)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"mean": [1.0]}, "mean and std"),
        ({"temperature": float("inf")}, "temperature"),
        ({"std": [0.0, 1.0]}, "mean and std"),
        ({"bin_size": 0}, "bin_size"),
        ({"split": {}}, "split"),
        ({"sizes": {}}, "sizes"),
    ],
)
def test_settings_that_cannot_be_right_are_refused(changes, reason):
    with pytest.raises(ValueError, match=f"{reason}.* cannot be right"):
        settings(**changes).check()


def test_a_pickle_is_refused_and_never_run(tmp_path):
    path = tmp_path / "evil.safetensors"
    torch.save({"x": torch.zeros(1)}, path)
    with pytest.raises(InputError, match="not a safetensors file"):
        model_file.load(path)


def test_safetensors_of_others_are_refused(tmp_path):
    path = tmp_path / "other.safetensors"
    save_file({"weight": torch.zeros(2)}, path)
    with pytest.raises(InputError, match="not a model of crekit"):
        model_file.load(path)


def test_a_model_whose_weights_do_not_fit_is_refused(tmp_path):
    network = registry.find("deepregfinder-cnn").build(2, 3, 20)
    model_file.save(tmp_path / "m.safetensors", settings(marks=["A", "B", "C"]), network)
    with pytest.raises(InputError, match="the model file is damaged"):
        model_file.load(tmp_path / "m.safetensors")


def test_a_newer_format_is_refused(saved, monkeypatch):
    path, network = saved
    monkeypatch.setattr(model_file, "VERSION", 2)
    model_file.save(path, settings(), network)
    monkeypatch.setattr(model_file, "VERSION", 1)
    with pytest.raises(InputError, match=r"newer crekit \(model format 2\)"):
        model_file.load(path)
