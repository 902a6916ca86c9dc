import numpy as np

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


def test_suppression_sees_the_boxes_before_clipping():
    """Clipped, these two are the same box; as they are, their IoU is 0.5."""
    boxes = [[0, 0, 0.4, 0.4], [-0.4, 0, 0.4, 0.4], [0.5, 0.5, 1, 1]]
    found = postprocess(outputs_for(boxes, [[2], [1], [-50]]), ANCHORS)
    assert found.valid.numpy() == [2]
