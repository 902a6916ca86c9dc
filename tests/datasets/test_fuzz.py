"""Any bytes in: a clean result or one clean error."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from datasets.annotations import for_training
from datasets.errors import InputError
from datasets.read import read

NUMBERS = st.one_of(st.integers(-3, 300), st.floats(), st.integers(-2**70, 2**70))
ODD = st.one_of(NUMBERS, st.none(), st.booleans(), st.text(max_size=5), st.lists(NUMBERS, max_size=5),
                st.dictionaries(st.text(max_size=3), NUMBERS, max_size=2))

COCO = {
    "images": [{"id": 1, "file_name": "a.jpg", "width": 100, "height": 80},
               {"id": 2, "file_name": "b.jpg", "width": 64, "height": 64}],
    "annotations": [{"id": 1, "image_id": 2, "category_id": 3, "bbox": [1, 2, 30.5, 40], "area": 700, "iscrowd": 0},
                    {"id": 2, "image_id": 1, "category_id": 5, "bbox": [0, 0, 99, 79], "iscrowd": 1}],
    "categories": [{"id": 3, "name": "cat"}, {"id": 5, "name": "dog"}],
}
BDD = [{"name": "a.jpg", "timestamp": 10000, "attributes": {"weather": "clear"}, "labels": [
            {"id": 1, "category": "car", "attributes": {"occluded": False},
             "box2d": {"x1": 1, "y1": 2, "x2": 30, "y2": 4}},
            {"id": 2, "category": "lane", "poly2d": [{"vertices": [[1, 2]], "types": "L", "closed": False}]}]},
       {"name": "b.jpg", "labels": None}]
XML = (b"<annotation><filename>a.png</filename><size><width>60</width><height>40</height><depth>3</depth></size>"
       b"<object><name>cat</name><difficult>0</difficult><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>30</xmax>"
       b"<ymax>40</ymax></bndbox></object></annotation>")
LABELS = b"0 0.5 0.5 0.2 0.4\n1 0.1 0.1 0.1 0.1\n0 0.1 0.1 0.9 0.1 0.5 0.9\n"


def check(path: Path, **how) -> None:
    """Read `path`; what comes back has to be whole, what is raised has to be one line that names a file."""
    try:
        annotations, report = read(path, **how)
    except InputError as error:
        assert "\n" not in str(error) and (path.name in str(error) or path.parent.name in str(error))
        return
    images, boxes = annotations.num_images, annotations.num_boxes
    assert images == len(annotations.file_names) == len(annotations.widths) == len(annotations.starts) - 1
    assert annotations.starts[0] == 0 and annotations.starts[-1] == boxes and (np.diff(annotations.starts) >= 0).all()
    assert np.isfinite(annotations.boxes).all() and np.isfinite(annotations.areas).all()
    assert (annotations.boxes[:, 2:] >= 0).all() and boxes <= report.listed
    assert ((annotations.classes >= 0) & (annotations.classes < len(annotations.categories))).all()
    usable = for_training(annotations)
    assert (usable.boxes[:, 2:] > 0).all() and (usable.boxes[:, :2] >= 0).all()


@st.composite
def changed(draw, document):
    """Return `document` with a few values replaced, removed or repeated, as JSON that may hold NaN."""
    copy = json.loads(json.dumps(document))
    for _ in range(draw(st.integers(1, 3))):
        place = copy
        while True:
            keys = list(place) if isinstance(place, dict) else range(len(place))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if isinstance(place[key], (dict, list)) and draw(st.integers(0, 3)):
                place = place[key]
                continue
            act = draw(st.sampled_from(["replace", "remove", "repeat"]))
            if act == "replace":
                place[key] = draw(ODD)
            elif act == "remove":
                del place[key]
            elif isinstance(place, list):
                place.append(place[key])
            break
    return json.dumps(copy).encode()


@st.composite
def damaged(draw, content):
    """Return `content` with a few bytes replaced, left out, or cut off."""
    content = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        content[start:start + draw(st.integers(0, 6))] = draw(st.binary(max_size=6))
    return bytes(content[:draw(st.integers(len(content) // 2, len(content)))] if draw(st.booleans()) else content)


FUZZ = settings(max_examples=150, deadline=None, derandomize=True,
                suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@pytest.mark.parametrize(("document", "format"), [(COCO, "coco"), (BDD, "bdd")], ids=["coco", "bdd"])
@FUZZ
@given(data=st.data())
def test_json(tmp_path, document, format, data):
    path = tmp_path / "labels.json"
    plain = json.dumps(document).encode()
    path.write_bytes(data.draw(st.one_of(changed(document), damaged(plain), st.binary(max_size=50))))
    check(path, format=format)
    check(path)


@FUZZ
@given(data=st.data())
def test_xml(tmp_path, data):
    (tmp_path / "a.xml").write_bytes(data.draw(st.one_of(damaged(XML), st.binary(max_size=50))))
    check(tmp_path)


@FUZZ
@given(data=st.data())
def test_yolo(tmp_path, data):
    for folder in ("images", "labels"):
        (tmp_path / folder).mkdir(exist_ok=True)
    if not (tmp_path / "images/a.png").exists():
        Image.new("RGB", (60, 40)).save(tmp_path / "images/a.png")
    settings_file = b"train: images\nval: images\nnames: [cat, dog]\n"
    (tmp_path / "data.yaml").write_bytes(data.draw(st.one_of(st.just(settings_file), damaged(settings_file))))
    (tmp_path / "labels/a.txt").write_bytes(data.draw(st.one_of(damaged(LABELS), st.binary(max_size=50))))
    check(tmp_path)


@FUZZ
@given(data=st.data())
def test_class_maps(tmp_path, data):
    (tmp_path / "labels.json").write_text(json.dumps(COCO))
    plain = b"classes:\n  pet: [cat, dog]\nothers: keep\nignore: {bird: pet}\n"
    (tmp_path / "labels.yaml").write_bytes(data.draw(damaged(plain)))
    check(tmp_path / "labels.json", class_map=str(tmp_path / "labels.yaml"))
