"""The search of one cell: trials on Ray Tune, each judged on a tuning split of the cell's subset.

ASHA is that of Li et al. 2020 (A system for massively parallel hyperparameter tuning, arXiv 1810.05934), which stops
a trial at a rung where it is not among the best so far. This process starts Tune and notes how trials end; it asks
for no device itself.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from datasets.errors import InputError, is_disk_error
from datasets.files import read_json, write_json
from study.cluster import Resources, connect, disconnect, has_ray
from study.config import Study, find_dataset, find_detector, find_recipe
from study.data import image_bytes, image_folder, read_subset
from study.identity import claim, refuse_changed, training_inputs
from study.layout import RunFolder, StudyFolder
from study.matrix import Cell
from study.rates import steps_of
from study.search import Search, Settings
from study.searched import ASHA, FAILED, LENGTH, PATIENCE, Found, Trial, choose, write_found
from study.trials import apply, search_of, trial_study, trials_of
from train.looks import read_looks
from train.trial import AP, FAILURE, STEP, run_trial

TRIES = 3  # of a trial whose process or node is lost
SETTINGS = {"TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1", "TUNE_DISABLE_SIGINT_HANDLER": "1",
            "TUNE_GLOBAL_CHECKPOINT_S": "3600", "RAY_CHDIR_TO_TRIAL_DIR": "0", "RAY_AIR_NEW_OUTPUT": "0",
            "RAY_USAGE_STATS_ENABLED": "0"}


@dataclass(frozen=True)
class Task:
    """A search at work."""

    study: Study
    folder: StudyFolder
    cell: Cell
    trials: list[Settings]
    lengths: list[int]  # steps of each trial, if nothing ends it

    @property
    def run(self) -> RunFolder:
        return self.folder.run(self.cell)

    @property
    def search(self) -> Search:
        return search_of(self.study)


def search_cell(study: Study, folder: StudyFolder, cell: Cell, address: str = "", cpus: int | None = None) -> None:
    """Search the hyperparameters of a searched cell, unless that is done, and write its search.json.

    `address` is that of a Ray cluster to join, else one starts in this process. Where there are GPUs every trial gets
    one, else `cpus` CPUs (None: as many as the smallest node has). The records must be there.
    Raises InputError if the folder holds another search, if Ray is absent or cannot be reached, for more CPUs than a
    node has, for a batch that the replicas cannot share, for a full disk, and where every trial failed.
    """
    dataset, run = find_dataset(study, cell.dataset), folder.run(cell)
    subset = read_subset(folder, dataset, cell)
    inputs = training_inputs(study, cell, subset, image_bytes(subset, image_folder(dataset, dataset.train)))
    refuse_changed(run, inputs)
    if run.search.exists():
        return
    if not has_ray():
        raise InputError(f"{cell}: a search needs Ray Tune, which is not installed; install requirements.txt (make "
                         "study), or leave 'search' out of the study")
    claim(run, inputs)
    trials = trials_of(study, cell)
    task = Task(study, folder, cell, trials, [_length(study, cell, each, subset.num_images) for each in trials])
    with _cluster(address) as resources:
        check_batches(task, resources)
        crashes = _tune(task, *share_of(resources, cpus))
    _conclude(task, crashes)


@contextlib.contextmanager
def _cluster(address: str) -> Iterator[Resources]:
    """Join a cluster for the block, or start one; left again whatever ends the block: no trial goes on alone."""
    os.environ.update({name: os.environ.get(name, value) for name, value in SETTINGS.items()})
    import ray

    joined = ray.is_initialized()
    resources = connect(address)
    try:
        yield resources
    finally:
        if not joined:
            disconnect()


def share_of(resources: Resources, cpus: int | None = None) -> tuple[dict[str, int], int]:
    """Return what each trial asks for, and how many there is room for at once.

    Raises InputError for more CPUs than any node has.
    """
    if resources.gpus:
        nodes = [(own, gpus) for own, gpus in resources.nodes if gpus]
        each = cpus or max(1, min(own // gpus for own, gpus in nodes))
        room = sum(min(gpus, own // each) for own, gpus in nodes)
    else:
        each = cpus or min((own for own, _ in resources.nodes if own), default=1)
        room = sum(own // each for own, _ in resources.nodes)
    if not room:
        raise InputError(f"--cpus {each}: no machine here has as many CPUs; the largest has "
                         f"{max(own for own, _ in resources.nodes)}")
    return {"cpu": each, "gpu": 1 if resources.gpus else 0}, room


def check_batches(task: Task, resources: Resources) -> None:
    """Raise InputError for a trial whose batch the replicas that train the cell afterwards could not share evenly."""
    runtime = task.study.runtime
    if runtime.distribution == "one_device":
        return
    replicas = runtime.replicas or max((gpus for _, gpus in resources.nodes), default=1) or 1
    for number, settings in enumerate(task.trials):
        tried = apply(task.study, task.cell, settings)
        batch = find_recipe(tried, find_detector(tried, task.cell.detector)).batch_size
        if batch % replicas:
            raise InputError(f"{task.cell}, trial {number}: a batch of {batch} images cannot be shared evenly by "
                             f"{replicas} replicas; let search.space.batch_size list multiples of {replicas}, or "
                             "choose other replicas")


def _length(study: Study, cell: Cell, settings: Settings, images: int) -> int:
    tried = trial_study(study, cell, settings)
    return steps_of(find_recipe(tried, find_detector(tried, cell.detector)), images)


def _tune(task: Task, each: dict[str, int], room: int) -> dict[int, str]:
    """Run the trials that are not done; return why some crashed, by number.

    Those done already go first: ASHA compares the others with them.
    """
    logging.getLogger("ray.tune").setLevel(logging.ERROR)
    from ray import tune

    waiting = [number for number in range(len(task.trials)) if not task.run.trial(number).ended.exists()]
    done = [number for number in range(len(task.trials))
            if number not in waiting and read_looks(task.run.trial(number).tuning).looks]
    if not waiting:
        return {}
    numbers = [*done, *waiting] if task.search.strategy == "asha" else waiting
    study, folder, cell, trials = task.study, task.folder, task.cell, task.trials

    def trainable(config: dict[str, Any]) -> None:
        run_trial(study, folder, cell, config["trial"], trials[config["trial"]], each["cpu"])

    notes = _notes(task)
    with tempfile.TemporaryDirectory(prefix="search-") as temporary:
        tuner = tune.Tuner(
            tune.with_resources(trainable, each), param_space={"trial": tune.grid_search(numbers)},
            tune_config=tune.TuneConfig(scheduler=_scheduler(task), max_concurrent_trials=room, reuse_actors=True),
            run_config=tune.RunConfig(name="trials", storage_path=temporary, verbose=0, callbacks=[notes],
                                      failure_config=tune.FailureConfig(max_failures=TRIES - 1)))
        results = tuner.fit()
    return _crashes(task, {number: result.error for number, result in zip(numbers, results) if result.error})


def _crashes(task: Task, errors: dict[int, Exception]) -> dict[int, str]:
    """Return in a line each why trials crashed. Raises InputError for a fault that passes: it says nothing of them."""
    for number, error in errors.items():
        if isinstance(error, OSError) or is_disk_error(error):
            raise InputError(f"{task.cell}, trial {number}: {_last_line(error)}; mend that and give the same command "
                             "again, the search goes on where it was")
    return {number: _last_line(error) for number, error in errors.items()}


def _scheduler(task: Task):
    """Return Tune's scheduler: ASHA, but for trial 0, or none."""
    from ray.tune.schedulers import ASHAScheduler, FIFOScheduler

    if task.search.strategy == "random":
        return FIFOScheduler()

    class Asha(ASHAScheduler):
        """ASHA that lets the recipe as it stands go on to its end: what is chosen is then never worse than that."""

        def on_trial_result(self, tune_controller, trial, result):
            decision = super().on_trial_result(tune_controller, trial, result)
            return self.CONTINUE if trial.config["trial"] == 0 else decision

    every = task.search.every
    return Asha(time_attr=STEP, metric=AP, mode="max", max_t=max(*task.lengths, every), grace_period=every,
                reduction_factor=task.search.reduction, stop_last_trials=False)


def _notes(task: Task):
    """Return a callback of Tune's that notes how every trial ends, and says so on stderr."""
    from ray.tune import Callback

    began: dict[int, float] = {}

    class Notes(Callback):
        def on_trial_start(self, iteration, trials, trial, **info):
            began[trial.config["trial"]] = time.monotonic()

        def on_trial_complete(self, iteration, trials, trial, **info):
            number = trial.config["trial"]
            if not task.run.trial(number).ended.exists():
                _note(task, number, trial.last_result.get(FAILURE, ""), time.monotonic() - began[number])

    return Notes()


def _note(task: Task, number: int, failure: str, seconds: float) -> None:
    run = task.run.trial(number)
    write_json(run.ended, {"by": _ended_by(task, number, failure), "reason": failure, "seconds": round(seconds, 2)})
    trial = _read_trial(task, number)
    settings = ", ".join(f"{name} {value}" for name, value in trial.settings.items())
    reached = f"AP {trial.ap:.4f} at step {trial.step}" if trial.ap is not None else "no look"
    print(f"{task.cell}, trial {number} of {len(task.trials)} ({settings}): {reached}, ended by {trial.ended} after "
          f"{trial.steps} steps, {seconds:.0f} s{f': {failure}' if failure else ''}", file=sys.stderr, flush=True)


def _ended_by(task: Task, number: int, failure: str) -> str:
    run = task.run.trial(number)
    if failure:
        return FAILED
    looks = read_looks(run.tuning).looks
    if looks and looks[-1].step >= task.lengths[number]:
        return LENGTH
    return PATIENCE if run.training.exists() else ASHA


def _read_trial(task: Task, number: int, crash: str = "") -> Trial:
    """Return what is known of a trial; `crash` says why its process was lost for good."""
    run = task.run.trial(number)
    ended = read_json(run.ended) if run.ended.exists() else {"by": FAILED, "reason": crash, "seconds": 0.0}
    looks = read_looks(run.tuning).looks
    best = max(looks, key=lambda look: (look.ap, look.step), default=None)
    ap, step = (best.ap, best.step) if best else (None, 0)
    return Trial(number, task.trials[number], ap, step, len(looks), looks[-1].step if looks else 0, ended["by"],
                 ended["reason"], ended["seconds"])


def _conclude(task: Task, crashes: dict[int, str]) -> None:
    """Write search.json, and remove the checkpoints of trials that lost."""
    trials = tuple(_read_trial(task, number, crashes.get(number, "")) for number in range(len(task.trials)))
    failed = [trial for trial in trials if trial.ended == FAILED or trial.ap is None]
    if len(failed) == len(trials):
        for trial in trials:
            task.run.trial(trial.trial).ended.unlink(missing_ok=True)  # so that they are tried again
        raise InputError(f"{task.cell}: all {len(trials)} trials of the search failed, the first with: "
                         f"{failed[0].reason}")
    best = choose(trials)
    for trial in trials:
        if trial != best:
            _drop_weights(task.run.trial(trial.trial))
    images = read_looks(task.run.trial(best.trial).tuning).images
    write_found(task.run, Found(task.search.strategy, images, trials))
    print(f"{task.cell}: trial {best.trial} of {len(trials)} is best, AP {best.ap:.4f} on the tuning split at step "
          f"{best.step}", file=sys.stderr, flush=True)


def _drop_weights(run: RunFolder) -> None:
    """Remove a trial's checkpoints; its looks and what TensorBoard shows of it stay."""
    for file in [*run.checkpoints.glob("ckpt-*"), *run.checkpoints.glob("best-*"), run.checkpoints / "checkpoint"]:
        file.unlink(missing_ok=True)


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:300] if lines else type(error).__name__
