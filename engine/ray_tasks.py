"""Jobs as tasks on Ray: each asks for a GPU or a share of the CPUs, and is tried again after a crash."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from datasets.errors import InputError
from engine.jobs import Job, OnEnd, Outcome, Queue, Wanted
from engine.process import describe_status, last_line, run_process
from study.cluster import THREADS, Resources, address_here, resources
from study.config import Runtime

TRIES = 4  # of a job whose process was killed or ended as nobody foresaw, and as often where its node was lost
LOOK = 30.0  # seconds without an end after which the cluster's nodes are looked at
ENDED = (0, 2)  # exit status that says that another try would end the same: well, or a user's mistake


@dataclass(frozen=True)
class Share:
    """What each job that asks for a device gets, and how many of them run at once."""

    cpus: float
    gpus: int
    workers: int


def share_out(resources: Resources, runtime: Runtime, workers: int | None = None) -> Share:
    """Return the share of a run on `resources`: by default one GPU, without any a whole node's CPUs.

    Raises InputError where more is asked for than there is.
    """
    if runtime.distribution == "multi_worker":
        raise InputError("runtime.distribution multi_worker: its processes need one another, and Ray starts each run "
                         "by itself; choose one_device, or start the workers yourself (docs/training.md)")
    if resources.gpus:
        return _share_gpus(resources, runtime, workers)
    most = resources.cpus
    workers = workers or sum(cpus > 0 for cpus, _ in resources.nodes)
    if not 0 < workers <= most:
        raise InputError(f"--workers {workers}: the CPUs here are {most}, and a run needs one at least; give fewer")
    cpus = next(each for each in range(most // workers or 1, 0, -1)
                if sum(node // each for node, _ in resources.nodes) >= workers or each == 1)
    return Share(float(cpus), 0, workers)


def run_jobs(jobs: Sequence[Job], share: Share, on_end: OnEnd, wanted: Wanted = lambda cell: True) -> None:
    """Run `jobs` on the cluster that this process is connected to, `share.workers` at once, in their order.

    `on_end` hears of those that have ended since it last heard. A cell that is not `wanted` when its turn comes is not
    begun. An exception, Ctrl-C among them, stops the processes first. Where no node is left on which a job fits, it
    says so and waits for one.
    """
    import ray

    task = ray.remote(max_retries=TRIES - 1)(_run)
    queue, pending, room = Queue(jobs, wanted), {}, True
    try:
        while True:
            while len(pending) < share.workers and (job := queue.next()):
                pending[task.options(**_ask(job, share), name=job.name).remote(job, share.cpus)] = job
            if not pending:
                return
            ready, _ = ray.wait(list(pending), timeout=LOOK)
            if not ready:
                room = _look_for_room(share, room)
                continue
            more, _ = ray.wait(list(pending), num_returns=len(pending), timeout=0)
            outcomes = [_outcome(pending.pop(ref), ref) for ref in dict.fromkeys([*ready, *more])]
            room = room or any(outcome.well and outcome.job.device for outcome in outcomes)
            on_end(queue.end(outcomes))
    finally:
        _cancel(pending)


def _share_gpus(resources: Resources, runtime: Runtime, workers: int | None) -> Share:
    largest = max(gpus for _, gpus in resources.nodes)
    each = 1 if runtime.distribution == "one_device" else runtime.replicas or largest
    room = sum(gpus // each for _, gpus in resources.nodes)
    if not room:
        raise InputError(f"runtime.replicas {each}: no machine here has more than {largest} GPUs; lower it")
    if workers is not None and workers > room:
        raise InputError(f"--workers {workers}: with {each} GPU{'s' * (each > 1)} a run, there is room for {room} at "
                         f"once on the {resources.gpus} here; give at most {room}")
    cpus = min(cpus * each // gpus for cpus, gpus in resources.nodes if gpus >= each)
    return Share(float(max(1, cpus)), each, workers or room)


def _look_for_room(share: Share, before: bool) -> bool:
    """Return whether a node that is alive has room for a job, and say so where that was different `before`."""
    room = any(cpus >= share.cpus and gpus >= share.gpus for cpus, gpus in resources().nodes)
    if before and not room:
        _say(f"no node is left on which a run fits (CPUs: {share.cpus:g}, GPUs: {share.gpus}): waiting for one; give "
             f"ray start --address {address_here()} on its machine, or stop the study with Ctrl-C and go on later")
    if room and not before:
        _say("a node has joined: the runs go on")
    return room


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


def _ask(job: Job, share: Share) -> dict[str, Any]:
    """Return what a job asks Ray for. A search asks for nothing, or its trials would wait for what it has."""
    return {"num_cpus": share.cpus, "num_gpus": share.gpus} if job.device else {"num_cpus": 0, "num_gpus": 0}


def _run(job: Job, cpus: float) -> Outcome:
    """Run a job in a process of its own, on a worker of Ray's, again where it crashed."""
    environment = os.environ | {name: f"{max(1, int(cpus))}" for name in THREADS}
    for attempt in range(1, TRIES + 1):
        began = time.monotonic()
        status = run_process(job.command, job.log, environment)
        seconds = time.monotonic() - began
        if status in ENDED:
            return Outcome(job, status, seconds, "" if status == 0 else last_line(job.log), attempt)
    return Outcome(job, status, seconds, f"{describe_status(status)} ({last_line(job.log)})", TRIES)


def _outcome(job: Job, ref) -> Outcome:
    """Return what became of a task that has ended."""
    import ray

    try:
        return ray.get(ref)
    except ray.exceptions.RayError as error:
        reason = str(error).strip().splitlines()
        return Outcome(job, 1, 0.0, f"lost by Ray ({reason[-1] if reason else type(error).__name__})", TRIES)


def _cancel(pending) -> None:
    """Cancel what has not ended, and give its processes the time to stop in order."""
    import ray

    for ref in pending:
        ray.cancel(ref)
    if pending:
        ray.wait(list(pending), num_returns=len(pending), timeout=30)
