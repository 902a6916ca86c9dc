import dataclasses
import gc
import json

import numpy as np
import pytest

from datasets.coco import ReadReport, read_coco, read_coco_reported, write_coco
from datasets.errors import InputError
from datasets.files import sha256_of


def test_boxes_go_to_their_own_images(coco, save):
    annotations = read_coco(save(coco))
    assert annotations.image_ids.tolist() == [7, 3, 5]
    assert annotations.file_names == ("b.jpg", "sub/a.jpg", "c.jpg")
    assert (annotations.widths.tolist(), annotations.heights.tolist()) == ([100, 64, 50], [80, 64, 50])
    assert annotations.starts.tolist() == [0, 1, 3, 3]
    assert annotations.boxes.tolist() == [[10.5, 20, 30, 40], [1, 2, 30, 40], [0, 0, 64, 64]]
    assert annotations.crowd.tolist() == [False, False, True]
    assert annotations.areas.tolist() == [1200, 700.5, 4096]  # the product only where the file has no area


def test_categories_are_sorted_by_id(coco, save):
    annotations = read_coco(save(coco))
    assert annotations.categories == ("cat", "traffic light", "dog")
    assert annotations.category_ids == (1, 4, 90)
    assert annotations.classes.tolist() == [0, 2, 0]


def test_classes_are_kept_in_the_order_asked_for(coco, save):
    annotations, report = read_coco_reported(save(coco), ["dog", "traffic light"])
    assert annotations.categories == ("dog", "traffic light")
    assert annotations.category_ids == (90, 4)
    assert annotations.classes.tolist() == [0]
    assert annotations.starts.tolist() == [0, 0, 1, 1]
    assert report == ReadReport(listed=3, other_classes=2, empty=0, over_edge=0)


@pytest.mark.parametrize(("bbox", "report"), [
    ([0.1, 0.2, 99.9, 79.8], ReadReport(listed=3, other_classes=0, empty=0, over_edge=0)),
    ([-0.5, -2, 10, 10], ReadReport(listed=3, other_classes=0, empty=0, over_edge=1)),
    ([90, 70, 10.2, 10.2], ReadReport(listed=3, other_classes=0, empty=0, over_edge=1)),
    ([10, 10, 0, 5], ReadReport(listed=3, other_classes=0, empty=1, over_edge=0)),
    ([10, 10, 5, 0], ReadReport(listed=3, other_classes=0, empty=1, over_edge=0)),
    ([100, 10, 5, 5], ReadReport(listed=3, other_classes=0, empty=1, over_edge=0)),
    ([-9, 0, 9, 5], ReadReport(listed=3, other_classes=0, empty=1, over_edge=0)),
])
def test_odd_boxes_are_counted_and_kept_as_written(coco, save, bbox, report):
    coco["annotations"][1]["bbox"] = bbox
    annotations, found = read_coco_reported(save(coco))
    assert found == report
    assert annotations.boxes[0].tolist() == bbox and annotations.areas[0] == bbox[2] * bbox[3]
    assert annotations.starts.tolist() == [0, 1, 3, 3]


def test_what_was_written_is_read_again(coco, save, tmp_path):
    first = read_coco(save(coco))
    write_coco(tmp_path / "again.json", first)
    second = read_coco(tmp_path / "again.json")
    for field in dataclasses.fields(first):
        if field.name not in ("source", "checksum"):
            np.testing.assert_array_equal(getattr(first, field.name), getattr(second, field.name))
    ids = [a["id"] for a in json.loads((tmp_path / "again.json").read_text())["annotations"]]
    assert ids == [1, 2, 3]


def test_source_and_checksum_name_the_file(coco, save):
    path = save(coco)
    annotations = read_coco(path)
    assert (annotations.source, annotations.checksum) == (str(path), sha256_of(path))


def _set(table, index, key, value):
    def change(coco):
        coco[table][index][key] = value
    return change


BAD = {
    "unknown image": (_set("annotations", 1, "image_id", 8), "annotations[1].image_id is 8"),
    "image after the last": (_set("annotations", 1, "image_id", 800), "annotations[1].image_id is 800"),
    "unknown category": (_set("annotations", 2, "category_id", 2), "annotations[2].category_id is 2"),
    "negative width": (_set("annotations", 0, "bbox", [1, 2, -3, 4]), "annotations[0].bbox[2]"),
    "nan": (_set("annotations", 0, "bbox", [1, 2, float("nan"), 4]), "JSON"),
    "number too large": (_set("annotations", 0, "bbox", [10**400, 2, 3, 4]), "annotations[0].bbox[0]"),
    "id too large": (_set("images", 0, "id", 2**63), "images[0].id"),
    "infinity": (_set("annotations", 0, "bbox", [1, 2, float("inf"), 4]), "JSON"),
    "three numbers": (_set("annotations", 1, "bbox", [1, 2, 3]), "annotations[1].bbox"),
    "text for a number": (_set("annotations", 1, "bbox", [1, 2, "3", 4]), "annotations[1].bbox[2]"),
    "negative area": (_set("annotations", 0, "area", -1), "annotations[0].area"),
    "text for an id": (_set("images", 2, "id", "5"), "images[2].id"),
    "repeated image id": (_set("images", 2, "id", 3), "images[].id: 3"),
    "repeated file": (_set("images", 2, "file_name", "b.jpg"), "images[].file_name: 'b.jpg'"),
    "image without width": (_set("images", 1, "width", 0), "images[1].width"),
    "repeated category id": (_set("categories", 1, "id", 90), "categories[].id: 90"),
    "repeated category": (_set("categories", 1, "name", "dog"), "categories[].name: 'dog'"),
    "no images": (lambda coco: coco["images"].clear(), "no images"),
    "no categories": (lambda coco: coco["categories"].clear(), "no categories"),
    "no annotations key": (lambda coco: coco.pop("annotations"), "annotations"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_records_are_named_in_one_line(coco, save, name):
    change, fragment = BAD[name]
    change(coco)
    path = save(coco)
    with pytest.raises(InputError) as error:
        read_coco(path)
    assert str(path) in str(error.value) and fragment in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("content", ["", "[", "[]", '{"images": []}', "null", "[" * 100_000])
def test_a_file_of_another_kind_is_refused(save, content):
    with pytest.raises(InputError, match=r"a\.json: not a COCO annotation file"):
        read_coco(save(content))


def test_an_absent_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        read_coco(tmp_path / "absent.json")


@pytest.mark.parametrize(("classes", "hint"), [(["trafic light"], "did you mean 'traffic light'"),
                                               (["dog", "dog"], "'dog' appears twice")])
def test_wrong_classes_are_refused(coco, save, classes, hint):
    with pytest.raises(InputError, match=hint):
        read_coco(save(coco), classes)


def test_the_collector_runs_again_after_a_failure(save):
    with pytest.raises(InputError):
        read_coco(save("["))
    assert gc.isenabled()
