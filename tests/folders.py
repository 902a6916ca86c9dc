"""The painted rectangles of `tests.small` in the folders of every format, made from its COCO files."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import yaml

from tests.small import COLOURS, write_dataset

BDD_NAMES = {"red": "car", "green": "traffic light", "blue": "traffic sign"}


class Picture(NamedTuple):
    name: str
    width: int
    height: int
    boxes: list[tuple[str, list[int]]]  # class, [x, y, width, height]


def write_coco(root: Path, train: int = 40, validation: int = 12) -> Path:
    """COCO as it is downloaded."""
    return write_dataset(root, train, validation)


def write_single(root: Path, train: int = 60) -> Path:
    """One COCO file and a folder of images."""
    write_dataset(root, train, 1)
    shutil.move(root / "annotations/instances_train.json", root / "labels.json")
    shutil.move(root / "train", root / "images")
    shutil.rmtree(root / "annotations")
    shutil.rmtree(root / "val")
    return root


def write_roboflow(root: Path, train: int = 40, validation: int = 12) -> Path:
    """COCO as Roboflow exports it: the file beside its images, and a test split."""
    write_dataset(root, train, validation)
    (root / "val").rename(root / "valid")
    for split, name in (("train", "train"), ("val", "valid")):
        (root / f"annotations/instances_{split}.json").rename(root / name / "_annotations.coco.json")
    shutil.copytree(root / "valid", root / "test")
    (root / "annotations").rmdir()
    return root


def write_yolo(root: Path, train: int = 40, validation: int = 12) -> Path:
    """data.yaml, images/train, labels/train; without `validation` there is no val."""
    _split_images(root, train, validation)
    for split in _splits(validation):
        (root / "labels" / split).mkdir(parents=True)
        for picture in _pictures(root, split):
            lines = [f"{list(COLOURS).index(name)} {(x + w / 2) / picture.width} {(y + h / 2) / picture.height} "
                     f"{w / picture.width} {h / picture.height}\n" for name, (x, y, w, h) in picture.boxes]
            (root / "labels" / split / picture.name).with_suffix(".txt").write_text("".join(lines))
    content = {"path": ".", "names": dict(enumerate(COLOURS))} | {s: f"images/{s}" for s in _splits(validation)}
    (root / "data.yaml").write_text(yaml.safe_dump(content))
    shutil.rmtree(root / "annotations")
    return root


def write_voc(root: Path, train: int = 40, validation: int = 12) -> Path:
    """The development kit's Annotations, JPEGImages and ImageSets/Main; without `validation` there are no lists."""
    write_dataset(root, train, validation or 1)
    for folder in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (root / folder).mkdir(parents=True)
    for split in _splits(validation):
        stems = [_write_xml(root, split, picture) for picture in _pictures(root, split)]
        if validation:
            (root / f"ImageSets/Main/{split}.txt").write_text("\n".join(stems))
    for folder in ("annotations", "train", "val"):
        shutil.rmtree(root / folder)
    return root


def write_bdd(root: Path, train: int = 40, validation: int = 12) -> Path:
    """labels/bdd100k_labels_images_train.json and images/100k/train, as of 2018."""
    _split_images(root, train, validation)
    (root / "images").rename(root / "100k")
    (root / "images").mkdir()
    (root / "100k").rename(root / "images/100k")
    (root / "labels").mkdir()
    for split in _splits(validation):
        frames = [{"name": p.name, "size": {"width": p.width, "height": p.height}, "labels": [
            {"category": BDD_NAMES[name], "box2d": {"x1": x, "y1": y, "x2": x + w - 1, "y2": y + h - 1}}
            for name, (x, y, w, h) in p.boxes]} for p in _pictures(root, split)]
        (root / f"labels/bdd100k_labels_images_{split}.json").write_text(json.dumps(frames))
    shutil.rmtree(root / "annotations")
    return root


def _splits(validation: int) -> list[str]:
    return ["train", "val"] if validation else ["train"]


def _split_images(root: Path, train: int, validation: int) -> None:
    """Write the data set with its images in images/train and, with `validation`, images/val."""
    write_dataset(root, train, validation or 1)
    (root / "images").mkdir()
    for split in ("train", "val"):
        shutil.move(root / split, root / "images" / split)
    if not validation:
        shutil.rmtree(root / "images/val")


def _pictures(root: Path, split: str) -> Iterator[Picture]:
    content = json.loads((root / f"annotations/instances_{split}.json").read_text())
    names = {category["id"]: category["name"] for category in content["categories"]}
    for image in content["images"]:
        boxes = [(names[a["category_id"]], a["bbox"]) for a in content["annotations"] if a["image_id"] == image["id"]]
        yield Picture(image["file_name"], image["width"], image["height"], boxes)


def _write_xml(root: Path, split: str, picture: Picture) -> str:
    """Write one image's XML file, move the image to JPEGImages, and return their common name."""
    stem = f"{split}_{Path(picture.name).stem}"
    shutil.move(root / split / picture.name, root / f"JPEGImages/{stem}.jpg")
    objects = "".join(f"<object><name>{name}</name><bndbox><xmin>{x + 1}</xmin><ymin>{y + 1}</ymin><xmax>{x + w}</xmax>"
                      f"<ymax>{y + h}</ymax></bndbox></object>" for name, (x, y, w, h) in picture.boxes)
    (root / f"Annotations/{stem}.xml").write_text(
        f"<annotation><filename>{stem}.jpg</filename><size><width>{picture.width}</width>"
        f"<height>{picture.height}</height></size>{objects}</annotation>")
    return stem
