import pytest

from datasets.errors import InputError
from datasets.formats.coco import read_coco
from datasets.images import check_images, missing_images


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
    assert missing_images(annotations, images) == [2]
    with pytest.raises(InputError, match=r"c\.jpg: listed in .*a\.json but absent.*\(1 such\)"):
        check_images(annotations, images)


def test_complete_images_pass(coco, save, images):
    (images / "c.jpg").rmdir()
    (images / "c.jpg").touch()
    check_images(read_coco(save(coco)), images)


def test_an_absent_folder_is_said_once(coco, save, tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        check_images(read_coco(save(coco)), tmp_path / "absent")
