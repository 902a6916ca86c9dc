import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from datasets.annotations import Annotations, for_training
from datasets.errors import InputError
from datasets.formats.coco import read_coco
from records import pipeline
from records.manifest import first_shards
from records.pipeline import MAX_BOXES, Part, training_batches, validation_batches
from records.write import write_records
from tests.small import COLOURS

IMAGES = 20
SETTINGS = {"batch_size": 8, "input_size": 64, "seed": 3, "augment": ("flip", "ssd_crop")}


@pytest.fixture
def truth(root):
    return for_training(read_coco(root / "annotations/instances_train.json"))


@pytest.fixture
def shards(truth, root, tmp_path):
    write_records(truth, root / "train", tmp_path / "records", stored_size=64, boundaries=(2, 10))
    return first_shards(tmp_path / "records", IMAGES)


def take(shards, batches=6, **settings):
    """Return the first batches as arrays: images, boxes and classes of each."""
    batches = training_batches(shards, IMAGES, **SETTINGS | settings).take(batches)
    return [(images.numpy(), labels["boxes"].numpy(), labels["classes"].numpy()) for images, labels in batches]


def assert_same(ours, theirs):
    assert len(ours) == len(theirs)
    for batch, other in zip(ours, theirs):
        for a, b in zip(batch, other):
            np.testing.assert_array_equal(a, b)


def pictures(batches):
    return [image.tobytes() for images, _, _ in batches for image in images]


def test_a_batch_has_the_shapes_it_should(shards):
    for images, boxes, classes in take(shards):
        assert images.shape == (8, 64, 64, 3) and images.dtype == np.float32
        assert images.min() >= 0 and 100 < images.max() <= 255
        assert boxes.shape == (*classes.shape, 4) and boxes.dtype == np.float32 and classes.dtype == np.int32
        assert (boxes[classes < 0] == 0).all() and set(np.unique(classes)) <= {-1, 0, 1, 2}
        real = boxes[classes >= 0]
        assert (boxes >= 0).all() and (boxes <= 1).all() and (real[:, 2:] > real[:, :2]).all()


@pytest.mark.parametrize("start", [1, 2, 3, 5])
def test_a_batch_is_a_function_of_seed_and_step(shards, start):
    """The third batch begins in the middle of the first epoch and ends in the second."""
    whole = take(shards)
    assert_same(take(shards), whole)
    assert_same(take(shards, 6 - start, start_step=start), whole[start:])


def test_seeds_differ(shards):
    assert pictures(take(shards, seed=3)) != pictures(take(shards, seed=4))


def test_every_epoch_holds_every_image_once_in_another_order(shards):
    batches = take(shards, 6, batch_size=10, augment=())
    epochs = [pictures(batches[i:i + 2]) for i in range(0, 6, 2)]
    assert all(len(set(epoch)) == IMAGES for epoch in epochs)
    assert set(epochs[0]) == set(epochs[1]) == set(epochs[2]) and epochs[0] != epochs[1] != epochs[2]


def test_a_subset_is_trained_on_alone(shards, truth, tmp_path):
    subset = training_batches(shards[:1], 2, **SETTINGS | {"augment": (), "batch_size": 2})
    images, labels = next(iter(subset))
    whole = next(iter(validation_batches(shards[:1], batch_size=2, input_size=64)))
    assert sorted(image.tobytes() for image in images.numpy()) == sorted(image.tobytes() for image in whole[0].numpy())
    assert (labels["classes"].numpy() >= 0).sum() == truth.starts[2]


def test_a_batch_may_be_larger_than_the_subset(shards):
    images, _ = next(iter(training_batches(shards[:1], 2, **SETTINGS)))
    assert images.shape[0] == 8


def test_augmentation_changes_from_epoch_to_epoch(shards):
    batches = take(shards, 6, batch_size=10)
    assert set(pictures(batches[:2])).isdisjoint(pictures(batches[4:]))


@pytest.mark.parametrize(("workers", "replicas"), [(1, 8), (2, 1), (4, 2)])
@pytest.mark.parametrize("start", [0, 2])
def test_a_global_batch_is_the_same_however_it_is_dealt_out(shards, workers, replicas, start):
    """Whatever the workers and their replicas take, in order, is the one stream that a single process reads."""
    whole = take(shards, 4, pad_boxes=True, start_step=start)
    parts = [take(shards, 4 * replicas, pad_boxes=True, start_step=start, part=Part(worker, workers, replicas))
             for worker in range(workers)]
    assert {len(batch[0]) for part in parts for batch in part} == {8 // (workers * replicas)}
    for step, expected in enumerate(whole):
        pieces = [batch for part in parts for batch in part[step * replicas:(step + 1) * replicas]]
        assert_same([[np.concatenate(values) for values in zip(*pieces)]], [expected])


def test_a_worker_decodes_nothing_of_another(shards, monkeypatch):
    decoded = []

    def decode(encoded, *arguments):
        tf.py_function(lambda: decoded.append(1), [], [])
        return real(encoded, *arguments)

    real = pipeline._decode
    monkeypatch.setattr(pipeline, "_decode", decode)
    batches = training_batches(shards, IMAGES, **SETTINGS | {"augment": ()}, part=Part(1, 4)).take(5)
    options = tf.data.Options()
    options.autotune.enabled = False
    assert sum(len(images) for images, _ in batches.with_options(options)) == 10
    # Less than a global batch ahead of what was taken, and of it a quarter.
    assert 10 <= len(decoded) < 40


def test_padded_boxes_make_every_shape_static(shards):
    spec = training_batches(shards, IMAGES, **SETTINGS, pad_boxes=True).element_spec
    assert spec[0].shape == (8, 64, 64, 3) and spec[1]["boxes"].shape == (8, MAX_BOXES, 4)
    assert spec[1]["classes"].shape == (8, MAX_BOXES)
    for (images, boxes, classes), (same, few, found) in zip(take(shards, pad_boxes=True), take(shards)):
        np.testing.assert_array_equal(images, same)
        np.testing.assert_array_equal(boxes[:, :few.shape[1]], few)
        assert (classes[:, found.shape[1]:] == -1).all() and (classes[:, :found.shape[1]] == found).all()


def test_an_epoch_is_exactly_what_is_not_left_out(shards, truth):
    out = truth.image_ids[[0, 3, 11, 19, 3]].tolist()
    rest = validation_batches(shards, batch_size=16, input_size=64, only=set(truth.image_ids.tolist()) - set(out))
    expected = sorted(image.tobytes() for images, _ in rest for image in images.numpy())
    batches = take(shards, 6, batch_size=8, augment=(), leave_out=out)
    assert len(expected) == 16
    for epoch in range(3):
        assert sorted(pictures(batches[2 * epoch:2 * epoch + 2])) == expected
    assert_same(take(shards, 3, augment=(), leave_out=out, start_step=3), batches[3:])


def test_nothing_left_out_changes_nothing(shards):
    assert_same(take(shards, leave_out=()), take(shards))


@pytest.mark.parametrize(("settings", "fragment"), [
    ({"leave_out": range(1, 21)}, "none of 20 training images is left"),
    ({"augment": ("ssd_crop", "image_crop")}, "one of ssd_crop, image_crop at a time"),
])
def test_what_would_never_give_a_batch_is_refused(shards, settings, fragment):
    with pytest.raises(InputError, match=fragment):
        take(shards, **settings)


@pytest.mark.parametrize("ids", [[1, 7, 20], [4], []])
def test_validation_may_be_of_some_images_only(shards, truth, ids):
    batches = validation_batches(shards, batch_size=2, input_size=32, only=ids)
    found = [id_ for _, labels in batches for id_ in labels["image_id"].numpy().tolist()]
    assert found == [id_ for id_ in truth.image_ids.tolist() if id_ in ids]


def test_boxes_over_the_limit_are_dropped_in_training_only(shards, monkeypatch):
    monkeypatch.setattr(pipeline, "MAX_BOXES", 1)
    assert all(boxes.shape[1] == 1 for _, boxes, _ in take(shards))
    sizes = [labels["boxes"].shape[1] for _, labels in validation_batches(shards, batch_size=8, input_size=64)]
    assert max(sizes) == 3


@pytest.mark.parametrize(("batch_size", "sizes"), [(8, [8, 8, 4]), (20, [20]), (50, [20]), (1, [1] * 20)])
def test_validation_holds_every_image_once_and_in_order(shards, truth, batch_size, sizes):
    batches = list(validation_batches(shards, batch_size=batch_size, input_size=32))
    assert [len(images) for images, _ in batches] == sizes
    joined = {key: np.concatenate([labels[key] for _, labels in batches]) for key in ("image_id", "height", "width")}
    assert joined["image_id"].tolist() == truth.image_ids.tolist() and joined["image_id"].dtype == np.int64
    assert joined["height"].tolist() == truth.heights.tolist() and joined["width"].tolist() == truth.widths.tolist()
    assert joined["height"].dtype == np.int32


def test_validation_labels_are_the_annotations(shards, truth):
    batches = list(validation_batches(shards, batch_size=1, input_size=32))
    for position, (_, labels) in enumerate(batches):
        rows = slice(truth.starts[position], truth.starts[position + 1])
        assert labels["classes"][0].numpy().tolist() == truth.classes[rows].tolist()
        sides = np.tile([truth.widths[position], truth.heights[position]], 2)
        x, y, w, h = (truth.boxes[rows] / sides).T
        np.testing.assert_allclose(labels["boxes"][0], np.stack([y, x, y + h, x + w], axis=1), atol=1e-6)


def test_images_are_resized_as_the_original_does(shards, root, truth):
    """Bilinear, with pixel 0 on pixel 0: position i of the input reads i * old / new, nothing is averaged."""
    images, _ = next(iter(validation_batches(shards, batch_size=1, input_size=32)))
    stored = tf.io.parse_single_example(next(iter(tf.data.TFRecordDataset(str(shards[0])))),
                                        {"image/encoded": tf.io.FixedLenFeature([], tf.string)})["image/encoded"]
    pixels = tf.io.decode_jpeg(stored).numpy().astype(float)
    y, x = (np.arange(32) * size / 32 for size in pixels.shape[:2])
    low = [np.floor(v).astype(int) for v in (y, x)]
    high = [np.minimum(v + 1, size - 1) for v, size in zip(low, pixels.shape)]
    dy, dx = (y - low[0])[:, None, None], (x - low[1])[None, :, None]
    top = pixels[low[0]][:, low[1]] * (1 - dx) + pixels[low[0]][:, high[1]] * dx
    bottom = pixels[high[0]][:, low[1]] * (1 - dx) + pixels[high[0]][:, high[1]] * dx
    np.testing.assert_allclose(images[0], top * (1 - dy) + bottom * dy, atol=1e-2)


@pytest.fixture
def painted(tmp_path):
    """Sixteen images of 200 x 160, each with one red rectangle; stored at less than half the size."""
    rng = np.random.default_rng(7)
    boxes = np.concatenate([rng.integers(0, 90, (16, 2)), rng.integers(40, 70, (16, 2))], axis=1)
    for i, (x, y, w, h) in enumerate(boxes):
        image = np.full((160, 200, 3), 90, np.uint8)
        image[y:y + h, x:x + w] = COLOURS["red"]
        Image.fromarray(image).save(tmp_path / f"{i}.png")
    truth = Annotations(("red",), (1,), np.arange(16), tuple(f"{i}.png" for i in range(16)), np.full(16, 200),
                        np.full(16, 160), np.arange(17), boxes.astype(float), np.zeros(16, np.int32),
                        np.zeros(16, bool), np.ones(16))
    write_records(truth, tmp_path, tmp_path / "records", stored_size=75)
    return first_shards(tmp_path / "records", 16)


@pytest.mark.parametrize("augment", [(), ("flip",), ("ssd_crop",), ("flip", "ssd_crop"),
                                     ("flip", "image_crop")], ids=str)
def test_boxes_follow_crop_and_flip(painted, augment):
    """Wherever a box is left, the red pixels fill it and end where it ends."""
    batches = training_batches(painted, 16, batch_size=16, input_size=128, seed=1, augment=augment).take(4)
    found = []
    for images, labels in batches:
        for image, boxes, classes in zip(images.numpy(), labels["boxes"].numpy(), labels["classes"].numpy()):
            if (classes >= 0).any():
                red = image[..., 0] - image[..., 1] > 95
                rows, columns = np.flatnonzero(red.any(axis=1)), np.flatnonzero(red.any(axis=0))
                ends = np.array([rows[0], columns[0], rows[-1] + 1, columns[-1] + 1])
                found.append((ends, boxes[0] * 128, red.sum()))
    ends, boxes, areas = (np.array(values) for values in zip(*found))
    assert len(found) == 64 or ({"ssd_crop", "image_crop"} & set(augment) and len(found) > 40)
    assert np.abs(ends - boxes).max() < 4.5 and np.abs(ends - boxes).mean() < 1.2
    sizes = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    assert (areas / sizes).mean() == pytest.approx(1, abs=0.06)
    distinct = len({tuple(np.round(box, 1)) for box in boxes})  # without crops an image has one box or two
    assert distinct == 16 if not augment else 20 < distinct <= 32 if augment == ("flip",) else distinct > 32
