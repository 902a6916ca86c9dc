"""Files like BDD100K's training labels: the layout of 2018, with lanes and drivable areas, and Scalabel's of 2020."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np

from benchmarks.scale.dealing import deal, place, scale
from datasets.files import whole_file

T = TypeVar("T")

# Boxes of each class in BDD100K's training set, in the names of 2018 and of 2020.
CLASSES_2018 = {"car": 713211, "traffic sign": 239686, "traffic light": 186117, "person": 91349, "truck": 29971,
                "bus": 11672, "bike": 7210, "rider": 4517, "motor": 3002, "train": 136}
CLASSES_2020 = {"car": 700703, "traffic sign": 239686, "traffic light": 186117, "pedestrian": 91349, "truck": 27963,
                "bus": 11672, "bicycle": 7210, "rider": 4517, "motorcycle": 3002, "other vehicle": 804,
                "other person": 210, "train": 136, "trailer": 71}
FRAMES, LANES, AREAS = 69_863, 7.6, 1.8  # frames; lanes and drivable areas in one, on average
SIDES = np.array([(1280, 720)])
WEATHERS = ("clear", "overcast", "snowy", "rainy", "partly cloudy", "undefined", "foggy")
SCENES = ("city street", "highway", "residential", "parking lot", "undefined", "tunnel", "gas stations")
HOURS = ("daytime", "night", "dawn/dusk", "undefined")
COLOURS = ("none", "red", "yellow", "green")
LANE_TYPES = ("single white", "road curb", "crosswalk", "double yellow", "double white", "single yellow")
CHUNK = 1_000  # frames in memory as text at a time


def write_bdd(path: str | Path, images: int = FRAMES, seed: int = 0) -> None:
    """Write `bdd100k_labels_images_train.json` as of 2018, its counts in proportion to `images`."""
    rng = np.random.default_rng(seed)
    ids = iter(range(10**9))
    _write(path, (_frame_2018(rng, name, boxes, ids) for name, boxes in _frames(rng, CLASSES_2018, images)), indent=4)


def write_det20(path: str | Path, images: int = FRAMES, seed: int = 0) -> None:
    """Write `det_train.json` as of 2020, in Scalabel's form; of a hundred frames one has null or no `labels`."""
    rng = np.random.default_rng(seed)
    frames = enumerate(_frames(rng, CLASSES_2020, images))
    _write(path, (_frame_2020(rng, name, boxes, index) for index, (name, boxes) in frames), indent=0)


def _write(path: str | Path, frames: Iterable[dict], indent: int) -> None:
    """Write a JSON list of `frames`, one item per line if `indent` is positive."""
    frames, first = iter(frames), True
    with whole_file(path) as part, open(part, "wb") as stream:
        while chunk := list(islice(frames, CHUNK)):
            text = msgspec.json.format(msgspec.json.encode(chunk), indent=indent)
            stream.write((b"[" if first else b"," if indent else b", ") + text[1:-1].rstrip())
            first = False
        stream.write(b"\n]" if indent else b"]")


def _frames(rng: np.random.Generator, classes: dict[str, int], frames: int) -> Iterator[tuple[str, list[tuple]]]:
    """Yield each frame's name and boxes: (class, [x1, y1, x2, y2], four bits of noise)."""
    frame, class_ = deal(rng, scale(classes.values(), frames / FRAMES), frames)
    order = np.argsort(frame, kind="stable")
    corners = place(rng, np.repeat(SIDES, len(frame), axis=0))
    corners[:, 2:] += corners[:, :2]
    names = np.array([*classes], object)[class_[order]].tolist()
    boxes = list(zip(names, corners.round(6).tolist(), rng.integers(16, size=len(frame)).tolist()))
    numbers = rng.integers(2**32, size=(frames, 2)).tolist()
    for (start, end), (video, time) in zip(pairwise(np.searchsorted(frame[order], np.arange(frames + 1))), numbers):
        yield f"{video:08x}-{time:08x}.jpg", boxes[start:end]


def _frame_2018(rng: np.random.Generator, name: str, boxes: list[tuple], ids: Iterator[int]) -> dict[str, Any]:
    """Return a frame's boxes, then drivable areas and lanes; the ids run through the whole file."""
    shapes: list[tuple[str, dict, dict]] = [(class_, _attributes(class_, noise), {"box2d": _box2d(corners)})
                                            for class_, corners, noise in boxes]
    for _ in range(rng.poisson(AREAS)):
        shapes.append(("drivable area", {"areaType": _any(rng, ("direct", "alternative"))},
                       {"poly2d": [_polygon(rng, _any(rng, (4, 5, 6, 7)), closed=True)]}))
    for _ in range(rng.poisson(LANES)):
        shapes.append(("lane", {"laneDirection": "parallel", "laneStyle": _any(rng, ("solid", "dashed")),
                                "laneTypes": _any(rng, LANE_TYPES)},
                       {"poly2d": [_polygon(rng, _any(rng, (2, 2, 2, 2, 4)), closed=False)]}))
    labels = [{"category": class_, "attributes": attributes, "manualShape": True, "manualAttributes": True, **shape,
               "id": next(ids)} for class_, attributes, shape in shapes]
    return {"name": name, "attributes": _conditions(rng), "timestamp": 10_000, "labels": labels}


def _frame_2020(rng: np.random.Generator, name: str, boxes: list[tuple], index: int) -> dict[str, Any]:
    """Return a frame's boxes; every hundredth frame has none, `labels` being null or absent in turn."""
    frame = {"name": name, "attributes": _conditions(rng), "timestamp": 10_000}
    if index % 100 == 99:
        return frame | {"labels": None} if index % 200 == 99 else frame
    return frame | {"labels": [
        {"id": str(number), "attributes": _attributes(class_, noise), "category": class_, "poly2d": None,
         "box3d": None, "box2d": _box2d(corners), "manualShape": True}
        for number, (class_, corners, noise) in enumerate(boxes)]}


def _attributes(class_: str, noise: int) -> dict[str, Any]:
    return {"occluded": bool(noise & 1), "truncated": bool(noise & 2),
            "trafficLightColor": COLOURS[noise >> 2] if class_ == "traffic light" else "none"}


def _box2d(corners: list[float]) -> dict[str, float]:
    return dict(zip(("x1", "y1", "x2", "y2"), corners))


def _polygon(rng: np.random.Generator, vertices: int, closed: bool) -> dict[str, Any]:
    points = (rng.random((vertices, 2)) * SIDES).round(6).tolist()
    return {"vertices": points, "types": "L" * vertices, "closed": closed}


def _conditions(rng: np.random.Generator) -> dict[str, str]:
    return {"weather": _any(rng, WEATHERS), "scene": _any(rng, SCENES), "timeofday": _any(rng, HOURS)}


def _any(rng: np.random.Generator, choices: Sequence[T]) -> T:
    return choices[int(rng.integers(len(choices)))]
