"""Every image is answered, in the pixels of the original."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from datasets.annotations import Annotations
from datasets.errors import InputError
from detectors.detector import Detector
from evaluate.coco import ALL, score
from evaluate.detect import build_predictor, detect

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


def confident(detections):
    return [d for d in detections if d["score"] > 0.5]


def test_boxes_come_back_in_pixels_of_the_original_image(detector, truth):
    found = confident(detect(detector, make_dataset(truth), truth))
    assert [d["image_id"] for d in found] == truth.image_ids[truth.image_of_box()].tolist()
    assert [d["category_id"] for d in found] == [truth.category_ids[k] for k in truth.classes]
    assert np.array([d["bbox"] for d in found]) == pytest.approx(truth.boxes, abs=2e-3)
    assert [d["score"] for d in found] == pytest.approx([1 / (1 + np.exp(-3))] * len(found), abs=1e-6)
    assert score(truth, found).values["AP", ALL] == pytest.approx(1)


@pytest.mark.parametrize("batch", [1, 2, 7, 20])
def test_the_batch_makes_no_difference(detector, truth, batch):
    assert detect(detector, make_dataset(truth, batch), truth) == detect(detector, make_dataset(truth), truth)


def test_a_shorter_batch_is_not_traced_again(detector):
    predict = build_predictor(detector)
    for size in (4, 1, 3):
        predict(tf.zeros((size, SIDE, SIDE, 3)))
    assert predict.experimental_get_tracing_count() == 1


def test_values_are_plain_python(detector, truth):
    detection = detect(detector, make_dataset(truth), truth)[0]
    assert [type(detection[key]) for key in ("image_id", "category_id", "bbox", "score")] == [int, int, list, float]


@pytest.mark.parametrize("change", [lambda d: d.take(2), lambda d: d.skip(1), lambda d: d.concatenate(d.take(1))],
                         ids=["tail lost", "head lost", "repeated"])
def test_records_of_other_images_are_refused(detector, truth, change):
    with pytest.raises(InputError, match="make the records again"):
        detect(detector, change(make_dataset(truth)), truth)
