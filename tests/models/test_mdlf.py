"""Enhancer-MDLF's networks against the published numbers, and encoded networks as model files."""

import numpy as np
import pytest
import torch
from torch import nn
from toy_encoded import motif_file

from crekit.encoding.encoders import Encoders, KmerEncoding
from crekit.encoding.kmer_vectors import KmerVectors
from crekit.encoding.onehot import one_hot
from crekit.errors import InputError
from crekit.genome.fasta import encode
from crekit.models.encoded import EncodedNetwork, learner
from crekit.models.mdlf import TwoLogits
from crekit.models.registry import find, n_parameters
from crekit.motifs import scoring

FACTS = {
    "kmer": {"k": 3, "dimension": 100, "pooling": "flat", "size": 10_000},
    "motif": {
        "names": [f"m{i}" for i in range(401)], "strands": "forward", "frequency": "length", "ambiguous": True,
        "p": None, "background": [0.25] * 4, "motifs_sha256": "", "thresholds_sha256": "", "rows": 5_746,
    },
}  # fmt: skip


@pytest.fixture
def made(tmp_path) -> Encoders:
    vectors = KmerVectors(2, np.random.default_rng(1).normal(size=(16, 10)).astype(np.float32))
    return Encoders(
        KmerEncoding(vectors, "axis", 10_000), scoring.calibrated(motif_file(tmp_path / "m.meme", "TGACGTCA"), 1e-3)
    )


@pytest.mark.parametrize(
    ("name", "published"), [("mdlf", 1_591_753), ("mdlf-sequence", 1_530_985), ("mdlf-motif", 60_769)]
)
def test_parameters_are_the_published_ones(name, published):
    assert n_parameters(find(name).build(2, 0, encoders=FACTS)) == published


def test_layers_of_the_sequence_branch_have_the_published_widths():
    branch = find("mdlf").build(2, 0, encoders=FACTS).head.branches["kmer"]
    values, widths = torch.zeros(1, 10_000), []
    for layer in branch:
        values = layer(values)
        if isinstance(layer, nn.Conv1d | nn.MaxPool1d):
            widths.append(values.shape[2])
    assert widths == [3334, 1667, 556, 278, 93, 46]
    assert values.shape == (1, 500)


def test_two_logits_are_one_sigmoid():
    logit = torch.tensor([[0.3], [-2.0]])
    np.testing.assert_allclose(
        torch.softmax(TwoLogits()(logit), dim=1)[:, 1].numpy(), torch.sigmoid(logit)[:, 0].numpy(), rtol=1e-6
    )


@pytest.mark.parametrize("name", ["mdlf", "fusion"])
def test_three_classes_have_three_logits(name):
    network = find(name).build(3, 0, encoders=FACTS).eval()
    values = {"kmer": torch.zeros(2, 10_000), "motif": torch.zeros(2, 401), "one-hot": torch.zeros(2, 4, 60)}
    assert network.head(values).shape == (2, 3)


def test_an_encoded_network_is_its_head_on_the_encodings(made):
    network = find("fusion").build(2, 0, encoders=made.facts()).eval()
    network.encoders.fill(made)
    codes = np.stack([encode("ATGACGTCAGGTTTCCAGTA"), encode("TTTTTTGACGTCANNNNNNN")])
    values = {name: torch.from_numpy(one) for name, one in made.encode(codes).items()}
    values["one-hot"] = torch.from_numpy(one_hot(codes))
    with torch.inference_mode():
        np.testing.assert_array_equal(network(values["one-hot"]).numpy(), network.head(values).numpy())
    assert made.encode(codes)["motif"][0, 0] > 0
    assert learner(network) is network.head
    assert learner(nn.Linear(2, 2)).in_features == 2


def test_encoders_travel_with_the_weights(made):
    network = find("mdlf").build(2, 0, encoders=made.facts())
    network.encoders.fill(made)
    other = find("mdlf").build(2, 0, encoders=made.facts())
    other.load_state_dict(network.state_dict())
    assert isinstance(other, EncodedNetwork)
    assert other.encoders.made.same_as(made)
    assert other.encoders.names == ["planted_1"]


def test_a_branch_alone_takes_only_its_encoder(made):
    network = find("mdlf-motif").build(2, 0, encoders=made.facts())
    assert list(network.encoders.facts) == ["motif"]


@pytest.mark.parametrize(("encodings", "mention"), [(["colour"], "choose from"), (["kmer"], "--kmer-vectors")])
def test_an_encoding_that_is_not_there_is_refused(encodings, mention):
    with pytest.raises(InputError, match=mention):
        find("fusion").build(2, 0, encodings=encodings, encoders={})


def test_fusion_reads_only_what_was_chosen(made):
    network = find("fusion").build(2, 0, encodings=["one-hot"], encoders=made.facts())
    assert list(network.head.branches) == ["one-hot"]
    assert n_parameters(find("fusion").build(2, 0, encodings=["motif"], encoders=made.facts())) < n_parameters(network)


def test_what_a_sequence_is_padded_to_does_not_change_fusion():
    torch.manual_seed(1)
    network = find("fusion").build(2, 0)
    network(torch.from_numpy(one_hot(np.random.default_rng(1).integers(0, 4, (8, 90)).astype(np.uint8))))
    codes = np.random.default_rng(2).integers(0, 4, (3, 77)).astype(np.uint8)
    wide = np.full((3, 131), 4, dtype=np.uint8)
    wide[:, :77] = codes
    network.eval()
    with torch.inference_mode():
        logits = [network(torch.from_numpy(one_hot(one))).numpy() for one in (codes, wide)]
    np.testing.assert_allclose(logits[0], logits[1], atol=1e-6)


def test_an_embedding_too_short_for_the_convolutions_is_refused():
    facts = {"kmer": {**FACTS["kmer"], "size": 100}}
    with pytest.raises(ValueError, match="too short"):
        find("mdlf-sequence").build(2, 0, encoders=facts)
