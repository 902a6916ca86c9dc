"""Every image is answered, in the pixels of the original."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from datasets.annotations import Annotations
from datasets.errors import InputError
from detectors.detector import Detector
from evaluate.coco import ALL, score
from evaluate.detect import build_predictor, detect
from evaluate.detections import Detections, read_detections, write_detections

SIDE = 8
ANCHORS = np.array([[0.25, 0.1, 0.75, 0.3], [0.0, 0.5, 0.5, 1.0]], np.float32)  # [ymin, xmin, ymax, xmax]


@pytest.fixture(scope="module")
def detector():
    """A network without weights: the first two channels of the top left pixel are its logits for the two anchors.

    Anchor k is of class k; its box is the anchor itself.
    """
    image = tf_keras.Input((SIDE, SIDE, 3))
    logits = tf_keras.layers.Lambda(
        lambda x: tf.stack([tf.fill(tf.shape(x[:, 0, 0, :2]), -30.0),
                            x[:, 0, 0, :2] * [1.0, 0.0] - [0.0, 30.0],
                            x[:, 0, 0, :2] * [0.0, 1.0] - [30.0, 0.0]], axis=-1))(image)
    boxes = tf_keras.layers.Lambda(lambda x: tf.zeros((tf.shape(x)[0], 2, 4)))(image)
    model = tf_keras.Model(image, {"boxes": boxes, "logits": logits})
    return Detector(kind="test", model=model, anchors=ANCHORS, num_classes=2, backbone="", loss=lambda *_: {})


@pytest.fixture
def truth():
    """Seven images of differing size; a box of class k in image i where (i + k) is even."""
    widths, heights = np.arange(100, 170, 10, dtype=np.int32), np.arange(200, 130, -10, dtype=np.int32)
    pairs = [(i, k) for i in range(7) for k in range(2) if (i + k) % 2 == 0]
    ymin, xmin, ymax, xmax = ANCHORS.astype(float)[[k for _, k in pairs]].T
    images = np.array([i for i, _ in pairs])
    boxes = np.stack([xmin * widths[images], ymin * heights[images], (xmax - xmin) * widths[images],
                      (ymax - ymin) * heights[images]], axis=1)
    return Annotations(("a", "b"), (7, 3), np.arange(10, 80, 10), tuple(f"{i}.jpg" for i in range(7)), widths, heights,
                       np.searchsorted(images, np.arange(8)), boxes, np.array([k for _, k in pairs], np.int32),
                       np.zeros(len(pairs), bool), boxes[:, 2] * boxes[:, 3], "truth.json")


def make_dataset(truth, batch=3):
    """Images that show their class in the first pixel, so that the network finds exactly the truth's boxes."""
    images = np.zeros((truth.num_images, SIDE, SIDE, 3), np.float32)
    images[:, 0, 0, :2] = -30
    images[truth.image_of_box(), 0, 0, truth.classes] = 3
    sizes = {"image_id": truth.image_ids, "height": truth.heights, "width": truth.widths}
    return tf.data.Dataset.from_tensor_slices((images, sizes)).batch(batch)


COLUMNS = ("images", "classes", "boxes", "scores")


def confident(detections):
    return Detections(*(getattr(detections, name)[detections.scores > 0.5] for name in COLUMNS))


def test_boxes_come_back_in_pixels_of_the_original_image(detector, truth):
    found = confident(detect(detector, make_dataset(truth), truth))
    assert found.images.tolist() == truth.image_of_box().tolist() and found.classes.tolist() == truth.classes.tolist()
    assert found.boxes == pytest.approx(truth.boxes, abs=2e-3)
    assert found.scores == pytest.approx(1 / (1 + np.exp(-3)), abs=1e-6)
    assert score(truth, found).values["AP", ALL] == pytest.approx(1)


def test_boxes_are_rounded_so_that_a_file_scores_as_the_arrays_do(detector, truth, tmp_path):
    found = detect(detector, make_dataset(truth), truth)
    write_detections(tmp_path / "d.json", found, truth)
    read = read_detections(tmp_path / "d.json", truth)
    assert all(np.array_equal(getattr(found, name), getattr(read, name)) for name in COLUMNS) and len(found) == 7
    assert np.array_equal(found.boxes, found.boxes.round(3))


def test_arrays_are_of_the_types_that_scoring_takes(detector, truth):
    found = detect(detector, make_dataset(truth), truth)
    assert [getattr(found, name).dtype for name in COLUMNS] == [np.int32, np.int32, np.float64, np.float64]


@pytest.mark.parametrize("batch", [1, 2, 7, 20])
def test_the_batch_makes_no_difference(detector, truth, batch):
    one, other = (detect(detector, make_dataset(truth, size), truth) for size in (batch, 3))
    assert all(np.array_equal(getattr(one, name), getattr(other, name)) for name in COLUMNS)


def test_images_may_come_in_any_order(detector, truth):
    """Ids that rise in neither, so that a place is not taken for an id or the other way round."""
    truth = replace(truth, image_ids=np.array([30, 10, 70, 20, 60, 50, 40]))
    mixed = make_dataset(truth).unbatch().shuffle(7, seed=1, reshuffle_each_iteration=False).batch(3)
    seen = np.concatenate([labels["image_id"].numpy() for _, labels in mixed])
    found = confident(detect(detector, mixed, truth))
    order = np.lexsort((found.classes, found.images))
    assert seen.tolist() != truth.image_ids.tolist()
    assert found.images[order].tolist() == truth.image_of_box().tolist()
    assert found.boxes[order] == pytest.approx(truth.boxes, abs=2e-3)


def test_padding_is_left_out(truth):
    """Of what `predict` returns, rows from the image's count on."""
    counts = np.arange(7) % 3
    def predict(images):
        size = len(images)
        boxes = tf.tile(tf.constant([[[0.0, 0.0, 0.5, 0.5]]]), [size, 2, 1])
        return boxes, tf.ones((size, 2)), tf.zeros((size, 2), tf.int32), tf.constant(counts[:size], tf.int32)

    found = detect(SimpleNamespace(), make_dataset(truth, 7), truth, predict)
    assert np.bincount(found.images, minlength=7).tolist() == counts.tolist()


def test_a_shorter_batch_is_not_traced_again(detector):
    predict = build_predictor(detector)
    for size in (4, 1, 3):
        predict(tf.zeros((size, SIDE, SIDE, 3)))
    assert predict.experimental_get_tracing_count() == 1


@pytest.mark.parametrize("change", [lambda d: d.take(2), lambda d: d.skip(1), lambda d: d.concatenate(d.take(1)),
                                    lambda d: d.take(0)],
                         ids=["tail lost", "head lost", "repeated", "all lost"])
def test_records_of_other_images_are_refused(detector, truth, change):
    with pytest.raises(InputError, match="make the records again"):
        detect(detector, change(make_dataset(truth)), truth)
