"""A study on a cluster whose nodes come and go."""

import json
import threading
import time
from argparse import ArgumentParser

import pandas as pd
import pytest
import yaml

from engine import ray_tasks
from engine.describe import describe
from engine.jobs import Job
from engine.progress import Progress
from engine.run import run_waiting
from engine.until import Until
from study.cluster import connect, disconnect
from study.command import add_study_arguments, open_study
from study.lock import owner_of
from study.matrix import cells
from study.state import finished_cells
from tests.test_run_study import STUDY

CHECKPOINT = 20  # steps


@pytest.fixture
def opened(tmp_path):
    study = json.loads(json.dumps(STUDY | {"checkpoint_every": CHECKPOINT, "fractions": [10, 50], "draws": {}}))
    study["datasets"][0]["root"] = str(tmp_path / "digits")
    study["detectors"][0]["recipes"]["scaled"]["min_steps"] = 150
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study))
    parser = ArgumentParser()
    add_study_arguments(parser)
    arguments = parser.parse_args([str(tmp_path / "study.yaml"), "--studies", str(tmp_path / "studies")])
    study, folder = open_study(arguments)
    describe(study, folder, study.datasets[0])
    return study, folder


@pytest.fixture
def cluster():
    """A cluster on this machine that has a head without CPUs."""
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    yield cluster
    disconnect()
    cluster.shutdown()


@pytest.mark.slow
def test_a_study_completes_though_a_node_is_lost_in_mid_run(opened, cluster):
    (study, folder), (_, lost) = opened, [cluster.add_node(num_cpus=1) for _ in range(2)]
    waiting = cells(study)
    progress, heard, killed = Progress(study, folder, len(waiting), Until()), [], []

    def hear(outcomes):
        heard.extend(outcomes)
        progress(outcomes)

    def kill():
        """Take a node away once both have a run with a checkpoint in hand."""
        while len(training := [cell for cell in waiting if _is_training(folder.run(cell))]) < 2:
            time.sleep(0.05)
        killed.extend(training)
        cluster.remove_node(lost, allow_graceful=False)

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    assert run_waiting(study, folder, waiting, hear, Until(), address=cluster.address)
    assert not killer.is_alive() and len(killed) == 2
    ended = [outcome.job.cell for outcome in heard if outcome.job.finishes]
    assert sorted(ended) == waiting == finished_cells(study, folder) and progress.failed == 0
    assert any(json.loads(folder.run(cell).training.read_text())["resumed_at"] >= CHECKPOINT for cell in killed)
    results = pd.read_csv(folder.results)
    overall = results.loc[(results["metric"] == "AP") & results["class"].isna(), ["fraction", "draw"]]
    assert sorted(map(tuple, overall.to_numpy())) == [(cell.fraction, cell.draw) for cell in waiting]


def test_runs_wait_aloud_for_a_node_on_which_they_fit(cluster, tmp_path, monkeypatch):
    said, heard, told = [], [], threading.Condition()

    def hear(what):
        with told:
            said.append(what)
            told.notify()

    monkeypatch.setattr(ray_tasks, "LOOK", 0.5)
    monkeypatch.setattr(ray_tasks, "_say", hear)
    connect(cluster.address)
    done = tmp_path / "done"
    job = Job("job", ("/bin/sh", "-c", f"until [ -e {done} ]; do sleep 0.1; done"), tmp_path / "job.log")
    arguments = ([job], ray_tasks.Share(1.0, 0, 1), heard.extend)
    study = threading.Thread(target=ray_tasks.run_jobs, args=arguments, daemon=True)
    study.start()
    try:
        with told:
            assert told.wait_for(lambda: len(said) == 1, timeout=60)
        cluster.add_node(num_cpus=1)
        with told:
            assert told.wait_for(lambda: len(said) == 2, timeout=60)
    finally:
        done.touch()
    study.join(timeout=60)
    assert [outcome.well for outcome in heard] == [True]
    assert said[0].startswith("no node is left on which a run fits (CPUs: 1, GPUs: 0)") and cluster.address in said[0]
    assert said[1:] == ["a node has joined: the runs go on"]


def _is_training(run) -> bool:
    return bool(owner_of(run.lock)) and any(run.checkpoints.glob("ckpt-*.index")) and not run.training.exists()
