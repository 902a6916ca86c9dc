"""TensorFlow's start: quiet, on the right device, and plain about which one that is."""

from __future__ import annotations

import logging
import os
import warnings
from pathlib import Path


def start(doing: str = "training", expect_gpu: bool = False) -> str:
    """Prepare TensorFlow and return one sentence on the device, such as ``training on CPU (2 cores)``.

    With `expect_gpu` the sentence says so if there is none.

    Call it before anything imports TensorFlow: its C++ side reads the log level only once.
    """
    _quiet()
    import tensorflow as tf

    tf.get_logger().setLevel(logging.ERROR)
    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    absent = "no GPU found: " if expect_gpu and not gpus and not _has_nvidia_gpu() else ""
    return f"{absent}{sentence_on(doing)}"


def sentence_on(doing: str) -> str:
    """Return what `start` says, once that was called."""
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    names = [tf.config.experimental.get_device_details(gpu).get("device_name", "GPU") for gpu in gpus]
    return f"{doing} on {_device(names)}"


def gpu_libraries() -> dict[str, str]:
    """Return the versions of CUDA and cuDNN that TensorFlow was built with, none where it has no GPU."""
    import tensorflow as tf

    if not tf.config.list_physical_devices("GPU"):
        return {}
    built = tf.sysconfig.get_build_info()
    return {name: str(built[f"{name}_version"]) for name in ("cuda", "cudnn") if f"{name}_version" in built}


def _quiet() -> None:
    """Drop what TensorFlow says at every start. A log level that the user has set is kept.

    Without a GPU its C++ errors go too: the one it always prints is that there is no GPU.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2" if _has_nvidia_gpu() else "3")
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    warnings.filterwarnings("ignore", category=FutureWarning)
    logging.getLogger("absl").setLevel(logging.ERROR)


def _device(gpus: list[str]) -> str:
    if gpus:
        return f"GPU ({gpus[0]})" + (f", one of {len(gpus)}" if len(gpus) > 1 else "")
    cores = _cores()
    return f"CPU ({cores} core{'s' if cores > 1 else ''}){_unused_gpu()}"


def _cores() -> int:
    """Return how many cores this process may use, which in a container is fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _unused_gpu() -> str:
    """Say why a GPU that the machine has is not used; TensorFlow itself falls back to the CPU in silence."""
    if not _has_nvidia_gpu():
        return ""
    if (visible := os.environ.get("CUDA_VISIBLE_DEVICES")) in ("", "-1"):
        return f"; the GPU is hidden by CUDA_VISIBLE_DEVICES={visible!r}"
    return '; there is a GPU that TensorFlow cannot use: install its CUDA packages with make study GPU=1'


def _has_nvidia_gpu(devices: Path = Path("/dev")) -> bool:
    """Tell whether the driver has made a device file for at least one GPU."""
    return any(path.name.removeprefix("nvidia").isdigit() for path in devices.glob("nvidia*"))
