import json

import pytest

from benchmarks import published
from benchmarks.scale import bdd, coco

FRACTIONS = (10, 50, 100)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("source") / "train.json"
    coco.write_coco(path, 300)
    return path


def _subsets(way, source, folder):
    published.read_and_write(way, source, folder, FRACTIONS)
    return [json.loads((folder / f"first_{size}.json").read_text()) for size in (30, 150, 300)]


@pytest.mark.parametrize("way", ["mended", "json"])
def test_a_right_way_nests_and_keeps_every_box_of_each_image(way, source, tmp_path):
    whole = json.loads(source.read_text())
    subsets = _subsets(way, source, tmp_path)
    for subset, size in zip(subsets, (30, 150, 300)):
        ids = [image["id"] for image in subset["images"]]
        assert len(set(ids)) == size and ids == [image["id"] for image in subsets[-1]["images"][:size]]
        own = {box["id"] for box in whole["annotations"] if box["image_id"] in ids}
        assert {box["id"] for box in subset["annotations"]} == own and len(subset["annotations"]) == len(own)


def test_the_published_way_takes_as_many_boxes_as_images_and_mostly_of_others(source, tmp_path):
    for subset in _subsets("published", source, tmp_path)[:2]:
        ids = {image["id"] for image in subset["images"]}
        assert len(subset["annotations"]) == len(subset["images"])
        assert not {box["image_id"] for box in subset["annotations"]} <= ids


def test_the_published_way_takes_whole_frames_of_bdd(tmp_path):
    path = tmp_path / "bdd.json"
    bdd.write_bdd(path, 300)
    frames = {frame["name"]: frame for frame in json.loads(path.read_text())}
    subset = _subsets("published", path, tmp_path)[0]
    assert len(subset) == 30 and all(frame == frames[frame["name"]] for frame in subset)


def test_pycocotools_finds_every_box_in_the_whole(source):
    *smaller, whole = published.index_with_pycocotools(source, FRACTIONS)
    assert smaller == sorted(smaller) and whole == len(json.loads(source.read_text())["annotations"])
