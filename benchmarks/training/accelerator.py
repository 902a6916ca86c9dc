"""What a GPU makes of a training step: rate, memory, waiting for input, and the share of its matrix peak."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import tensorflow as tf

from benchmarks.training.rounds import take_turns
from benchmarks.training.steps import Settings, Training, on

WARM = 3  # steps before the timed ones
OUTPUT_AND_KERNEL = {  # of an operation, where the forward convolution's are: among its inputs, or its own output
    "Conv2D": (None, 1), "Conv2DBackpropInput": (2, 1), "Conv2DBackpropFilter": (2, None),
    "DepthwiseConv2dNative": (None, 1), "DepthwiseConv2dNativeBackpropInput": (2, 1),
    "DepthwiseConv2dNativeBackpropFilter": (2, None),
}

# Dense matrix peak in 10^12 operations a second, from the makers' data sheets: float32, in which TensorFlow uses
# TF32 where the chip has it, and 16 bits with float32 sums. The first name that a device's name contains counts.
PEAKS = {
    "B200": (1125.0, 2250.0), "H200": (494.7, 989.4), "H100 PCIe": (378.0, 756.0), "H100": (494.7, 989.4),
    "A100": (156.0, 312.0), "L40S": (183.0, 362.0), "L40": (90.5, 181.0), "L4": (60.0, 121.0),
    "RTX 4090": (82.6, 165.2), "RTX 3090": (35.6, 71.0), "V100": (15.7, 125.0), "T4": (8.1, 65.0),
}
WITHOUT_BFLOAT16 = ("V100", "T4")


@dataclass(frozen=True)
class Usage:
    """One detector's training on a device, in one precision, with or without XLA."""

    detector: str
    precision: str
    xla: bool
    in_memory: float  # images per second on one batch that stays on the device
    from_records: float  # images per second
    waiting: float  # share of the time, in [0, 1]
    gigabytes: float | None  # peak memory, where the device tells
    teraflops: float  # in convolutions of the step, per second, on the batch in memory
    share_of_peak: float | None  # of the chip's matrix peak, in [0, 1], where that is known


def measure_usage(training: Training, settings: Settings, detector: str, steps: int, peak: float | None) -> Usage:
    """Measure `steps` training steps on a batch in memory and as many from records; `peak` in 10^12 operations/s."""
    batches = iter(training.batches)
    batch = next(batches)
    flops = count_flops(training.plain, batch)
    device = "GPU:0" if tf.config.list_physical_devices("GPU") else None
    if device:
        tf.config.experimental.reset_memory_stats(device)
    (seconds,) = take_turns({"": on(training, batch)}, 1, steps, ahead=WARM)[""]
    memory = tf.config.experimental.get_memory_info(device)["peak"] / 1e9 if device else None
    whole, waiting = share_waiting(batches, lambda batch: training.step(batch).numpy(), steps)
    rate = flops / seconds / 1e12
    return Usage(detector, settings.runtime.precision, settings.runtime.xla, settings.batch / seconds,
                 settings.batch / whole, waiting, memory, rate, rate / peak if peak else None)


def count_flops(step: Callable, batch: object) -> float:
    """Return the floating-point operations in the convolutions of one call of `step(batch)`, forward and backward.

    A multiplication and its addition are two. `step` must not be compiled by XLA, which hides its operations; what a
    graph holds but its outputs and updates do not need is not counted, for it is never computed.
    """
    graph = tf.function(step).get_concrete_function(tf.nest.map_structure(tf.TensorSpec.from_tensor, batch)).graph
    pending, needed = [*(tensor.op for tensor in graph.outputs), *graph.control_outputs], set()
    while pending:
        operation = pending.pop()
        if operation not in needed:
            needed.add(operation)
            pending += [*(tensor.op for tensor in operation.inputs), *operation.control_inputs]
    return float(sum(_flops(operation) for operation in needed if operation.type in OUTPUT_AND_KERNEL))


def _flops(operation: tf.Operation) -> int:
    output, kernel = (operation.outputs[0] if place is None else operation.inputs[place]
                      for place in OUTPUT_AND_KERNEL[operation.type])
    height, width, depth, _ = kernel.shape
    return 2 * output.shape.num_elements() * height * width * (1 if "Depthwise" in operation.type else depth)


def peak_of(device: str, precision: str) -> float | None:
    """Return the matrix peak of a GPU in 10^12 operations a second; None for one that PEAKS does not know."""
    for name, (single, half) in PEAKS.items():
        if name in device and not (name in WITHOUT_BFLOAT16 and precision == "bfloat16"):
            return single if precision == "float32" else half
    return None


def share_waiting(batches: Iterator, step: Callable[[object], object], steps: int) -> tuple[float, float]:
    """Return the seconds of a step that takes its batch from `batches`, and the share of them spent waiting for it.

    Every step is waited for: the pipeline reads on meanwhile, and what `next` still takes is waiting.
    """
    waited, began = 0.0, time.perf_counter()
    for _ in range(steps):
        asked = time.perf_counter()
        batch = next(batches)
        waited += time.perf_counter() - asked
        step(batch)
    seconds = time.perf_counter() - began
    return seconds / steps, waited / seconds


def gpu_name() -> str | None:
    """Return the name of the first GPU that TensorFlow can use, None without one."""
    gpus = tf.config.list_physical_devices("GPU")
    return tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU") if gpus else None
