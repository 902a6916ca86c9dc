"""The training of one cell: a detector of the study on one subset, from its start or from where it was killed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict

from datasets.files import remove_parts, write_json
from detectors.checkpoints.checkpoint import restore
from detectors.detector import build
from study.checkpoints import checkpoint_prefix
from study.config import DetectorConfig, Recipe, Study, find_dataset, find_detector, find_recipe
from study.data import image_bytes, image_folder, read_subset
from study.identity import claim, fingerprint, training_inputs
from study.layout import RunFolder, StudyFolder
from study.matrix import Cell
from study.search import Settings
from study.searched import read_found
from study.tracking.follow import Tracking, open_tracking, parameters_of
from study.trials import apply, search_of, trial_study, tuning_of
from train.passes import Job, refuse_nothing, train_passes
from train.spent import begin
from train.strategy import check_batch, is_chief, prepare
from train.training import Training, read_training
from train.tuning import Look, cut


def train_cell(study: Study, folder: StudyFolder, cell: Cell, device: str) -> Training:
    """Train `cell` unless that is done, and return what is known of the training.

    Raises InputError if the folder holds a run of other inputs, if the records are missing, if there is nothing to
    learn from, if too many images cannot be decoded, if the loss diverges, or if the cell's search is not done.
    """
    return _train_run(study, folder, cell, folder.run(cell), device)


def train_trial(study: Study, folder: StudyFolder, cell: Cell, number: int, settings: Settings, device: str,
                report: Callable[[Look], None]) -> Training:
    """Train trial `number` of a searched cell unless that is done; `report` is told of every look as it is noted.

    Raises InputError as `train_cell`.
    """
    run = folder.run(cell).trial(number)
    return _train_run(trial_study(study, cell, settings), folder, cell, run, device, number, report)


def _train_run(study: Study, folder: StudyFolder, cell: Cell, run: RunFolder, device: str, trial: int | None = None,
               report: Callable[[Look], None] | None = None) -> Training:
    dataset = find_dataset(study, cell.dataset)
    subset = read_subset(folder, dataset, cell)
    inputs = training_inputs(study, cell, subset, image_bytes(subset, image_folder(dataset, dataset.train)), trial)
    if run.training.exists():
        claim(run, inputs)
        if finished := read_training(run):
            return finished
    found = read_found(run) if cell.searched and trial is None else None
    if found:
        study = apply(study, cell, found.best.settings)
    check_cell(study, folder, cell)
    if is_chief(prepare(study.runtime)):
        remove_parts(run.root)
    if not run.has_begun():
        run.spent.unlink(missing_ok=True)  # of checkpoints that are no more
    claim(run, inputs)
    detector, strategy = find_detector(study, cell.detector), prepare(study.runtime)
    records = folder.train_records(cell.dataset, detector.stored_size, cell.draw)
    name = str(cell) if trial is None else f"{cell}, trial {trial}"
    spent = begin(run.spent, device, study.runtime, is_chief(strategy))
    told = parameters_of(study, cell, inputs)
    with open_tracking(study, name, run, told, device) if is_chief(strategy) else Tracking() as tracking:
        job = Job(study, folder, cell, dataset, detector, find_recipe(study, detector), subset, records, run, strategy,
                  name, spent, tracking.metrics, found, report)
        training = train_passes(job, fingerprint(inputs), device)
        if trial is not None:
            tracking.finish()  # nothing else is done with it
    if is_chief(strategy):
        write_json(run.training, asdict(training))
    return training


def check_cell(study: Study, folder: StudyFolder, cell: Cell) -> None:
    """Raise InputError for what would stop the training of `cell` and can be told before: its subset and its batch."""
    subset = read_subset(folder, find_dataset(study, cell.dataset), cell)
    recipe = find_recipe(study, find_detector(study, cell.detector))
    refuse_nothing(subset, cell)
    check_batch(recipe.batch_size, prepare(study.runtime), cell)
    if rule := tuning_of(search_of(study)) if cell.searched else recipe.tuning:
        cut(subset, rule, cell)


def check_checkpoint(detector: DetectorConfig, recipe: Recipe, classes: Sequence[str]) -> None:
    """Raise InputError unless a detector for `classes` can start from its checkpoint as the recipe says."""
    if detector.checkpoint:
        fresh = build(detector.kind, len(classes), input_size=detector.input_size, width=detector.width,
                      depth=detector.depth)
        restore(fresh, checkpoint_prefix(detector.checkpoint), recipe.restore, classes)
