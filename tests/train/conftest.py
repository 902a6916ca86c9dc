"""Trainings that tests look at and leave as they are."""

import pytest

from detectors import runtime

runtime.start()

from records.prepare import prepare  # noqa: E402
from study.layout import StudyFolder  # noqa: E402
from tests.small import write_dataset  # noqa: E402
from tests.train.cells import AVERAGED, CELL, WHOLE, prepared, study_of  # noqa: E402
from train.run import train_cell  # noqa: E402


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A trained cell: study, folder and what train_cell returned."""
    root = tmp_path_factory.mktemp("paint")
    study = study_of(write_dataset(root / "data"), steps=30)
    folder = StudyFolder(root / "studies")
    prepare(study, folder, study.datasets[0])
    return study, folder, train_cell(study, folder, CELL, "on a test")


@pytest.fixture(scope="session")
def tuned(tmp_path_factory):
    """A training with a tuning split and a moving average, in one go."""
    study, folder = prepared(tmp_path_factory.mktemp("tuned"), **AVERAGED)
    return study, folder, train_cell(study, folder, WHOLE, "on a test")
