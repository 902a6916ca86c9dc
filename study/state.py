"""How far a study is."""

from __future__ import annotations

from datasets.files import read_json
from study.config import Study, find_dataset
from study.data import image_bytes, image_folder, read_subset, read_validation, validation_split
from study.identity import evaluation_inputs, fingerprint, refuse_changed, training_inputs
from study.layout import StudyFolder
from study.matrix import Cell, cells


def is_concluded(study: Study, folder: StudyFolder) -> bool:
    """Tell whether table, forecast and report are there and newer than the configuration and every result."""
    made = [folder.results, *([folder.forecast_table, folder.report] if len(study.fractions) > 1 else [])]
    sources = [folder.config, *(folder.run(cell).result for cell in cells(study))]
    if not all(path.exists() for path in made + sources):
        return False
    return min(path.stat().st_mtime_ns for path in made) >= max(path.stat().st_mtime_ns for path in sources)


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
    refuse_changed(run, training)
    validation = read_validation(dataset)
    size = image_bytes(validation, image_folder(dataset, validation_split(dataset)))
    evaluation = evaluation_inputs(study, validation, size, fingerprint(training))
    if not run.result.exists() or not run.detections.exists():
        return False
    return read_json(run.result).get("fingerprint") == fingerprint(evaluation)
