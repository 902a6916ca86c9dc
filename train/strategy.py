"""On which devices a training runs: one, several of a machine, or those of several machines.

Batches and losses belong to all replicas together, so that a run means the same on any number of them.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import tensorflow as tf
from official.common import distribute_utils
from official.core import train_lib
from official.modeling.performance import set_mixed_precision_policy

from datasets.errors import InputError
from study.config import Runtime

MODEL_GARDEN = {"one_device": "one_device", "mirrored": "mirrored", "multi_worker": "multi_worker_mirrored"}
TF_CONFIG = '{"cluster": {"worker": ["HOST:PORT", …]}, "task": {"type": "worker", "index": 0}}'


def prepare(runtime: Runtime) -> tf.distribute.Strategy:
    """Return the strategy of `runtime`, in a process always the same one; call it before any computation.

    Raises InputError for devices that are not there, and for a TF_CONFIG that names no workers.
    """
    if runtime.distribution == "multi_worker":
        check_cluster(os.environ.get("TF_CONFIG", ""))
    return _strategy(runtime.distribution, _replicas(runtime))


def runtime_settings(runtime: Runtime) -> dict[str, object]:
    """Return `runtime` as settings of the Model Garden's RuntimeConfig. Raises InputError if devices are missing."""
    replicas = _replicas(runtime)
    return {
        "distribution_strategy": MODEL_GARDEN[runtime.distribution],
        "num_gpus": replicas if _gpus() else 0,
        "mixed_precision_dtype": runtime.precision,
        "loss_scale": "dynamic" if runtime.precision == "float16" else None,
        "enable_xla": runtime.xla,
    }


@contextmanager
def precision(runtime: Runtime) -> Iterator[None]:
    """Within the block, build networks that compute in the runtime's precision; after it, in float32 again."""
    set_mixed_precision_policy(tf.as_dtype(runtime.precision))
    try:
        yield
    finally:
        set_mixed_precision_policy(tf.float32)


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Tell whether this process writes results; of several workers, one does."""
    return strategy.extended.should_checkpoint


def check_batch(batch_size: int, strategy: tf.distribute.Strategy, what: object) -> None:
    """Raise InputError, beginning with `what`, if the replicas cannot share a batch evenly."""
    replicas = strategy.num_replicas_in_sync
    if batch_size % replicas:
        raise InputError(f"{what}: a batch of {batch_size} images cannot be shared evenly by {replicas} replicas; "
                         f"choose a batch_size that is a multiple of {replicas}, or other replicas")


def follow_chief(runner: train_lib.OrbitExperimentRunner, checkpoints: Path, step: int) -> None:
    """Bring a worker that is not the chief to the chief's checkpoint of `step`, unless that is 0.

    The Model Garden lets only the chief write to `checkpoints`, and gives every other worker a temporary folder: taken
    up again, it would begin anew while the chief goes on.
    """
    if is_chief(runner.strategy) or runner.checkpoint_manager is None:
        return
    atexit.register(shutil.rmtree, runner.checkpoint_manager.directory, ignore_errors=True)
    if step:
        runner.trainer.checkpoint.restore(str(checkpoints / f"ckpt-{step}")).assert_existing_objects_matched()


def check_cluster(text: str) -> None:
    """Raise InputError unless `text`, the content of TF_CONFIG, names the workers and which of them this one is."""
    try:
        config = json.loads(text)
        kind, index = config["task"]["type"], config["task"]["index"]
        named = kind in ("chief", "worker") and isinstance(index, int) and index >= 0 and config["cluster"][kind][index]
    except (ValueError, KeyError, TypeError, IndexError):
        named = False
    if not named:
        state = f"is {text[:80]!r}" if text else "is not set"
        raise InputError(f"the environment variable TF_CONFIG {state}; several workers need it: {TF_CONFIG}")


def _replicas(runtime: Runtime) -> int:
    """Return the number of this machine's devices that take part."""
    gpus, wanted = _gpus(), runtime.replicas
    if runtime.distribution == "one_device":
        found = 1
    else:
        found = gpus or (wanted if wanted and runtime.distribution == "mirrored" else 1)
    replicas = found if wanted is None else wanted
    if replicas > found:
        devices = f"{found} GPU{'s' if found > 1 else ''}" if gpus else "one CPU"
        remedy = "choose mirrored" if runtime.distribution == "one_device" else "lower or leave out replicas"
        raise InputError(f"runtime: {replicas} replicas, but {runtime.distribution} has {devices}; {remedy}")
    if runtime.distribution == "multi_worker" and replicas < found:
        raise InputError(f"runtime: {replicas} replicas, but multi_worker takes all {found} GPUs of a machine; leave "
                         "replicas out and hide the others with CUDA_VISIBLE_DEVICES")
    return replicas


def _gpus() -> int:
    return len(tf.config.list_physical_devices("GPU"))


@cache  # workers connect once in a process, and CPUs are split once
def _strategy(distribution: str, replicas: int) -> tf.distribute.Strategy:
    if distribution == "mirrored" and not _gpus():
        return tf.distribute.MirroredStrategy([f"CPU:{number}" for number in range(_split_cpu(replicas))])
    try:
        return distribute_utils.get_distribution_strategy(MODEL_GARDEN[distribution], replicas if _gpus() else 0)
    except RuntimeError as error:  # collective operations must be configured before the first computation
        raise InputError(f"runtime: {distribution} cannot start, TensorFlow computed before; run it in a process of "
                         f"its own ({str(error).splitlines()[0]})") from None


def _split_cpu(count: int) -> int:
    """Make `count` logical devices out of the CPU and return their number. Raises InputError if it is too late."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    try:
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * count)
    except RuntimeError:  # initialised already
        found = len(tf.config.list_logical_devices("CPU"))
        if found < count:
            raise InputError(f"runtime: the CPU cannot be split into {count} replicas, TensorFlow computed on it "
                             "before; run this in a process of its own") from None
    return count
