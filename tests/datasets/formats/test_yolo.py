import os
import random
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from datasets.errors import InputError
from datasets.formats import yolo
from datasets.formats.coco import read_coco, write_coco
from datasets.formats.yolo import read_table, resolve
from datasets.table import Table, assemble
from tests.datasets.labelled import count

LABELS = {"c": b"1 0.5 0.5 1 1\n0 0.25 0.5 0.1 0.2", "a": b"2 0.5 0.5 0.5 0.25\r\n\r\n  0 1 1 0 0 \r\n", "b": b"",
          "sub/d": b"\xef\xbb\xbf2.0 1e-1 .2 0.1 2e-1\n"}
BOXES = {"images/train/a.jpg": [[25, 30, 50, 20], [100, 80, 0, 0]], "images/train/b.jpg": [],
         "images/train/c.jpg": [[0, 0, 100, 80], [20, 32, 10, 16]], "images/train/sub/d.jpg": [[5, 8, 10, 16]]}


def save_image(path: Path, size=(100, 80), orientation=1):
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", size).save(path, exif=exif)


def write_part(root: Path, folder="train", labels=LABELS):
    for name, content in labels.items():
        save_image(root / f"images/{folder}/{name}.jpg")
        label = root / f"labels/{folder}/{name}.txt"
        label.parent.mkdir(parents=True, exist_ok=True)
        label.write_bytes(content)


@pytest.fixture
def root(tmp_path) -> Path:
    write_part(tmp_path)
    write_part(tmp_path, "val", {"z": b"0 .5 .5 .1 .1"})
    configure(tmp_path)
    return tmp_path


def configure(root: Path, **changes):
    """Write data.yaml; a key set to None is left out."""
    plain = {"path": "../datasets/small", "train": "images/train", "val": "images/val", "test": None,
             "names": {0: "cat", 1: "dog", 2: "traffic light"}, "nc": 3, "download": "import os; os.mkdir('/x')"}
    kept = {key: value for key, value in (plain | changes).items() if value is not None}
    (root / "data.yaml").write_text(yaml.safe_dump(kept))


def records(table: Table) -> dict[str, list[str]]:
    return {finding.rule: finding.records for finding in table.findings}


def boxes_of(table: Table) -> dict[str, list[list[float]]]:
    return {name: np.round(table.boxes[table.images == row], 9).tolist() for row, name in enumerate(table.file_names)}


def test_lines_become_boxes_in_pixels(root):
    table = read_table(root)
    assert boxes_of(table) == BOXES
    assert table.image_ids.tolist() == [1, 2, 3, 4] and list(table.file_names) == sorted(table.file_names)
    assert table.classes.tolist() == [2, 0, 1, 0, 2]
    assert set(table.widths) == {100} and set(table.heights) == {80}
    assert table.categories == ("cat", "dog", "traffic light") and table.category_ids == (0, 1, 2) and table.complete
    assert [table.box_name(row) for row in (1, 4)] == ["labels/train/a.txt line 3", "labels/train/sub/d.txt line 1"]
    assert records(table) == {} and (table.format, table.source, table.images_root) == ("yolo", str(root), str(root))


@pytest.mark.parametrize("given", ["folder", "file", "relative"])
def test_the_folder_or_its_file_may_be_given(root, monkeypatch, given):
    monkeypatch.chdir(root)
    path = {"folder": root, "file": root / "data.yaml", "relative": Path("data.yaml")}[given]
    assert boxes_of(read_table(path)) == BOXES


def test_another_name_of_the_file_is_fine(root):
    (root / "data.yaml").rename(root / "data.yml")
    assert boxes_of(read_table(root)) == BOXES
    (root / "data.yml").rename(root / "small.yaml")
    assert boxes_of(read_table(root / "small.yaml")) == BOXES
    with pytest.raises(InputError, match=r"no data\.yaml there"):
        read_table(root)


@pytest.mark.parametrize(("key", "split", "expected"), [
    ("train", "", "a"), ("train", "train", "a"), ("val", "val", "z"), ("val", "valid", "z"), ("valid", "val", "z"),
    ("validation", "validation", "z"), ("test", "test", "z"),
])
def test_splits_have_several_spellings(root, key, split, expected):
    configure(root, **{"val": None, key: "images/train" if key == "train" else "images/val"})
    assert Path(read_table(root, split).file_names[0]).stem == expected


@pytest.mark.parametrize(("path", "train"), [
    (None, "images/train"), ("", "images/train"), (".", "./images/train"), ("/absent/coco", "images/train"),
    ("../absent", "images/train/"), ("{parent}/{name}", "images/train"), ("../{name}", "images/train"),
    (None, "../images/train"), ("../absent", "{root}/images/train"), (None, ["images/train"]),
    ("images", "train"),
])
def test_the_images_are_found(root, path, train):
    names = {"parent": root.parent, "name": root.name, "root": root}
    train = train if isinstance(train, list) else train.format(**names)
    configure(root, path=path and path.format(**names), train=train)
    expected = BOXES if path != "images" else {name.removeprefix("images/"): box for name, box in BOXES.items()}
    assert boxes_of(read_table(root)) == expected


def test_a_path_elsewhere_is_the_root(root, tmp_path_factory):
    config = tmp_path_factory.mktemp("configs")
    configure(config, path=str(root))
    table = read_table(config)
    assert boxes_of(table) == BOXES and table.source == str(config) and table.images_root == str(root)


def test_a_list_of_images_and_folders(root):
    (root / "lists").mkdir()
    (root / "lists/train.txt").write_text("\ufeff./../images/train/c.jpg\r\n\n../images/train/a.jpg  \n"
                                          f"{root}/images/train/a.jpg\n", encoding="utf-8")
    configure(root, train="lists/train.txt")
    table = read_table(root)
    assert boxes_of(table) == {name: BOXES[name] for name in ("images/train/a.jpg", "images/train/c.jpg")}
    assert records(table) == {"repeated image": ["images/train/a.jpg"]}
    configure(root, train=["lists/train.txt", "images/val"])
    assert [Path(name).stem for name in read_table(root).file_names] == ["a", "c", "z"]


def test_images_outside_the_root_keep_a_relative_path(root, tmp_path_factory):
    config = tmp_path_factory.mktemp("configs")
    (config / "train.txt").write_text(f"{root}/images/train/a.jpg\n")
    configure(config, path=None, train="train.txt")
    (name,) = read_table(config).file_names
    assert name.startswith("../") and (config / name).resolve() == (root / "images/train/a.jpg").resolve()


def test_labels_lie_beside_images_outside_a_folder_of_that_name(tmp_path):
    for name in ("a.PNG", "b.webp", "c.tiff", "d.bmp", "e.gif", ".hidden.jpg"):
        save_image(tmp_path / "pictures" / name)
        (tmp_path / "pictures" / name).with_suffix(".txt").write_text("0 .5 .5 .5 .5")
    (tmp_path / "pictures/classes.txt").write_text("cat")
    (tmp_path / "pictures/list.txt").write_text("a.PNG\nb.webp\n")
    configure(tmp_path, train="pictures")
    table = read_table(tmp_path)
    assert table.file_names == ("pictures/a.PNG", "pictures/b.webp", "pictures/c.tiff", "pictures/d.bmp")
    assert records(table) == {"unused label file": ["pictures/e.txt", "pictures/list.txt"]}
    configure(tmp_path, train="pictures/list.txt")
    assert records(read_table(tmp_path)) == {"unused label file": ["pictures/e.txt"]}


def test_the_last_folder_images_is_that_of_the_labels(tmp_path):
    save_image(tmp_path / "images/images/a.b.jpg")
    (tmp_path / "images/labels").mkdir()
    (tmp_path / "images/labels/a.b.txt").write_text("0 .5 .5 .5 .5")
    configure(tmp_path, train="images/images")
    assert len(read_table(tmp_path).boxes) == 1


def test_polygons_become_their_bounding_boxes(root):
    (root / "labels/train/a.txt").write_text("1 .1 .5 .3 .25 .2 .75\n0 .5 .5 .2 .2\n1 0 0 1 0 1 1 0 1\n")
    assert boxes_of(read_table(root))["images/train/a.jpg"] == [[10, 20, 20, 40], [40, 32, 20, 16], [0, 0, 100, 80]]


def test_poses_are_read_for_their_boxes(root):
    (root / "labels/train/a.txt").write_text("1 .5 .5 .2 .2 -3 .5 2 .1 .2 0\n")
    for name in ("c", "sub/d"):
        (root / f"labels/train/{name}.txt").write_text("")
    configure(root, kpt_shape=[2, 3])
    assert read_table(root).boxes.round(9).tolist() == [[40, 32, 20, 16]]
    (root / "labels/train/c.txt").write_text("1 .5 .5 .2 .2\n")
    with pytest.raises(InputError, match=r"c\.txt line 1: 5 values, not 11;"):
        read_table(root)


def test_a_line_given_twice_counts_once(root):
    (root / "labels/train/a.txt").write_text("0 .5 .5 .2 .2\n1 .5 .5 .2 .2\n0 0.50 .5 .2 .2\n0 .5 .5 .2 .3\n"
                                              "0 .5 .5 .2 .2")
    (root / "labels/train/b.txt").write_text("0 .5 .5 .2 .2")
    table = read_table(root)
    assert records(table) == {"repeated label": ["labels/train/a.txt line 3", "labels/train/a.txt line 5"]}
    assert [table.box_name(row) for row in range(4)] == [
        "labels/train/a.txt line 1", "labels/train/a.txt line 2", "labels/train/a.txt line 4",
        "labels/train/b.txt line 1"]
    assert table.classes.tolist()[:4] == [0, 1, 0, 0]


def test_missing_and_unused_label_files_are_told(root):
    (root / "labels/train/a.txt").unlink()
    (root / "labels/train/e.txt").write_text("not read")
    table = read_table(root)
    assert records(table) == {"no label file": ["images/train/a.jpg"], "unused label file": ["labels/train/e.txt"]}
    assert boxes_of(table) == BOXES | {"images/train/a.jpg": []}


def test_a_split_without_any_label_file_is_refused(root):
    (root / "labels").rename(root / "label")
    with pytest.raises(InputError, match=r"labels/train/a\.txt: no such label file, and none for the 4 images"):
        read_table(root)


@pytest.mark.parametrize(("size", "orientation", "displayed", "box"), [
    ((80, 100), 6, (100, 80), [10, 8, 20, 8]), ((80, 100), 8, (100, 80), [10, 8, 20, 8]),
    ((80, 100), 5, (100, 80), [10, 8, 20, 8]), ((100, 80), 1, (100, 80), [10, 8, 20, 8]),
    ((100, 80), 3, (100, 80), [70, 64, 20, 8]), ((100, 80), 2, (100, 80), [70, 8, 20, 8]),
    ((100, 100), 6, (100, 100), [10, 70, 10, 20]), ((100, 100), 1, (100, 100), [10, 10, 20, 10]),
])
def test_boxes_are_drawn_on_the_displayed_picture(root, size, orientation, displayed, box):
    """They are given for it where its size tells it from the stored one, and for the stored one otherwise."""
    (root / "labels/train/a.txt").write_text("0 .2 .15 .2 .1")
    save_image(root / "images/train/a.jpg", size, orientation)
    table = read_table(root)
    assert (table.widths[0], table.heights[0]) == displayed
    assert boxes_of(table)["images/train/a.jpg"] == [box]


def test_rounding_puts_no_box_over_the_edge(root):
    """With six decimals, the edge of about every other box that ends at the image's would lie behind it."""
    chance = random.Random(3)
    lines = []
    for _ in range(300):
        left, top = chance.randrange(99) / 100, chance.randrange(79) / 80
        lines += [f"0 {(left + 1) / 2:.6f} {(top + 1) / 2:.6f} {1 - left:.6f} {1 - top:.6f}",
                  f"1 {left / 2:.6f} {top / 2:.6f} {left:.6f} {top:.6f}"]
    (root / "labels/train/a.txt").write_text("\n".join(lines))
    annotations, report = assemble(read_table(root))
    assert count(report, "over edge") == 0
    right = annotations.boxes[:, :2] + annotations.boxes[:, 2:]
    assert (right[annotations.classes == 0].max(axis=0) == (100, 80)).all()
    (root / "labels/train/a.txt").write_text("0 .9 .5 .3 .2")
    assert count(assemble(read_table(root))[1], "over edge") == 1


BAD_LINES = {
    "beyond 1": ("0 1.2 .5 .1 .1", r"1\.2 is outside \[0, 1\]"), "beyond 0": ("0 .5 -.1 .1 .1", r"-0\.1 is outside"),
    "a trifle": ("0 .5 .5 1.000001 .1", "is outside"), "nan": ("0 .5 nan .1 .1", "nan is outside"),
    "infinity": ("0 .5 .5 inf .1", "inf is outside"), "overflow": ("0 .5 .5 1e999 .1", "inf is outside"),
    "pixels": ("0 50 40 10 10", "50 is outside"), "three numbers": ("0 .5 .5", "3 values, not 5"),
    "six numbers": ("0 .5 .5 .1 .1 .9", "6 values, not 5"), "half a point": ("0 .1 .1 .2 .2 .3 .3 .4", "8 values"),
    "text": ("dog .5 .5 .1 .1", "'dog .5 .5 .1 .1' is not all numbers"), "commas": ("0, .5, .5, .1, .1", "is not all"),
    "UTF-16": ("0 .5 .5 .1 .1".encode("utf-16"), "is not all numbers"), "control": ("\x1b .5 .5 .1 .1", r"'\\x1b .5"),
    "class beyond": ("3 .5 .5 .1 .1", "class 3 is none of 0 to 2"), "half a class": ("0.5 .5 .5 .1 .1", "class 0.5 is"),
    "class below": ("-1 .5 .5 .1 .1", "class -1 is none"), "class nan": ("nan .5 .5 .1 .1", "class nan is none"),
    "polygon beyond": ("0 .1 .1 .2 .2 .3 1.3", r"a point outside \[0, 1\]"),
    "polygon nan": ("0 .1 .1 .2 .2 .3 nan", r"a point outside"), "long": ("9" * 10_000_000, "1 values, not 5"),
    "long text": ("x" * 100_000 + " 1 1 1 1", "'x{60}' is not all numbers"),
}


@pytest.mark.parametrize("name", BAD_LINES)
def test_bad_lines_are_named_in_one_line(root, name):
    line, message = BAD_LINES[name]
    line = line if isinstance(line, bytes) else line.encode()
    (root / "labels/train/a.txt").write_bytes(b"0 .5 .5 .1 .1\r\n\r\n" + line + b"\nand more")
    if "outside" in message or "class" in message:
        (root / "labels/train/a.txt").write_bytes(b"0 .5 .5 .1 .1\n\n" + line)
    with pytest.raises(InputError, match=r"labels/train/a\.txt line 3: .*" + message) as error:
        read_table(root)
    assert "\n" not in str(error.value) and len(str(error.value)) < 400


BAD_SETTINGS = {
    "nc": ({"nc": 4}, "nc is 4, but names has 3"), "no names": ({"names": None}, "missing required field `names`"),
    "gap": ({"names": {0: "a", 2: "b"}, "nc": None}, "names has no 1; number the 2 classes from 0"),
    "from 1": ({"names": {1: "a", 2: "b"}, "nc": None}, "names has no 0"),
    "no": ({"names": [False, "a"]}, r"got `bool` - at `\$\.names\[0\]`\); put names such as yes, no"),
    "empty name": ({"names": ["", "a"]}, "length >= 1"), "huge name": ({"names": ["x" * 500_000]}, "length <= 200"),
    "keys": ({"names": {"a": "b"}}, "Expected `int`"), "train": ({"train": 5}, "Expected `"),
    "trains": ({"train": [["images"]]}, r"Expected `str`"), "path": ({"path": ["a"]}, r"at `\$\.path`"),
    "no train": ({"train": None}, "has no images for 'train'; valid: val"),
    "points": ({"kpt_shape": [17]}, r"at `\$\.kpt_shape`"),
    "absent": ({"train": "images/trian"}, r"names .*images/trian, which does not exist; correct it, or 'path'"),
    "one absent": ({"train": ["images/train", "nowhere"]}, r"names .*nowhere, which does not exist"),
    "NUL": ({"train": "images\0"}, "which does not exist"),
    "an image": ({"train": "images/train/a.jpg"}, r"a\.jpg: neither a folder of images nor a \.txt file"),
}


@pytest.mark.parametrize("name", BAD_SETTINGS)
def test_bad_settings_are_named_in_one_line(root, name):
    changes, message = BAD_SETTINGS[name]
    configure(root, **changes)
    with pytest.raises(InputError, match=message) as error:
        read_table(root)
    assert "\n" not in str(error.value) and len(str(error.value)) < 400


@pytest.mark.parametrize("content", [b"", b"[]", b"names: [", b"\xff\xfe\x00", b"!!python/object:os.system x",
                                     b"a: &a [x, x]\nnames: [*a, *a]\ntrain: x"])
def test_what_is_no_settings_file_is_refused(root, content):
    (root / "data.yaml").write_bytes(content)
    with pytest.raises(InputError, match=r"data\.yaml: "):
        read_table(root)


def test_numbers_may_be_names(root):
    configure(root, names=[7, "8", 9])
    assert read_table(root).categories == ("7", "8", "9")


@pytest.mark.parametrize("content", [b"", b"text", b"\xff\xd8\xff\xe0"])
def test_an_image_that_cannot_be_opened_is_named(root, content):
    (root / "images/train/a.jpg").write_bytes(content)
    with pytest.raises(InputError, match=r"images/train/a\.jpg: cannot be opened as an image"):
        read_table(root)


def test_an_image_that_is_listed_but_absent_is_named(root):
    (root / "train.txt").write_text("images/train/c.jpg\nimages/train/q.jpg")
    configure(root, train="train.txt")
    with pytest.raises(InputError, match=r"images/train/q\.jpg: cannot be opened as an image \(No such file"):
        read_table(root)


@pytest.mark.parametrize(("name", "message"), [
    ("labels/train/a.txt", "not a file"), ("images/train/a.jpg", "not a file"), ("data.yaml", "not a file"),
    ("images/train", r"neither a folder"), ("train.txt", "not a file"),
])
def test_pipes_do_not_hang(root, name, message):
    if (root / name).exists():
        (root / name).rename(root / "away")
    os.mkfifo(root / name)
    if name == "train.txt":
        configure(root, train="train.txt")
    with pytest.raises(InputError, match=message):
        read_table(root)


@pytest.mark.parametrize("name", [b"images/train/\xff.jpg", b"images/train/\xff/e.jpg", b"labels/train/\xff.txt"])
def test_a_name_that_is_not_utf_8_is_refused(root, name):
    save_image(root / "e.jpg")
    (root / os.fsdecode(name)).parent.mkdir(exist_ok=True)
    (root / "e.jpg").rename(root / os.fsdecode(name))
    with pytest.raises(InputError, match=r"udcff.*: file name is not UTF-8; rename it"):
        read_table(root)


@pytest.mark.parametrize(("entry", "place"), [
    ("images", "data/images"), ("./images/", "data/images"), ("../beside", "beside"), ("../images", "data/images"),
    ("../absent", "data/absent"), ("/absent", "/absent"),
])
def test_an_entry_may_climb_out_of_the_folder_it_is_in(tmp_path, entry, place):
    for name in ("data/images", "beside"):
        (tmp_path / name).mkdir(parents=True)
    assert resolve(str(tmp_path / "data"), entry) == str(tmp_path / place)


def test_links_in_a_circle_do_not_hang(root):
    (root / "images/train/sub/back").symlink_to(root / "images/train")
    (root / "images/train/extra").symlink_to(root / "images/val")
    (root / "labels/train/extra").symlink_to(root / "labels/val")
    assert boxes_of(read_table(root)) == BOXES | {"images/train/extra/z.jpg": [[45, 36, 10, 8]]}
    (root / "labels/train/a.txt").unlink()
    (root / "labels/train/a.txt").symlink_to("a.txt")
    with pytest.raises(InputError, match=r"a\.txt: Too many levels of symbolic links"):
        read_table(root)


def test_the_order_of_files_does_not_matter(root, monkeypatch):
    first, walk = read_table(root), os.walk
    monkeypatch.setattr(yolo.os, "walk", lambda *args, **keys: ((parent, folders, names[::-1])
                                                                for parent, folders, names in walk(*args, **keys)))
    second = read_table(root)
    assert first.file_names == second.file_names and first.checksum == second.checksum
    for field in ("image_ids", "images", "classes", "boxes"):
        assert np.array_equal(getattr(first, field), getattr(second, field))


def test_the_checksum_is_of_labels_and_lists(root):
    first = read_table(root).checksum
    save_image(root / "images/train/a.jpg", (50, 50))
    (root / "labels/val/z.txt").write_text("")
    assert read_table(root).checksum == first
    (root / "labels/train/b.txt").write_text("\n")
    assert (second := read_table(root).checksum) != first
    configure(root, names=["cat", "dog", "lamp"])
    assert read_table(root).checksum != second


def test_coco_keeps_the_boxes(root, tmp_path):
    first, _ = assemble(read_table(root))
    write_coco(tmp_path / "a.json", first)
    again = read_coco(tmp_path / "a.json")
    for field in ("image_ids", "file_names", "widths", "heights", "starts", "boxes", "classes", "crowd", "areas",
                  "categories", "category_ids"):
        np.testing.assert_array_equal(getattr(first, field), getattr(again, field))


NUMBERS = st.sampled_from(["0", "1", "2", "3", "0.5", ".25", "1e-3", "1.1", "-0", "nan", "x", "0_1", ""])
LINES = st.lists(st.lists(NUMBERS, max_size=9).map(" ".join), max_size=4).map("\n".join).map(str.encode)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=100) | LINES)
def test_any_bytes_give_a_table_or_a_message(content):
    with TemporaryDirectory() as folder:
        write_part(Path(folder), labels={"a": content})
        configure(Path(folder))
        try:
            table = read_table(folder)
        except InputError as error:
            assert "a.txt line" in str(error) and "\n" not in str(error)
        else:
            assert np.isfinite(table.boxes).all() and table.file_names == ("images/train/a.jpg",)
            assert (table.boxes >= -100).all() and (table.classes < 3).all()
