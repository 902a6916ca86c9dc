"""A small study, end to end and with everything that can happen to it, in processes of its own."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import yaml

import run_study
from detectors.runtime import start
from engine.describe import describe
from study.command import open_study
from tests import folders
from tests.small import write_split

ROOT = Path(__file__).resolve().parent.parent
RECIPE = {"batch_size": 8, "epochs": 1, "min_steps": 60, "optimizer": "adam", "learning_rate": 0.001,
          "batch_norm_momentum": 0.9}
STUDY = {
    "name": "small",
    "datasets": [{"name": "digits", "generator": "digits", "generated": [40, 12]}],
    "detectors": [{"name": "tiny", "width": 0.35, "input_size": 96, "stored_size": 96, "recipes": {"scaled": RECIPE}}],
    "fractions": [10, 50, 100],
    "draws": {"up_to": 10, "count": 2},
    "checkpoint_every": 20,
    "bootstrap": 20,
    "forecast": {"fit_up_to": 50},
}
RUNS = [(10, 0), (10, 1), (50, 0), (100, 0)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("study")


def _config(folder, **changes):
    study = json.loads(json.dumps(STUDY | changes))
    study["datasets"][0]["root"] = str(folder / "digits")
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(study))
    return path


def _command(folder, script="run_study.py"):
    return [sys.executable, script, str(folder / "study.yaml"), "--studies", str(folder / "studies")]


def _run(folder):
    return subprocess.run(_command(folder), cwd=ROOT, capture_output=True, text=True, timeout=900)


def _wait_for(condition, process, seconds=300):
    until = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < until, "nothing happened"
        time.sleep(0.05)


def _stamps(folder: Path) -> dict[Path, int]:
    """Return when each file was written, but for locks: they name their owner while they are held."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock"}


@pytest.mark.slow
def test_a_run_killed_in_training_resumes_and_the_study_completes(folder):
    _config(folder)
    run = folder / "studies/small/digits/runs/tiny/10/draw-0/seed-0"
    process = subprocess.Popen(_command(folder), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    _wait_for(lambda: list((run / "checkpoints").glob("ckpt-20.index")), process)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert (run / "params.yaml").exists() and not (run / "training.json").exists()

    finished = _run(folder)
    assert finished.returncode == 0, finished.stderr
    assert json.loads((run / "training.json").read_text())["resumed_at"] >= 20
    study = folder / "studies/small"
    results = pd.read_csv(study / "results.csv")
    assert sorted(set(zip(results["fraction"], results["draw"]))) == RUNS
    assert set(results.loc[results["fraction"] == 50, "images"]) == {20}
    assert results.loc[results["metric"] == "AP", "value"].between(0, 1).all()
    assert results.loc[results["metric"] == "loss", "value"].gt(0).all()
    assert "forecast" in finished.stdout and (study / "forecast/forecast.csv").exists()
    page = (study / "report.html").read_text()
    assert "<svg" in page and "data:image/" in page


@pytest.mark.slow
def test_every_image_is_in_the_largest_detections_or_has_none(folder):
    detections = json.loads((folder / "studies/small/digits/runs/tiny/100/draw-0/seed-0/detections.json").read_text())
    assert {d["image_id"] for d in detections} <= set(range(1, 13)) and detections


@pytest.mark.slow
def test_a_finished_study_is_left_alone(folder):
    before = _stamps(folder / "studies")
    again = _run(folder)
    assert again.returncode == 0 and "nothing to do: all 4 runs are finished" in again.stdout
    assert before == _stamps(folder / "studies")


@pytest.mark.slow
def test_a_lost_result_is_made_again_without_training(folder):
    run = folder / "studies/small/digits/runs/tiny/10/draw-1/seed-0"
    trained = (run / "training.json").stat().st_mtime_ns
    before = json.loads((run / "result.json").read_text())
    (run / "result.json").unlink()
    of_another_metric = folder / "studies/small/charts/classes_digits_AR.png"
    of_another_metric.touch()
    assert _run(folder).returncode == 0
    assert not of_another_metric.exists() and of_another_metric.with_stem("classes_digits_AP").exists()
    assert (run / "training.json").stat().st_mtime_ns == trained
    assert json.loads((run / "result.json").read_text())["metrics"] == before["metrics"]


@pytest.mark.slow
@pytest.mark.parametrize(("changes", "named"), [
    ({"detectors": [STUDY["detectors"][0] | {"recipes": {"scaled": RECIPE | {"learning_rate": 0.002}}}]},
     "recipes.scaled.learning_rate: 0.001 then, 0.002 now"),
    ({"detectors": [STUDY["detectors"][0] | {"input_size": 64}]}, "tiny.input_size: 96 then, 64 now"),
])
def test_another_configuration_is_refused_in_one_line(folder, changes, named):
    _config(folder, **changes)
    refused = _run(folder)
    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 1 and named in refused.stderr and "--name" in refused.stderr


@pytest.mark.slow
def test_other_annotations_are_refused_in_one_line(folder):
    _config(folder)
    path = folder / "digits/annotations/instances_train.json"
    content = json.loads(path.read_text())
    content["annotations"][0]["bbox"][2] += 1
    path.write_text(json.dumps(content))
    refused = _run(folder)
    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 1 and "other annotations" in refused.stderr


@pytest.mark.slow
def test_a_study_that_holds_its_validation_images_out_completes(tmp_path):
    """There is no validation set beside the training images that could be taken for it."""
    write_split(tmp_path / "paint", "train", 40)
    recipe = RECIPE | {"batch_size": 4, "min_steps": 20}
    study = STUDY | {"datasets": [{"name": "paint", "root": str(tmp_path / "paint"), "hold_out": 30}], "draws": {},
                     "detectors": [STUDY["detectors"][0] | {"width": 0.1, "recipes": {"scaled": recipe}}]}
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study))
    finished = _run(tmp_path)
    assert finished.returncode == 0, finished.stderr
    folder = tmp_path / "studies/small"
    trained_on = set(json.loads((folder / "paint/order.json").read_text())["image_ids"])
    held_out = set(range(1, 41)) - trained_on
    results = pd.read_csv(folder / "results.csv")
    assert results.groupby("fraction")["images"].first().to_dict() == {
        fraction: fraction * len(trained_on) // 100 for fraction in (10, 50, 100)} and 5 <= len(held_out) <= 20
    for run in folder.glob("paint/runs/tiny/*/draw-0/seed-0"):
        found = {detection["image_id"] for detection in json.loads((run / "detections.json").read_text())}
        assert found and found <= held_out
    pictures = {path.stem for path in (folder / "charts").glob("*_paint_tiny.png")}
    assert pictures == {f"{kind}_paint_tiny" for kind in ("detections", "mistakes", "precision_recall")}
    assert (folder / "report.html").exists()
    again = _run(tmp_path)
    assert again.returncode == 0 and "nothing to do: all 3 runs are finished" in again.stdout


@pytest.mark.parametrize(("write", "sizes", "images"), [
    *((write, (40, 12), [12, 40, 2]) for write in (folders.write_coco, folders.write_yolo, folders.write_voc,
                                                   folders.write_bdd)),
    (folders.write_single, (50,), [8, 42, 2]),  # its validation images are held out
])
def test_a_study_made_for_a_folder_gets_its_subsets_charts_and_records(tmp_path, capsys, write, sizes, images):
    out = tmp_path / "study.yaml"
    root = write(tmp_path / "data", *sizes)
    assert run_study.main(["--init", str(root), "--write", str(out), "--no-estimate"]) == 0
    assert capsys.readouterr().out.endswith(f"wrote {out}\n\nnext: python run_study.py {out}\n")
    arguments = run_study.parse([str(out), "--studies", str(tmp_path / "studies")])
    study, study_folder = open_study(arguments)
    describe(study, study_folder, study.datasets[0])
    assert {"collage_data.png", "prevalence_data.png"} <= {path.name for path in study_folder.charts.iterdir()}
    start()
    from records.prepare import prepare

    written = prepare(study, study_folder, study.datasets[0])
    assert [sum(shard.images for shard in manifest.shards) for manifest in written] == images  # and draw 1


@pytest.mark.parametrize(("arguments", "fragment"), [
    ([], "give either CONFIG or --init FOLDER"), (["a.yaml", "--init", "x"], "give either CONFIG or --init FOLDER"),
    (["a.yaml", "--write", "b.yaml"], "--write goes with --init"),
    (["a.yaml", "--no-estimate"], "--no-estimate goes with --init or --dry-run"),
    (["--init", "x", "--data", "a=b"], "--data goes with CONFIG"),
    (["a.yaml", "--json"], "--json goes with --dry-run or --status"),
    (["a.yaml", "--dry-run", "--status"], "not allowed with"),
    (["a.yaml", "--workers", "0"], "--workers: 0 is no count"), (["a.yaml", "--workers", "2.5"], "2.5 is no count"),
    (["a.yaml", "--until-width", "-3"], "--until-width: must be above 0"),
    (["a.yaml", "--until-hours", "nan"], "--until-hours: must be above 0"),
])
def test_arguments_that_do_not_go_together_are_refused(capsys, arguments, fragment):
    with pytest.raises(SystemExit) as error:
        run_study.main(arguments)
    assert error.value.code == 2 and fragment in capsys.readouterr().err


def test_a_folder_without_a_data_set_is_refused_in_one_line(tmp_path, capsys):
    assert run_study.main(["--init", str(tmp_path)]) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.count("\n") == 1 and "no annotations recognised" in printed.err


@pytest.mark.slow
def test_how_long_it_takes_is_measured(tmp_path):
    root = folders.write_voc(tmp_path / "data", 20, 0)
    command = [sys.executable, "run_study.py", "--init", str(root), "--write", str(tmp_path / "study.yaml")]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert finished.returncode == 0, finished.stderr
    assert "measured on " in finished.stdout and " in all " in finished.stdout
    assert re.findall(r"^ +(\d+) % .* steps .* runs? ", finished.stdout, re.MULTILINE) == ["10", "20", "50", "100"]
