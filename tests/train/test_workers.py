import json
import os
import socket
import subprocess
import sys
import time

import pytest

from records.prepare import prepare
from study.config import DetectorConfig, Recipe, Runtime
from study.layout import StudyFolder
from study.matrix import Cell
from tests.small import make_study, write_config, write_dataset
from tests.train.replicas import ROOT

CELL = Cell(100.0, "paint", "tiny")
SECONDS = 900  # that anything may take


class Workers:
    """A study in a folder of its own, and processes that train its cell, as on machines that share a disk."""

    def __init__(self, root, data, steps, **settings):
        recipe = Recipe(batch_size=4, steps=steps, warmup_steps=0, learning_rate=0.001)
        detector = DetectorConfig(name="tiny", width=0.1, input_size=64, stored_size=64, recipes={"scaled": recipe})
        self.study = make_study(data, detectors=(detector,), checkpoint_every=20, runtime=Runtime(**settings))
        self.config = write_config(_made(root) / "study.yaml", self.study)
        self.folder = StudyFolder(root / "studies" / self.study.name)
        self.run = self.folder.run(CELL)
        prepare(self.study, self.folder, self.study.datasets[0])

    def start(self, count):
        """Start `count` workers that meet on free ports; a single one needs no meeting."""
        addresses = [f"localhost:{port}" for port in _free_ports(count)]
        command = [sys.executable, "-m", "train", str(self.config), "--studies", str(self.folder.root.parent), "paint",
                   "tiny", "100"]
        processes = []
        for index in range(count):
            config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
            environment = os.environ | ({"TF_CONFIG": json.dumps(config)} if count > 1 else {})
            processes.append(subprocess.Popen(command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE,
                                              stderr=subprocess.STDOUT))
        return processes

    def finish(self, processes):
        """Wait for `processes`, which must succeed, and return what the training left."""
        for process in processes:
            output, _ = process.communicate(timeout=SECONDS)
            assert process.returncode == 0, output
        return json.loads(self.run.training.read_text())


def _made(folder):
    folder.mkdir(exist_ok=True)
    return folder


def _free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("localhost", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("data"))


@pytest.mark.slow
def test_two_workers_find_the_loss_of_one_process(tmp_path, data):
    losses = []
    for count, settings in ((1, {}), (1, {"distribution": "mirrored", "replicas": 2}),
                            (2, {"distribution": "multi_worker"})):
        workers = Workers(tmp_path / str(len(losses)), data, steps=2, **settings)
        training = workers.finish(workers.start(count))
        losses.append(training["loss"])
        assert training["steps"] == 2 and training["resumed_at"] == 0
    one, mirrored, workers = losses
    assert workers == pytest.approx(mirrored, rel=1e-6)  # found: equal
    assert workers == pytest.approx(one, rel=1e-2)  # rounding grows: see test_strategy; found: 1e-3


@pytest.mark.slow
def test_killed_workers_go_on_together(tmp_path, data):
    """The one that is not the chief has kept nothing of its own."""
    workers = Workers(tmp_path, data, steps=100, distribution="multi_worker")
    processes, deadline = workers.start(2), time.monotonic() + SECONDS
    try:
        while not (workers.run.checkpoints / "checkpoint").exists():  # which names the last one, and is written last
            assert time.monotonic() < deadline and all(process.poll() is None for process in processes)
            time.sleep(0.05)
        processes[1].kill()
        output, _ = processes[0].communicate(timeout=SECONDS)
    finally:
        for process in processes:
            process.kill()
            process.wait()
    said = output.splitlines()[-1]
    assert processes[0].returncode == 2 and "Traceback" not in output
    assert said.startswith(f"error: {CELL}: another worker is gone (") and "on every machine, to go on" in said
    assert not workers.run.training.exists()
    training = workers.finish(workers.start(2))
    assert training["steps"] == 100 and 0 < training["resumed_at"] < 100
    assert training["checkpoint"] == "ckpt-100" and list(workers.run.checkpoints.glob("ckpt-100.index"))
    assert len(list(workers.folder.root.rglob("training.json"))) == 1
