import io
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from datasets.annotations import Annotations, for_training
from datasets.errors import InputError, command
from datasets.formats.coco import read_coco
from records import write
from records.manifest import first_shards, read_manifest
from records.write import encode_image, make_example, shard_lengths, write_records
from study.lock import hold
from tests.full_disk import full_disk

LOCK = ".train.lock"  # stays, with nothing in it


@pytest.fixture
def annotations(root):
    return for_training(read_coco(root / "annotations/instances_train.json"))


@pytest.fixture
def make(annotations, root, tmp_path):
    """Return a function that writes records of the small data set."""

    def make(boundaries=(2, 10), stored_size=64, annotations=annotations, max_corrupt=0.0, anew=False):
        return write_records(annotations, root / "train", tmp_path / "records" / "train", stored_size=stored_size,
                             boundaries=boundaries, max_corrupt=max_corrupt, anew=anew)

    return make


def read_ids(files):
    records = tf.data.TFRecordDataset([str(file) for file in files])
    features = {"image/source_id": tf.io.FixedLenFeature([], tf.string)}
    return [int(tf.io.parse_single_example(r, features)["image/source_id"].numpy()) for r in records]


def stamps(folder):
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


@pytest.mark.parametrize("size", [2, 10, 20])
def test_the_first_shards_hold_exactly_the_subset(make, annotations, tmp_path, size):
    manifest = make()
    assert [shard.images for shard in manifest.shards] == [2, 8, 10]
    files = first_shards(tmp_path / "records/train", size)
    assert read_ids(files) == annotations.image_ids[:size].tolist()


def test_nothing_is_left_but_shards_and_manifest(make, tmp_path):
    manifest = make()
    folder = tmp_path / "records/train"
    assert sorted(p.name for p in folder.iterdir()) == ["records.json", *(shard.name for shard in manifest.shards)]
    assert sorted(p.name for p in folder.parent.iterdir()) == [LOCK, "train"]
    assert manifest.shards[0].name == "train-00000-of-00003.tfrecord"
    assert manifest.stored_bytes == sum((folder / shard.name).stat().st_size for shard in manifest.shards)
    assert read_manifest(folder) == manifest


def test_unchanged_records_are_left_alone(make, tmp_path):
    first = make()
    before = stamps(tmp_path / "records/train")
    assert make() == make(boundaries=(10, 2)) == first and stamps(tmp_path / "records/train") == before


@pytest.mark.parametrize("change", [
    {"boundaries": (2, 5, 10)}, {"boundaries": (10,)}, {"stored_size": 40}, {"annotations": "boxes"},
    {"annotations": "order"}, {"annotations": "classes"}, {"annotations": "checksum"},
], ids=str)
def test_changed_records_are_rewritten(make, annotations, tmp_path, change):
    others = {
        "boxes": replace(annotations, boxes=annotations.boxes + np.array([0, 0, -1, 0])),
        "order": annotations.take(np.arange(20)[::-1]),
        "classes": replace(annotations, categories=("a", "b", "c")),
        "checksum": replace(annotations, checksum="other"),
    }
    first = make()
    second = make(**{key: others.get(value, value) if key == "annotations" else value for key, value in change.items()})
    assert second.fingerprint != first.fingerprint and read_manifest(tmp_path / "records/train") == second
    expected = others["order"] if change == {"annotations": "order"} else annotations
    files = first_shards(tmp_path / "records/train", 20)
    assert read_ids(files) == expected.image_ids.tolist()
    assert sorted(p.name for p in (tmp_path / "records/train").iterdir()) == ["records.json", *(f.name for f in files)]


def test_a_lost_shard_is_written_again(make, tmp_path):
    first = make()
    (tmp_path / "records/train" / first.shards[1].name).unlink()
    assert make() == first and len(read_ids(first_shards(tmp_path / "records/train", 20))) == 20


def test_records_are_the_same_bytes_each_time(make, root, annotations, tmp_path):
    manifest = make()
    again = write_records(annotations, root / "train", tmp_path / "other" / "train", stored_size=64, boundaries=(2, 10))
    for shard in manifest.shards:
        ours, theirs = (tmp_path / folder / "train" / shard.name for folder in ("records", "other"))
        assert ours.read_bytes() == theirs.read_bytes()
    assert again == manifest


def test_damaged_records_are_made_anew_on_demand(make, tmp_path):
    manifest = make()
    shard = tmp_path / "records/train" / manifest.shards[1].name
    whole = shard.read_bytes()
    shard.write_bytes(whole[:100] + bytes([whole[100] ^ 1]) + whole[101:])
    assert make() == manifest and shard.read_bytes() != whole  # of the same size: not noticed here
    assert make(anew=True) == manifest and shard.read_bytes() == whole


def test_records_with_a_damaged_manifest_are_made_anew(make, tmp_path, capsys):
    manifest = make()
    path = tmp_path / "records/train/records.json"
    path.write_text(path.read_text()[:50])
    assert make() == manifest
    assert "records.json: not valid JSON" in (err := capsys.readouterr().err) and "the records are made anew" in err


def test_a_full_disk_is_one_line_and_leaves_nothing(make, tmp_path, capsys):
    with full_disk(5000):
        assert command(make)() == 2
    assert capsys.readouterr().err.endswith("error: File too large; make room and give the same command again\n")
    assert [path.name for path in (tmp_path / "records").iterdir()] == [LOCK]
    assert command(lambda: make() and 0)() == 0


def test_what_a_killed_process_has_left_is_removed(make, tmp_path):
    left = tmp_path / "records/.train.part-new"
    left.mkdir(parents=True)
    (left / "train-00000-of-00003.tfrecord").write_bytes(b"half")
    make()
    assert sorted(path.name for path in left.parent.iterdir()) == [LOCK, "train"]


def test_of_two_that_want_the_same_records_one_waits_and_finds_them(make, tmp_path, capsys):
    folder, elsewhere = tmp_path / "records/train", tmp_path / "elsewhere"
    manifest = make()
    folder.rename(elsewhere)
    found = []
    with hold(folder.with_name(LOCK), "writing"):
        second = threading.Thread(target=lambda: found.append(make()))
        second.start()
        err = ""
        while "waiting for pid" not in err:
            assert second.is_alive()
            err += capsys.readouterr().err
            time.sleep(0.01)
        elsewhere.rename(folder)
        before = stamps(folder)
    second.join()
    assert found == [manifest] and stamps(folder) == before


def spoil(image, damage):
    """Damage an image file. Pillow reads the JPEG with a marker within its data, TensorFlow does not."""
    content = image.read_bytes()
    image.unlink()
    if damage == "folder":
        image.mkdir()
    elif damage == "size":
        Image.new("RGB", (50, 40)).save(image)
    elif damage == "deep":
        Image.fromarray(np.zeros((60, 90), np.uint16)).save(image, "PNG")
    elif damage != "missing":
        most = len(content) * 3 // 4
        image.write_bytes({"corrupt": bytes(200) + content[200:], "truncated": content[:most], "empty": b"",
                           "marker": content[:most] + b"\xff\xe0" + content[most:], "text": b"not an image"}[damage])


CONTENT = ("corrupt", "truncated", "marker", "text", "empty")


@pytest.mark.parametrize("stored_size", [200, 30])
@pytest.mark.parametrize("damage", ["missing", "size", "folder", *CONTENT])
def test_an_unusable_image_is_named_and_nothing_is_left(make, root, tmp_path, damage, stored_size):
    image = root / "train" / "7.jpg"
    spoil(image, damage)
    with pytest.raises(InputError) as error:
        make(stored_size=stored_size)
    assert str(image) in str(error.value) and "\n" not in str(error.value)
    assert [path.name for path in (tmp_path / "records").glob("*")] in ([], [LOCK])


@pytest.mark.parametrize("stored_size", [200, 30])
@pytest.mark.parametrize("damage", CONTENT)
def test_a_training_image_without_readable_content_keeps_its_place(make, root, tmp_path, annotations, capsys, damage,
                                                                   stored_size):
    spoil(root / "train" / "7.jpg", damage)
    manifest = make(stored_size=stored_size, max_corrupt=10.0)
    position = annotations.file_names.index("7.jpg")
    (image,) = manifest.corrupt
    assert (image.position, image.image_id, image.name) == (position, annotations.image_ids[position], "7.jpg")
    assert image.reason and not set("{[<\n") & set(image.reason)
    assert [shard.images for shard in manifest.shards] == [2, 8, 10]
    assert read_ids(first_shards(tmp_path / "records/train", 20)) == annotations.image_ids.tolist()
    warning = capsys.readouterr().err.splitlines()[-1]
    assert warning.startswith("warning: ") and "1 (7.jpg: " in warning and "of 20 training images" in warning
    assert make(stored_size=stored_size, max_corrupt=10.0) == manifest


@pytest.mark.parametrize("damage", ["missing", "size", "folder", "deep"])
def test_what_is_no_matter_of_content_is_an_error_whatever_is_allowed(make, root, damage):
    spoil(root / "train" / "7.jpg", damage)
    with pytest.raises(InputError, match=r"7\.jpg"):
        make(max_corrupt=100.0)


@pytest.mark.parametrize(("names", "max_corrupt", "message"), [
    ((12, 13, 14, 15, 16), 24.0, r"5 \(12\.jpg: .*; 13\.jpg: .*; 14\.jpg: .*; …\) of the first 20 .* 25 per cent"),
    ((2,), 49.0, r"1 \(2\.jpg: .*\) of the first 2 .* 50 per cent"), ((20,), 4.0, ".* of the first 20 "),
])
def test_too_many_unreadable_images_up_to_any_boundary_are_an_error(make, root, tmp_path, names, max_corrupt, message):
    for name in names:
        spoil(root / "train" / f"{name}.jpg", "truncated")
    with pytest.raises(InputError, match=f"^{root}/train: {message}"):
        make(max_corrupt=max_corrupt)
    assert [path.name for path in (tmp_path / "records").glob("*")] in ([], [LOCK])
    assert len(make(max_corrupt=50.0).corrupt) == len(names)
    with pytest.raises(InputError, match=message):  # also of records that are there
        make(max_corrupt=max_corrupt)


def test_a_failure_leaves_the_old_records(make, root, tmp_path):
    make()
    before = stamps(tmp_path / "records/train")
    (root / "train" / "7.jpg").write_bytes(b"")
    with pytest.raises(InputError):
        make(stored_size=40)
    assert stamps(tmp_path / "records/train") == before and len(list((tmp_path / "records").iterdir())) == 2


@pytest.mark.parametrize(("images", "boundaries", "lengths"), [
    (10, (), [10]), (10, (10,), [10]), (10, (3,), [3, 7]), (10, (3, 3, 10), [3, 7]), (1, (), [1]),
    (10, (7, 2), [2, 5, 3]),
])
def test_a_shard_ends_at_every_boundary(images, boundaries, lengths):
    assert shard_lengths(images, boundaries) == lengths


def test_long_shards_are_cut_evenly(monkeypatch):
    monkeypatch.setattr(write, "SHARD_IMAGES", 4)
    lengths = shard_lengths(25, (2, 15))
    assert max(lengths) <= 4 and {2, 15, 25} <= set(np.cumsum(lengths).tolist())
    assert len(lengths) == 1 + 4 + 3 and min(lengths[1:]) >= 3


def save(path, mode, size=(90, 60), **settings):
    """Save an image of one colour in another mode."""
    Image.new("RGB", size, (200, 30, 60)).convert(mode).save(path, **settings)
    return path


@pytest.mark.parametrize(("name", "mode", "colour"), [
    ("a.png", "RGB", (200, 30, 60)), ("a.png", "RGBA", (200, 30, 60)), ("a.png", "P", (200, 30, 60)),
    ("a.png", "L", (84, 84, 84)), ("a.png", "LA", (84, 84, 84)), ("a.jpg", "L", (84, 84, 84)),
    ("a.jpg", "CMYK", (200, 30, 60)), ("a.bmp", "RGB", (200, 30, 60)), ("a.png", "1", None),
])
@pytest.mark.parametrize("stored", [40, 60])
def test_every_image_becomes_an_rgb_jpeg(tmp_path, name, mode, colour, stored):
    content = encode_image(save(tmp_path / name, mode), stored, 90, 60)
    decoded = tf.io.decode_jpeg(content).numpy()
    assert decoded.shape == (stored, stored * 3 // 2, 3)
    if colour:
        assert np.abs(decoded.mean(axis=(0, 1)) - colour).max() <= 6  # a palette's colours are mixed by dithering
    else:
        assert (np.ptp(decoded, axis=2) <= 2).all()


@pytest.mark.parametrize(("size", "stored", "expected"), [
    ((90, 60), 30, (45, 30)), ((60, 90), 30, (30, 45)), ((90, 60), 60, (90, 60)), ((90, 60), 600, (90, 60)),
    ((100, 30), 7, (23, 7)), ((300, 2), 1, (150, 1)),
])
def test_the_shorter_side_is_at_most_the_stored_size(tmp_path, size, stored, expected):
    content = encode_image(save(tmp_path / "a.png", "RGB", size), stored, *size)
    assert Image.open(io.BytesIO(content)).size == expected


def test_a_small_colour_jpeg_is_passed_on_as_it_is(tmp_path):
    path = save(tmp_path / "a.jpg", "RGB", quality=50)
    assert encode_image(path, 60, 90, 60) == path.read_bytes() != encode_image(path, 59, 90, 60)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("settings", [{}, {"subsampling": 0}, {"subsampling": 2, "progressive": True}], ids=str)
def test_a_jpeg_is_made_smaller_as_pillow_would(tmp_path, mode, settings):
    """TensorFlow decodes it, being stricter; its pixels are the same."""
    noise = np.random.default_rng(1).integers(0, 256, (12, 16, 3), np.uint8)
    image = Image.fromarray(noise).resize((91, 63), Image.Resampling.BICUBIC).convert(mode)
    image.save(tmp_path / "a.jpg", **settings)
    with Image.open(tmp_path / "a.jpg") as alone:
        assert encode_image(tmp_path / "a.jpg", 40, 91, 63) == write._shrink(alone, 40)


def test_more_than_eight_bits_are_refused(tmp_path):
    """Pillow would make them white."""
    Image.fromarray(np.full((60, 90), 3000, np.uint16)).save(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"a\.png: has pixels of more than 8 bits"):
        encode_image(tmp_path / "a.png", 60, 90, 60)


def test_an_image_of_another_size_names_both(tmp_path):
    with pytest.raises(InputError, match=r"a\.png: the image is 90 x 60 pixels, its annotations say 60 x 90"):
        encode_image(save(tmp_path / "a.png", "RGB"), 60, 60, 90)


@pytest.mark.parametrize("stored", [20, 60])
def test_a_picture_is_turned_upright_if_its_annotations_are(tmp_path, stored):
    pixels = np.zeros((60, 90, 3), np.uint8)
    pixels[:, 45:] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # to be displayed turned to the right
    Image.fromarray(pixels).save(tmp_path / "a.jpg", exif=exif)
    upright = tf.io.decode_jpeg(encode_image(tmp_path / "a.jpg", stored, 60, 90)).numpy()
    assert upright.shape == (stored * 3 // 2, stored, 3)
    assert upright[:stored // 2].mean() < 10 and upright[-stored // 2:].mean() > 245
    lying = tf.io.decode_jpeg(encode_image(tmp_path / "a.jpg", stored, 90, 60)).numpy()
    assert lying.shape == (stored, stored * 3 // 2, 3) and lying[:, -stored // 2:].mean() > 245
    assert Image.open(io.BytesIO(encode_image(tmp_path / "a.jpg", stored, 60, 90))).getexif().get(0x0112, 1) == 1


@pytest.fixture
def two_boxes():
    """An image of 200 x 100 with two boxes and one without any."""
    boxes = np.array([[20, 10, 100, 50], [0, 0, 200, 100]], float)
    return Annotations(("a", "b"), (7, 9), np.array([2**40, 5]), ("x.png", "y.png"), np.array([200, 90]),
                       np.array([100, 60]), np.array([0, 2, 2]), boxes, np.array([1, 0]), np.zeros(2, bool),
                       boxes[:, 2] * boxes[:, 3])


def test_the_model_garden_reads_our_records(two_boxes, tmp_path):
    from official.vision.dataloaders.tf_example_decoder import TfExampleDecoder

    encoded = encode_image(save(tmp_path / "x.png", "RGB", (200, 100)), 50, 200, 100)
    decoded = TfExampleDecoder().decode(tf.constant(make_example(two_boxes, 0, encoded)))
    np.testing.assert_allclose(decoded["groundtruth_boxes"], [[.1, .1, .6, .6], [0, 0, 1, 1]], atol=1e-6)
    assert decoded["groundtruth_classes"].numpy().tolist() == [2, 1]  # the first class is 1, 0 is background
    assert decoded["image"].shape == (50, 100, 3)
    assert decoded["image"].numpy().mean(axis=(0, 1)) == pytest.approx([200, 30, 60], abs=3)
    assert decoded["source_id"].numpy() == str(2**40).encode()
    assert (int(decoded["height"]), int(decoded["width"])) == (100, 200)


def test_an_image_without_boxes_is_kept(two_boxes):
    from official.vision.dataloaders.tf_example_decoder import TfExampleDecoder

    encoded = tf.io.encode_jpeg(np.zeros((60, 90, 3), np.uint8)).numpy()
    decoded = TfExampleDecoder().decode(tf.constant(make_example(two_boxes, 1, encoded)))
    assert decoded["groundtruth_boxes"].shape == (0, 4) and decoded["groundtruth_classes"].shape == (0,)
