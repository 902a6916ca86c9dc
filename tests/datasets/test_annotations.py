import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.annotations import Annotations


def _annotations(counts: list[int]) -> Annotations:
    """Return images with `counts` boxes each; box b has x = b, so that it can be told apart."""
    images, boxes = len(counts), sum(counts)
    box = np.tile([0.0, 0, 1, 1], (boxes, 1))
    box[:, 0] = np.arange(boxes)
    return Annotations(("a", "b"), (1, 2), np.arange(images) * 10, tuple(f"{i}.jpg" for i in range(images)),
                       np.full(images, 9, np.int32), np.arange(images, dtype=np.int32),
                       np.concatenate([[0], np.cumsum(counts)]), box, (np.arange(boxes) % 2).astype(np.int32),
                       np.arange(boxes) % 3 == 0, np.arange(boxes) + 0.5)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=12), st.data())
def test_taken_images_keep_exactly_their_own_boxes(counts, data):
    whole = _annotations(counts)
    positions = data.draw(st.lists(st.integers(0, len(counts) - 1), unique=True))
    part = whole.take(np.array(positions, int))
    assert part.image_ids.tolist() == [10 * p for p in positions]
    for new, old in enumerate(positions):
        rows, originals = slice(*part.starts[new:new + 2]), slice(*whole.starts[old:old + 2])
        for name in ("boxes", "classes", "crowd", "areas"):
            assert getattr(part, name)[rows].tolist() == getattr(whole, name)[originals].tolist()
    assert part.num_boxes == sum(counts[p] for p in positions)


@pytest.mark.parametrize(("counts", "images"), [([2, 0, 1], [0, 0, 2]), ([0, 0], [])])
def test_each_box_knows_its_image(counts, images):
    assert _annotations(counts).image_of_box().tolist() == images
