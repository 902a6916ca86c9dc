import numpy as np
import pytest
import tensorflow as tf

from detectors import box_coder, mining
from detectors.losses import classification_losses
from tests.detectors import original

FORMS = {"by rank": False, "by pairs": True}


def mine_by_hand(decoded: np.ndarray, loss: np.ndarray, matched: np.ndarray) -> np.ndarray:
    """Return bool [A] for one image: the original's HardExampleMiner, step by step."""
    selected = tf.image.non_max_suppression(decoded, loss, mining.MAX_CANDIDATES, mining.MINING_IOU).numpy()
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


@pytest.fixture(params=FORMS)
def mine(request, monkeypatch):
    """`mine`, with either way to find the survivors."""
    monkeypatch.setattr(mining, "_on_accelerator", lambda: FORMS[request.param])
    return mining.mine


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("anchors, positives", [(60, 0), (60, 2), (400, 30), (60, 60)])
def test_mining_keeps_what_the_original_keeps(mine, seed, anchors, positives):
    rng = np.random.default_rng(seed)
    decoded = np.stack([crowded_boxes(rng, anchors) for _ in range(2)])
    loss = np.round(rng.uniform(0, 5, (2, anchors)), 1).astype(np.float32)  # rounded: many ties
    matched = np.stack([rng.permutation(anchors) < positives for _ in range(2)])
    kept = mine(decoded, loss, matched).numpy()
    for image in range(2):
        np.testing.assert_array_equal(kept[image], mine_by_hand(decoded[image], loss[image], matched[image]))


def test_mining_looks_at_no_more_than_3000_boxes(mine):
    rng = np.random.default_rng(0)
    decoded = crowded_boxes(rng, 6500)
    loss, matched = rng.uniform(0, 5, 6500).astype(np.float32), np.ones(6500, bool)
    kept = mine(decoded[None], loss[None], matched[None])[0]
    np.testing.assert_array_equal(kept, mine_by_hand(decoded, loss, matched))
    assert np.sum(kept) == mining.MAX_CANDIDATES


def test_both_forms_agree_on_the_originals_boxes(detector, outputs, expected):
    decoded = box_coder.decode(outputs["boxes"], detector.anchors)
    loss = classification_losses(outputs["logits"], tf.constant(original.ground_truth()[1]), expected.matches)
    ranked = tf.gather(decoded, tf.argsort(loss, direction="DESCENDING", stable=True), batch_dims=1)
    twice = tf.repeat(ranked, 2, axis=1)  # the original's own boxes all survive
    by_rank = mining.survivors_by_rank(twice).numpy()
    np.testing.assert_array_equal(mining.survivors_by_pairs(twice), by_rank)
    np.testing.assert_array_equal(by_rank, np.tile([True, False], ranked.shape[:2]))


@pytest.mark.parametrize("length", [1, 2, 5, 40])
def test_a_chain_of_boxes_loses_every_second_one(length):
    """Each overlaps the next by more than 0.99, and the one after by less: suppression has to go along the chain."""
    left = np.arange(length) * 0.004
    boxes = np.stack([np.zeros(length), left, np.ones(length), left + 1], axis=-1).astype(np.float32)
    for survivors in (mining.survivors_by_rank, mining.survivors_by_pairs):
        np.testing.assert_array_equal(survivors(boxes[None])[0], np.arange(length) % 2 == 0)


def test_compiling_takes_the_form_that_compiles():
    rng = np.random.default_rng(1)
    decoded, loss = crowded_boxes(rng, 200)[None], rng.uniform(0, 5, (1, 200)).astype(np.float32)
    matched = rng.uniform(size=(1, 200)) < 0.1
    kept = tf.function(mining.mine, jit_compile=True)(decoded, loss, matched)[0]
    np.testing.assert_array_equal(kept, mine_by_hand(decoded[0], loss[0], matched[0]))
