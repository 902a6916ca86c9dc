"""The data that the documents' commands name, small, in the folder it is started in: `python -m tests.docs.stand_ins`.

Pictures are painted, detections are the truth with errors put in, and the embedded study's runs are given out as
trained; the scores and tables that follow from these are made by the real functions.
"""

from __future__ import annotations

import csv
import json
import shutil
import sys
from pathlib import Path

import numpy as np

from datasets.annotations import Annotations
from datasets.files import write_json
from datasets.formats.coco import read_coco
from datasets.settings import read_yaml
from evaluate.coco import score
from evaluate.detections import read_detections
from evaluate.result import NO_ERROR_BAR, metric_rows
from predict.__main__ import main as predict
from study.command import write_study
from study.data import read_validation
from study.layout import StudyFolder
from study.load import load_study
from study.matrix import Cell, cells
from study.results import collect
from tests import folders
from tests.predict.results import write_results
from tests.small import finish, write_dataset, write_split

DATA = Path("path/to")
PUBLISHED = Path("predict/data/published_2019.csv")
FRACTIONS = (1, 2.5, 5, 10, 20, 50, 100)
STUDIES = ("embedded", "embedded_search")


def main() -> None:
    write_data_sets()
    if sys.argv[1:] == ["--trained"]:
        shorten_studies()
        write_configuration()
        return
    write_scored_files()
    write_tables()
    write_configuration()
    for name in STUDIES:
        write_study_of(name)


def write_data_sets() -> None:
    """Write folders in the layouts that COCO, BDD100K, BCCD and a user's own data have."""
    folders.write_yolo(DATA / "cells", 60, 0)
    folders.write_yolo(Path("my_yolo_folder"), 240, 40)
    Path("FOLDER").symlink_to(DATA / "cells")
    for split, images in (("train2017", 240), ("val2017", 40)):
        write_split(DATA / "coco", split, images)
        _rename(DATA / "coco/annotations" / f"instances_{split}.json", _classes("voc"))
    folders.write_bdd(DATA / "bdd100k", 240, 40)
    write_dataset(DATA / "bccd", 60, 20)
    shutil.copytree(DATA / "bccd/train", DATA / "bccd/images")
    shutil.copytree(DATA / "bccd/val", DATA / "bccd/images", dirs_exist_ok=True)


def write_scored_files() -> None:
    """Write a truth, its images, and three sets of detections, a better one and two worse."""
    annotations = DATA / "coco/annotations"
    for name, source in (("instances_val", "val2017"), ("val", "val2017"), ("train", "train2017"),
                         ("instances_val2017", "val2017"), ("instances_train2017", "train2017")):
        shutil.copy(annotations / f"instances_{source}.json", f"{name}.json")
    Path("val").symlink_to(DATA / "coco/val2017")
    truth = read_coco("instances_val.json")
    for name, quality in (("results", 0.8), ("before", 0.5), ("after", 0.8)):
        write_json(Path(f"{name}.json"), detect(truth, quality, seed=len(name)))


def write_tables() -> None:
    """Write tables of results, a spreadsheet's and studies', and an early forecast."""
    with PUBLISHED.open(encoding="utf-8", newline="") as stream:
        published = list(csv.reader(stream))[2:]
    rows = [f"{int(images) // 40},{values[-1]}\n" for _, images, *values in published]
    Path("early").mkdir()
    for path, sizes in ((Path("early/my_table.csv"), rows[:4]), (Path("my_table.csv"), rows)):
        path.write_text("".join(["images,mAP\n", *sizes]))
    predict(["forecast", "early/my_table.csv", "--at", "2957", "--out", "forecast"])
    kept = {"datasets": ["coco"], "classes": ["person", "car"], "metrics": ["AP", "AP50"]}
    write_results(Path("early/results.csv"), fractions=FRACTIONS[:4], **kept)
    shutil.copy("early/results.csv", "results_of_small_subsets.csv")
    shutil.copy(PUBLISHED, "per_cent.csv")
    write_results(Path("results.csv"), fractions=FRACTIONS, **kept)
    for name in ("coco", "bdd"):
        write_results(Path(f"studies/{name}/results.csv"), **kept | {"datasets": [name]})


def write_configuration() -> None:
    """Write the study file that the pages call CONFIG."""
    Path("CONFIG").write_text(Path("configs/studies/coco.yaml").read_text().replace(
        "datasets: [coco]", "datasets: [{base: coco, root: path/to/coco}]"))


def write_study_of(name: str) -> None:
    """Give an embedded study's runs out as trained and evaluated, and collect their results."""
    study = load_study(Path(f"configs/studies/{name}.yaml"))
    folder = StudyFolder(Path("studies").resolve() / name)
    write_study(study, folder)
    for cell in cells(study):
        _evaluate(study, folder, cell)
    collect(study, folder)


def shorten_studies() -> None:
    """Let the embedded studies train for four steps and search in one trial."""
    changes = {"models/ssd_mobilenet_v2_small.yaml": {"_steps: 200": "_steps: 4", "max_steps: 780": "max_steps: 4"},
               "studies/embedded_search.yaml": {"[100, 200, 400]": "[2, 4]", "every: 50": "every: 2",
                                                "trials: 8": "trials: 1\n  then: best"}}
    for name, replaced in changes.items():
        text = Path("configs", name).read_text(encoding="utf-8")
        for before, after in replaced.items():
            assert before in text
            text = text.replace(before, after)
        Path("configs", name).write_text(text, encoding="utf-8")


def detect(truth: Annotations, quality: float, seed: int = 0) -> list[dict]:
    """Return detections of most boxes, of the better `quality` in [0, 1] the nearer and the surer, and false ones."""
    noise = np.random.default_rng([seed, int(1000 * quality)])
    found = []
    for image, category, box in zip(truth.image_of_box().tolist(), truth.classes.tolist(), truth.boxes.tolist()):
        if noise.random() < 0.3 + 0.7 * quality:
            moved = np.array(box) + noise.normal(scale=(1.05 - quality) * 0.15, size=4) * np.tile(box[2:], 2)
            wrong = noise.random() > 0.4 + 0.6 * quality
            found.append({"image_id": int(truth.image_ids[image]),
                          "category_id": truth.category_ids[(category + wrong) % len(truth.categories)],
                          "bbox": np.maximum(moved, [0, 0, 1, 1]).round(2).tolist(),
                          "score": round(float(noise.uniform(0.05, 0.6 if wrong else 1)), 4)})
    return found


def _evaluate(study, folder: StudyFolder, cell: Cell) -> None:
    dataset = study.datasets[0]
    truth, run = read_validation(dataset), folder.run(cell)
    quality = 0.1 + 0.2 * np.log10(cell.fraction + 1) ** 1.3 + 0.01 * (cell.draw + cell.seed + 5 * cell.searched)
    write_json(run.detections, detect(truth, quality, cell.draw + cell.seed))
    rows = metric_rows(score(truth, read_detections(run.detections, truth)), resamples=20)
    images = int(240 * cell.fraction / 100)
    finish(study, folder, cell, {
        "cell": {key: getattr(cell, key) for key in ("dataset", "detector", "fraction", "draw", "seed")},
        "recipe": "scaled", "images": images, "boxes": 3 * images, "steps": 200, "checkpoint": "ckpt-1",
        "train_seconds": 60.0, "evaluate_seconds": 4.0, "resumed_at": 0, "images_per_second": 50.0,
        "device": "CPU (2 cores)",
        "metrics": [*rows, {"metric": "loss", "class": "", "value": 3 - quality, **NO_ERROR_BAR}]})


def _classes(name: str) -> list[str]:
    """Return the names, in the annotations, of the classes that a class map keeps, the most frequent first."""
    kept = read_yaml(Path(f"configs/class_maps/{name}.yaml"))["classes"]
    names = [(source or own).split(" | ")[0] for own, source in kept.items()]
    return sorted(names, key=lambda each: each not in ("person", "car", "dog"))


def _rename(path: Path, names: list[str]) -> None:
    """Give the categories of a COCO file these names, and add those that it lacks."""
    content = json.loads(path.read_text())
    content["categories"] = [{"id": number, "name": name} for number, name in enumerate(names, 1)]
    path.write_text(json.dumps(content))


if __name__ == "__main__":
    main()
