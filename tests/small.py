"""A small data set of painted rectangles on disk, and studies of it."""

import json
from pathlib import Path

import msgspec
import numpy as np
import yaml
from PIL import Image

from datasets.files import write_json
from study.config import DatasetConfig, DetectorConfig, Forecast, Recipe, Study
from study.data import cut_orders, image_bytes, image_folder, read_subset, read_train, read_validation, validation_split
from study.identity import claim, evaluation_inputs, fingerprint, training_inputs
from study.layout import RunFolder, StudyFolder
from study.matrix import Cell

COLOURS = {"red": (220, 30, 30), "green": (30, 220, 30), "blue": (30, 30, 220)}


def write_split(root: Path, split: str, images: int, seed: int = 0) -> None:
    """Write annotations/instances_<split>.json and its JPEGs: one to three coloured rectangles in each, ids from 1."""
    rng = np.random.default_rng([seed, images])
    (root / split).mkdir(parents=True)
    (root / "annotations").mkdir(exist_ok=True)
    records, boxes = [], []
    for id_ in range(1, images + 1):
        width, height = rng.integers(60, 100, 2).tolist()
        pixels = np.full((height, width, 3), 128, np.uint8)
        for _ in range(rng.integers(1, 4)):
            kind = int(rng.integers(len(COLOURS)))
            w, h = rng.integers(20, 40, 2).tolist()
            x, y = int(rng.integers(width - w)), int(rng.integers(height - h))
            pixels[y:y + h, x:x + w] = list(COLOURS.values())[kind]
            boxes.append({"id": len(boxes) + 1, "image_id": id_, "category_id": kind + 1, "bbox": [x, y, w, h],
                          "area": w * h, "iscrowd": 0})
        Image.fromarray(pixels).save(root / split / f"{id_}.jpg", quality=95)
        records.append({"id": id_, "file_name": f"{id_}.jpg", "width": width, "height": height})
    categories = [{"id": i, "name": name} for i, name in enumerate(COLOURS, 1)]
    (root / "annotations" / f"instances_{split}.json").write_text(
        json.dumps({"images": records, "annotations": boxes, "categories": categories}))


def write_dataset(root: Path, train: int = 20, validation: int = 7) -> Path:
    """Write both splits under `root` and return it."""
    write_split(root, "train", train)
    write_split(root, "val", validation, seed=1)
    return root


def make_study(root: Path, **settings) -> Study:
    """Return a study of the data set at `root`; `settings` replace its own."""
    plain = {
        "name": "small", "fractions": (10.0, 50.0, 100.0),
        "forecast": Forecast(fit_up_to=50.0), "datasets": (DatasetConfig(name="paint", root=str(root)),),
        "detectors": (DetectorConfig(name="tiny", width=0.1, input_size=64, stored_size=64,
                                     recipes={"scaled": Recipe()}),),
    }
    return Study(**plain | settings)


def begin(run: RunFolder, inputs: dict) -> None:
    """Make `run` one of these inputs that has left a checkpoint."""
    claim(run, inputs)
    run.checkpoints.mkdir(exist_ok=True)
    (run.checkpoints / "ckpt-1.index").touch()


def finish(study: Study, folder: StudyFolder, cell: Cell, content: dict) -> RunFolder:
    """Give a run out as trained and evaluated with `content` in its result, but for detections. Return its folder."""
    run, dataset = folder.run(cell), study.datasets[0]
    cut_orders(study, folder, dataset, read_train(dataset))
    subset, truth = read_subset(folder, dataset, cell), read_validation(dataset)
    inputs = training_inputs(study, cell, subset, image_bytes(subset, image_folder(dataset, dataset.train)))
    begin(run, inputs)
    size = image_bytes(truth, image_folder(dataset, validation_split(dataset)))
    evaluation = fingerprint(evaluation_inputs(study, truth, size, fingerprint(inputs)))
    write_json(run.result, content | {"fingerprint": evaluation})
    return run


def write_config(path: Path, study: Study) -> Path:
    """Write `study` as the YAML file that a user would give, and return its path."""
    path.write_text(yaml.safe_dump(msgspec.to_builtins(study)))
    return path
