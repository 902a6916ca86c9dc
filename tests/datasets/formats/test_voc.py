import os
import random
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from datasets.errors import InputError
from datasets.files import sha256_of
from datasets.formats import voc
from datasets.formats.coco import read_coco, write_coco
from datasets.formats.voc import CLASSES, read_table
from datasets.table import Table, assemble
from tests.datasets.labelled import count

SIZE = "<size><width>100</width><height>80</height><depth>3</depth></size>"


def make_object(name="dog", box=(11, 21, 40, 60), difficult="0", more=""):
    corners = "".join(f"<{tag}>{value}</{tag}>" for tag, value in zip(("xmin", "ymin", "xmax", "ymax"), box))
    return (f"<object><name>{name}</name><difficult>{difficult}</difficult><bndbox>{corners}</bndbox>{more}</object>")


def make_xml(*objects, file_name="<filename>a.jpg</filename>", size=SIZE):
    return f"<annotation>{file_name}{size}{''.join(objects)}</annotation>"


@pytest.fixture
def flat(tmp_path):
    """Return a function that writes one XML file in a folder and returns the folder."""

    def write(content, name="a.xml"):
        folder = tmp_path / "flat"
        folder.mkdir(exist_ok=True)
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return folder

    return write


@pytest.fixture
def kit(tmp_path) -> Path:
    """A folder as the development kit's: three images, the lists of two splits."""
    root = tmp_path / "VOC2007"
    for folder in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (root / folder).mkdir(parents=True)
    third = [make_object("dog", difficult="1"), make_object("tvmonitor", (5, 6, 5, 6))]
    for stem, objects in (("000002", [make_object("cat", (1, 1, 100, 80))]), ("000001", []), ("000003", third)):
        (root / f"Annotations/{stem}.xml").write_text(make_xml(*objects, file_name=f"<filename>{stem}.jpg</filename>"))
        Image.new("RGB", (100, 80)).save(root / f"JPEGImages/{stem}.jpg")
    (root / "ImageSets/Main/train.txt").write_text("\ufeff000003\r\n000002 \r\n\r\n", encoding="utf-8")
    (root / "ImageSets/Main/val.txt").write_text("000001\n")
    return root


def records(table: Table) -> dict[str, list[str]]:
    return {finding.rule: finding.records for finding in table.findings}


def equal(one: Table, other: Table) -> bool:
    arrays = ("image_ids", "widths", "heights", "images", "classes", "boxes", "crowd")
    return (one.checksum == other.checksum and one.file_names == other.file_names and one.categories == other.categories
            and all(np.array_equal(getattr(one, a), getattr(other, a)) for a in arrays))


def test_corners_are_inclusive_and_count_from_1(kit):
    table = read_table(kit)
    assert table.file_names == ("JPEGImages/000002.jpg", "JPEGImages/000003.jpg")
    assert table.image_ids.tolist() == [1, 2]
    assert table.boxes.tolist() == [[0, 0, 100, 80], [10, 20, 30, 40], [4, 5, 1, 1]]
    assert table.images.tolist() == [0, 1, 1]
    assert [CLASSES[k] for k in table.classes] == ["cat", "dog", "tvmonitor"]
    assert (table.widths.tolist(), table.heights.tolist()) == ([100, 100], [80, 80])
    assert table.format == "voc" and table.source == table.images_root == str(kit)


def test_difficult_objects_become_crowd_regions(kit):
    table = read_table(kit)
    assert table.crowd.tolist() == [False, True, False]
    assert records(table) == {}
    assert count(assemble(table)[1], "crowd") == 1


@pytest.mark.parametrize(("difficult", "crowd"), [("0", False), ("1", True), (" 1\n", True), ("", False),
                                                  ("Unspecified", False), ("UNSPECIFIED", False)])
def test_an_object_of_unspecified_difficulty_is_not_difficult(flat, difficult, crowd):
    absent = make_object().replace("<difficult>0</difficult>", "")
    assert read_table(flat(make_xml(absent, make_object(difficult=difficult)))).crowd.tolist() == [False, crowd]


@pytest.mark.parametrize(("split", "stems"), [("", "23"), ("train", "23"), ("val", "1"), ("valid", "1")])
def test_a_split_is_what_its_list_says(kit, split, stems):
    assert read_table(kit, split).file_names == tuple(f"JPEGImages/00000{stem}.jpg" for stem in stems)


def test_without_lists_all_files_are_read(kit):
    for path in (kit / "ImageSets/Main").iterdir():
        path.unlink()
    assert len(read_table(kit).file_names) == 3
    with pytest.raises(InputError, match="no split 'val' in ImageSets/Main; leave the split out"):
        read_table(kit, "val")


def test_a_list_without_train_is_no_split_by_default(kit):
    (kit / "ImageSets/Main/train.txt").rename(kit / "ImageSets/Main/test.txt")
    assert len(read_table(kit).file_names) == 3 and len(read_table(kit, "test").file_names) == 2


def test_the_20_classes_keep_their_numbers(kit):
    table = read_table(kit, "val")
    assert table.categories == CLASSES == tuple(sorted(CLASSES)) and len(CLASSES) == 20
    assert table.category_ids == tuple(range(1, 21)) and table.complete


def test_other_classes_are_those_of_all_splits(kit):
    lane = "<object><name>lane</name><polygon/></object>"  # no box, so no class of either split
    (kit / "Annotations/000001.xml").write_text(make_xml(make_object("zebra"), lane))
    for split in ("train", "val"):
        table = read_table(kit, split)
        assert table.categories == ("cat", "dog", "tvmonitor", "zebra") and table.category_ids == (1, 2, 3, 4)
        assert not table.complete
    assert table.classes.tolist() == [3]


def test_the_order_of_files_and_lists_does_not_matter(kit, monkeypatch):
    before, listdir = read_table(kit), os.listdir
    checksum = before.checksum
    monkeypatch.setattr(voc.os, "listdir", lambda folder: random.Random(1).sample(names := listdir(folder), len(names)))
    assert equal(before, read_table(kit))
    (kit / "ImageSets/Main/train.txt").write_text("000002\n000003\n")
    after = read_table(kit)
    assert after.checksum != checksum  # of a list with other bytes
    assert after.boxes.tolist() == before.boxes.tolist() and after.file_names == before.file_names


def test_the_checksum_is_of_the_split_and_its_list(kit):
    first = read_table(kit).checksum
    Image.new("RGB", (9, 9)).save(kit / "JPEGImages/000002.jpg")
    (kit / "Annotations/000001.xml").write_text(make_xml())
    assert read_table(kit).checksum == first
    (kit / "Annotations/000003.xml").write_text(make_xml(make_object("cat")))
    assert read_table(kit).checksum != first and sha256_of(kit / "Annotations/000003.xml") != first


def test_an_image_listed_twice_is_read_once(kit):
    (kit / "ImageSets/Main/train.txt").write_text("000002\n000003\n000002\n")
    table = read_table(kit)
    assert len(table.file_names) == 2 and records(table)["repeated image"] == ["Annotations/000002.xml"]


def test_an_export_has_its_xml_beside_the_images_of_each_split(tmp_path):
    for split, name in (("train", "fig"), ("valid", "kiwi"), ("test", "fig")):
        (tmp_path / split).mkdir()
        (tmp_path / split / "a.xml").write_text(make_xml(make_object(name)))
    assert read_table(tmp_path).file_names == ("train/a.jpg",)
    table = read_table(tmp_path, "val")
    assert table.file_names == ("valid/a.jpg",) and table.categories == ("fig", "kiwi")
    with pytest.raises(InputError, match="no split 'tests' there; did you mean 'test'"):
        read_table(tmp_path, "tests")


def test_folders_in_lower_case_are_found(kit):
    (kit / "Annotations").rename(kit / "annotations")
    (kit / "JPEGImages").rename(kit / "images")
    assert read_table(kit).file_names == ("images/000002.jpg", "images/000003.jpg")


@pytest.mark.parametrize(("written", "present", "expected"), [
    ("a.jpg", ["a.jpg"], None), ("b.png", ["a.jpg", "b.png"], None), ("a.jpg", [], None),
    ("a.jpg", ["a.png"], "a.png"), ("a.jpg", ["a.JPG"], "a.JPG"), ("a", ["a.jpeg", "a.png"], "a.jpeg"),
    (r"C:\photos\a.jpg", ["a.jpg"], "a.jpg"), ("/home/b.jpg", ["a.jpg", "b.jpg"], "a.jpg"), ("", ["a.webp"], "a.webp"),
    ("../../b.jpg", ["b.jpg"], "b.jpg"), (r"x\b.jpg", [], "b.jpg"), ("", [], "a.jpg"), ("..", [], "a.jpg"),
    ("b.jpg", ["._a.jpg"], None),
])
def test_a_wrong_file_name_is_put_right(flat, written, present, expected):
    folder = flat(make_xml(file_name=f"<filename>{written}</filename>" if written else ""))
    for name in present:
        (folder / name).touch()
    table = read_table(folder)
    assert table.file_names == (expected or written,)
    assert records(table) == ({"other file name": ["a.xml"]} if expected else {})


@pytest.mark.parametrize("size", ["", "<size/>", "<size><width>0</width><height>80</height></size>",
                                  "<size><height>0</height></size>"])
def test_an_absent_size_is_read_from_the_image(flat, size):
    folder = flat(make_xml(make_object(), size=size))
    turned = Image.new("RGB", (30, 20))
    turned.getexif()[0x0112] = 6
    turned.save(folder / "a.jpg", exif=turned.getexif())
    table = read_table(folder)
    assert (table.widths.tolist(), table.heights.tolist()) == ([20], [30])  # as displayed, where boxes are drawn
    assert records(table) == {"no image size": ["a.xml"]}
    (folder / "a.jpg").unlink()
    with pytest.raises(InputError, match=r"a\.xml: has no <size>, and .*a\.jpg: cannot be opened"):
        read_table(folder)


def test_only_objects_are_objects(flat):
    part = "<part><name>head</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></part>"
    folder = flat(make_xml("<source><object/></source>", "<object><name>dog</name><polygon/></object>",
                           make_object("person", (45.70000076293945, 2.5, 60.2, 9.5), more=part)))
    table = read_table(folder)
    np.testing.assert_allclose(table.boxes, [[44.7, 1.5, 15.5, 8]], atol=1e-6)
    assert table.box_name(0) == "a.xml object 2"
    assert table.categories == CLASSES and records(table) == {"no box": ["a.xml object 1"]}


def test_spaces_encodings_and_unknown_elements_are_no_matter(flat):
    content = make_xml(make_object("  Käse\n", (" 1 ", "2.0", "3e0", "\n4")), "<note>&amp;</note>")
    for encoding in ("utf-16", "utf-8-sig", "iso-8859-1"):
        declared = f"<?xml version='1.0' encoding='{encoding.removesuffix('-sig')}'?>" + content
        table = read_table(flat(declared.encode(encoding)))
        assert table.categories == ("Käse",) and table.boxes.tolist() == [[0, 1, 3, 3]]


DTD = '<!DOCTYPE annotation [<!ENTITY {}>]>'
BAD = {
    "empty file": ("", r"a\.xml: not well-formed XML \(no element"),
    "cut off": (make_xml(make_object())[:-30], r"a\.xml: not well-formed XML"),
    "wrong nesting": ("<annotation><object></annotation></object>", r"a\.xml: not well-formed XML \(mismatched tag"),
    "not XML": (b"\x00\xff\xd8", r"a\.xml: not well-formed XML"),
    "not UTF-8": (make_xml(make_object("Käse")).encode("latin-1"), r"a\.xml: not well-formed XML"),
    "unknown encoding": ("<?xml version='1.0' encoding='klingon'?><annotation/>", r"a\.xml: not well-formed XML"),
    "another kind": ("<html><object/></html>", r"a\.xml: not a VOC annotation, it starts with <html>"),
    "DTD": ("<!DOCTYPE annotation>" + make_xml(make_object()), r"a\.xml: has a DTD or entities"),
    "external entity": (DTD.format('e SYSTEM "file:///etc/passwd"') + make_xml(make_object("&e;")), "has a DTD"),
    "network": (DTD.format('% e SYSTEM "http://127.0.0.1:9/a"> %e; <!ENTITY f "1"') + make_xml(), "has a DTD"),
    "expansion": (DTD.format('e "' + "x" * 9999 + '"') + make_xml(make_object("&e;" * 9999)), "has a DTD"),
    "undeclared entity": (make_xml(make_object("&e;")), r"not well-formed XML \(undefined entity"),
    "text": (make_xml(make_object(), make_object(box=("one", 2, 3, 4))), r"a\.xml object 2: its <xmin> is 'one'"),
    "nothing": (make_xml(make_object(box=(1, "", 3, 4))), r"a\.xml object 1: its <ymin> is ''"),
    "nan": (make_xml(make_object(box=(1, 2, "nan", 4))), r"a\.xml object 1: its <xmax> is 'nan'"),
    "infinity": (make_xml(make_object(box=(1, 2, "1e999", 4))), r"a\.xml object 1: its <xmax> is '1e999'"),
    "too large": (make_xml(make_object(box=(1, 2, "1e300", 4))), r"a\.xml object 1: its <xmax> is '1e300'"),
    "no ymax": (make_xml(make_object(box=(1, 2, 3))), r"a\.xml object 1: has no <ymax>"),
    "swapped in x": (make_xml(make_object(box=(5, 2, 4, 4))), r"a\.xml object 1: its corners are swapped \(5, 2, 4, 4"),
    "swapped in y": (make_xml(make_object(box=(1, 9, 4, 4))), r"a\.xml object 1: its corners are swapped"),
    "difficult": (make_xml(make_object(difficult="maybe")), r"object 1: its <difficult> is 'maybe', neither 0 nor 1;"),
    "difficult by half": (make_xml(make_object(difficult="0.5")), r"a\.xml object 1: its <difficult> is '0\.5', neit"),
    "no name": (make_xml("<object><bndbox/></object>"), r"a\.xml object 1: has no <name>"),
    "empty name": (make_xml(make_object(" ")), r"a\.xml object 1: has no <name>"),
    "huge name": (make_xml(make_object("x" * 10_000_000)), r"a\.xml object 1: its <name> has 10000000 characters"),
    "huge file name": (make_xml(file_name=f"<filename>{'x' * 5000}</filename>"), r"a\.xml: its <filename> has 5000"),
    "huge file": (make_xml() + " " * 17_000_000, r"a\.xml: 16 MB, too large"),
    "negative width": (make_xml(size=SIZE.replace("100", "-100")), r"a\.xml: its <width> is -100"),
    "half a pixel": (make_xml(size=SIZE.replace("80", "80.5")), r"a\.xml: its <height> is 80\.5"),
    "width in words": (make_xml(size=SIZE.replace("100", "wide")), r"a\.xml: its <width> is 'wide'"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_named_in_one_line(flat, name):
    content, message = BAD[name]
    with pytest.raises(InputError, match=message) as error:
        read_table(flat(content))
    assert "\n" not in str(error.value) and len(str(error.value)) < 400


def test_a_bad_name_in_another_split_is_found(kit):
    (kit / "Annotations/000001.xml").write_text(make_xml(make_object(), "<object><bndbox/></object>"))
    with pytest.raises(InputError, match=r"000001\.xml object 2: has no <name>"):
        read_table(kit, "train")


@pytest.mark.parametrize(("line", "message"), [
    ("000009", r"train\.txt line 2: lists 000009, but Annotations has no such XML file"),
    ("../../a", r"train\.txt line 2: lists \.\./\.\./a"), ("\udcff", r"train\.txt: not UTF-8"),
])
def test_a_wrong_list_is_named(kit, line, message):
    (kit / "ImageSets/Main/train.txt").write_bytes(f"000002\n{line}\n".encode(errors="surrogateescape"))
    with pytest.raises(InputError, match=message):
        read_table(kit)


def test_an_unknown_split_has_a_hint(kit):
    with pytest.raises(InputError, match="no split 'trian' in ImageSets/Main; did you mean 'train'"):
        read_table(kit, "trian")


def test_what_is_no_folder_of_xml_is_refused(tmp_path, flat):
    with pytest.raises(InputError, match="no such folder"):
        read_table(tmp_path / "absent")
    with pytest.raises(InputError, match="no XML files there"):
        read_table(tmp_path)
    with pytest.raises(InputError, match="no split 'val' there; leave the split out"):
        read_table(flat(make_xml()), "val")


def test_pipes_and_links_do_not_hang(flat):
    folder = flat(make_xml())
    os.mkfifo(folder / "b.xml")
    with pytest.raises(InputError, match=r"b\.xml: not a file"):
        read_table(folder)
    (folder / "b.xml").unlink()
    (folder / "b.xml").symlink_to("b.xml")
    with pytest.raises(InputError, match=r"b\.xml: Too many levels of symbolic links"):
        read_table(folder)


@pytest.mark.parametrize("name", [b"JPEGImages/\xff.jpg", b"Annotations/\xff.xml"])
def test_a_name_that_is_not_utf_8_is_refused(kit, name):
    (kit / os.fsdecode(name)).write_text(make_xml())
    with pytest.raises(InputError, match=r"udcff\.(jpg|xml): file name is not UTF-8; rename it"):
        read_table(kit)


def test_a_folder_whose_name_is_not_utf_8_is_refused(tmp_path):
    (tmp_path / os.fsdecode(b"\xff")).mkdir()
    (tmp_path / os.fsdecode(b"\xff/a.xml")).write_text(make_xml())
    with pytest.raises(InputError, match=r"udcff/a\.xml: file name is not UTF-8; rename it"):
        read_table(tmp_path)


def test_coco_keeps_the_boxes(kit, tmp_path):
    first, _ = assemble(read_table(kit))
    write_coco(tmp_path / "a.json", first)
    again = read_coco(tmp_path / "a.json")
    for field in ("image_ids", "file_names", "widths", "heights", "starts", "boxes", "classes", "crowd", "areas",
                  "categories", "category_ids"):
        np.testing.assert_array_equal(getattr(first, field), getattr(again, field))


VALID = make_xml(make_object(), make_object("cat", (1.5, 2, 3, 4), "1")).encode()
CHANGED = st.builds(lambda start, cut, put: VALID[:start] + put + VALID[start + cut:], st.integers(0, len(VALID)),
                    st.integers(0, 20), st.binary(max_size=9))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200) | CHANGED)
def test_any_bytes_give_a_table_or_a_message(content):
    with TemporaryDirectory() as folder:
        Path(folder, "a.xml").write_bytes(content)
        try:
            table = read_table(folder)
        except InputError as error:
            assert "a.xml" in str(error) and "\n" not in str(error)
        else:
            assert np.isfinite(table.boxes).all() and table.file_names and (table.widths > 0).all()
