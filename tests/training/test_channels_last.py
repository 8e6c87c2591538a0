import copy

import pytest
import torch

from crekit.models.registry import find
from crekit.training.channels_last import ChannelsLast, fits

NETS = ["4conv", "4conv2pool4norm", "6conv3pool6norm"]


def windows(n: int = 6, width: int = 80) -> torch.Tensor:
    torch.manual_seed(5)
    return torch.nn.functional.one_hot(torch.randint(0, 4, (n, width)), 4).float().transpose(1, 2)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("name", NETS)
def test_the_forward_pass_is_the_networks_own(name, padding):
    network = find(f"deepenhancer-{name}").build(2, 80, padding=padding).eval()
    with torch.inference_mode():
        torch.testing.assert_close(ChannelsLast(network)(windows()), network(windows()), rtol=1e-5, atol=1e-6)


def test_a_step_of_training_changes_weights_and_batch_statistics_alike():
    plain = find("deepenhancer-4conv2pool4norm").build(2, 80)
    other = copy.deepcopy(plain)
    for network, forward in ((plain, plain), (other, ChannelsLast(other))):
        network.train()
        optimiser = torch.optim.SGD(network.parameters(), lr=0.1)
        torch.manual_seed(0)  # dropout
        torch.nn.functional.cross_entropy(forward(windows()), torch.tensor([0, 1, 0, 1, 0, 1])).backward()
        optimiser.step()
    for name, tensor in plain.state_dict().items():
        torch.testing.assert_close(other.state_dict()[name], tensor, rtol=1e-4, atol=1e-5, msg=name)


def test_only_plain_stacks_fit():
    assert all(fits(find(f"deepenhancer-{name}").build(2, 80)) for name in NETS)
    assert not fits(find("lstm").build(2, 0))
