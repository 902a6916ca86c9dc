import hashlib

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from datasets.orders.order import hash_order
from datasets.orders.stratify import stratified_order
from tests.datasets.labelled import annotate, deviations, scenes

of_one_class = st.sampled_from([{}, {"a": 1}, {"a": 7}, {"b": 1}, {"c": 2}, {"d": 1}, {"e": 3}])
of_several = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 9), max_size=5)


def _order(annotations, draw=0):
    return stratified_order(annotations, hash_order(annotations.file_names, draw))


@pytest.mark.parametrize(("images", "order"), [
    ([{"a": 1}] * 6 + [{"b": 1}] * 2 + [{}] * 4, [7, 0, 10, 2, 4, 8, 5, 11, 3, 6, 1, 9]),
    ([{"a": 3, "b": 1}, {"a": 1}, {"b": 2, "c": 1}, {}, {"a": 5, "c": 1}, {"c": 1}, {"a": 1}, {"b": 9}],
     [7, 4, 3, 1, 2, 6, 5, 0]),
])
def test_the_order_never_changes(images, order):
    """Published subsets depend on these numbers."""
    assert _order(annotate(images)).tolist() == order


def test_the_order_of_many_images_never_changes():
    images = [{f"{c}": 1 + i * c % 5 for c in range(9) if (i * i + 7 * c) % (3 + 2 * c) < 2} for i in range(2000)]
    assert {1, 6} < {len(image) for image in images}
    order = _order(annotate(images)).astype("<i8")
    checksum = hashlib.sha256(order.tobytes()).hexdigest()
    assert checksum == "6571c656cb54019e3284fc183b57e166f033455a4bad443e626e0357c87f51c4"


@given(st.lists(of_one_class, min_size=1, max_size=80))
@example([{"a": 1}, {"b": 1}] * 40 + [{f"c{i:02d}": 1} for i in range(20)] * 7)  # going by what is furthest behind,
@example([{"a": 1}] * 60 + [{"b": 1}] * 30 + [{"c": 1}] * 10 + [{f"d{i:02d}": 1} for i in range(12)] * 2)  # it fails
def test_images_of_one_class_are_spread_within_one(images):
    """At every prefix; but each class whose first image comes before it is due may set the others back by one."""
    annotations = annotate(images)
    order = _order(annotations)
    ahead, size = deviations(annotations, order)[0], len(images)
    totals = np.array([sum(name in image for image in images) for name in set().union(*images)], np.int64)
    early = (-(-size // totals) > np.arange(1, size + 1)[:, None]).sum(axis=1, keepdims=True)
    assert sorted(order.tolist()) == list(range(size))
    assert (ahead < size).all() and (ahead > -size * (1 + early)).all()


@given(st.lists(of_several, min_size=1, max_size=80))
def test_every_class_is_in_the_smallest_subset_that_can_hold_one_image_of_each(images):
    order = _order(annotate(images))
    present = set().union(*images)
    assert sorted(order.tolist()) == list(range(len(images)))
    assert set().union(*(images[i] for i in order[:len(present)])) == present


@pytest.mark.parametrize("draw", [0, 1])
@pytest.mark.parametrize(("count", "classes"), [(3000, 40), (2000, 5)])
def test_images_of_several_classes_are_spread_closely(count, classes, draw):
    """At every prefix, once each class is there and the others have caught up. No theory has a bound here."""
    annotations = annotate(scenes(count, classes))
    order, hashed = _order(annotations, draw), hash_order(annotations.file_names, draw)
    images, boxes = (np.abs(ahead[2 * classes:]).max() for ahead in deviations(annotations, order))
    assert images < 2 * count and boxes < 1.5
    images, boxes = (np.abs(ahead[2 * classes:]).max() for ahead in deviations(annotations, hashed))
    assert images > 10 * count and boxes > 3


@given(st.lists(of_several, min_size=1, max_size=40), st.permutations("abcdefgh"), st.randoms(use_true_random=False))
def test_the_order_depends_on_names_alone(images, categories, random):
    """Neither on the order of the images in the file, nor on the numbers of images and classes."""
    names = [f"{i}.jpg" for i in range(len(images))]
    before = annotate(images, "abcdefgh", names)
    places = random.sample(range(len(images)), len(images))
    after = annotate([images[p] for p in places], categories, [names[p] for p in places],
                     random.sample(range(99), len(images)))
    assert [names[p] for p in _order(before)] == [after.file_names[p] for p in _order(after)]


def test_crowds_count_as_nothing():
    images = scenes(60, 4)
    with_crowds = [{"#000": 3, **image} if i % 3 else image for i, image in enumerate(images)]
    assert _order(annotate(with_crowds)).tolist() == _order(annotate(images)).tolist()
    only_crowds = [image or {"#001": 1} for image in images]
    assert only_crowds != images and _order(annotate(only_crowds)).tolist() == _order(annotate(images)).tolist()


def test_another_draw_is_another_order_of_the_same_images():
    """By chance the smallest subsets would share 1.5 images of 30; with all images at hand in each step, it is half."""
    annotations = annotate(scenes(600, 8))
    first, second = _order(annotations, 0), _order(annotations, 1)
    assert sorted(first) == sorted(second) and len(set(first[:30]) & set(second[:30])) < 10


def test_numbers_of_boxes_far_beyond_reason_are_ordered():
    images = [{f"{class_:03d}": 2000 for class_ in range(300)}, *({"000": 1} for _ in range(50)), {}]
    order = _order(annotate(images))
    assert order[0] == 0 and sorted(order.tolist()) == list(range(52))
