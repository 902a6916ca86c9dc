import numpy as np
import pytest

from datasets.embedded import scenes
from datasets.embedded.glyphs import digits


@pytest.fixture(scope="module")
def alphabet():
    return digits("val")


@pytest.fixture(scope="module")
def painted(alphabet):
    return [scenes.paint_scene(np.random.default_rng(seed), alphabet) for seed in range(60)]


def test_images_and_shapes_have_the_sizes_promised(painted):
    assert {s.image.dtype for s in painted} == {np.dtype(np.uint8)}
    sides = np.array([s.image.shape[:2] for s in painted])
    assert sides.min() >= 128 and sides.max() <= 160 and len(np.unique(sides)) > 20
    longer = np.concatenate([s.boxes[:, 2:].max(axis=1) for s in painted])
    assert longer.min() >= 24 and longer.max() <= 70
    assert {len(s.boxes) for s in painted} == {1, 2, 3, 4, 5}


def test_boxes_lie_inside_and_overlap_little(painted):
    for scene in painted:
        assert (scene.boxes[:, :2] >= 0).all()
        assert (scene.boxes[:, :2] + scene.boxes[:, 2:] <= scene.image.shape[1::-1]).all()
        masks = np.zeros((len(scene.boxes), *scene.image.shape[:2]), bool)
        for mask, (x, y, width, height) in zip(masks, scene.boxes):
            mask[y:y + height, x:x + width] = True
        for i, one in enumerate(masks):
            for other in masks[:i]:
                assert (one & other).sum() <= 0.25 * min(one.sum(), other.sum())


def test_boxes_are_tight_around_their_shapes(alphabet, monkeypatch):
    """On a black, smooth background every bright pixel belongs to the one shape."""
    for name, value in {"SHAPES": (1, 1), "BRIGHTNESS": (0, 0), "TEXTURE": (), "GRAIN": 0.0}.items():
        monkeypatch.setattr(scenes, name, value)
    for seed in range(40):
        scene = scenes.paint_scene(np.random.default_rng(seed), alphabet)
        ys, xs = np.nonzero(scene.image.max(axis=2) > 2)
        x, y, width, height = scene.boxes[0]
        np.testing.assert_allclose([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1],
                                   [x, y, x + width, y + height], atol=1)


def test_shapes_are_brighter_than_what_lies_under_them(painted):
    for scene in painted:
        grey = scene.image.mean(axis=2)
        for x, y, width, height in scene.boxes:
            box = grey[y:y + height, x:x + width]
            assert np.percentile(box, 95) - np.median(grey) > 10 or len(scene.boxes) > 1


def test_the_same_generator_paints_the_same_scene(alphabet):
    first, second, other = (scenes.paint_scene(np.random.default_rng(s), alphabet) for s in (5, 5, 6))
    assert first.image.tobytes() == second.image.tobytes() and first.boxes.tolist() == second.boxes.tolist()
    assert first.image.tobytes() != other.image.tobytes()
