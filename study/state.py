"""How far a study is."""

from __future__ import annotations

import hashlib

from datasets.files import read_json_if_whole, write_json
from study.config import Study, find_dataset
from study.data import image_bytes, image_folder, read_subset, read_validation, validation_split
from study.identity import evaluation_inputs, fingerprint, refuse_changed, training_inputs
from study.layout import StudyFolder
from study.load import dump_study
from study.matrix import Cell, cells
from study.result_file import is_result_of


def is_concluded(study: Study, folder: StudyFolder) -> bool:
    """Tell whether all that was made of exactly this configuration and these results is still there."""
    noted = read_json_if_whole(folder.concluded) or {}
    return noted.get("sources") == _sources(study, folder) and all(
        (folder.root / name).exists() for name in noted.get("made", []))


def note_conclusion(study: Study, folder: StudyFolder) -> None:
    """Note what table, forecast and report were made of. Call it after they are written."""
    made = [path for path in (folder.results, folder.forecast_table, folder.report) if path.exists()]
    write_json(folder.concluded, {"made": [str(path.relative_to(folder.root)) for path in made],
                                  "sources": _sources(study, folder)})


def finished_cells(study: Study, folder: StudyFolder) -> list[Cell]:
    """Return the cells that have a result of exactly these inputs. Raises InputError as `is_finished`."""
    return [cell for cell in cells(study) if is_finished(study, folder, cell)]


def is_finished(study: Study, folder: StudyFolder, cell: Cell) -> bool:
    """Tell whether the cell has a result of exactly these inputs.

    Raises InputError if its folder holds a run with other inputs.
    """
    run = folder.run(cell)
    if not run.params.exists():
        return False
    dataset = find_dataset(study, cell.dataset)
    subset = read_subset(folder, dataset, cell)
    training = training_inputs(study, cell, subset, image_bytes(subset, image_folder(dataset, dataset.train)))
    validation = read_validation(dataset)
    size = image_bytes(validation, image_folder(dataset, validation_split(dataset)))
    evaluation = fingerprint(evaluation_inputs(study, validation, size, fingerprint(training)))
    if run.detections.exists() and is_result_of(run.result, evaluation):
        return True
    refuse_changed(run, training)
    return False


def _sources(study: Study, folder: StudyFolder) -> dict[str, str]:
    """Return hashes of the configuration and of every result that there is: a clock that jumps misleads no content."""
    paths = {str(cell): folder.run(cell).result for cell in cells(study)}
    contents = {name: path.read_bytes() for name, path in paths.items() if path.exists()}
    return {"study": _hash(dump_study(study).encode())} | {name: _hash(data) for name, data in contents.items()}


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
