from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path

import pytest

from study.command import add_cell_arguments, add_study_arguments
from study.config import Study
from study.layout import StudyFolder
from tests.small import make_study, write_dataset


@pytest.fixture
def root(tmp_path) -> Path:
    return write_dataset(tmp_path / "paint")


@pytest.fixture
def study(root) -> Study:
    return make_study(root)


@pytest.fixture
def folder(tmp_path) -> StudyFolder:
    return StudyFolder(tmp_path / "studies" / "small")


@pytest.fixture
def parse(tmp_path) -> Callable[..., Namespace]:
    """Return a function that parses the arguments of a command on a cell, with a folder of studies of its own."""

    def parse(config: Path, *arguments: str, cell: tuple[str, ...] = ("paint", "tiny", "10")) -> Namespace:
        parser = ArgumentParser()
        add_study_arguments(parser)
        add_cell_arguments(parser)
        return parser.parse_args([str(config), *cell, "--studies", str(tmp_path / "studies"), *arguments])

    return parse
