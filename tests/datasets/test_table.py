import dataclasses

import numpy as np
import pytest

from datasets.errors import InputError
from datasets.table import Table, assemble
from tests.datasets.labelled import count

PLAIN = Table(
    format="coco", source="labels.json", checksum="c", categories=("cat", "dog", "cow"), category_ids=(1, 5, 3),
    complete=True, image_ids=np.array([10, 20, 30]), file_names=("a.jpg", "b.jpg", "c.jpg"),
    widths=np.array([100, 50, 50], np.int32), heights=np.array([80, 50, 50], np.int32),
    images=np.array([1, 0, 1, 0]), classes=np.array([0, 1, 2, 0], np.int32),
    boxes=np.array([[0, 0, 10, 10], [1, 1, 20, 20], [2, 2, 30, 30], [3, 3, 40, 40.0]]),
    areas=np.array([np.nan, 350, np.nan, 1]), crowd=np.array([False, False, True, False]),
    box_name="box {}".format)


def table(**changes):
    return dataclasses.replace(PLAIN, **{key: np.array(value, getattr(PLAIN, key).dtype)
                                         if isinstance(getattr(PLAIN, key), np.ndarray) else value
                                         for key, value in changes.items()})


def findings(report):
    return {finding.rule: finding.records for finding in report.findings}


def test_boxes_go_to_their_images_in_the_order_of_the_file():
    annotations, report = assemble(PLAIN)
    assert annotations.categories == ("cat", "cow", "dog") and annotations.category_ids == (1, 3, 5)
    assert annotations.starts.tolist() == [0, 2, 4, 4]
    assert annotations.boxes[:, 0].tolist() == [1, 3, 0, 2]
    assert annotations.classes.tolist() == [2, 0, 0, 1]
    assert annotations.areas.tolist() == [350, 1, 100, 900]
    assert annotations.crowd.tolist() == [False, False, False, True]
    assert findings(report) == {"image without boxes": ["c.jpg"], "crowd": ["box 2"]}
    assert (report.listed, report.dropped) == (4, {})


def test_what_the_choice_drops_is_counted():
    annotations, report = assemble(PLAIN, classes=["dog"])
    assert annotations.boxes[:, 0].tolist() == [1] and report.dropped == {"cat": 2, "cow": 1}


def test_a_class_map_comes_before_the_choice(tmp_path):
    (tmp_path / "map.yaml").write_text("classes: {pet: [cat, dog]}\nignore: {cow: pet}\n")
    annotations, report = assemble(PLAIN, str(tmp_path / "map.yaml"), ["pet"])
    assert annotations.categories == ("pet",) and annotations.num_boxes == 4
    table_without_crowd = table(crowd=[False] * 4)
    annotations, report = assemble(table_without_crowd, str(tmp_path / "map.yaml"))
    assert annotations.crowd.tolist() == [False, False, False, True] and report.dropped == {}


SKIPPED = {
    "absent image": table(images=[1, -1, 1, 0]),
    "absent category": table(classes=[0, -1, 2, 0]),
    "negative size": table(boxes=[[0, 0, 10, 10], [1, 1, -2, 20], [2, 2, 30, 30], [3, 3, 40, 40]]),
}


@pytest.mark.parametrize("rule", SKIPPED)
def test_what_cannot_be_used_is_left_out_and_counted(rule):
    annotations, report = assemble(SKIPPED[rule])
    assert findings(report)[rule] == ["box 1"] and annotations.boxes[:, 0].tolist() == [3, 0, 2]
    assert report.dropped == {}
    with pytest.raises(InputError, match=r"labels.json: 1 .*left out, first box 1; correct .* or leave --strict out"):
        assemble(SKIPPED[rule], strict=True)


REPAIRED = {
    "over the edge": ([90, 70, 11.5, 10.2], "over edge"), "beyond the left": ([-0.5, -2, 10, 10], "over edge"),
    "no width": ([10, 10, 0, 5], "empty box"), "no height": ([10, 10, 5, 0], "empty box"),
    "outside": ([100, 10, 5, 5], "empty box"), "up to the left edge": ([-9, 0, 9, 5], "empty box"),
}


@pytest.mark.parametrize("name", REPAIRED)
def test_odd_boxes_are_counted_and_kept_as_written(name):
    box, rule = REPAIRED[name]
    odd = table(boxes=[[0, 0, 10, 10], box, [2, 2, 30, 30], [3, 3, 40, 40]])
    annotations, report = assemble(odd)
    assert findings(report)[rule] == ["box 1"] and annotations.boxes[0].tolist() == box
    with pytest.raises(InputError, match="--strict"):
        assemble(odd, strict=True)


def test_nothing_is_said_of_boxes_that_touch_the_edge():
    touching = [[0, 0, 10, 10], [0.1, 0.2, 99.9, 79.8], [2, 2, 30, 30], [3, 3, 40, 40]]
    annotations, report = assemble(table(boxes=touching))
    assert set(findings(report)) == {"image without boxes", "crowd"}
    by_rounding = table(boxes=[[0, 0, 10, 10], [0.1, 0.2, 99.9, 80.8], [2, 2, 30, 30], [3, 3, 40, 40]])
    assert findings(assemble(by_rounding, strict=True)[1])["rounding"] == ["box 1"]
    assert count(assemble(PLAIN, strict=True)[1], "crowd") == 1


@pytest.mark.parametrize(("changes", "message"), [
    ({"boxes": [[0, 0, 10, 10], [1, np.nan, 20, 20], [2, 2, 30, 30], [3, 3, 40, 40]]}, "box 1: impossible box"),
    ({"boxes": [[0, 0, 10, 10], [1, 1, 1e300, 20], [2, 2, 30, 30], [3, 3, 40, 40]]}, "box 1: impossible box"),
    ({"image_ids": [10, 20, 10]}, "image id 10 appears twice"),
    ({"file_names": ("a.jpg", "b.jpg", "a.jpg")}, "image 'a.jpg' appears twice"),
    ({"categories": ("cat", "dog", "cat")}, "category 'cat' appears twice"),
    ({"category_ids": (1, 5, 1)}, "category id 1 appears twice"),
])
def test_what_cannot_be_is_refused(changes, message):
    with pytest.raises(InputError, match=f"labels.json: {message}"):
        assemble(table(**changes))
