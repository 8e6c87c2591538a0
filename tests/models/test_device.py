import pytest

from crekit.errors import InputError
from crekit.models.device import device_of


def test_devices_are_checked():
    assert device_of("cpu").type == "cpu"
    with pytest.raises(InputError, match="choose auto, cpu or cuda"):
        device_of("gpu")
