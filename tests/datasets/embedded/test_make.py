import errno

import numpy as np
import pytest
from PIL import Image

from datasets.embedded import make as embedded
from datasets.embedded.make import image_counts, make_digits, make_letters
from datasets.errors import InputError
from datasets.formats.coco import read_coco
from datasets.images import missing_images


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "digits"
    assert make_digits(folder, train=20, validation=10)
    return folder


def _content(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_two_runs_are_byte_identical(small, tmp_path):
    make_digits(tmp_path / "again", train=20, validation=10)
    assert _content(tmp_path / "again") == _content(small)


def test_a_smaller_set_is_the_beginning_of_a_larger_one(small, tmp_path):
    make_digits(tmp_path / "smaller", train=5, validation=2)
    images = {name: content for name, content in _content(tmp_path / "smaller").items() if name.endswith(".jpg")}
    assert len(images) == 7 and images.items() <= _content(small).items()


@pytest.mark.parametrize(("part", "size"), [("train", 20), ("val", 10)])
def test_annotations_fit_the_images(small, part, size):
    annotations = read_coco(small / "annotations" / f"instances_{part}.json")
    assert annotations.num_images == size and not missing_images(annotations, small / part)
    assert annotations.categories == tuple("0123456789")
    sizes = [Image.open(small / part / name).size for name in annotations.file_names]
    assert sizes == list(zip(annotations.widths.tolist(), annotations.heights.tolist()))
    assert (np.diff(annotations.starts) > 0).all()


def test_images_show_what_the_annotations_say(small):
    """JPEG pixels of the first image equal the painted scene up to compression."""
    from datasets.embedded.glyphs import digits
    from datasets.embedded.scenes import paint_scene

    rng = np.random.default_rng([*b"digits", *b"val", 1])
    scene = paint_scene(rng, digits("val"))
    saved = np.asarray(Image.open(small / "val" / "000001.jpg"), int)
    annotations = read_coco(small / "annotations" / "instances_val.json")
    assert np.abs(saved - scene.image).mean() < 4
    assert annotations.boxes[:annotations.starts[1]].tolist() == scene.boxes.tolist()


def test_parts_and_kinds_differ(small, tmp_path):
    make_letters(tmp_path / "letters", train=2, validation=1)
    letters = _content(tmp_path / "letters")
    assert letters["train/000001.jpg"] != letters["val/000001.jpg"]
    assert letters["train/000001.jpg"] != _content(small)["train/000001.jpg"]
    assert len(read_coco(tmp_path / "letters" / "annotations" / "instances_train.json").categories) == 20


def test_a_finished_folder_is_left_alone(small):
    before = {p: p.stat().st_mtime_ns for p in small.rglob("*")}
    assert not make_digits(small, train=20, validation=10)
    assert {p: p.stat().st_mtime_ns for p in small.rglob("*")} == before


@pytest.mark.parametrize("make", [lambda folder: make_digits(folder, train=21, validation=10),
                                  lambda folder: make_letters(folder, train=20, validation=10)])
def test_a_folder_made_otherwise_is_refused(small, make):
    before = _content(small)
    with pytest.raises(InputError, match="remove it or name another folder"):
        make(small)
    assert _content(small) == before


def test_a_folder_of_the_users_own_is_refused(tmp_path):
    (tmp_path / "holiday.jpg").write_bytes(b"mine")
    with pytest.raises(InputError, match="is not empty"):
        make_digits(tmp_path, train=1, validation=1)
    assert _content(tmp_path) == {"holiday.jpg": b"mine"}


def test_an_empty_folder_is_filled(tmp_path):
    assert make_digits(tmp_path / "new" / "digits", train=1, validation=1)
    (tmp_path / "empty").mkdir()
    assert make_digits(tmp_path / "empty", train=1, validation=1)


def test_a_failure_leaves_nothing_behind(tmp_path, monkeypatch):
    def fail(path, annotations):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(embedded, "write_coco", fail)
    with pytest.raises(OSError, match="No space"):
        make_digits(tmp_path / "digits", train=1, validation=1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("kind", "sizes", "counts"), [
    ("digits", (), (2500, 600)), ("letters", (), (3000, 200)), ("digits", (40,), (40, 600)),
    ("digits", (40, 12), (40, 12)),
])
def test_how_many_images_there_will_be_is_known_before(kind, sizes, counts):
    assert image_counts(kind, *sizes) == counts
