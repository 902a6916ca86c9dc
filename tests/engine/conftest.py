import pytest

from study.cluster import Resources, connect, disconnect


@pytest.fixture(scope="module")
def ray() -> Resources:
    """Ray in this process, on all its cores, for the tests of a module: it takes seconds to start."""
    pytest.importorskip("ray")
    yield connect()
    disconnect()
