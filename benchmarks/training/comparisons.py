"""Our training step beside others: the bare backbone's, the Model Garden's RetinaNet's, and itself without records."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
import tensorflow as tf

from benchmarks.training.material import Material
from benchmarks.training.rounds import Ratio, ratio, take_turns
from benchmarks.training.steps import Settings, backbone, from_records, on, ours, retinanet
from study.config import DetectorConfig, Recipe

RETINANET = "ssd_mobilenet_v2"  # the detector with which it shares the backbone
AHEAD = 2  # steps before the timed ones: the pipeline's buffer is as full after a turn as before


@dataclass(frozen=True)
class Comparison:
    """A ratio and what it should be."""

    name: str
    ratio: Ratio
    goal: float
    at_most: bool  # or at least

    @property
    def reached(self) -> bool:
        return self.ratio.middle <= self.goal if self.at_most else self.ratio.middle >= self.goal


@dataclass(frozen=True)
class Side:
    """What a step of one side takes: the median over the rounds."""

    name: str
    pixels: int  # of an image's side
    seconds: float
    images_per_second: float


@dataclass
class Findings:
    """What was measured."""

    sides: list[Side] = field(default_factory=list)
    comparisons: list[Comparison] = field(default_factory=list)

    def add(self, name: str, pixels: int, seconds: Sequence[float], batch: int) -> None:
        middle = statistics.median(seconds)
        self.sides.append(Side(name, pixels, middle, batch / middle))

    def extend(self, other: Findings) -> None:
        self.sides += other.sides
        self.comparisons += other.comparisons


def compare_steps(detector: DetectorConfig, recipe: Recipe, settings: Settings, material: Material,
                  rounds: int) -> Findings:
    """Compare the step on a batch in memory with the bare backbone's and, for MobileNetV2, with RetinaNet's.

    RetinaNet takes sizes that its levels divide, 320 for 300 pixels: ours is measured at that size too.
    """
    pixels, larger = detector.input_size, -(-detector.input_size // 64) * 64
    training = ours(detector, recipe, settings, material)
    batch = _first(training.batches)
    sides = {"ours": (pixels, on(training, batch)),
             "bare backbone": (pixels, backbone(detector.kind, settings, batch[0]))}
    if detector.kind == RETINANET:
        scaled = ours(msgspec.structs.replace(detector, input_size=larger), recipe, settings, material)
        other = retinanet(larger, settings, material)
        sides |= {"ours, size of RetinaNet": (larger, on(scaled, _first(scaled.batches))),
                  "RetinaNet": (larger, on(other, _first(other.batches)))}
    times = take_turns({name: step for name, (_, step) in sides.items()}, rounds)
    findings = Findings()
    for name, (size, _) in sides.items():
        findings.add(name, size, times[name], settings.batch)
    findings.comparisons.append(Comparison(
        f"step / bare backbone, {pixels} px", ratio(times["ours"], times["bare backbone"]), 1.35, True))
    if detector.kind == RETINANET:
        findings.comparisons += [
            Comparison(f"step at {pixels} px / RetinaNet, which makes {larger} px of it",
                       ratio(times["ours"], times["RetinaNet"]), 0.8, True),
            Comparison(f"step / RetinaNet, both {larger} px",
                       ratio(times["ours, size of RetinaNet"], times["RetinaNet"]), 0.8, True)]
    return findings


def compare_input(detector: DetectorConfig, recipe: Recipe, settings: Settings, material: Material, rounds: int,
                  steps: int) -> Findings:
    """Compare training from records, augmented as the recipe says, with the same step on a batch in memory."""
    training = ours(detector, recipe, settings, material)
    times = take_turns({"in memory": on(training, _first(training.batches)), "from records": from_records(training)},
                       rounds, steps, AHEAD)
    findings = Findings()
    for name, seconds in times.items():
        findings.add(f"ours, {name}", detector.input_size, seconds, settings.batch)
    findings.comparisons.append(Comparison("rate from records / in memory",
                                           ratio(times["in memory"], times["from records"]), 0.9, False))
    return findings


def _first(batches: tf.data.Dataset) -> tuple:
    return next(iter(batches))
