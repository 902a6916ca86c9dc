"""The one in-memory form of an annotated data set, whatever format it came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True, eq=False)
class Annotations:
    """Images and their boxes as flat arrays. The boxes of image i are rows ``starts[i]:starts[i + 1]``.

    I images, B boxes, K categories. A box's class is an index into `categories`, not a category id.
    """

    categories: tuple[str, ...]  # K names
    category_ids: tuple[int, ...]  # K ids, as written in COCO files
    image_ids: np.ndarray  # int64 [I]
    file_names: tuple[str, ...]  # I paths relative to the image root
    widths: np.ndarray  # int32 [I], pixels
    heights: np.ndarray  # int32 [I], pixels
    starts: np.ndarray  # int64 [I + 1]
    boxes: np.ndarray  # float64 [B, 4], COCO [x, y, width, height] in pixels
    classes: np.ndarray  # int32 [B]
    crowd: np.ndarray  # bool [B]; kept for evaluation, left out of training
    areas: np.ndarray  # float64 [B], pixels; the mask's area where the file has one
    source: str = ""  # the file it was read from
    checksum: str = ""  # its SHA-256
    images_root: str = ""  # the folder that file names start from, where the format says it

    @property
    def num_images(self) -> int:
        return len(self.image_ids)

    @property
    def num_boxes(self) -> int:
        return len(self.classes)

    def image_of_box(self) -> np.ndarray:
        """Return int64 [B]: the position of each box's image."""
        return np.repeat(np.arange(self.num_images), np.diff(self.starts))

    def take(self, positions: np.ndarray) -> Annotations:
        """Return the images at `positions` (int [N], in that order), each with exactly its own boxes."""
        positions = np.asarray(positions)
        if positions.dtype.kind not in "iu" or (positions < 0).any():
            raise ValueError("positions must be integers from 0 up")
        counts = np.diff(self.starts)[positions]
        starts = np.concatenate([[0], np.cumsum(counts)])
        rows = np.arange(starts[-1]) + np.repeat(self.starts[positions] - starts[:-1], counts)
        return replace(
            self,
            image_ids=self.image_ids[positions],
            file_names=tuple([self.file_names[p] for p in positions.tolist()]),
            widths=self.widths[positions],
            heights=self.heights[positions],
            starts=starts,
            boxes=self.boxes[rows],
            classes=self.classes[rows],
            crowd=self.crowd[rows],
            areas=self.areas[rows],
        )


def keep_classes(annotations: Annotations, names: Sequence[str]) -> Annotations:
    """Return all images with the boxes of the classes `names` alone, crowd regions too, numbered as in `names`."""
    new = np.full(len(annotations.categories), -1, np.int32)
    old = [annotations.categories.index(name) for name in names]
    new[old] = np.arange(len(old))
    keep = new[annotations.classes] >= 0
    counts = np.bincount(annotations.image_of_box()[keep], minlength=annotations.num_images)
    return replace(annotations, categories=tuple(names), category_ids=tuple(annotations.category_ids[k] for k in old),
                   starts=np.concatenate([[0], np.cumsum(counts)]), boxes=annotations.boxes[keep],
                   classes=new[annotations.classes[keep]], crowd=annotations.crowd[keep], areas=annotations.areas[keep])


def boxes_per_class(annotations: Annotations) -> np.ndarray:
    """Return int64 [K]: the boxes of each class, crowd regions left out."""
    return np.bincount(annotations.classes[~annotations.crowd], minlength=len(annotations.categories))


def clip_boxes(boxes: np.ndarray, widths: np.ndarray, heights: np.ndarray) -> np.ndarray:
    """Return float64 [B, 4]: boxes [x, y, width, height] cut at the edges of images of `widths` x `heights` [B].

    A box already inside comes back bit for bit; one wholly outside has no positive size.
    """
    x, y, width, height = boxes.T
    rows = np.flatnonzero((x < 0) | (y < 0) | (x + width > widths) | (y + height > heights))
    limits = np.stack([widths[rows], heights[rows]], axis=1)
    low, high = boxes[rows, :2], boxes[rows, :2] + boxes[rows, 2:]
    clipped = boxes.copy()
    clipped[rows, :2] = np.clip(low, 0, limits)
    clipped[rows, 2:] = np.clip(high, 0, limits) - clipped[rows, :2]
    return clipped


def for_training(annotations: Annotations) -> Annotations:
    """Return the boxes a detector learns from: cut at the image's edge, without crowds and empty boxes.

    Evaluation takes the annotations as they are, as pycocotools does.
    """
    image = annotations.image_of_box()
    boxes = clip_boxes(annotations.boxes, annotations.widths[image], annotations.heights[image])
    keep = (boxes[:, 2:] > 0).all(axis=1) & ~annotations.crowd
    counts = np.bincount(image[keep], minlength=annotations.num_images)
    return replace(annotations, starts=np.concatenate([[0], np.cumsum(counts)]), boxes=boxes[keep],
                   classes=annotations.classes[keep], crowd=annotations.crowd[keep], areas=annotations.areas[keep])
