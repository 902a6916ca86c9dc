from dataclasses import replace

import numpy as np
import pytest

from datasets.errors import InputError
from datasets.formats.coco import read_coco
from datasets.orders.hold_out import hold_out


@pytest.fixture
def many(coco, save):
    """Two thousand images, the i-th with a box whose x is i."""
    coco["images"] = [{"id": i, "file_name": f"{i}.jpg", "width": 9000, "height": 9} for i in range(2000)]
    coco["annotations"] = [{"image_id": i, "category_id": 1, "bbox": [i, 0, 1, 1]} for i in range(2000)]
    return read_coco(save(coco))


@pytest.mark.parametrize("percent", [5, 20, 50])
def test_the_sides_are_disjoint_and_about_the_share_asked_for(many, percent):
    left, held = hold_out(many, percent)
    assert sorted([*left.file_names, *held.file_names]) == sorted(many.file_names)
    deviation = 100 * np.sqrt(percent / 100 * (1 - percent / 100) / many.num_images)
    assert abs(held.num_images / 20 - percent) < 4 * deviation
    for side in (left, held):
        assert side.boxes[:, 0].tolist() == side.image_ids.tolist()


def test_the_name_alone_decides(many):
    _, held = hold_out(many, 20)
    _, of_half = hold_out(many.take(np.arange(1000)[::-1]), 20)
    assert set(of_half.file_names) == {name for name in held.file_names if int(name[:-4]) < 1000}
    _, more = hold_out(many, 30)
    assert set(held.file_names) < set(more.file_names)


def test_the_extension_does_not_matter(many):
    converted = replace(many, file_names=tuple(name.replace("jpg", "png") for name in many.file_names))
    for before, after in zip(hold_out(many, 20), hold_out(converted, 20)):
        assert before.image_ids.tolist() == after.image_ids.tolist()


def test_an_empty_side_is_refused(many):
    with pytest.raises(InputError, match=r"holding out 20 % of 1 images leaves .*; take another share"):
        hold_out(many.take(np.arange(1)), 20)
