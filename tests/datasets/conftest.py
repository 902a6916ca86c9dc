"""A small COCO file to take apart."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def coco() -> dict[str, Any]:
    """Three images (one without boxes), gaps in the category ids, boxes out of image order, one crowd."""
    return {
        "info": {"description": "ignored"},
        "images": [
            {"id": 7, "file_name": "b.jpg", "width": 100, "height": 80},
            {"id": 3, "file_name": "sub/a.jpg", "width": 64, "height": 64, "license": 1},
            {"id": 5, "file_name": "c.jpg", "width": 50, "height": 50},
        ],
        "annotations": [
            {"id": 1, "image_id": 3, "category_id": 90, "bbox": [1, 2, 30, 40], "area": 700.5, "iscrowd": 0},
            {"id": 2, "image_id": 7, "category_id": 1, "bbox": [10.5, 20, 30, 40]},
            {"id": 2, "image_id": 3, "category_id": 1, "bbox": [0, 0, 64, 64], "area": 4096, "iscrowd": 1,
             "segmentation": {"counts": [0, 4096], "size": [64, 64]}},
        ],
        "categories": [{"id": 90, "name": "dog", "supercategory": "animal"}, {"id": 1, "name": "cat"},
                       {"id": 4, "name": "traffic light"}],
    }


@pytest.fixture
def save(tmp_path: Path) -> Callable[[Any], Path]:
    """Return a function that writes a value as JSON and returns the file."""

    def write(value: Any, name: str = "a.json") -> Path:
        path = tmp_path / name
        path.write_text(value if isinstance(value, str) else json.dumps(value))
        return path

    return write
