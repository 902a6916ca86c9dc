import dataclasses
import json

import msgspec
import numpy as np
import pytest

from datasets.errors import InputError
from datasets.files import sha256_of
from datasets.formats.coco import read_coco, read_table, write_coco, write_subsets
from datasets.table import assemble


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


def test_repeated_ids_are_found(coco, save):
    coco["annotations"][2]["id"] = 2
    coco["images"].append(dict(coco["images"][1]))
    table = read_table(save(coco))
    assert {f.rule: f.records for f in table.findings} == {
        "repeated image": ["sub/a.jpg"], "repeated box id": ["annotations[2] (id 2, image 3)"]}
    assert table.image_ids.tolist() == [7, 3, 5]


def test_boxes_without_ids_repeat_none(coco, save):
    for box in coco["annotations"]:
        box.pop("id", None)
    assert read_table(save(coco)).findings == ()


@pytest.mark.parametrize("spread", [1, 10**6, 2**40])
def test_references_are_resolved_however_sparse_the_ids(coco, save, spread):
    for key, records in (("id", coco["images"]), ("image_id", coco["annotations"])):
        for record in records:
            record[key] *= spread
    coco["annotations"] += [{"image_id": id_, "category_id": category, "bbox": [0, 0, 1, 1]}
                            for id_, category in ((4 * spread, 1), (-1, 1), (99 * spread, 1), (3 * spread, 2))]
    table = read_table(save(coco))
    assert table.images.tolist() == [1, 0, 1, -1, -1, -1, 1]
    assert table.classes.tolist()[3:] == [1, 1, 1, -1]


def test_subsets_are_prefixes_with_all_their_boxes(coco, save, tmp_path):
    whole = read_coco(save(coco))
    paths = {tmp_path / f"{size}.json": size for size in (1, 2, 3)}
    write_subsets(paths, whole)
    for path, size in paths.items():
        subset = read_coco(path)
        assert subset.image_ids.tolist() == whole.image_ids[:size].tolist() and subset.categories == whole.categories
        assert subset.boxes.tolist() == whole.boxes[:whole.starts[size]].tolist()
        json.loads(path.read_text())


def test_names_of_any_kind_are_written(coco, save, tmp_path):
    coco["images"][0]["file_name"] = 'line\nbreak "quoted" \\ ünïcode,\n.jpg'
    whole = read_coco(save(coco))
    write_coco(tmp_path / "again.json", whole)
    assert read_coco(tmp_path / "again.json").file_names == whole.file_names


@pytest.mark.parametrize("encode", [msgspec.msgpack.Encoder(order="sorted").encode,  # as long as before
                                    lambda boxes: msgspec.msgpack.Encoder().encode([*boxes, 1])])
def test_a_msgspec_that_packs_otherwise_is_refused(coco, save, monkeypatch, encode):
    monkeypatch.setattr(msgspec.msgpack, "encode", encode)
    with pytest.raises(RuntimeError, match="this version of msgspec packs numbers in another way"):
        read_table(save(coco))


def _set(table, index, key, value):
    def change(coco):
        coco[table][index][key] = value
    return change


BAD = {
    "nan": (_set("annotations", 1, "bbox", [1, 2, float("nan"), 4]), "got NaN - at `$.annotations[1].bbox[2]`"),
    "infinity": (_set("annotations", 0, "bbox", [1, 2, 3, float("inf")]),
                 "got Infinity - at `$.annotations[0].bbox[3]`"),
    "minus infinity": (_set("annotations", 2, "bbox", [float("-inf"), 2, 3, 4]),
                       "got -Infinity - at `$.annotations[2].bbox[0]`"),
    "nan elsewhere": (_set("images", 0, "score", float("nan")), "NaN"),
    "number too large": (_set("annotations", 0, "bbox", [10**400, 2, 3, 4]), "annotations[0].bbox[0]"),
    "id too large": (_set("images", 0, "id", 2**53 + 2), "images[0].id"),
    "half an id": (_set("annotations", 0, "image_id", 7.5), "annotations[0].image_id is 7.5; ids are whole numbers"),
    "an id that floats skip": (_set("annotations", 0, "category_id", 2**53 + 2), "annotations[0].category_id is 9007"),
    "three numbers": (_set("annotations", 1, "bbox", [1, 2, 3]), "annotations[1].bbox"),
    "text for a number": (_set("annotations", 1, "bbox", [1, 2, "3", 4]), "annotations[1].bbox[2]"),
    "negative area": (_set("annotations", 0, "area", -1), "annotations[0].area"),
    "text for an id": (_set("images", 2, "id", "5"), "images[2].id"),
    "text for an image id": (_set("annotations", 2, "image_id", "5"), "annotations[2].image_id"),
    "image without width": (_set("images", 1, "width", 0), "images[1].width"),
    "image without a name": (_set("images", 1, "file_name", ""), "images[1].file_name"),
    "an endless name": (_set("categories", 1, "name", "x" * 10_000_000), "categories[1].name"),
    "no annotations key": (lambda coco: coco.pop("annotations"), "annotations"),
    "repeated image id": (_set("images", 2, "id", 3), "image id 3 appears twice"),
    "repeated file": (_set("images", 2, "file_name", "b.jpg"), "image 'b.jpg' appears twice"),
    "repeated category id": (_set("categories", 1, "id", 90), "category id 90 appears twice"),
    "repeated category": (_set("categories", 1, "name", "dog"), "category 'dog' appears twice"),
    "no images": (lambda coco: coco["images"].clear(), "no images"),
    "no categories": (lambda coco: coco["categories"].clear(), "no categories"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_records_are_named_in_one_line(coco, save, name):
    change, fragment = BAD[name]
    change(coco)
    path = save(coco)
    with pytest.raises(InputError) as error:
        assemble(read_table(path))
    assert str(path) in str(error.value) and fragment in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("content", ["", "[", "[]", '{"images": []}', "null", "[" * 100_000])
def test_a_file_of_another_kind_is_refused(save, content):
    with pytest.raises(InputError, match=r"a\.json: not a COCO annotation file"):
        read_coco(save(content))


def test_an_absent_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        read_coco(tmp_path / "absent.json")
