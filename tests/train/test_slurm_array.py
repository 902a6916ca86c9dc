"""The scheduler's script, started as Slurm starts it: with the number of the task in its environment."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import run_study
from tests.small import write_dataset

SCRIPT = Path(__file__).resolve().parent.parent.parent / "train/slurm_array.sh"
RECIPE = {"batch_size": 4, "epochs": 1, "min_steps": 20, "learning_rate": 0.001}
ECHO = shlex.join([sys.executable, "-c", "import json, os, sys; print(json.dumps([os.getpid(), *sys.argv[1:]]))"])


def _start(task, *arguments, **options):
    environment = os.environ | ({} if task is None else {"SLURM_ARRAY_TASK_ID": str(task)})
    return subprocess.Popen([SCRIPT, *arguments], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True, **options)


@pytest.fixture
def listed(tmp_path):
    path = tmp_path / "a list.txt"
    path.write_text(f"{ECHO} one\n{ECHO} 'two words' \"it's\" '$HOME;'\n")
    return path


@pytest.mark.parametrize(("task", "said"), [(0, ["one"]), (1, ["two words", "it's", "$HOME;"])])
def test_a_task_runs_its_line_in_its_own_process(tmp_path, listed, task, said):
    """So that it is the process that Slurm signals."""
    process = _start(task, listed, cwd=tmp_path)
    output, errors = process.communicate(timeout=300)
    assert json.loads(output) == [process.pid, *said]
    assert process.returncode == 0 and not errors


@pytest.mark.parametrize(("task", "arguments", "fragment"), [
    (None, ["list"], "submit with sbatch --array=0-N"), (0, [], "give the list that run_study.py --list printed"),
    (4, ["a list.txt"], "a list.txt has no line for task 4; lower the end of --array"), (0, ["absent"], "absent"),
])
def test_what_is_missing_is_said_in_one_line(tmp_path, listed, task, arguments, fragment):
    process = _start(task, *arguments, cwd=tmp_path)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 2 and fragment in errors and errors.count("\n") == 1


def test_a_signal_reaches_the_run(tmp_path):
    (tmp_path / "list").write_text(shlex.join([sys.executable, "-c", "print('up', flush=True); input()"]) + "\n")
    process = _start(0, tmp_path / "list", stdin=subprocess.PIPE)
    assert process.stdout.readline() == "up\n"
    process.terminate()
    process.communicate(timeout=300)
    assert process.returncode == -signal.SIGTERM


@pytest.mark.slow
def test_tasks_that_start_together_share_the_records_and_finish_their_runs(tmp_path, capsys):
    """Two tasks of the list at once, none of them preceded by the records; then the list is empty."""
    root = write_dataset(tmp_path / "my data")
    study = {"name": "small", "fractions": [50], "seeds": {"up_to": 50, "count": 2},
             "datasets": [{"name": "paint", "root": str(root)}],
             "detectors": [{"name": "tiny", "width": 0.1, "input_size": 64, "stored_size": 64,
                            "recipes": {"scaled": RECIPE}}], "bootstrap": 20}
    config = tmp_path / "a study.yaml"
    config.write_text(yaml.safe_dump(study))
    command = [str(config), "--studies", str(tmp_path / "my studies"), "--list"]
    assert run_study.main(command) == 0
    (tmp_path / "list").write_text(capsys.readouterr().out)
    tasks = [_start(task, tmp_path / "list", cwd=tmp_path) for task in range(2)]
    ended = [(*task.communicate(timeout=3000), task.returncode) for task in tasks]
    assert [status for *_, status in ended] == [0, 0], ended
    runs = tmp_path / "my studies/small/paint/runs/tiny/50/draw-0"
    assert {json.loads((runs / f"seed-{seed}/result.json").read_text())["steps"] for seed in range(2)} == {20}
    assert run_study.main(command) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("script", ["train/train_subset.sh", "evaluate/evaluate_subset.sh"])
def test_a_script_runs_from_a_folder_with_an_environment_of_its_own_and_as_a_copy_from_the_repository(tmp_path, script):
    repository = SCRIPT.parent.parent
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / "spool").mkdir()
    copied = shutil.copy(repository / script, tmp_path / "spool")
    for path, folder in ((repository / script, tmp_path), (copied, repository)):
        ended = subprocess.run([path, "--help"], cwd=folder, capture_output=True, text=True, timeout=600)
        assert (repository / ".venv/bin/python").exists() == (ended.returncode == 0), ended.stderr
        assert ended.returncode == 2 or "CONFIG" in ended.stdout
