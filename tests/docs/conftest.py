import pytest

from tests.docs.workplace import Workplace


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    place = Workplace(tmp_path_factory.mktemp("docs") / "repository")
    place.prepare()
    yield place
    place.close()
