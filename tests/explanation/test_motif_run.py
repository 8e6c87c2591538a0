import numpy as np
import pytest
import torch
from torch import nn

from crekit.errors import InputError
from crekit.explanation import motif_run
from crekit.models.file import SequenceModel
from crekit.models.settings import SequenceSettings
from crekit.motifs import meme
from crekit.motifs.pwm import Motif


def model(network=None, arch="deepenhancer-4conv2pool4norm"):
    settings = SequenceSettings(
        arch=arch, classes=["background", "enhancer"], window=60, stride=2, short="contain", ambiguous="drop",
        split={"kind": "random", "train": [], "val": [], "test": []}, training={}, counts={}, record={},
    )  # fmt: skip
    return SequenceModel(settings, (network or settings.build()).eval())


@pytest.mark.parametrize("arch", ["deepenhancer-4conv", "deepenhancer-4conv2pool4norm", "deepenhancer-6conv3pool6norm"])
def test_kernels_give_the_activations_of_the_network_batch_norm_included(arch):
    torch.manual_seed(3)
    of = model(arch=arch)
    for layer in of.network.modules():
        if isinstance(layer, nn.BatchNorm1d):
            for values in (layer.weight.data, layer.bias.data, layer.running_mean):
                values.normal_()
            layer.running_var.uniform_(0.1, 3)
    kernels = motif_run.first_kernels(of)
    words = torch.randint(0, 4, (50, 8))
    one_hot = nn.functional.one_hot(words, 4).transpose(1, 2).float()
    last = next(i for i, layer in enumerate(of.network) if isinstance(layer, nn.ReLU))
    with torch.inference_mode():
        theirs = of.network[: last + 1](one_hot)[:, :, 0].numpy()
    ours = np.maximum(np.einsum("kbi,nbi->nk", kernels.weights, one_hot.numpy()) + kernels.bias, 0)
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (nn.Sequential(nn.Flatten(), nn.Linear(240, 2)), "has no convolution"),
        (nn.Sequential(nn.Conv1d(5, 8, 3), nn.Flatten(), nn.Linear(464, 2)), "does not begin with a convolution"),
    ],
    ids=["dense", "five channels"],
)
def test_networks_without_kernels_over_the_bases_are_refused(network, message):
    with pytest.raises(InputError, match=message):
        motif_run.first_kernels(model(network))


@pytest.fixture
def known(tmp_path, rng):
    motifs = [Motif(f"M{i}", "", rng.dirichlet([0.5] * 4, 8), 20) for i in range(60)]
    meme.write(tmp_path / "known.meme", motifs)
    meme.write(tmp_path / "few.meme", motifs[:10])
    return tmp_path


def test_the_seed_chooses_the_untrained_kernels_and_torch_is_left_alone(known):
    of = model()
    before = torch.random.get_rng_state()

    def untrained(seed):
        plan = motif_run.Plan(untrained=2, threads=1, database=known / "known.meme", seed=seed)
        return motif_run.run(of, None, plan).untrained

    one, same, other = untrained(1), untrained(1), untrained(5)
    assert (one.n_networks, one.n_kernels, len(one.best)) == (2, 256, 256)
    np.testing.assert_array_equal(one.best, same.best)
    assert (one.best != other.best).any()
    assert torch.equal(torch.random.get_rng_state(), before)


def test_few_known_motifs_are_a_warning(known, caplog):
    with caplog.at_level("WARNING", "crekit"):
        motif_run.run(model(), None, motif_run.Plan(untrained=1, threads=1, database=known / "few.meme"))
    assert caplog.text.count("only 10 motifs to compare with") == 1


def test_the_record_holds_what_changes_the_result_and_no_path(known):
    plan = motif_run.Plan(untrained=0, threads=1, database=known / "known.meme")
    made = motif_run.run(model(), None, plan).record
    assert made["options"] == {
        "method": "enumerate", "weighting": "count", "untrained": 0, "max-evalue": 0.1, "min-columns": 5,
        "min-bits": 0.25, "background": (0.25, 0.25, 0.25, 0.25), "seed": 1,
    }  # fmt: skip
    assert [(item["role"], item["name"]) for item in made["inputs"]] == [("model", ""), ("database", "own file")]


def test_untrained_kernels_match_jaspar_below_the_papers_e_value_and_few_count():
    found = motif_run.run(model(), None, motif_run.Plan(untrained=1, threads=1))
    assert (found.n_targets, found.silent, found.untrained.n_kernels) == (1019, 0, 128)
    assert len({match.motif.name for match in found.matches}) >= 126
    assert found.untrained.matching >= 126
    assert found.untrained.counted <= 2
