import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.coco import read_coco
from datasets.errors import InputError
from datasets.order import apply_order, hash_order, make_order, read_order, subset_size, write_order

NAMES = [f"{i:06d}.jpg" for i in range(1, 9)]
names = st.lists(st.text("abc/0", min_size=1, max_size=6), unique=True, min_size=2, max_size=20)


@pytest.mark.parametrize(("draw", "order"), [
    (0, [0, 4, 1, 3, 6, 2, 5, 7]),
    (1, [4, 2, 6, 5, 7, 1, 3, 0]),
    (-1, [5, 7, 1, 3, 2, 6, 0, 4]),
])
def test_the_order_never_changes(draw, order):
    """Published subsets depend on these numbers."""
    assert hash_order(NAMES, draw).tolist() == order


@given(names, st.randoms(use_true_random=False))
def test_the_order_depends_on_names_alone(names, random):
    shuffled = random.sample(names, len(names))
    assert [names[p] for p in hash_order(names, 3)] == [shuffled[p] for p in hash_order(shuffled, 3)]


@given(names)
def test_more_images_leave_the_others_in_their_order(names):
    before = [names[p] for p in hash_order(names[:-1], 0)]
    after = [names[p] for p in hash_order(names, 0) if p != len(names) - 1]
    assert before == after


def test_the_extension_does_not_matter():
    assert hash_order(NAMES, 0).tolist() == hash_order([n.replace("jpg", "png") for n in NAMES], 0).tolist()


def test_positions_are_spread_evenly():
    """Over 400 draws the mean position of each of 8 names is 3.5, standard deviation 0.115."""
    ranks = np.array([np.argsort(hash_order(NAMES, draw)) for draw in range(400)])
    assert np.abs(ranks.mean(axis=0) - 3.5).max() < 0.5


@pytest.mark.parametrize(("fraction", "images", "size"), [
    (100, 7, 7), (50, 7, 3), (2.5, 2500, 62), (1, 100, 1), (29, 100, 29), (0.1, 118287, 118), (57, 100, 57),
])
def test_sizes_are_rounded_down_exactly(fraction, images, size):
    assert subset_size(fraction, images) == size


@pytest.mark.parametrize(("fraction", "images", "message"), [
    (0, 10, "outside"), (-1, 10, "outside"), (100.5, 10, "outside"), (float("nan"), 10, "outside"),
    (float("inf"), 10, "outside"), (1, 99, "selects none; take at least 1.01 %"),
])
def test_impossible_fractions_are_refused(fraction, images, message):
    with pytest.raises(InputError, match=message):
        subset_size(fraction, images)


def test_an_order_is_read_as_it_was_written(coco, save, tmp_path):
    order = make_order(read_coco(save(coco)), 4, [100, 40, 66.7, 40])
    assert (order.strategy, order.draw, order.fractions, order.sizes) == ("random", 4, (40, 66.7, 100), [1, 2, 3])
    write_order(tmp_path / "order.json", order)
    assert read_order(tmp_path / "order.json") == order


def test_an_order_is_made_only_with_possible_fractions(coco, save):
    with pytest.raises(InputError, match="fraction 1 % of 3 images"):
        make_order(read_coco(save(coco)), 0, [100, 1])


def test_applying_an_order_sorts_the_images(coco, save):
    annotations = read_coco(save(coco))
    order = make_order(annotations, 0, [100])
    assert tuple(apply_order(annotations, order).image_ids.tolist()) == order.image_ids


@pytest.mark.parametrize("image_ids", [(7, 3), (7, 3, 6), (7, 3, 5, 6), (7, 3, 3)])
def test_an_order_of_other_images_is_refused(coco, save, image_ids):
    annotations = read_coco(save(coco))
    order = dataclasses.replace(make_order(annotations, 0, [100]), image_ids=image_ids)
    with pytest.raises(InputError, match="make the order again"):
        apply_order(annotations, order)


@pytest.mark.parametrize("content", ["{}", "[]", "{", json.dumps({"strategy": "random", "draw": "0"})])
def test_a_file_that_is_no_order_is_refused(save, content):
    with pytest.raises(InputError, match=r"a\.json: not"):
        read_order(save(content))
