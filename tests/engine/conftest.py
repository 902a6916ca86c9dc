import pytest

from study.cluster import Resources, connect, disconnect


@pytest.fixture(scope="session")
def ray() -> Resources:
    """Ray in this process, on all its cores, for the whole session: it takes seconds to start."""
    pytest.importorskip("ray")
    yield connect()
    disconnect()
