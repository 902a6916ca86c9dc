import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from detectors import losses
from tests.detectors import original


def truth_of(num_classes: int, repeats: int = 1) -> tuple[tf.Tensor, tf.Tensor]:
    boxes, classes = original.ground_truth(num_classes=num_classes)
    return tf.tile(boxes, [repeats, 1, 1]), tf.tile(classes, [repeats, 1])


def norms_of(values: list) -> tuple[np.ndarray, np.ndarray]:
    """Return, for each array, its norm and its projection on cos(0), cos(1), …, as a share of the norm."""
    flat = [np.asarray(value, np.float64).ravel() for value in values]
    norms = np.array([np.linalg.norm(value) for value in flat])
    return norms, np.array([value @ np.cos(np.arange(len(value))) for value in flat]) / norms


def gradients_of(detector, images, truth, names) -> tuple[dict[str, tf.Tensor], tf.Tensor, list[tf.Tensor]]:
    """Return losses, weight decay and gradients with the moving statistics, all variables learning."""
    with tf.GradientTape() as tape:
        found = detector.loss(detector.model(images, training=False), *truth)
        decay = tf.add_n(detector.model.losses)
        total = found["localization"] + found["classification"] + decay
    return found, decay, tape.gradient(total, [detector.variables[name] for name in names])


def assert_moved_as_the_original(moved: list[np.ndarray], sums: np.ndarray) -> None:
    scale = np.array([np.abs(values).sum() for values in moved])
    found = np.array([values.sum(dtype=np.float64) for values in moved])
    np.testing.assert_allclose(found / scale, sums / scale, atol=2e-5)


def focal_by_hand(logits: np.ndarray, slot: int | None) -> float:
    """Return the focal loss of one anchor, slot by slot: arXiv 1708.02002, equation 5."""
    total = 0.0
    for index, logit in enumerate(np.asarray(logits, np.float64)):
        hit, alpha = (1, 0.25) if index == slot else (0, 0.75)
        probability = 1 / (1 + np.exp(-logit))
        total -= alpha * abs(hit - probability) ** 2 * np.log(probability if hit else 1 - probability)
    return total


def test_per_anchor_losses_equal_the_originals(detector, outputs, expected):
    boxes, classes = truth_of(original.NUM_CLASSES)
    image, anchor = expected.positives.T
    localization = losses.localization_losses(outputs["boxes"], detector.anchors, boxes, expected.matches)
    classification = losses.classification_losses(outputs["logits"], classes, expected.matches)
    np.testing.assert_allclose(localization.numpy()[image, anchor], expected.localization_per_positive, atol=1e-4)
    np.testing.assert_allclose(classification, expected.classification_per_anchor, rtol=1e-5)


def test_losses_and_gradients_equal_the_originals(detector, images, expected):
    names = expected.trainable_names.astype(str)
    found, decay, gradients = gradients_of(detector, images, truth_of(original.NUM_CLASSES), names)
    assert float(found["localization"]) == pytest.approx(float(expected.localization), rel=1e-6)
    assert float(found["classification"]) == pytest.approx(float(expected.classification), rel=1e-6)
    assert float(decay) == pytest.approx(float(expected.regularization), rel=1e-6)
    norms, projections = norms_of(gradients)
    np.testing.assert_allclose(norms, expected.gradient_norm, rtol=1e-3)
    np.testing.assert_allclose(projections, expected.gradient_projection / norms, atol=1e-3)


def test_training_mode_follows_the_original(detector, expected):
    """Batch statistics amplify float32 rounding: losses agree to 5e-3, moving statistics much better."""
    before = detector.model.get_weights()
    try:
        batch = original.resize(original.images(seed=3, count=8))
        found = detector.loss(detector.model(batch, training=True), *truth_of(original.NUM_CLASSES, repeats=4))
        moved = [detector.variables[name].numpy() for name in expected.moving_names.astype(str)]
    finally:
        detector.model.set_weights(before)
    assert float(found["localization"]) == pytest.approx(float(expected.train_localization), rel=5e-3)
    assert float(found["classification"]) == pytest.approx(float(expected.train_classification), rel=5e-3)
    assert_moved_as_the_original(moved, expected.moving_sum)


def test_focal_losses_equal_the_originals(resnet, resnet_outputs, resnet_expected):
    found = resnet.loss(resnet_outputs, *truth_of(original.FEW_CLASSES))
    assert float(found["localization"]) == pytest.approx(float(resnet_expected.localization), rel=1e-6)
    assert float(found["classification"]) == pytest.approx(float(resnet_expected.classification), rel=1e-6)
    decay = float(tf.add_n(resnet.model.losses))
    assert decay == pytest.approx(float(resnet_expected.regularization), rel=1e-6)


def test_focal_per_anchor_losses_equal_the_originals(resnet, resnet_outputs, resnet_expected):
    boxes, classes = truth_of(original.FEW_CLASSES)
    image, anchor = resnet_expected.positives.T
    matches = np.full(resnet_outputs["boxes"].shape[:2], -1, np.int32)
    matches[image, anchor] = resnet_expected.positive_boxes
    localization = losses.localization_losses(resnet_outputs["boxes"], resnet.anchors, boxes, matches)
    classification = losses.focal_losses(resnet_outputs["logits"], classes, matches).numpy()
    np.testing.assert_allclose(localization.numpy()[image, anchor], resnet_expected.localization_per_positive,
                               atol=2e-4)
    np.testing.assert_allclose(classification[:, resnet_expected.boxes_index],
                               resnet_expected.classification_per_anchor, rtol=1e-4)


@pytest.mark.slow
def test_focal_gradients_and_first_step_equal_the_originals(resnet, large_images, resnet_expected):
    names = resnet_expected.trainable_names.astype(str)
    truth = truth_of(original.FEW_CLASSES)
    _, _, gradients = gradients_of(resnet, large_images, truth, names)
    norms, projections = norms_of(gradients)
    np.testing.assert_allclose(norms, resnet_expected.gradient_norm, rtol=1e-3)
    np.testing.assert_allclose(projections, resnet_expected.gradient_projection / norms, atol=1e-3)
    variables = [resnet.variables[name] for name in names]
    before = [variable.numpy().astype(np.float64) for variable in variables]
    try:
        optimizer = tf_keras.optimizers.legacy.SGD(0.013333, momentum=0.9)
        optimizer.apply_gradients(zip(gradients, variables))
        norms, projections = norms_of([variable.numpy() - old for variable, old in zip(variables, before)])
    finally:
        original.fill(resnet)
    # In float64 throughout, three of the 391 are further from the original's float32 than 1e-4, the furthest 1.7e-4.
    error = np.abs(norms / resnet_expected.update_norm - 1)
    assert np.sort(error)[-4] < 1e-4 and error.max() < 2e-4
    assert np.linalg.norm(norms) == pytest.approx(np.linalg.norm(resnet_expected.update_norm), rel=1e-5)
    np.testing.assert_allclose(projections, resnet_expected.update_projection / norms, atol=1e-3)


@pytest.mark.slow
def test_focal_training_mode_follows_the_original(resnet, large_images, resnet_expected):
    try:
        found = resnet.loss(resnet.model(large_images, training=True), *truth_of(original.FEW_CLASSES))
        moved = [resnet.variables[name].numpy() for name in resnet_expected.moving_names.astype(str)]
    finally:
        original.fill(resnet)
    assert float(found["localization"]) == pytest.approx(float(resnet_expected.train_localization), rel=5e-3)
    assert float(found["classification"]) == pytest.approx(float(resnet_expected.train_classification), rel=5e-3)
    assert_moved_as_the_original(moved, resnet_expected.moving_sum)


@pytest.mark.parametrize("num_classes", [1, 3, 90])
def test_focal_losses_follow_the_formula(num_classes):
    rng = np.random.default_rng(num_classes)
    logits = rng.normal(0, 3, (1, 4, num_classes + 1)).astype(np.float32)
    classes, matches = np.array([[num_classes - 1, 0]], np.int32), np.array([[-1, 0, 1, 0]], np.int32)
    found = losses.focal_losses(logits, classes, matches)[0]
    slots = [None, num_classes, 1, num_classes]
    by_hand = [focal_by_hand(row, slot) for row, slot in zip(logits[0], slots)]
    np.testing.assert_allclose(found, by_hand, rtol=1e-5)


def test_focal_losses_stay_finite_far_out():
    logits = tf.constant([[[80.0, -80.0, 0.0], [-80.0, 80.0, 0.0]]])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        found = losses.focal_losses(logits, tf.constant([[0]]), tf.constant([[0, -1]]))
    assert np.isfinite(found).all() and np.isfinite(tape.gradient(found, logits)).all()


def test_the_normaliser_is_the_matched_anchors_but_at_least_one():
    assert float(losses.normaliser(tf.constant([[0, -1, 3], [-1, 1, -1]]))) == 3
    assert float(losses.normaliser(tf.constant([[-1, -1]]))) == 1


@pytest.mark.parametrize("name", ["tiny", "tiny_resnet"])
def test_padding_changes_nothing(request, name):
    tiny = request.getfixturevalue(name)
    outputs = tiny.model(tf.random.stateless_uniform([2, 64, 64, 3], [1, 2], maxval=255.0), training=False)
    found = [tiny.loss(outputs, *original.ground_truth(padding, num_classes=3)) for padding in (0, 40)]
    assert {k: float(v) for k, v in found[0].items()} == {k: float(v) for k, v in found[1].items()}


def test_a_batch_without_boxes_has_a_loss_and_gradients(other):
    with tf.GradientTape() as tape:
        outputs = other.model(tf.zeros([2, 64, 64, 3]), training=True)
        found = other.loss(outputs, tf.zeros([2, 0, 4]), tf.zeros([2, 0], tf.int32))
    gradients = tape.gradient(found["classification"], other.model.trainable_variables,
                              unconnected_gradients="zero")
    assert float(found["localization"]) == 0 and float(found["classification"]) > 0
    assert all(np.isfinite(gradient).all() for gradient in gradients)


def test_a_diverged_network_shows(tiny, tiny_resnet):
    for detector in (tiny, tiny_resnet):
        anchors = len(detector.anchors)
        outputs = {"boxes": tf.zeros([1, anchors, 4]), "logits": tf.fill([1, anchors, 4], np.nan)}
        found = detector.loss(outputs, tf.constant([[[0.0, 0.0, 1.0, 1.0]]]), tf.constant([[0]]))
        assert np.isnan(found["classification"])
