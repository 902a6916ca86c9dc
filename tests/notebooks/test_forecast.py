"""The notebook runs, and what is stored in it is what comes out."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "notebooks/forecast.ipynb"


@pytest.fixture(scope="module")
def stored():
    return nbformat.read(NOTEBOOK, as_version=4)


@pytest.mark.slow
@pytest.mark.parametrize("folder", [ROOT, NOTEBOOK.parent])
def test_what_is_stored_comes_out_wherever_it_is_started(stored, folder):
    fresh = nbformat.read(NOTEBOOK, as_version=4)
    for cell in fresh.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    NotebookClient(fresh, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()
    assert [_texts(cell) for cell in fresh.cells] == [_texts(cell) for cell in stored.cells]
    assert [_kinds(cell) for cell in fresh.cells] == [_kinds(cell) for cell in stored.cells]


def test_it_is_stored_as_run_once_from_the_top_and_small(stored):
    code = [cell for cell in stored.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert sum("image/png" in kinds for cell in code for kinds in _kinds(cell)) >= 4
    assert NOTEBOOK.stat().st_size < 400_000


def _texts(cell):
    """Return what a cell printed and the tables that it shows; of pictures, whose bytes depend on fonts, nothing."""
    return [output.get("text") or output.data["text/plain"] for output in cell.get("outputs", [])
            if output.output_type == "stream" or "image/png" not in output.data]


def _kinds(cell):
    return [sorted(output.get("data", {})) for output in cell.get("outputs", [])]
