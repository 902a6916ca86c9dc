import msgspec
import pytest

from datasets.errors import InputError
from datasets.settings import read_yaml
from datasets.yaml12 import dump
from study.command import find_cell, open_study
from study.config import Recipe, Repeats
from study.data import cut_orders, read_subset, read_train
from study.identity import fingerprint, training_inputs
from study.load import read_study
from study.matrix import Cell, cells
from study.search import Search
from tests.small import begin, make_study, write_config


@pytest.fixture
def config(tmp_path, study):
    return write_config(tmp_path / "study.yaml", study)


def test_opening_leaves_the_resolved_configuration(parse, config, study, tmp_path):
    opened, folder = open_study(parse(config))
    assert opened == study and folder.root == (tmp_path / "studies/small").resolve()
    assert read_study(folder.config) == study
    before = folder.config.stat().st_mtime_ns
    open_study(parse(config))
    assert folder.config.stat().st_mtime_ns == before


def test_name_and_data_go_before_the_file(parse, config, tmp_path):
    (tmp_path / "here").mkdir()
    opened, folder = open_study(parse(config, "--name", "other", "--data", f"paint={tmp_path / 'here'}"))
    assert folder.root.name == opened.name == "other"
    assert opened.datasets[0].root == str((tmp_path / "here").resolve())


def test_a_folder_may_have_an_equals_sign(parse, config, tmp_path):
    (tmp_path / "a=b").mkdir()
    assert open_study(parse(config, "--data", f"paint={tmp_path}/a=b"))[0].datasets[0].root.endswith("a=b")


@pytest.mark.parametrize(("arguments", "fragment"), [
    (["--data", "paint"], "--data paint: give NAME=FOLDER"),
    (["--data", "=x"], "give NAME=FOLDER"),
    (["--data", "paint="], "give NAME=FOLDER"),
    (["--data", "paint=/no/such/folder"], "no folder /no/such/folder"),
    (["--data", "pint=/tmp"], "did you mean 'paint'?"),
    (["--name", "a/b"], "$.name"),
    (["--name", ""], "$.name"),
])
def test_bad_arguments_are_refused_and_nothing_is_written(parse, config, tmp_path, arguments, fragment):
    with pytest.raises(InputError) as error:
        open_study(parse(config, *arguments))
    assert fragment in str(error.value) and not (tmp_path / "studies").exists()


def test_a_data_set_without_a_folder_asks_for_it(parse, tmp_path):
    config = write_config(tmp_path / "study.yaml", make_study(""))
    with pytest.raises(InputError, match="where is data set 'paint'. give --data paint=FOLDER"):
        open_study(parse(config))
    (tmp_path / "here").mkdir()
    open_study(parse(config, "--data", f"paint={tmp_path / 'here'}"))


def test_a_folder_with_runs_of_another_configuration_keeps_its_own(parse, config, study):
    _, folder = open_study(parse(config))
    begin(folder.run(cells(study)[0]), {})
    before = folder.config.read_bytes()
    detector = msgspec.structs.replace(study.detectors[0], recipes={"scaled": Recipe(epochs=99)})
    write_config(config, msgspec.structs.replace(study, detectors=(detector,)))
    with pytest.raises(InputError, match=r"epochs: 10\.0 then, 99\.0 now.*--name"):
        open_study(parse(config))
    assert folder.config.read_bytes() == before
    open_study(parse(config, "--name", "other"))


def test_a_cell_is_found_by_its_arguments(parse, tmp_path, root):
    study = make_study(root, draws=Repeats(up_to=10, count=2), seeds=Repeats(up_to=10, count=2))
    config = write_config(tmp_path / "study.yaml", study)
    assert find_cell(study, parse(config)) == Cell(10, "paint", "tiny", 0, 0)
    assert find_cell(study, parse(config, cell=("paint", "tiny", "1e1", "1", "1"))) == Cell(10, "paint", "tiny", 1, 1)


def test_a_searched_cell_is_one_of_its_own(parse, tmp_path, root):
    study = make_study(root, search=Search(space={"learning_rate": [0.1]}, up_to=50.0))
    config = write_config(tmp_path / "study.yaml", study)
    for fraction in ("10", "50"):
        cell = find_cell(study, parse(config, "--searched", cell=("paint", "tiny", fraction)))
        assert cell == Cell(float(fraction), "paint", "tiny", searched=True)
    with pytest.raises(InputError, match="has no run 'paint tiny 100 % draw 0 seed 0 searched'; fractions: 10, 50;"):
        find_cell(study, parse(config, "--searched", cell=("paint", "tiny", "100")))
    with pytest.raises(InputError, match="its configuration has no 'search', or one of smaller subsets only"):
        find_cell(make_study(root), parse(config, "--searched"))


def test_a_cell_of_the_command_line_is_the_study_s_own(parse, config):
    """Its fingerprint too, also where the fractions are the default ones."""
    raw = read_yaml(config)
    del raw["fractions"]
    config.write_text(dump(raw))
    study, folder = open_study(parse(config))
    dataset = study.datasets[0]
    ours = next(cell for cell in cells(study) if cell.fraction == 50)
    theirs = find_cell(read_study(folder.config), parse(config, cell=("paint", "tiny", "50")))
    cut = msgspec.structs.replace(study, fractions=(50.0,))
    cut_orders(cut, folder, dataset, read_train(dataset))
    subset = read_subset(folder, dataset, ours)
    prints = [fingerprint(training_inputs(study, cell, subset, 0)) for cell in (ours, theirs)]
    assert prints[0] == prints[1]


@pytest.mark.parametrize(("cell", "fragment"), [
    (("pint", "tiny", "10"), "did you mean 'paint'?"),
    (("paint", "tine", "10"), "did you mean 'tiny'?"),
    (("paint", "tiny", "11"), "has no run 'paint tiny 11 % draw 0 seed 0'; fractions: 10, 50, 100"),
    (("paint", "tiny", "10", "1"), "draws and seeds as in"),
    (("paint", "tiny", "10", "0", "1"), "has no run 'paint tiny 10 % draw 0 seed 1'"),
    (("paint", "tiny", "0"), "FRACTION: fraction 0 is outside"),
    (("paint", "tiny", "nan"), "outside (0, 100]"),
    (("paint", "tiny", "101"), "outside (0, 100]"),
])
def test_an_unknown_cell_is_refused(parse, config, study, cell, fragment):
    with pytest.raises(InputError) as error:
        find_cell(study, parse(config, cell=cell))
    assert fragment in str(error.value) and "\n" not in str(error.value)


def test_text_for_a_number_is_argparse_s_business(parse, config, capsys):
    with pytest.raises(SystemExit):
        parse(config, cell=("paint", "tiny", "ten"))
    assert "invalid float value: 'ten'" in capsys.readouterr().err
