import numpy as np
import tensorflow as tf

from detectors import box_coder
from detectors.postprocess import MAX_DETECTIONS, postprocess

ANCHORS = np.array([[0, 0, 0.4, 0.4], [0, 0, 0.4, 0.4], [0.5, 0.5, 1, 1]], np.float32)


def outputs_for(boxes, logits) -> dict:
    """Return outputs [1, 3, ...] that decode to `boxes`; the background's logit is put in front of `logits`."""
    logits = np.pad(np.array(logits, np.float32), [(0, 0), (1, 0)], constant_values=9)
    return {"boxes": box_coder.encode(np.array(boxes, np.float32), ANCHORS)[None], "logits": logits[None]}


def test_detections_equal_the_originals_in_order(detector, outputs, expected):
    found = postprocess(outputs, detector.anchors)
    np.testing.assert_allclose(found.boxes, expected.detection_boxes, atol=1e-5)
    np.testing.assert_allclose(found.scores, expected.detection_scores, atol=1e-5)
    np.testing.assert_array_equal(found.classes, expected.detection_classes)
    np.testing.assert_array_equal(found.valid, [MAX_DETECTIONS, MAX_DETECTIONS])


def test_suppression_is_per_class_and_background_is_no_detection():
    near = [[0, 0, 0.4, 0.4], [0, 0, 0.4, 0.39], [0.5, 0.5, 1, 1]]
    found = postprocess(outputs_for(near, [[2, -50], [1, 0], [-50, -50]]), ANCHORS)
    assert found.valid.numpy() == [2]
    np.testing.assert_array_equal(found.classes[0, :2], [0, 1])
    np.testing.assert_allclose(found.boxes[0, 1], [0, 0, 0.4, 0.39], atol=1e-6)


def test_boxes_are_clipped_and_those_outside_dropped():
    boxes = [[1.2, 0.1, 1.4, 0.3], [-0.2, 0.1, 0.2, 0.4], [0.6, 0.6, 1.3, 0.9]]
    found = postprocess(outputs_for(boxes, [[3], [2], [1]]), ANCHORS)
    assert found.valid.numpy() == [2]
    np.testing.assert_allclose(found.boxes[0, :2], [[0, 0.1, 0.2, 0.4], [0.6, 0.6, 1, 0.9]], atol=1e-6)
    assert np.all(np.diff(found.scores[0, :2]) < 0)


def test_boxes_outside_take_no_detection_from_other_classes():
    """The best 60 boxes, of class 0, are outside the image; 120 of class 1 are not. None overlap."""
    corner = np.stack(np.meshgrid(np.arange(12), np.arange(10), indexing="ij"), axis=-1).reshape(-1, 2) / 12
    inside = np.concatenate([corner, corner + 0.05], axis=1).astype(np.float32)
    anchors = np.concatenate([inside[:60] + 2, inside])
    falling, nothing = np.linspace(5, -5, 180), np.full(180, -50.0)
    first = np.arange(180) < 60
    logits = np.stack([nothing, np.where(first, falling, nothing), np.where(first, nothing, falling)], axis=-1)
    outputs = {"boxes": np.zeros((1, 180, 4), np.float32), "logits": logits[None].astype(np.float32)}
    found = postprocess(outputs, anchors)
    assert found.valid.numpy() == [MAX_DETECTIONS] and np.all(found.classes == 1)
    np.testing.assert_allclose(found.boxes[0], inside[:MAX_DETECTIONS], atol=1e-6)


def test_suppression_sees_the_boxes_before_clipping():
    """Clipped, these two are the same box; as they are, their IoU is 0.5."""
    boxes = [[0, 0, 0.4, 0.4], [-0.4, 0, 0.4, 0.4], [0.5, 0.5, 1, 1]]
    found = postprocess(outputs_for(boxes, [[2], [1], [-50]]), ANCHORS)
    assert found.valid.numpy() == [2]


def test_detections_on_the_pyramid_are_those_of_the_plain_operation(resnet, resnet_outputs):
    found = postprocess(resnet_outputs, resnet.anchors)
    boxes = box_coder.decode(resnet_outputs["boxes"], resnet.anchors)
    scores = tf.sigmoid(resnet_outputs["logits"][..., 1:])
    for image in range(2):
        best = [tf.image.non_max_suppression(boxes[image], scores[image, :, k], 100, 0.6, 1e-8) for k in range(20)]
        rows = [(float(scores[image, anchor, k]), k, anchor) for k in range(20) for anchor in best[k].numpy()]
        rows = sorted(rows, key=lambda row: -row[0])[:MAX_DETECTIONS]
        assert found.valid[image] == MAX_DETECTIONS
        np.testing.assert_array_equal(found.scores[image], np.array([score for score, _, _ in rows], np.float32))
        np.testing.assert_array_equal(found.classes[image], [k for _, k, _ in rows])
        kept = tf.gather(boxes[image], [anchor for _, _, anchor in rows])
        np.testing.assert_array_equal(found.boxes[image], tf.clip_by_value(kept, 0, 1))
