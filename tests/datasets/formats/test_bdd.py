import copy
import json
import os
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.errors import InputError
from datasets.files import sha256_of
from datasets.formats import scalabel
from datasets.formats.bdd import read_table
from datasets.read import read
from datasets.table import assemble
from tests.datasets.labelled import count

SCENE = {  # a 2018 class, its name in 2020, the corners
    "harbour.jpg": [("person", "pedestrian", (10.25, 20.5, 19.25, 60.5)), ("car", "car", (100, 200, 180, 240)),
                    ("bike", "bicycle", (1200, 700, 1279, 719))],
    "alley.jpg": [("motor", "motorcycle", (3.5, 4.5, 3.5, 5.5)), ("rider", "rider", (0, 0, 63, 127)),
                  ("traffic light", "traffic light", (640.125, 30, 655.125, 61.5))],
    "dusk.jpg": [],
}
LANE = {"category": "lane", "attributes": {"laneStyle": "solid"}, "id": 8,
        "poly2d": [{"vertices": [[5.5, 700], [600.25, 410]], "types": "LL", "closed": False}]}
AREA = {"category": "drivable area", "attributes": {"areaType": "direct"}, "id": 9,
        "poly2d": [{"vertices": [[0, 719], [640, 400], [1279, 719]], "types": "LLL", "closed": True}]}
CLASSES_2018 = ("person", "rider", "car", "bus", "truck", "train", "motor", "bike", "traffic light", "traffic sign",
                "drivable area", "lane")
CLASSES_2020 = ("pedestrian", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle", "traffic light",
                "traffic sign", "other person", "other vehicle", "trailer")


def box2d(x1, y1, x2, y2):
    return {"x1": x1, "y1": y1, "x2": x2, "y2": y2}


def label(category="car", corners=(10, 20, 29, 59), **more):
    return {"category": category, "box2d": box2d(*corners), **more}


@pytest.fixture
def bdd2018():
    return [{"name": name, "attributes": {"weather": "clear", "scene": "highway", "timeofday": "night"},
             "timestamp": 10000,
             "labels": [LANE, *({"category": old, "manualShape": True, "manualAttributes": True, "id": number,
                                 "attributes": {"occluded": True, "truncated": False, "trafficLightColor": "green"},
                                 "box2d": box2d(*corners)} for number, (old, _, corners) in enumerate(labels)), AREA]}
            for name, labels in SCENE.items()]


@pytest.fixture
def bdd2020():
    frames = [{"name": name, "videoName": name[:-4], "frameIndex": 0, "timestamp": 10000,
               "attributes": {"weather": "clear"},
               "labels": [{"id": str(number), "category": new, "poly2d": None, "box3d": None,
                           "attributes": {"occluded": True, "trafficLightColor": "NA"}, "box2d": box2d(*corners)}
                          for number, (_, new, corners) in enumerate(labels)] or None}
              for name, labels in SCENE.items()]
    return {"frames": frames, "config": None, "groups": None}


@pytest.fixture
def read_labels(save):
    """Return a function that reads a frame with the given labels, and others after it."""

    def read_frame(labels, *frames):
        return read_table(save([{"name": "a.jpg", "labels": labels}, *frames]))

    return read_frame


def test_the_layout_of_2018_keeps_its_vocabulary(bdd2018, save):
    table = read_table(save(bdd2018))
    assert (table.format, table.complete) == ("bdd", True)
    assert (table.categories, table.category_ids) == (CLASSES_2018, tuple(range(1, 13)))
    assert [table.categories[k] for k in table.classes] == [old for labels in SCENE.values() for old, _, _ in labels]
    assert (set(table.widths), set(table.heights)) == ({1280}, {720})


@pytest.mark.parametrize("root", [lambda bdd: bdd, lambda bdd: bdd["frames"], lambda bdd: {"frames": bdd["frames"]}])
def test_the_layout_of_2020_keeps_its_vocabulary_whatever_the_root(bdd2020, save, root):
    table = read_table(save(root(bdd2020)))
    assert (table.categories, table.category_ids) == (CLASSES_2020, tuple(range(1, 14)))
    assert [table.categories[k] for k in table.classes] == [new for labels in SCENE.values() for _, new, _ in labels]
    assert table.findings == ()


def test_both_corners_belong_to_a_box(bdd2018, save):
    table = read_table(save(bdd2018))
    assert table.boxes.tolist() == [
        [10.25, 20.5, 10, 41], [100, 200, 81, 41], [1200, 700, 80, 20],
        [3.5, 4.5, 1, 2], [0, 0, 64, 128], [640.125, 30, 16, 32.5]]
    assert table.images.tolist() == [0, 0, 0, 1, 1, 1]
    assert np.isnan(table.areas).all()


def test_a_scene_is_the_same_in_both_layouts(bdd2018, bdd2020, save):
    (old, _), (new, _) = (read(save(scene, name), class_map="bdd")
                          for scene, name in ((bdd2018, "2018.json"), (bdd2020, "2020.json")))
    assert old.categories == new.categories == ("person", "bike", "motor", "car", "bus", "truck", "train",
                                                "traffic light", "traffic sign")
    assert [old.categories[k] for k in old.classes] == ["person", "car", "bike", "motor", "person", "traffic light"]
    for field in ("file_names", "image_ids", "widths", "heights", "starts", "boxes", "classes", "crowd", "areas"):
        np.testing.assert_array_equal(getattr(old, field), getattr(new, field))


def test_what_the_toolkit_ignores_becomes_crowd_under_the_class_map(save):
    labels = [label(name) for name in ("other person", "other vehicle", "trailer", "car")]
    annotations, report = read(save([{"name": "a.jpg", "labels": labels}]), class_map="bdd")
    assert [annotations.categories[k] for k in annotations.classes] == ["person", "car", "truck", "car"]
    assert annotations.crowd.tolist() == [True, True, True, False]
    assert count(report, "crowd") == 3


def test_labels_without_a_box_are_counted_by_name(bdd2018, save):
    table = read_table(save(bdd2018))
    (finding,) = table.findings
    assert finding.rule == "no box"
    assert finding.records == ["harbour.jpg labels[0]", "harbour.jpg labels[4]", "alley.jpg labels[0]",
                               "alley.jpg labels[4]", "dusk.jpg labels[0]", "dusk.jpg labels[1]"]
    assert [table.box_name(row) for row in (0, 3, 5)] == ["harbour.jpg labels[1]", "alley.jpg labels[1]",
                                                          "alley.jpg labels[3]"]


@pytest.mark.parametrize("shape", [{}, {"box2d": None}, {"box2d": None, "box3d": {"alpha": 0.5}},
                                   {"poly2d": [{"vertices": [[1, 2]]}]}, {"rle": {"counts": "a", "size": [1, 1]}}])
def test_other_shapes_are_not_boxes(read_labels, shape):
    table = read_labels([label(), {"category": "car", "id": 1, **shape}, {"id": 2, **shape}])
    assert len(table.boxes) == 1
    assert [finding.records for finding in table.findings] == [["a.jpg labels[1]", "a.jpg labels[2]"]]


@pytest.mark.parametrize("frame", [{}, {"labels": None}, {"labels": []}])
def test_frames_without_labels_stay(read_labels, frame):
    table = read_labels([label()], {"name": "b.jpg", **frame}, {"name": "c.jpg", "labels": [label()]})
    assert table.file_names == ("a.jpg", "b.jpg", "c.jpg")
    assert table.images.tolist() == [0, 2]
    assert table.box_name(1) == "c.jpg labels[0]"


def test_frames_without_any_box_are_read(save):
    table = read_table(save([{"name": "a.jpg"}]))
    assert (table.boxes.shape, table.categories) == ((0, 4), CLASSES_2020)


@pytest.mark.parametrize(("attributes", "crowd"), [
    ({}, False), (None, False), ({"occluded": True}, False), ({"Occluded": "true", "Truncated": True}, False),
    ({"crowd": False, "ignored": False}, False), ({"crowd": None}, False), ({"crowd": 0}, False),
    ({"crowd": "false"}, False), ({"Crowd": "False"}, False), ({"ignored": ""}, False),
    ({"crowd": True}, True), ({"ignored": True}, True), ({"Crowd": True}, True), ({"Ignored": True}, True),
    ({"crowd": 1}, True), ({"crowd": "true"}, True), ({"Crowd": "True"}, True), ({"ignored": "yes"}, True),
])
def test_crowd_and_ignored_in_any_spelling(read_labels, attributes, crowd):
    table = read_labels([{"category": "lane"}, label(), label(attributes=attributes), label()])
    assert table.crowd.tolist() == [False, crowd, False]


@pytest.mark.parametrize(("names", "categories"), [
    ([], CLASSES_2020),
    (["car", "traffic sign"], CLASSES_2020),
    (["person"], CLASSES_2018),
    (["car", "pedestrian"], CLASSES_2020),
    (["van", "car", "bus stop"], (*CLASSES_2020, "bus stop", "van")),
    (["person", "bike", "trailer"], (*CLASSES_2018, "trailer")),
    (["dog", "cat"], ("cat", "dog")),
])
def test_the_vocabulary_is_that_of_the_names_seen(read_labels, names, categories):
    table = read_labels([label(name) for name in names])
    assert table.categories == categories
    assert [table.categories[k] for k in table.classes] == names


def test_lanes_tell_the_layout_of_2018(read_labels):
    assert read_labels([label("car"), LANE]).categories == CLASSES_2018


@pytest.mark.parametrize(("listed", "seen", "categories"), [
    (["dog", "cat"], "dog", ("dog", "cat")),
    (["dog", "cat"], "emu", ("dog", "cat", "emu")),
    (["dog", "car"], "dog", ("dog", "car")),
    ([{"name": "pet", "subcategories": [{"name": "dog"}, {"name": "cat"}]}, {"name": "cow", "subcategories": None}],
     "cat", ("dog", "cat", "cow")),
    ([{"name": "bike", "subcategories": [{"name": "motorcycle"}, {"name": "bicycle"}]}, {"name": "car"}], "car",
     CLASSES_2020),
    (["person", "motor"], "car", CLASSES_2018),
])
def test_the_configuration_lists_the_categories_of_another_domain(save, listed, seen, categories):
    table = read_table(save({"frames": [{"name": "a.jpg", "labels": [label(seen)]}], "config": {"categories": listed}}))
    assert table.categories == categories and table.complete
    assert table.categories[table.classes[0]] == seen


def test_categories_that_are_only_seen_may_not_be_all(read_labels):
    table = read_labels([label("dog")])
    assert not table.complete
    annotations, _ = assemble(table, classes=["cat", "dog"])
    assert annotations.categories == ("cat", "dog")


def test_sizes_are_the_frames_own_before_those_of_all(save):
    frames = [{"name": "a.jpg", "size": {"width": 640, "height": 480}}, {"name": "b.jpg", "size": None}]
    config = {"imageSize": {"width": 1920, "height": 1080}}
    table = read_table(save({"config": config, "frames": frames}))
    assert (table.widths.tolist(), table.heights.tolist()) == ([640, 1920], [480, 1080])
    assert read_table(save(frames)).widths.tolist() == [640, 1280]


def test_an_assumed_size_is_told_outside_bdd(read_labels):
    table = read_labels([label("dog")], {"name": "b.jpg", "size": {"width": 64, "height": 48}})
    assert [(finding.rule, finding.records) for finding in table.findings] == [("assumed size", ["a.jpg"])]
    assert table.widths.tolist() == [1280, 64]


@pytest.mark.parametrize(("corners", "rule"), [
    ((30, 20, 10, 59), "negative size"), ((10, 20, 29, 18.5), "negative size"), ((10, 20, 9, 59), "empty box"),
    ((1270.5, 20, 1279.5, 59), "rounding"), ((1270, 20, 1285, 59), "over edge"),
    ((0, 0, 1279, 719), None), ((10, 20, 10, 20), None),
    ((10, 20, 9.5, 59), None),  # half a pixel wide
])
def test_odd_boxes_fall_under_the_rules_of_all_formats(read_labels, corners, rule):
    _, report = assemble(read_labels([label(corners=corners)], {"name": "b.jpg", "labels": [label()]}))
    assert [finding.rule for finding in report.findings if finding.rule != "image without boxes"] == [rule] * bool(rule)


@pytest.mark.parametrize("category", [{}, {"category": None}, {"category": ""}])
def test_a_box_without_category_is_left_out(read_labels, category):
    annotations, report = assemble(read_labels([{"box2d": box2d(1, 2, 3, 4), **category}, label()]))
    assert annotations.num_boxes == 1 and count(report, "absent category") == 1


def test_the_same_name_in_two_videos_is_two_images(save):
    frames = [{"name": "0001.jpg", "videoName": video, "labels": [label()]} for video in ("b", "a")]
    table = read_table(save([*frames, {"name": "0002.jpg"}]))
    assert table.file_names == ("b/0001.jpg", "a/0001.jpg", "0002.jpg")
    assert table.image_ids.tolist() == [3, 2, 1]


def test_unique_names_stay_outside_their_videos(bdd2020, save):
    assert read_table(save(bdd2020)).file_names == tuple(SCENE)


def test_an_image_listed_twice_is_refused(bdd2020, save):
    bdd2020["frames"][2]["name"] = "harbour.jpg"
    bdd2020["frames"][2]["videoName"] = "harbour"
    with pytest.raises(InputError, match=r"image 'harbour/harbour\.jpg' appears twice; keep one"):
        assemble(read_table(save(bdd2020)))


@given(st.permutations(sorted(SCENE)))
@settings(deadline=None, max_examples=10)
def test_ids_and_boxes_do_not_depend_on_the_order_of_frames(tmp_path_factory, names):
    path = tmp_path_factory.mktemp("bdd") / "a.json"
    path.write_text(json.dumps([{"name": name, "labels": [label(old, corners) for old, _, corners in SCENE[name]]}
                                for name in names]))
    table = read_table(path)
    assert dict(zip(table.file_names, table.image_ids.tolist())) == {"alley.jpg": 1, "dusk.jpg": 2, "harbour.jpg": 3}
    for row, name in enumerate(table.file_names):
        mine = table.images == row
        assert [table.categories[k] for k in table.classes[mine]] == [old for old, _, _ in SCENE[name]]
        assert table.boxes[mine, :2].tolist() == [list(corners[:2]) for _, _, corners in SCENE[name]]


def _per_image(name, *labels):
    return {"name": name, "attributes": {"weather": "clear"}, "frames": [{"timestamp": 10000, "objects": [*labels]}]}


def test_a_folder_may_hold_a_file_for_each_image(save, tmp_path):
    for folder, name in (("train", "b"), ("train", "a"), ("val", "c")):
        (tmp_path / folder).mkdir(exist_ok=True)
        save(_per_image(name, {**label("person"), "id": 4}, LANE), f"{folder}/{name}.json")
    table = read_table(tmp_path)
    assert (table.file_names, table.categories) == (("a.jpg", "b.jpg"), CLASSES_2018)
    assert table.findings[0].records == ["a.jpg labels[1]", "b.jpg labels[1]"]
    assert read_table(tmp_path, "val").file_names == read_table(tmp_path / "val", "val").file_names == ("c.jpg",)
    assert read_table(tmp_path / "train").checksum == table.checksum != read_table(tmp_path, "val").checksum


def test_a_folder_may_hold_a_file_for_each_split(bdd2018, save, tmp_path):
    save(bdd2018, "bdd100k_labels_images_train.json")
    path = save(bdd2018[:1], "bdd100k_labels_images_val.json")
    save([], "._bdd100k_labels_images_train.json")  # left by macOS
    assert len(read_table(tmp_path).file_names) == 3
    assert read_table(tmp_path, "val").file_names == ("harbour.jpg",)
    assert read_table(path).checksum == sha256_of(path)
    with pytest.raises(InputError, match="no JSON file of split 'test'"):
        read_table(tmp_path, "test")
    save(bdd2018, "det_train.json")
    with pytest.raises(InputError, match="both bdd100k_labels_images_train.json and det_train.json"):
        read_table(tmp_path)


def test_a_folder_may_hold_a_file_for_each_video(save, tmp_path):
    for video in ("a", "b"):
        save([{"name": f"{number}.jpg", "videoName": video, "labels": [label("pedestrian")]} for number in (1, 2)],
             f"{video}.json")
    assert read_table(tmp_path).file_names == ("a/1.jpg", "a/2.jpg", "b/1.jpg", "b/2.jpg")


def test_a_name_keeps_the_suffix_it_has(save):
    assert read_table(save(_per_image("a.png"))).file_names == ("a.png",)
    assert read_table(save([{"name": "a"}])).file_names == ("a",)


def _set(*keys_and_value):
    *keys, last, value = keys_and_value

    def change(frames):
        record = frames
        for key in keys:
            record = record[key]
        record[last] = value
    return change


BAD = {
    "text for a number": (_set(1, "labels", 2, "box2d", "x1", "3.5"), "$[1].labels[2].box2d.x1`, frame 'alley.jpg');"),
    "nan": (_set(1, "labels", 1, "box2d", "y2", float("nan")),
            "got NaN - at `$[1].labels[1].box2d.y2`, frame 'alley.jpg'); correct"),
    "infinity": (_set(0, "labels", 1, "box2d", "y2", float("inf")), "$[0].labels[1].box2d.y2"),
    "number too large": (_set(0, "labels", 1, "box2d", "y1", 10**400), "$[0].labels[1].box2d.y1"),
    "number out of bounds": (_set(0, "labels", 1, "box2d", "y1", 1e300), "$[0].labels[1].box2d.y1"),
    "true for a number": (_set(0, "labels", 1, "box2d", "y1", True), "$[0].labels[1].box2d.y1"),
    "corner missing": (_set(2, "labels", [{"box2d": {"x1": 1, "y1": 2, "x2": 3}}]), "y2` - at `$[2].labels[0].box2d"),
    "box as a list": (_set(2, "labels", [{"box2d": [1, 2, 3, 4]}]), "$[2].labels[0].box2d"),
    "labels as an object": (_set(2, "labels", {}), "$[2].labels"),
    "label as text": (_set(2, "labels", ["car"]), "$[2].labels[0]"),
    "category as a number": (_set(0, "labels", 1, "category", 3), "$[0].labels[1].category"),
    "category of 10 MB": (_set(0, "labels", 1, "category", "a" * 10**7), "$[0].labels[1].category"),
    "attributes as text": (_set(0, "labels", 1, "attributes", "crowd"), "$[0].labels[1].attributes"),
    "crowd as a list": (_set(0, "labels", 1, "attributes", "crowd", []), "$[0].labels[1].attributes.crowd"),
    "size of zero": (_set(1, "size", {"width": 0, "height": 5}), "$[1].size.width`, frame 'alley.jpg');"),
    "name missing": (lambda frames: frames[1].pop("name"), "frames[1] has no name; give it"),
    "name empty": (_set(1, "name", ""), "$[1].name"),
    "name as a number": (_set(1, "name", 5), "$[1].name"),
    "name null": (_set(1, "name", None), "$[1].name"),
    "frame as text": (_set(1, "a.jpg"), "$[1]"),
    "image twice": (_set(2, "name", "alley.jpg"), "image 'alley.jpg' appears twice"),
    "no frames": (lambda frames: frames.clear(), "no images"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_records_are_named_in_one_line(bdd2018, save, name):
    change, fragment = BAD[name]
    frames = copy.deepcopy(bdd2018)
    change(frames)
    path = save(frames)
    with pytest.raises(InputError) as error:
        assemble(read_table(path))
    assert str(path) in str(error.value) and fragment in str(error.value) and "\n" not in str(error.value)
    assert len(str(error.value)) < 400


def test_a_bad_record_is_named_under_a_root_too(bdd2020, save):
    bdd2020["frames"][1]["labels"][0]["box2d"]["x2"] = "wide"
    with pytest.raises(InputError, match=r"\$\.frames\[1\]\.labels\[0\]\.box2d\.x2`, frame 'alley\.jpg'\)"):
        read_table(save(bdd2020))


def test_the_frame_of_a_nan_keeps_a_name_that_looks_like_one(bdd2018, save):
    bdd2018[1]["name"] = "NaN Infinity.jpg"
    for frame in bdd2018[1:]:
        frame["labels"].append(label(corners=(float("-inf"), float("nan"), 3, 4)))
    with pytest.raises(InputError, match=r"got -Infinity - at `\$\[1\].*x1`, frame 'NaN Infinity\.jpg'\)"):
        read_table(save(bdd2018))


@pytest.mark.parametrize("encode", [msgspec.msgpack.Encoder(order="sorted").encode,  # as long as before
                                    lambda boxes: msgspec.msgpack.encode([*boxes, 1])])
def test_a_msgspec_that_packs_otherwise_is_refused(read_labels, monkeypatch, encode):
    monkeypatch.setattr(scalabel, "_ENCODER", SimpleNamespace(encode=encode))
    with pytest.raises(RuntimeError, match="this version of msgspec packs numbers in another way"):
        read_labels([label()])


def test_a_file_whose_name_is_not_utf_8_is_refused(bdd2018, save, tmp_path):
    save(bdd2018, os.fsdecode(b"\xff.json"))
    with pytest.raises(InputError, match=r"\.json: file name is not UTF-8; rename it"):
        read_table(tmp_path)


@pytest.mark.parametrize("content", ["", "[", "{}", '{"images": []}', "null", "3", "[" * 100_000, '[{"name": "a.jpg"}'])
def test_a_file_of_another_kind_is_refused(save, content):
    with pytest.raises(InputError, match=r"a\.json: not a BDD100K or Scalabel file") as error:
        read_table(save(content))
    assert "\n" not in str(error.value)


def test_an_absent_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        read_table(tmp_path / "absent.json")


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_any_change_to_a_file_gives_a_table_or_one_line(tmp_path_factory, data):
    content = bytearray(json.dumps([{"name": "a.jpg", "labels": [label("person"), LANE]},
                                    {"name": "b.jpg", "labels": [label("dog", attributes={"crowd": True})]}]).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place:place + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    path = tmp_path_factory.mktemp("fuzz") / "a.json"
    path.write_bytes(content)
    try:
        annotations, _ = assemble(read_table(path))
    except InputError as error:
        assert "\n" not in str(error) and str(path) in str(error)
    else:
        assert np.isfinite(annotations.boxes).all() and annotations.starts[-1] == annotations.num_boxes
