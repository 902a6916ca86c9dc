import numpy as np
import pytest
import tensorflow as tf

from detectors import losses
from tests.detectors import original


def mine_by_hand(decoded: np.ndarray, loss: np.ndarray, matched: np.ndarray) -> np.ndarray:
    """Return bool [A] for one image: the original's HardExampleMiner, step by step."""
    selected = tf.image.non_max_suppression(decoded, loss, losses.MAX_CANDIDATES, losses.MINING_IOU).numpy()
    quota = max(3, 3 * matched[selected].sum())
    negatives = selected[~matched[selected]][:quota]
    kept = np.zeros(len(loss), bool)
    kept[negatives] = kept[selected[matched[selected]]] = True
    return kept


def crowded_boxes(rng: np.random.Generator, count: int) -> np.ndarray:
    """Return boxes [count, 4] in any order, half of them all but on top of another."""
    low = rng.uniform(-0.2, 0.7, (count, 2))
    boxes = np.concatenate([low, low + rng.uniform(0.05, 0.5, (count, 2))], axis=-1)
    boxes[count // 2:] = boxes[:count - count // 2] + rng.normal(0, 0.0005, (count - count // 2, 4))
    return rng.permutation(boxes).astype(np.float32)


@pytest.fixture(scope="module")
def truth():
    boxes, classes = original.ground_truth()
    return tf.constant(boxes), tf.constant(classes)


def test_per_anchor_losses_equal_the_originals(detector, outputs, truth, expected):
    boxes, classes = truth
    image, anchor = expected.positives.T
    localization = losses.localization_losses(outputs["boxes"], detector.anchors, boxes, expected.matches)
    classification = losses.classification_losses(outputs["logits"], classes, expected.matches)
    np.testing.assert_allclose(localization.numpy()[image, anchor], expected.localization_per_positive, atol=1e-4)
    np.testing.assert_allclose(classification, expected.classification_per_anchor, rtol=1e-5)


def test_losses_and_gradients_equal_the_originals(detector, images, truth, expected):
    names = expected.trainable_names.astype(str)
    with tf.GradientTape() as tape:
        found = detector.loss(detector.model(images, training=False), *truth)
        decay = tf.add_n(detector.model.losses)
        total = found["localization"] + found["classification"] + decay
    gradients = tape.gradient(total, [detector.variables[name] for name in names])
    assert float(found["localization"]) == pytest.approx(float(expected.localization), rel=1e-6)
    assert float(found["classification"]) == pytest.approx(float(expected.classification), rel=1e-6)
    assert float(decay) == pytest.approx(float(expected.regularization), rel=1e-6)
    flat = [np.asarray(gradient, np.float64).ravel() for gradient in gradients]
    norms = np.array([np.linalg.norm(gradient) for gradient in flat])
    projections = np.array([gradient @ np.cos(np.arange(len(gradient))) for gradient in flat])
    np.testing.assert_allclose(norms, expected.gradient_norm, rtol=1e-3)
    np.testing.assert_allclose(projections / norms, expected.gradient_projection / norms, atol=1e-3)


def test_training_mode_follows_the_original(detector, truth, expected):
    """Batch statistics amplify float32 rounding: losses agree to 5e-3, moving statistics much better."""
    boxes, classes = truth
    before = detector.model.get_weights()
    try:
        batch = original.resize(original.images(seed=3, count=8))
        found = detector.loss(detector.model(batch, training=True), tf.tile(boxes, [4, 1, 1]), tf.tile(classes, [4, 1]))
        moved = [detector.variables[name].numpy() for name in expected.moving_names.astype(str)]
    finally:
        detector.model.set_weights(before)
    assert float(found["localization"]) == pytest.approx(float(expected.train_localization), rel=5e-3)
    assert float(found["classification"]) == pytest.approx(float(expected.train_classification), rel=5e-3)
    scale = np.array([np.abs(values).sum() for values in moved])
    sums = np.array([values.sum(dtype=np.float64) for values in moved])
    np.testing.assert_allclose(sums / scale, expected.moving_sum / scale, atol=1e-5)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("anchors, positives", [(60, 0), (60, 2), (400, 30), (60, 60)])
def test_mining_keeps_what_the_original_keeps(seed, anchors, positives):
    rng = np.random.default_rng(seed)
    decoded = np.stack([crowded_boxes(rng, anchors) for _ in range(2)])
    loss = np.round(rng.uniform(0, 5, (2, anchors)), 1).astype(np.float32)  # rounded: many ties
    matched = np.stack([rng.permutation(anchors) < positives for _ in range(2)])
    kept = losses.mine(decoded, loss, matched).numpy()
    for image in range(2):
        np.testing.assert_array_equal(kept[image], mine_by_hand(decoded[image], loss[image], matched[image]))


def test_mining_looks_at_no_more_than_3000_boxes():
    rng = np.random.default_rng(0)
    decoded = crowded_boxes(rng, 6500)
    loss, matched = rng.uniform(0, 5, 6500).astype(np.float32), np.ones(6500, bool)
    kept = losses.mine(decoded[None], loss[None], matched[None])[0]
    np.testing.assert_array_equal(kept, mine_by_hand(decoded, loss, matched))
    assert np.sum(kept) == losses.MAX_CANDIDATES


def test_padding_changes_nothing(tiny):
    outputs = tiny.model(tf.random.stateless_uniform([2, 64, 64, 3], [1, 2], maxval=255.0), training=False)
    narrow, wide = (original.ground_truth(padding) for padding in (0, 40))
    found = [tiny.loss(outputs, boxes, np.where(classes > 2, 2, classes)) for boxes, classes in (narrow, wide)]
    assert {k: float(v) for k, v in found[0].items()} == {k: float(v) for k, v in found[1].items()}


def test_a_batch_without_boxes_has_a_loss_and_gradients(other):
    with tf.GradientTape() as tape:
        outputs = other.model(tf.zeros([2, 64, 64, 3]), training=True)
        found = other.loss(outputs, tf.zeros([2, 0, 4]), tf.zeros([2, 0], tf.int32))
    gradients = tape.gradient(found["classification"], other.model.trainable_variables,
                              unconnected_gradients="zero")
    assert float(found["localization"]) == 0 and float(found["classification"]) > 0
    assert all(np.isfinite(gradient).all() for gradient in gradients)


def test_a_diverged_network_shows(tiny):
    outputs = {"boxes": tf.zeros([1, 96, 4]), "logits": tf.fill([1, 96, 4], np.nan)}
    found = tiny.loss(outputs, tf.constant([[[0.0, 0.0, 1.0, 1.0]]]), tf.constant([[0]]))
    assert np.isnan(found["classification"])
