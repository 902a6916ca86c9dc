import json
from collections import Counter

import pytest

from benchmarks.scale import bdd, coco
from benchmarks.scale.__main__ import main

IMAGES = 1_200


@pytest.fixture(scope="module")
def train2017(tmp_path_factory):
    path = tmp_path_factory.mktemp("coco") / "train.json"
    coco.write_coco(path, IMAGES)
    return path


@pytest.fixture(scope="module")
def instances(train2017):
    return json.loads(train2017.read_bytes())


def test_a_coco_file_has_the_numbers_of_the_real_one_in_proportion(train2017, instances):
    share = IMAGES / 118_287
    boxes = instances["annotations"]
    assert len(instances["images"]) == IMAGES and len(boxes) == pytest.approx(860_001 * share, rel=0.01)
    assert train2017.stat().st_size == pytest.approx(455e6 * share, rel=0.05)
    with_boxes = Counter(b["image_id"] for b in boxes)
    assert IMAGES - len(with_boxes) == round(1_021 * share) and max(with_boxes.values()) > 20
    assert sum(b["iscrowd"] for b in boxes) == round(10_000 * share)
    counts = Counter(b["category_id"] for b in boxes)
    assert counts[1] == round(262_465 * share) and counts[89] == 2 and counts.most_common()[0][0] == 1


def test_a_coco_file_has_real_categories_and_every_field(instances):
    names = {c["id"]: c["name"] for c in instances["categories"]}
    assert (len(names), names[1], names[13], names[90]) == (80, "person", "stop sign", "toothbrush") and 12 not in names
    assert list(instances["images"][0]) == ["license", "file_name", "coco_url", "height", "width", "date_captured",
                                            "flickr_url", "id"]
    assert list(instances["annotations"][0]) == ["segmentation", "area", "iscrowd", "image_id", "bbox", "category_id",
                                                 "id"]
    for key in ("images", "annotations"):
        assert len({record["id"] for record in instances[key]}) == len(instances[key])


def test_coco_boxes_refer_to_images_in_no_order_and_lie_inside_them(instances):
    images = {i["id"]: i for i in instances["images"]}
    order = [b["image_id"] for b in instances["annotations"]]
    assert set(order) <= set(images) and sum(a == b for a, b in zip(order, order[1:])) < len(order) / 50
    for box in instances["annotations"]:
        image, (x, y, width, height) = images[box["image_id"]], box["bbox"]
        assert x >= 0 <= y and x + width <= image["width"] + 0.011 and y + height <= image["height"] + 0.011
        if box["iscrowd"]:
            assert sum(box["segmentation"]["counts"]) == image["height"] * image["width"]
        else:
            (outline,) = box["segmentation"]
            assert len(outline) >= 6 and all(x - 0.01 <= v <= x + width + 0.011 for v in outline[::2])


def test_coco_spacing_is_that_of_the_real_file(train2017):
    head = train2017.read_text().partition('"annotations": [')[2]
    assert head.startswith('{"segmentation": [[') and ']],"area": ' in head and ',"bbox": [' in head


def test_a_bdd_file_of_2018_has_boxes_lanes_and_areas_indented_by_four(tmp_path):
    path = tmp_path / "bdd.json"
    bdd.write_bdd(path, 300)
    text = path.read_text()
    frames, share = json.loads(text), 300 / 69_863
    assert text == json.dumps(frames, indent=4)
    assert path.stat().st_size == pytest.approx(1.39e9 * share, rel=0.05)
    labels = [label for frame in frames for label in frame["labels"]]
    counts = Counter(label["category"] for label in labels)
    assert len(frames) == 300 and sum("box2d" in label for label in labels) == pytest.approx(1.286e6 * share, rel=0.01)
    assert counts["car"] == round(713_211 * share) and counts["train"] == 1
    assert 6 < counts["lane"] / 300 < 9 and 1 < counts["drivable area"] / 300 < 3
    assert all(("poly2d" in label) == (label["category"] in ("lane", "drivable area")) for label in labels)
    assert [label["id"] for label in labels] == list(range(len(labels)))


def test_a_bdd_file_of_2020_is_scalabels_with_frames_without_labels(tmp_path):
    path = tmp_path / "det.json"
    bdd.write_det20(path, 300)
    frames = json.loads(path.read_text())
    bare = [frame for frame in frames if not frame.get("labels")]
    assert len(frames) == 300 and len(bare) == 3 and [f for f in bare if "labels" in f] and bare != [
        f for f in bare if "labels" in f]
    for label in (label for frame in frames for label in frame.get("labels") or ()):
        x1, y1, x2, y2 = (label["box2d"][key] for key in ("x1", "y1", "x2", "y2"))
        assert 0 <= x1 < x2 <= 1280 and 0 <= y1 < y2 <= 720
        assert isinstance(label["id"], str) and label["poly2d"] is None and label["category"] in bdd.CLASSES_2020


@pytest.mark.parametrize("kind", ["coco", "bdd", "det20"])
def test_the_command_takes_the_number_of_images_and_repeats_itself(tmp_path, capsys, kind):
    for folder in ("a", "b"):
        assert main([kind, str(tmp_path / folder), "--num-images", "50"]) == 0
    (first,), (second,) = ((tmp_path / folder).iterdir() for folder in ("a", "b"))
    assert first.read_bytes() == second.read_bytes() and first.name in capsys.readouterr().out
    frames = json.loads(first.read_text())
    assert len(frames["images"] if kind == "coco" else frames) == 50


def test_the_command_refuses_no_images(tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["coco", str(tmp_path), "--num-images", "0"])
    assert stopped.value.code == 2 and "--num-images: 0 is no count" in capsys.readouterr().err
    assert not any(tmp_path.iterdir())
