"""A file like COCO's `instances_train2017.json`: every field, polygons, crowds with run lengths, blank images."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import accumulate, chain, pairwise
from pathlib import Path
from typing import TextIO

import msgspec
import numpy as np

from benchmarks.scale.dealing import deal, place, scale
from datasets.files import whole_file

# Boxes of each class in train2017, by supercategory, in the order of the ids.
CLASSES = {
    "person": {"person": 262465},
    "vehicle": {"bicycle": 7113, "car": 43867, "motorcycle": 8725, "airplane": 5135, "bus": 6069, "train": 4571,
                "truck": 9973, "boat": 10759},
    "outdoor": {"traffic light": 12884, "fire hydrant": 1865, "stop sign": 1983, "parking meter": 1285, "bench": 9838},
    "animal": {"bird": 10806, "cat": 4768, "dog": 5508, "horse": 6587, "sheep": 9509, "cow": 8147, "elephant": 5513,
               "bear": 1294, "zebra": 5303, "giraffe": 5131},
    "accessory": {"backpack": 8720, "umbrella": 11431, "handbag": 12354, "tie": 6496, "suitcase": 6192},
    "sports": {"frisbee": 2682, "skis": 6646, "snowboard": 2685, "sports ball": 6347, "kite": 9076,
               "baseball bat": 3276, "baseball glove": 3747, "skateboard": 5543, "surfboard": 6126,
               "tennis racket": 4812},
    "kitchen": {"bottle": 24342, "wine glass": 7913, "cup": 20650, "fork": 5479, "knife": 7770, "spoon": 6165,
                "bowl": 14358},
    "food": {"banana": 9458, "apple": 5851, "sandwich": 4373, "orange": 6399, "broccoli": 7308, "carrot": 7852,
             "hot dog": 2918, "pizza": 5821, "donut": 7179, "cake": 6353},
    "furniture": {"chair": 38491, "couch": 5779, "potted plant": 8652, "bed": 4192, "dining table": 15714,
                  "toilet": 4157},
    "electronic": {"tv": 5805, "laptop": 4970, "mouse": 2262, "remote": 5703, "keyboard": 2855, "cell phone": 6434},
    "appliance": {"microwave": 1673, "oven": 3334, "toaster": 225, "sink": 5610, "refrigerator": 2637},
    "indoor": {"book": 24715, "clock": 6334, "vase": 6613, "scissors": 1481, "teddy bear": 4793, "hair drier": 198,
               "toothbrush": 1954},
}
GAPS = {12, 26, 29, 30, 45, 66, 68, 69, 71, 83}  # ids below 91 that no category has
IMAGES, BLANK, CROWDS = 118_287, 1_021, 10_000  # images, those without a box, crowd regions
SIDES = np.array([(640, 480), (480, 640), (640, 427), (427, 640), (640, 425), (500, 375), (640, 360), (612, 612)])
HIGHEST_ID = 581_929  # the highest image id
VERTICES, VERTICES_SPREAD = 18.4, 0.75  # of a polygon: median, log deviation
CHUNK = 20_000  # annotations in memory at a time


def write_coco(path: str | Path, images: int = IMAGES, seed: int = 0) -> None:
    """Write such a file, its counts in proportion to `images`, but at least one box of each class."""
    rng = np.random.default_rng(seed)
    blank, crowds = round(images * BLANK / IMAGES), round(images * CROWDS / IMAGES)
    counts = scale(chain.from_iterable(below.values() for below in CLASSES.values()), images / IMAGES)
    image, class_ = deal(rng, counts, images - blank)
    mixed = rng.permutation(len(image))
    image, class_ = rng.permutation(images)[image[mixed]], class_[mixed]
    image_ids = rng.choice(max(HIGHEST_ID, images), images, replace=False) + 1
    category_ids = np.array([id_ for id_ in range(1, 91) if id_ not in GAPS])
    sides = SIDES[rng.choice(len(SIDES), images, p=[.4, .15, .15, .1, .05, .05, .05, .05])]

    with whole_file(path) as part, open(part, "w", encoding="utf-8") as stream:
        stream.write('{"info": {"description": "generated for measurements","year": 2017},'
                     '"licenses": [{"url": "http://creativecommons.org/licenses/by/2.0/","id": 4,'
                     '"name": "Attribution License"}],"images": [')
        _write_joined(stream, _images(rng, image_ids, sides))
        stream.write('],"annotations": [')
        for first in range(0, len(image), CHUNK):
            stream.write("," if first else "")
            of = image[first:first + CHUNK]
            _write_joined(stream, _annotations(rng, first, image_ids[of], sides[of],
                                               category_ids[class_[first:first + CHUNK]], len(image) - crowds))
        stream.write('],"categories": [')
        _write_joined(stream, _categories(category_ids.tolist()))
        stream.write("]}")


def _images(rng: np.random.Generator, ids: np.ndarray, sides: np.ndarray) -> Iterator[str]:
    numbers = rng.integers(10**9, 10**10, (len(ids), 2)).tolist()
    moments = rng.integers((1, 0, 0, 0, 1), (31, 24, 60, 60, 9), (len(ids), 5)).tolist()
    for id_, (width, height), (day, hour, minute, second, farm), (photo, secret) in zip(
            ids.tolist(), sides.tolist(), moments, numbers):
        yield (f'{{"license": {farm},"file_name": "{id_:012}.jpg",'
               f'"coco_url": "http://images.cocodataset.org/train2017/{id_:012}.jpg","height": {height},'
               f'"width": {width},"date_captured": "2013-11-{day:02} {hour:02}:{minute:02}:{second:02}",'
               f'"flickr_url": "http://farm{farm}.staticflickr.com/{photo // 10**6}/{photo}_{secret:010x}_z.jpg",'
               f'"id": {id_}}}')


def _annotations(rng: np.random.Generator, first: int, images: np.ndarray, sides: np.ndarray,
                 categories: np.ndarray, crowds_from: int) -> Iterator[str]:
    """Yield the annotations from index `first` on, one of each of `images` (ids) and `categories` (ids)."""
    boxes = place(rng, sides)
    counts = np.clip(np.exp(rng.normal(np.log(VERTICES), VERTICES_SPREAD, len(boxes))), 3, 250).astype(int)
    outlines = _outlines(rng, boxes, counts)
    areas = (boxes[:, 2:].prod(axis=1) * rng.uniform(0.4, 0.8, len(boxes))).tolist()
    for index, (image, category, area, box, outline, (width, height)) in enumerate(
            zip(images.tolist(), categories.tolist(), areas, boxes.round(2).tolist(), outlines, sides.tolist()), first):
        crowd = index >= crowds_from
        shape = f'{{"counts": {_text(_runs(rng, width * height))},"size": [{height},{width}]}}' if crowd \
            else f"[{_text(outline)}]"
        id_ = 900_100_000_000 + index if crowd else 1_768 + 2 * index
        yield (f'{{"segmentation": {shape},"area": {area},"iscrowd": {int(crowd)},"image_id": {image},'
               f'"bbox": {_text(box)},"category_id": {category},"id": {id_}}}')


def _categories(ids: list[int]) -> Iterator[str]:
    named = [(above, name) for above, below in CLASSES.items() for name in below]
    for id_, (above, name) in zip(ids, named):
        yield f'{{"supercategory": "{above}","id": {id_},"name": "{name}"}}'


def _outlines(rng: np.random.Generator, boxes: np.ndarray, counts: np.ndarray) -> Iterator[list[float]]:
    """Yield a polygon [x, y, x, y, …] of `counts` [B] vertices within each of `boxes` [B, 4]."""
    of = np.repeat(np.arange(len(boxes)), counts)
    starts = np.cumsum(counts) - counts
    angle = (np.arange(len(of)) - starts[of]) * (2 * np.pi / counts[of])
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1) * rng.uniform(0.6, 1, (len(of), 1))
    points = boxes[of, :2] + boxes[of, 2:] * (ring + 1) / 2
    flat = points.round(2).ravel().tolist()
    for start, end in pairwise(accumulate(chain([0], (2 * counts).tolist()))):
        yield flat[start:end]


def _runs(rng: np.random.Generator, pixels: int) -> list[int]:
    """Return the run lengths of a mask of `pixels`: some hundreds, their sum `pixels`."""
    cuts = np.unique(rng.integers(1, pixels, rng.integers(100, 900)))
    return np.diff(np.concatenate([[0], cuts, [pixels]])).tolist()


def _text(numbers: list) -> str:
    return msgspec.json.encode(numbers).decode()


def _write_joined(stream: TextIO, texts: Iterable[str]) -> None:
    for index, text in enumerate(texts):
        stream.write("," + text if index else text)
