"""Runs followed by a real MLflow server on this machine, and by ClearML without one."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from study.config import REPOSITORY

pytestmark = pytest.mark.slow

# A run in a process of its own: its folder, the tracker's settings, what it does.
PROGRAM = """
import json, sys
from pathlib import Path
from datasets.files import write_json, write_text
from study.config import Tracker
from study.layout import StudyFolder
from study.matrix import Cell
from study.tracking.follow import open_tracking, parameters_of, track_run_end, track_study
from tests.small import make_study
root, tracker, steps = Path(sys.argv[1]), Tracker(**json.loads(sys.argv[2])), range(*json.loads(sys.argv[3]))
study, folder, cell = make_study(root, tracking=(tracker,)), StudyFolder(root), Cell(50.0, "paint", "tiny")
run = folder.run(cell)
told = parameters_of(study, cell, {"subset": "ab12", "cell": {"dataset": "paint"}})
with open_tracking(study, str(cell), run, told, "on a test") as tracking:
    for step in steps:
        tracking.metrics({"training_loss": 1 / step, "learning_rate": 0.01}, step)
        if "pause" in sys.argv:
            sys.stdin.readline()
    tracking.metrics({"tuning_AP": 0.25}, step)
print("told", sorted({"mlflow", "clearml", "requests"} & set(sys.modules)), flush=True)
if "end" in sys.argv:
    metrics = [{"metric": "AP", "class": name, "value": value} for name, value in
               (("", 0.5), ("red", 0.25), ("né à l'été?", 0.75), ("..", 0.1), ("none", None))]
    write_text(run.params, "inputs: {}"), write_text(run.restored, "a,b")
    write_json(run.result, {"metrics": metrics})
    from PIL import Image
    run.pictures.mkdir(), folder.charts.mkdir()
    for path in (run.pictures / "mistakes.png", folder.charts / "classes.png"):
        Image.new("RGB", (8, 8)).save(path)
    with open_tracking(study, str(cell), run, told, "elsewhere") as tracking:
        track_run_end(tracking, run, metrics, steps[-1])
    write_text(folder.results, "value"), write_text(folder.report, "<p>")
    track_study(study, folder)
"""


def follow(root, tracker, steps=(20, 61, 20), *words, patience=100, environment=None, **settings):
    """Start a process that is followed by a service which gets `patience` seconds at its end."""
    told = json.dumps(tracker | {"patience": patience})
    command = [sys.executable, "-c", PROGRAM, str(root), told, json.dumps(steps), *words]
    environment = os.environ | {"MLFLOW_HTTP_REQUEST_TIMEOUT": "60"} | (environment or {})  # a busy machine is slow
    return subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, **settings)


def finish(process):
    """Return what a process has printed, and its errors."""
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    return out, err


@contextmanager
def serve(folder: Path, port: int = 0):
    """Run an MLflow server; yield its process and port."""
    if not port:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{folder}/runs.db",
               "--artifacts-destination", str(folder / "files"), "--host", "127.0.0.1", "--port", str(port),
               "--workers", "1"]
    environment = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true"}
    with open(folder / "log", "a") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5)
                break
            except OSError:
                assert process.poll() is None, (folder / "log").read_text()
                time.sleep(0.2)
        yield process, port
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
        process.wait()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """An MLflow server, which takes long to start: its folder, process and port. The last test of it kills it."""
    pytest.importorskip("mlflow", reason="MLflow is not installed: requirements-trackers.txt")
    folder = tmp_path_factory.mktemp("server")
    with serve(folder) as (process, port):
        yield folder, process, port


def read_runs(server, project):
    """Return the client and the runs of an experiment by name."""
    from mlflow.tracking import MlflowClient

    client = MlflowClient(server)
    experiment = client.get_experiment_by_name(project)
    return client, {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}


def test_mlflow_is_told_of_a_run_of_two_processes_and_of_the_study(served, tmp_path):
    server = f"http://127.0.0.1:{served[2]}"
    tracker = {"kind": "mlflow", "uri": server, "project": "whole"}
    out, err = finish(follow(tmp_path, tracker))
    assert err == "" and out.endswith("[]\n")  # nothing of MLflow's is loaded here
    assert finish(follow(tmp_path, tracker, (80, 121, 20), "end"))[1] == ""
    client, runs = read_runs(server, "whole")
    assert set(runs) == {"small", "paint tiny 50 % draw 0 seed 0"}
    run = runs["paint tiny 50 % draw 0 seed 0"]
    assert run.info.status == runs["small"].info.status == "FINISHED"
    assert run.data.params["subset"] == "ab12" and run.data.params["recipe.learning_rate"] == "0.01"
    assert run.data.params["detector.width"] == "0.1" and run.data.params["cell.dataset"] == "paint"
    assert run.data.tags["device"] == "elsewhere" and len(run.data.tags["code"]) == 16
    losses = client.get_metric_history(run.info.run_id, "training_loss")
    assert [(m.step, m.value) for m in losses] == [(step, 1 / step) for step in (20, 40, 60, 80, 100, 120)]
    assert {name: value for name, value in run.data.metrics.items() if "AP" in name} == {
        "tuning_AP": 0.25, "validation/AP": 0.5, "validation/AP/red": 0.25, "validation/AP/né à l_été_": 0.75,
        "validation/AP/_.._": 0.1}
    kept = {file.path for folder in ("", "pictures") for file in client.list_artifacts(run.info.run_id, folder)}
    assert kept == {"params.yaml", "restored.csv", "result.json", "pictures", "pictures/mistakes.png"}
    kept = {file.path for folder in ("", "pictures")
            for file in client.list_artifacts(runs["small"].info.run_id, folder)}
    assert kept == {"results.csv", "report.html", "pictures", "pictures/classes.png"}


def test_mlflow_killed_in_the_middle_stops_nothing_and_is_gone_on_with(served, tmp_path):
    folder, server, port = served
    tracker = {"kind": "mlflow", "uri": f"http://127.0.0.1:{port}", "project": "killed"}
    process = follow(tmp_path, tracker, (20, 101, 20), "pause")
    process.stdin.write("\n")
    process.stdin.flush()
    id_file = next_file(tmp_path, "tracking-mlflow.json")
    os.killpg(server.pid, 9)
    server.wait()
    process.stdin.write("\n" * 4)
    out, err = finish(process)
    assert err.count("\n") == 1 and "failed with exception" in err and "goes on without it" in err
    before = json.loads(id_file.read_text())
    with serve(folder, port):
        assert finish(follow(tmp_path, tracker, (120, 141, 20), "end"))[1] == ""
        _, runs = read_runs(tracker["uri"], "killed")
    assert json.loads(id_file.read_text()) == before
    assert runs["paint tiny 50 % draw 0 seed 0"].info.run_id == before["id"]
    assert runs["paint tiny 50 % draw 0 seed 0"].data.metrics["training_loss"] == 1 / 140


def next_file(folder, name):
    """Return the file called `name` under `folder` as soon as it is there."""
    for _ in range(600):
        if found := list(folder.rglob(name)):
            return found[0]
        time.sleep(0.1)
    raise AssertionError(f"no {name}")


@pytest.mark.parametrize(("kind", "said"), [
    ("absent", "failed with exception"), ("silent", "took more than 1 s"), ("not an address", "URI"),
])
def test_an_mlflow_server_that_is_not_there_or_never_answers_stops_nothing(tmp_path, kind, said):
    pytest.importorskip("mlflow", reason="MLflow is not installed: requirements-trackers.txt")
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        if kind == "silent":
            listening.listen()
        uri = "nonsense://there" if kind == "not an address" else f"http://127.0.0.1:{listening.getsockname()[1]}"
        patience = 1 if kind == "silent" else 100
        tracker, never = {"kind": "mlflow", "uri": uri}, {"MLFLOW_HTTP_REQUEST_TIMEOUT": "3600"}
        out, err = finish(follow(tmp_path, tracker, patience=patience, environment=never))  # who waits, waits for hours
    assert out.startswith("told ")
    assert err.startswith(f"tracking with mlflow ({uri}): ") and err.count("\n") == 1 and said in err


def test_clearml_keeps_a_run_of_two_processes_in_an_offline_session(tmp_path):
    pytest.importorskip("clearml", reason="ClearML is not installed: requirements-trackers.txt")
    tracker = {"kind": "clearml", "offline": True, "project": "whole"}
    cache = {"CLEARML_CACHE_DIR": str(tmp_path / "cache")}
    for arguments in (((20, 61, 20),), ((80, 121, 20), "end")):
        out, err = finish(follow(tmp_path / "study", tracker, *arguments, environment=cache))
        assert err == "" and out.endswith("[]\n")
    sessions = {}
    for path in (tmp_path / "cache/offline").glob("*.zip"):
        with zipfile.ZipFile(path) as session:
            task = json.loads(session.read("task.json"))
            lines = session.read("metrics.jsonl").decode().splitlines() if "metrics.jsonl" in session.namelist() else []
            sessions[task["name"]] = task, [event for line in lines for event in json.loads(line)], session.namelist()
    assert set(sessions) == {"small", "paint tiny 50 % draw 0 seed 0"}
    task, events, files = sessions["paint tiny 50 % draw 0 seed 0"]
    assert task["hyperparams"]["recipe"]["learning_rate"]["value"] == "0.01"
    assert task["hyperparams"]["General"]["subset"]["value"] == "ab12"
    losses = {event["iter"]: event["value"] for event in events if event["metric"] == "training_loss"}
    assert losses == {step: pytest.approx(1 / step) for step in (20, 40, 60, 80, 100, 120)}
    assert {(e["metric"], e["variant"]) for e in events} >= {("validation", "AP"), ("validation/AP", "red"),
                                                             ("tuning_AP", "tuning_AP"), ("pictures", "mistakes")}
    assert {artifact["key"] for artifact in task["execution"]["artifacts"]} == {"params.yaml", "restored.csv",
                                                                               "result.json"}
    assert any(name.endswith("result.json") for name in files)
    assert {artifact["key"] for artifact in sessions["small"][0]["execution"]["artifacts"]} == {"results.csv",
                                                                                               "report.html"}


def test_a_clearml_that_is_not_configured_or_never_answers_stops_nothing(tmp_path):
    pytest.importorskip("clearml", reason="ClearML is not installed: requirements-trackers.txt")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = {"CLEARML_CACHE_DIR": str(tmp_path / "cache"), "HOME": str(tmp_path)}
        silence = {"CLEARML_API_HOST": f"http://127.0.0.1:{silent.getsockname()[1]}", "CLEARML_API_ACCESS_KEY": "a",
                   "CLEARML_API_SECRET_KEY": "b"}
        for environment, patience, said in (({}, 100, "run goes on without it"), (silence, 5, "took more than 5 s")):
            environment = settings | environment
            out, err = finish(follow(tmp_path, {"kind": "clearml"}, patience=patience, environment=environment))
            assert out.startswith("told ")
            assert err.startswith("tracking with clearml: ") and err.count("\n") == 1 and said in err


def test_ctrl_c_ends_a_run_that_is_followed_by_a_service_that_hangs(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        tracker = {"kind": "mlflow", "uri": f"http://127.0.0.1:{silent.getsockname()[1]}"}
        never = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "3600"}
        process = follow(tmp_path, tracker, (20, 101, 20), "pause", patience=1, environment=never,
                         start_new_session=True)
        process.stdin.write("\n")
        process.stdin.flush()
        silent.settimeout(600)
        with silent.accept()[0]:  # the service has been asked, and will not answer
            os.killpg(process.pid, 2)  # as a terminal does, to the whole group
            _, err = process.communicate(timeout=600)
    assert process.returncode != 0 and "KeyboardInterrupt" in err
