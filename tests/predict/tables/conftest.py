import pytest

from predict.tables.rows import Sheet, read_sheet


@pytest.fixture
def sheet(tmp_path):
    def write(text: str) -> Sheet:
        path = tmp_path / "table.csv"
        path.write_text(text, encoding="utf-8")
        return read_sheet(path)

    return write
