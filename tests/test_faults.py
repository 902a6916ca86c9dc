"""Two small studies that are killed ten times each and stopped once, beside one that is left in peace."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from records.manifest import FILE_NAME
from study.layout import StudyFolder
from study.lock import hold
from tests.small import write_dataset

ROOT = Path(__file__).resolve().parent.parent
RECIPE = {"batch_size": 4, "epochs": 1, "min_steps": 60, "optimizer": "adam", "learning_rate": 0.001,
          "batch_norm_momentum": 0.9}
STUDY = {
    "name": "small",
    "datasets": [{"name": "paint", "root": "data"}],
    "detectors": [{"name": "tiny", "width": 0.1, "input_size": 64, "stored_size": 64, "recipes": {"scaled": RECIPE}}],
    "fractions": [25, 50],
    "checkpoint_every": 20,  # as many as a loop, over which the last loss is the mean
    "bootstrap": 20,
    "forecast": {"fit_up_to": 50},
}
SMALL, LARGE = (f"paint/runs/tiny/{fraction}/draw-0/seed-0" for fraction in (25, 50))
# Files in the order in which they come to be, and about how many seconds come after each before the next. The first is
# the process's start, with all that is imported.
EVENTS = {"": 8, "study.yaml": 3, "paint/prevalence.csv": 6, "paint/records/64px/train/records.json": 1,
          f"{SMALL}/params.yaml": 12, f"{SMALL}/checkpoints/ckpt-40.index": 1, f"{SMALL}/checkpoints/ckpt-60.index": 1,
          f"{SMALL}/training.json": 8, f"{SMALL}/result.json": 2, f"{LARGE}/params.yaml": 10,
          f"{LARGE}/checkpoints/ckpt-40.index": 1, f"{LARGE}/training.json": 8, f"{LARGE}/result.json": 2,
          "charts/detections_paint_tiny.png": 2}
KILLS = 10  # of each of two studies
SECONDS = 900  # that anything may take
UNDISTURBED = 1e-6  # by which figures of undisturbed studies may differ; found: 0
EXIT = {signal.SIGKILL: -9, signal.SIGTERM: 143, signal.SIGINT: 130}


class Small:
    """The study in a folder of its own."""

    def __init__(self, root):
        study = STUDY | {"datasets": [{"name": "paint", "root": str(write_dataset(root / "data", 16, 4))}]}
        (root / "study.yaml").write_text(yaml.safe_dump(study))
        self.config, self.folder = root / "study.yaml", root / "studies/small"

    def start(self):
        command = [sys.executable, "run_study.py", str(self.config), "--studies", str(self.folder.parent)]
        return subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def finish(self):
        """Run what is left, which must succeed, and return what it printed."""
        process = self.start()
        out, err = process.communicate(timeout=SECONDS)
        assert process.returncode == 0, err
        return out

    def disturb(self, event, seconds, how=signal.SIGKILL):
        """Start a process, end it so many seconds after `event`, and return its exit status."""
        process, path, deadline = self.start(), self.folder / event, time.monotonic() + SECONDS
        while event and not path.exists() and process.poll() is None:
            assert time.monotonic() < deadline, f"{path} did not come"
            time.sleep(0.01)
        time.sleep(seconds)
        process.send_signal(how)
        _, err = process.communicate(timeout=SECONDS)
        assert process.returncode in (EXIT[how], 0), err  # 0: it was done already
        assert "Traceback" not in err and ("give the same command again" in err) == (process.returncode > 0)
        return process.returncode

    def results(self):
        return [json.loads((self.folder / run / "result.json").read_text()) for run in (SMALL, LARGE)]


def _disturb(study, number):
    """Stop a study in its training, by a scheduler or by Ctrl-C, kill it ten times, then let it finish."""
    rng, after = np.random.default_rng(number), [*EVENTS][1 + number::2]  # two studies share the events
    for _ in range(KILLS - len(after)):
        after.insert(rng.integers(len(after)), "")
    stopped = study.disturb(f"{SMALL}/checkpoints/ckpt-20.index", 0, (signal.SIGTERM, signal.SIGINT)[number])
    statuses = [study.disturb(event, rng.uniform(0, EVENTS[event])) for event in after]
    study.finish()
    return statuses, stopped


@pytest.fixture(scope="module")
def studies(tmp_path_factory):
    """One study that ran in one go, two that were disturbed, and how the processes of these ended."""
    peaceful, *disturbed = (Small(tmp_path_factory.mktemp(name)) for name in ("peaceful", "killed", "killed_too"))
    with ThreadPoolExecutor() as pool:
        finished = pool.submit(peaceful.finish)
        ends = list(pool.map(_disturb, disturbed, range(2)))
        finished.result()
    return peaceful, disturbed, ends


@pytest.mark.slow
def test_the_processes_were_killed_and_stopped_in_order(studies):
    _, _, ends = studies
    assert sum(status == -9 for statuses, _ in ends for status in statuses) >= 2 * KILLS - 2  # others had just ended
    assert [stopped for _, stopped in ends] == [143, 130]  # and not hung


@pytest.mark.slow
def test_results_differ_no_more_than_those_of_two_undisturbed_studies(studies):
    peaceful, disturbed, _ = studies
    for study in disturbed:
        for ours, theirs in zip(study.results(), peaceful.results()):
            assert ours["steps"] == theirs["steps"] == 60
            np.testing.assert_allclose(figures(ours), figures(theirs), rtol=UNDISTURBED, atol=UNDISTURBED)


def figures(result):
    """Return every metric, the training loss first."""
    return np.array([result["loss"], *(metric["value"] for metric in result["metrics"])], float)


@pytest.mark.slow
def test_nothing_is_counted_twice_or_left_out(studies):
    peaceful, disturbed, _ = studies
    key = ["fraction", "draw", "seed", "metric", "class"]
    expected = pd.read_csv(peaceful.folder / "results.csv")[key]
    assert not expected.duplicated().any()
    for study in disturbed:
        pd.testing.assert_frame_equal(pd.read_csv(study.folder / "results.csv")[key], expected)


def names(folder):
    """Return every file's name, of which that of TensorBoard's events has the time and the process in it."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*")
            if path.is_file() and "events.out" not in path.name}


@pytest.mark.slow
def test_no_file_is_left_broken(studies):
    import tensorflow as tf

    from train.resume import is_whole

    peaceful, disturbed, _ = studies
    for study in disturbed:
        assert names(study.folder) == names(peaceful.folder)
        for path in study.folder.rglob("*"):
            read = {".json": json.loads, ".yaml": yaml.safe_load}.get(path.suffix)
            if read:
                assert read(path.read_text()) is not None
            elif path.suffix == ".csv":
                assert len(pd.read_csv(path))
            elif path.suffix == ".index":
                assert is_whole(path.with_suffix(""))
        for manifest in study.folder.rglob(FILE_NAME):
            for shard in json.loads(manifest.read_text())["shards"]:
                records = tf.data.TFRecordDataset(str(manifest.with_name(shard["name"])))
                assert sum(1 for _ in records) == shard["images"]


@pytest.mark.slow
def test_nothing_is_left_to_do(studies):
    assert all("nothing to do" in study.finish() for study in studies[1])


@pytest.mark.slow
def test_a_second_process_in_the_same_folder_is_refused(studies):
    study = studies[0]
    with hold(StudyFolder(study.folder).lock, "this test"):
        second = study.start()
        _, err = second.communicate(timeout=SECONDS)
    assert second.returncode == 2 and err.count("\n") == 1
    assert err.startswith(f"error: {study.folder}: is in use by pid {os.getpid()} on ") and "wait for it" in err
