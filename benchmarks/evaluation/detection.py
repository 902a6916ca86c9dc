"""What detection costs beside the bare network: `python -m benchmarks.evaluation.detection`, one line of JSON.

Two sides that take turns in one process, over the same images with the same compiled function: the network with its
suppression on batches in memory, and `detect` from records, with detections.json written.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np

from detectors.runtime import start

DEVICE = start("detecting", expect_gpu=False)  # before anything imports TensorFlow

from benchmarks.training import material  # noqa: E402
from benchmarks.training.rounds import ratio, take_turns  # noqa: E402
from benchmarks.training.steps import read_detector  # noqa: E402
from datasets.annotations import Annotations, for_training  # noqa: E402
from datasets.embedded.glyphs import letters  # noqa: E402
from datasets.read import read  # noqa: E402
from detectors.detector import build  # noqa: E402
from evaluate.detect import build_predictor, detect  # noqa: E402
from evaluate.detections import write_detections  # noqa: E402
from evaluate.run import BATCH_SIZE  # noqa: E402
from records.manifest import first_shards  # noqa: E402
from records.pipeline import validation_batches  # noqa: E402
from records.write import write_records  # noqa: E402
from study.config import DetectorConfig  # noqa: E402

DETECTOR = "ssd_mobilenet_v2"


def compare(config: DetectorConfig, truth: Annotations, images: Path, folder: Path, rounds: int) -> dict:
    """Return each side's seconds over the images of `truth` in every round, and how the rates compare.

    The weights are fresh ones: every image has its 100 detections, and the suppression all its work.
    """
    manifest = write_records(truth, images, folder / "records", stored_size=config.stored_size, label="records")
    shards = first_shards(folder / "records", truth.num_images)
    batches = validation_batches(shards, batch_size=BATCH_SIZE, input_size=config.input_size)
    detector = build(config.kind, len(truth.categories), input_size=config.input_size, width=config.width)
    predict = build_predictor(detector)
    in_memory = [pictures for pictures, _ in batches]

    def bare() -> None:
        for pictures in in_memory:
            for tensor in predict(pictures):
                tensor.numpy()

    def whole() -> None:
        write_detections(folder / "detections.json", detect(detector, batches, truth, predict), truth)

    seconds = take_turns({"network with its suppression, in memory": bare,
                          "detect from records, detections.json written": whole}, rounds)
    memory, records = seconds.values()
    return {"text": f"{DEVICE}; {config.name}, {config.input_size} px, batches of {BATCH_SIZE}, {truth.num_images} "
                    f"images of {len(truth.categories)} classes, stored at {config.stored_size} px, "
                    f"{manifest.stored_bytes / truth.num_images / 1000:.0f} kB each",
            "images": truth.num_images, "seconds": seconds,
            "rate": vars(ratio(memory, records))}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evaluation.detection", description=__doc__)
    parser.add_argument("--images", type=Path, help="of a data set (default: painted letters, 640 x 480 pixels)")
    parser.add_argument("--annotations", type=Path, help="of that data set")
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        annotations, images = arguments.annotations, arguments.images
        if annotations is None:
            annotations, images = material.paint_digits(Path(folder, "painted"), letters("train"))
        truth = for_training(read(annotations)[0])
        truth = truth.take(np.arange(min(material.IMAGES, truth.num_images)))
        print(json.dumps(compare(read_detector(DETECTOR), truth, images, Path(folder), arguments.rounds)))


if __name__ == "__main__":
    main()
