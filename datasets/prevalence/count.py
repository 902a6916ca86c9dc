"""How often each class occurs: in every nested subset and in the validation set."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from datasets.annotations import Annotations, for_training
from datasets.orders.order import hash_order, subset_size

SMALL, MEDIUM = 32.0**2, 96.0**2  # COCO's limits of a box's area, pixels


def count(annotations: Annotations, sizes: Sequence[int]) -> pd.DataFrame:
    """Count boxes and images per class in the prefixes of `sizes` images of `annotations`, in one pass.

    Columns: subset (its images), class, boxes, images (with the class), small, medium, large (boxes by COCO area).
    Crowd boxes are not counted: no detector has to find them.
    """
    single = ~annotations.crowd
    images, classes = annotations.image_of_box()[single], annotations.classes[single]
    size_of = np.digitize(annotations.areas[single], [SMALL, MEDIUM])
    ends = np.unique(np.asarray(sizes, np.int64))
    steps = np.searchsorted(ends, images, side="right")  # the first subset that holds the box's image
    shape = (len(ends) + 1, len(annotations.categories))

    _, firsts = np.unique(images * shape[1] + classes, return_index=True)  # one box per image and class
    by_size = {name: _cumulate(steps[size_of == i], classes[size_of == i], shape)
               for i, name in enumerate(("small", "medium", "large"))}
    return pd.DataFrame({
        "subset": np.repeat(ends, shape[1]),
        "class": np.tile(np.array(annotations.categories, object), len(ends)),
        "boxes": sum(by_size.values()),
        "images": _cumulate(steps[firsts], classes[firsts], shape),
        **by_size,
    })


def tabulate(train: Annotations, fractions: Sequence[float], validation: Annotations | None = None,
             draw: int = 0, positions: np.ndarray | None = None) -> pd.DataFrame:
    """Return the counts in the subsets of `fractions` per cent of `train` and in `validation`.

    The subsets are prefixes of `positions` (int64 [I], the images of `train` in their nested order), which the hash
    of `draw` gives where they are absent. Of `train` the boxes count that a detector learns from, of `validation`
    those it has to find. The columns of `count`, after: split ("train" or "validation") and fraction (per cent of
    its split). Raises InputError for a fraction that selects no image.
    """
    order = hash_order(train.file_names, draw) if positions is None else positions
    rising = sorted({float(f) for f in fractions})
    sizes = [subset_size(f, len(order)) for f in rising]
    counts = count(for_training(train).take(order), sizes)
    tables = [pd.DataFrame({"fraction": rising, "subset": sizes}).merge(counts, on="subset").assign(split="train")]
    if validation is not None:
        whole = count(validation, [validation.num_images])
        tables.append(whole.assign(split="validation", fraction=100.0))
    return pd.concat(tables, ignore_index=True).reindex(columns=["split", "fraction", *counts.columns])


def largest_subset(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the largest training subset of a table of `tabulate`, by class, most boxes first."""
    train = table.loc[table["split"] == "train"]
    rows = train.loc[train["fraction"] == train["fraction"].max()].set_index("class")
    return rows.sort_values("boxes", ascending=False, kind="stable")


def validation_set(table: pd.DataFrame) -> pd.DataFrame:
    """Return the validation rows of a table of `tabulate`, by class in the order of `largest_subset`; maybe none."""
    rows = table.loc[table["split"] == "validation"].set_index("class")
    return rows.loc[largest_subset(table).index] if len(rows) else rows


def column_name(split: str, fraction: float) -> str:
    """Return what a subset is called above its column: "2.5 %" or "validation"."""
    return f"{fraction:g} %" if split == "train" else split


def _cumulate(steps: np.ndarray, classes: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return int64 [subsets * classes]: how many of the items (step, class) each subset holds.

    `shape` is (subsets + 1, classes); the last step is what no subset holds.
    """
    per_step = np.bincount(steps * shape[1] + classes, minlength=shape[0] * shape[1]).reshape(shape)
    return per_step[:-1].cumsum(axis=0).ravel()
