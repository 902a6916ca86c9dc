"""How far a study is."""

from __future__ import annotations

from datasets.files import read_json
from study.config import Study, find_dataset
from study.data import read_split, read_subset
from study.identity import evaluation_inputs, fingerprint, refuse_changed, training_inputs
from study.layout import StudyFolder
from study.matrix import Cell


def is_finished(study: Study, folder: StudyFolder, cell: Cell) -> bool:
    """Tell whether the cell has a result of exactly these inputs.

    Raises InputError if its folder holds a run with other inputs.
    """
    run = folder.run(cell)
    if not run.params.exists():
        return False
    dataset = find_dataset(study, cell.dataset)
    training = training_inputs(study, cell, read_subset(folder, dataset, cell))
    refuse_changed(run, training)
    evaluation = evaluation_inputs(study, read_split(dataset, dataset.validation), fingerprint(training))
    return run.result.exists() and read_json(run.result).get("fingerprint") == fingerprint(evaluation)
