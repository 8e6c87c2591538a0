"""What all tests share: where the real data lie, and a seeded generator."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest
from simulate import Simulated, simulate

# As the tools do, before anything loads torch.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

# Where the tests run in the background, Ctrl-C or a closed terminal are ignored, and so would the tools that they stop.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real data; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("CREKIT_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"real data are not at {folder}; set CREKIT_DATA to their folder")
    return folder


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(1)


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    """A small genome with planted elements, and all its files; made once a session. Not to be written into."""
    return simulate(tmp_path_factory.mktemp("simulated"))
