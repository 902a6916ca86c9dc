import pytest

from datasets.checks import check_images, missing_images, summarise
from datasets.coco import read_coco, read_coco_reported
from datasets.errors import InputError


@pytest.fixture
def images(tmp_path):
    """All images of the small COCO file but one, and a folder in its place."""
    folder = tmp_path / "images"
    (folder / "sub").mkdir(parents=True)
    (folder / "b.jpg").touch()
    (folder / "sub" / "a.jpg").touch()
    (folder / "c.jpg").mkdir()
    return folder


def test_missing_images_are_found(coco, save, images):
    annotations = read_coco(save(coco))
    assert missing_images(annotations, images) == ["c.jpg"]
    with pytest.raises(InputError, match=r"c\.jpg: listed in .*a\.json but absent.*\(1 such\)"):
        check_images(annotations, images)


def test_complete_images_pass(coco, save, images):
    (images / "c.jpg").rmdir()
    (images / "c.jpg").touch()
    check_images(read_coco(save(coco)), images)


def test_an_absent_folder_is_said_once(coco, save, tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        check_images(read_coco(save(coco)), tmp_path / "absent")


def test_the_summary_names_anomalies(coco, save):
    coco["annotations"].append({"image_id": 5, "category_id": 1, "bbox": [0, 0, 60, 10]})
    coco["annotations"].append({"image_id": 5, "category_id": 1, "bbox": [0, 0, 0, 10]})
    text = summarise(*read_coco_reported(save(coco)))
    assert text.splitlines() == [
        "3 images, 5 boxes, 3 classes", "1 crowd boxes, left out of training",
        "1 boxes without width or height, left out of training", "1 boxes over the image's edge, cut for training",
        "no box of: traffic light"]


def test_the_summary_of_clean_annotations_is_one_line(coco, save):
    coco["images"] = coco["images"][:1]
    coco["annotations"] = coco["annotations"][1:2]
    assert summarise(*read_coco_reported(save(coco), ["cat"])) == "1 images, 1 boxes, 1 classes"
