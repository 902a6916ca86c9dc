"""What a training step costs, side by side: `python -m benchmarks.training`.

Our full step (forward, matching, mining, losses, weight decay, gradients, clipping, optimiser) against the bare
backbone's forward and backward, against the Model Garden's RetinaNet on MobileNetV2, and from records against the same
step on a batch in memory; both sides of a ratio with the same batch, precision and compiler. Ratios are medians over
rounds in which the sides take turns. On a GPU also rates, memory, waiting and the share of the chip's peak.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from itertools import product
from pathlib import Path

from datasets.errors import command
from datasets.parser import Parser, count
from detectors.kinds import SCOPES
from detectors.runtime import start

KINDS = tuple(SCOPES)
PRECISIONS = ("float32", "bfloat16", "float16")
GPU_STEPS = 50


def make_parser() -> Parser:
    parser = Parser(prog="python -m benchmarks.training", description=__doc__,
                    epilog="example:\n  python -m benchmarks.training --detector ssd_mobilenet_v2 --rounds 11\n")
    parser.add_argument("--detector", choices=KINDS, default=KINDS[0], metavar="NAME",
                        help="a detector of configs/models (default: %(default)s)")
    parser.add_argument("--recipe", default="study2019", metavar="NAME",
                        help="of its recipes, for optimiser and augmentations (default: %(default)s)")
    parser.add_argument("--batch", type=count, metavar="N", help="images in a batch (default: the recipe's)")
    parser.add_argument("--precision", choices=PRECISIONS, default="float32", help="of every side (default: float32)")
    parser.add_argument("--xla", action="store_true", help="compile every side with XLA")
    parser.add_argument("--rounds", type=count, default=7, metavar="N", help="turns of every side (default: 7)")
    parser.add_argument("--steps", type=count, default=6, metavar="N", help="steps in a turn from records (default: 6)")
    parser.add_argument("--annotations", type=Path, metavar="PATH",
                        help="of a data set to train on (default: painted digits)")
    parser.add_argument("--images", type=Path, metavar="FOLDER", help="the folder its file names start from")
    parser.add_argument("--no-gpu", action="store_true", help="leave out the GPU, which is measured where there is one")
    parser.add_argument("--peak", type=float, metavar="TFLOPS", help="the chip's matrix peak, where it is not known")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="write training.json and training.md there")
    return parser


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = make_parser()
    arguments = parser.parse_args(argv)
    if (arguments.annotations is None) != (arguments.images is None):
        parser.error("--annotations and --images belong together")
    return arguments


@command
def main(argv: list[str] | None = None) -> int:
    """Run the command line."""
    arguments = _parse(argv)
    device = start("measuring")
    from benchmarks.training.material import paint_digits
    from benchmarks.training.table import as_json, as_markdown
    from datasets.files import write_json, write_text

    with tempfile.TemporaryDirectory() as folder:
        source = (arguments.annotations, arguments.images) if arguments.images else paint_digits(Path(folder, "digits"))
        heading, findings = _compare(arguments, device, Path(folder), source)
        usages = _measure_gpu(arguments, Path(folder), source)
    table = as_markdown(findings, usages)
    print(table)
    if arguments.out:
        arguments.out.mkdir(parents=True, exist_ok=True)
        write_json(arguments.out / "training.json", {"heading": heading} | as_json(findings, usages))
        write_text(arguments.out / "training.md", f"{heading}\n\n{table}\n")
    return 0


def _compare(arguments: argparse.Namespace, device: str, folder: Path, source: tuple[Path, Path]):
    """Return a line on what was compared, which is printed too, and the findings."""
    from benchmarks.training.comparisons import compare_input, compare_steps
    from benchmarks.training.material import write_material
    from benchmarks.training.steps import Settings, choose_recipe, read_detector
    from study.config import Runtime
    from train.strategy import precision

    runtime = Runtime(precision=arguments.precision, xla=arguments.xla)
    detector = read_detector(arguments.detector)
    recipe = choose_recipe(detector, arguments.recipe, arguments.batch)
    settings = Settings(recipe.batch_size, runtime)
    material = write_material(folder / detector.name, detector.stored_size, *source)
    heading = (f"{device}; {detector.name}, recipe {arguments.recipe}, batch {settings.batch}, {runtime.precision}"
               f"{', XLA' if runtime.xla else ''}; {material.text}; {arguments.rounds} rounds, load before "
               f"{os.getloadavg()[0]:.1f}")
    print(heading, flush=True)
    with precision(runtime):
        findings = compare_steps(detector, recipe, settings, material, arguments.rounds)
        findings.extend(compare_input(detector, recipe, settings, material, arguments.rounds, arguments.steps))
    return heading, findings


def _measure_gpu(arguments: argparse.Namespace, folder: Path, source: tuple[Path, Path]) -> list:
    """Return both detectors' usage of the GPU, in float32 and mixed precision, with and without XLA."""
    from benchmarks.training.accelerator import gpu_name, measure_usage, peak_of
    from benchmarks.training.material import write_material
    from benchmarks.training.steps import Settings, choose_recipe, ours, read_detector
    from study.config import Runtime
    from train.strategy import precision

    name = gpu_name()
    if name is None or arguments.no_gpu:
        print("no GPU measured: " + ("--no-gpu" if name else "TensorFlow finds none on this machine"), flush=True)
        return []
    mixed = "bfloat16" if arguments.precision == "float32" else arguments.precision
    usages = []
    for kind in KINDS:
        detector = read_detector(kind)
        recipe = choose_recipe(detector, arguments.recipe, arguments.batch)
        material = write_material(folder / detector.name, detector.stored_size, *source)
        for dtype, xla in product(("float32", mixed), (False, True)):
            settings = Settings(recipe.batch_size, Runtime(precision=dtype, xla=xla))
            with precision(settings.runtime):
                training = ours(detector, recipe, settings, material)
                usages.append(measure_usage(training, settings, detector.name, GPU_STEPS,
                                            arguments.peak or peak_of(name, dtype)))
    return usages


if __name__ == "__main__":
    sys.exit(main())
