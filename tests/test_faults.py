"""A small study that is killed twenty times and stopped twice, beside two that are left in peace."""

import json
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
# Files in the order in which they come to be. A process is killed some time after one of them, before the next.
EVENTS = ["study.yaml", "paint/prevalence.csv", "paint/records/64px/train/records.json",
          *(f"{SMALL}/{name}" for name in ("params.yaml", "checkpoints/ckpt-40.index", "checkpoints/ckpt-60.index",
                                           "training.json", "result.json")),
          *(f"{LARGE}/{name}" for name in ("params.yaml", "checkpoints/ckpt-40.index", "training.json", "result.json")),
          "charts/detections_paint_tiny.png"]
KILLS = 10  # of each of two studies
SECONDS = 900  # that anything may take
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

    def moments(self):
        """Return when each of EVENTS came to be, in seconds since the first."""
        times = [(self.folder / name).stat().st_mtime for name in EVENTS]
        return np.subtract(times, times[0])

    def disturb(self, number, event, seconds, how=signal.SIGKILL):
        """Start a process and end it so many seconds after `event`, or after its start where that has been."""
        process, path, deadline = self.start(), self.folder / EVENTS[event], time.monotonic() + SECONDS
        while not path.exists() and process.poll() is None:
            assert time.monotonic() < deadline, f"{path} did not come"
            time.sleep(0.01)
        time.sleep(seconds)
        if number == 0:
            self.refuse_another(process)
        process.send_signal(how)
        _, err = process.communicate(timeout=SECONDS)
        assert process.returncode in (EXIT[how], 0), err  # 0: it was done already
        assert "Traceback" not in err and ("give the same command again" in err) == (process.returncode > 0)
        return process.returncode

    def refuse_another(self, first):
        second = self.start()
        _, err = second.communicate(timeout=SECONDS)
        assert second.returncode == 2 and err.count("\n") == 1
        assert err.startswith(f"error: {self.folder}: is in use by pid {first.pid} on ") and "wait for it" in err

    def results(self):
        return [json.loads((self.folder / run / "result.json").read_text()) for run in (SMALL, LARGE)]


@pytest.fixture(scope="module")
def peaceful(tmp_path_factory):
    """Two studies that ran in one go, at the same time."""
    studies = [Small(tmp_path_factory.mktemp(name)) for name in ("one", "two")]
    with ThreadPoolExecutor() as pool:
        list(pool.map(Small.finish, studies))
    return studies


@pytest.fixture(scope="module")
def disturbed(peaceful, tmp_path_factory):
    """Two studies that were killed ten times each and stopped once, by a scheduler or by Ctrl-C, and then finished."""
    gaps = np.append(np.diff(peaceful[0].moments()), 2.0)  # the last until the end of the process, or nearly

    def disturb(number):
        study, rng = Small(tmp_path_factory.mktemp(f"disturbed{number}")), np.random.default_rng(number)
        # Over the whole life of a study, each time after another file, but for those that have come meanwhile.
        events = np.sort(rng.choice(len(EVENTS), KILLS, replace=False))
        statuses = [study.disturb(turn, event, rng.uniform(0, gaps[event])) for turn, event in enumerate(events[:6])]
        stopped = study.disturb(6, events[6], rng.uniform(0, 1), (signal.SIGTERM, signal.SIGINT)[number])
        statuses += [study.disturb(turn, event, rng.uniform(0, gaps[event])) for turn, event in
                     enumerate(events[6:], 7)]
        study.finish()
        return study, statuses, stopped

    with ThreadPoolExecutor() as pool:
        return list(pool.map(disturb, range(2)))


@pytest.mark.slow
def test_the_processes_were_killed_and_stopped_in_order(disturbed):
    assert sum(status == -9 for _, statuses, _ in disturbed for status in statuses) >= 18  # of twenty; the rest ended
    assert [stopped for _, _, stopped in disturbed] == [143, 130]


@pytest.mark.slow
def test_results_differ_no_more_than_those_of_two_undisturbed_studies(peaceful, disturbed):
    def figures(study):
        return [np.array([result["loss"], *(metric["value"] for metric in result["metrics"])], float)
                for result in study.results()]

    one, two = (figures(study) for study in peaceful)
    for study, _, _ in disturbed:
        assert [result["steps"] for result in study.results()] == [60, 60]
        for ours, first, second in zip(figures(study), one, two):
            np.testing.assert_allclose(ours, first, rtol=1e-4, atol=np.nanmax(np.abs(first - second)) + 1e-6)


@pytest.mark.slow
def test_nothing_is_counted_twice_or_left_out(peaceful, disturbed):
    key = ["fraction", "draw", "seed", "metric", "class"]
    expected = pd.read_csv(peaceful[0].folder / "results.csv")[key]
    for study, _, _ in disturbed:
        pd.testing.assert_frame_equal(pd.read_csv(study.folder / "results.csv")[key], expected)
        assert not expected.duplicated().any()


@pytest.mark.slow
def test_no_file_is_left_broken(peaceful, disturbed):
    import tensorflow as tf

    from train.resume import is_whole

    def names(folder):
        left = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
        return {name for name in left if "events.out" not in name}

    for study, _, _ in disturbed:
        assert names(study.folder) == names(peaceful[0].folder)
        for path in study.folder.rglob("*"):
            read = {".json": json.loads, ".yaml": yaml.safe_load}.get(path.suffix)
            if read:
                assert read(path.read_text()) is not None
            elif path.suffix == ".csv":
                assert len(pd.read_csv(path))
            elif path.suffix == ".index":
                assert is_whole(path.with_suffix(""))
        for manifest in study.folder.rglob(FILE_NAME):
            shards = json.loads(manifest.read_text())["shards"]
            for shard in shards:
                records = tf.data.TFRecordDataset(str(manifest.with_name(shard["name"])))
                assert sum(1 for _ in records) == shard["images"]


@pytest.mark.slow
def test_nothing_is_left_to_do(disturbed):
    for study, _, _ in disturbed:
        assert "nothing to do" in study.finish()
