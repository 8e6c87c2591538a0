"""The engine for all tests of the pipeline; they are skipped, with a reason, where it cannot be had."""

import pytest
from pipeline.engine import Absent, Engine, find_engine


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Nextflow, ready to start: ``engine.run(folder, "--workflow", "signal", ...)``."""
    try:
        return find_engine(tmp_path_factory.mktemp("nextflow-home"))
    except Absent as reason:
        pytest.skip(str(reason))
