import pandas as pd
import pytest

from datasets.files import write_json
from study.__main__ import main
from study.identity import EVALUATION
from study.matrix import cells
from tests.small import write_config
from tests.study.test_results import make_result


@pytest.fixture
def config(study, folder, tmp_path):
    """The configuration of a study with two results of three runs, whose results.csv is lost."""
    first, _, last = cells(study)
    for cell in (first, last):
        write_json(folder.run(cell).result, make_result(cell))
    write_config(folder.config, study)
    return write_config(tmp_path / "config.yaml", study)


@pytest.mark.parametrize("named", ["folder", "configuration"])
def test_results_are_made_anew(config, folder, capsys, named):
    arguments = [str(folder.root)] if named == "folder" else [str(config), "--studies", str(folder.root.parent)]
    assert main(["collect", *arguments]) == 0
    assert capsys.readouterr().out == f"{folder.results}: 4 rows of 2 runs; 1 of 3 have no result yet\n"
    assert pd.read_csv(folder.results)["fraction"].tolist() == [10, 10, 100, 100]


def break_version(study, folder):
    write_json(folder.run(cells(study)[0]).result, make_result(cells(study)[0], layout=EVALUATION + 1))


def break_keys(study, folder):
    result = make_result(cells(study)[0])
    del result["steps"]
    write_json(folder.run(cells(study)[0]).result, result)


def block(study, folder):
    folder.results.mkdir()


@pytest.mark.parametrize(("change", "fragment"), [
    (break_version, "result.json: written by a newer version (layout"),
    (block, ": Is a directory; make room or choose another place"),
    (break_keys, "result.json: not a result file of this version (Object missing required field `steps`); delete it"),
])
def test_what_cannot_be_read_or_written_is_one_line(study, config, folder, capsys, change, fragment):
    change(study, folder)
    assert main(["collect", str(folder.root)]) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.count("\n") == 1 and fragment in printed.err


@pytest.mark.parametrize(("arguments", "fragment"), [
    ([], "not there, so this is no study's folder"), (["--name", "x"], "--name and --data go with a configuration"),
])
def test_a_folder_that_is_no_study_is_named(tmp_path, capsys, arguments, fragment):
    assert main(["collect", str(tmp_path), *arguments]) == 2
    assert fragment in capsys.readouterr().err
