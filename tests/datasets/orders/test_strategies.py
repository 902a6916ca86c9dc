import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.orders.order import hash_order
from datasets.orders.ranking import NO_RANKING
from datasets.orders.strategies import STRATEGIES, balanced_order
from tests.datasets.labelled import annotate, scenes

held = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 9), max_size=4)


def _order(annotations, draw=0):
    return balanced_order(annotations, hash_order(annotations.file_names, draw))


def _balance_slowly(images, hashed):
    """Return what `balanced_order` is defined to be, by looking at every class and image in every step."""
    totals = {name: sum(name in image for image in images) for name in set().union(*images)}
    left, order = list(hashed), []
    while True:
        present = [name for name in totals if any(name in images[i] for i in left)]
        if not present:
            return order + left
        rarest = min(present, key=lambda name: (sum(name in images[i] for i in order), totals[name], name))
        order.append(next(i for i in left if rarest in images[i]))
        left.remove(order[-1])


@pytest.mark.parametrize(("strategy", "order"), [
    ("random", [0, 2, 20, 21, 4, 22, 5, 13, 3, 12, 1, 7, 10, 17, 19, 18, 16, 8, 11, 15, 6, 23, 14, 9]),
    ("stratified", [23, 9, 2, 3, 0, 20, 12, 8, 21, 17, 18, 11, 15, 5, 7, 4, 22, 1, 6, 10, 14, 19, 13, 16]),
    ("balanced", [5, 23, 13, 1, 17, 9, 2, 20, 4, 22, 3, 12, 10, 19, 18, 16, 8, 11, 15, 6, 0, 21, 7, 14]),
])
def test_the_order_never_changes(strategy, order):
    """Published subsets depend on these numbers."""
    images = [{"a": 1 + i % 3, **({"b": i} if i % 4 == 1 else {}), **({"c": 1} if i % 9 == 5 else {})}
              if i % 7 else {} for i in range(24)]
    annotations = annotate(images)
    assert STRATEGIES[strategy](annotations, hash_order(annotations.file_names, 0), NO_RANKING).tolist() == order


@given(st.lists(held, min_size=1, max_size=30), st.integers(0, 3))
def test_the_class_with_the_fewest_images_comes_next(images, draw):
    annotations = annotate(images)
    hashed = hash_order(annotations.file_names, draw)
    assert balanced_order(annotations, hashed).tolist() == _balance_slowly(images, hashed.tolist())


def test_rare_classes_come_first_and_empty_images_last():
    images = [{"frequent": 1}] * 60 + [{"rare": 1}] * 5 + [{}] * 10
    order = _order(annotate(images))
    assert np.sort(order[:10]).tolist()[5:] == [60, 61, 62, 63, 64] and (order[-10:] >= 65).all()


@given(st.lists(held, min_size=1, max_size=30), st.permutations("abcdef"), st.randoms(use_true_random=False))
def test_the_balanced_order_depends_on_names_alone(images, categories, random):
    names = [f"{i}.jpg" for i in range(len(images))]
    before = annotate(images, "abcdef", names)
    places = random.sample(range(len(images)), len(images))
    after = annotate([images[p] for p in places], categories, [names[p] for p in places])
    assert [names[p] for p in _order(before)] == [after.file_names[p] for p in _order(after)]


def test_crowds_count_as_nothing():
    images = [image or {"#000": 1} for image in scenes(60, 4)]
    assert _order(annotate(images)).tolist() == _order(annotate(scenes(60, 4))).tolist()
