import dataclasses
import json
import os
from hashlib import blake2b
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.errors import InputError
from datasets.formats.coco import read_coco
from datasets.orders.order import (
    apply_order,
    fraction_of,
    hash_order,
    make_order,
    read_order,
    subset_size,
    write_order,
)
from datasets.orders.strategies import STRATEGIES
from tests.datasets.labelled import annotate, scenes

NAMES = [f"{i:06d}.jpg" for i in range(1, 9)]
names = st.lists(st.text("abc/0", min_size=1, max_size=6), unique=True, min_size=2, max_size=20)
held = st.dictionaries(st.sampled_from(["a", "b", "c", "#a"]), st.integers(1, 4), max_size=3)


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


@pytest.mark.parametrize(("count", "images", "fraction"), [
    (500, 2500, 20), (1000, 118287, 0.846), (1, 118287, 0.001), (118287, 118287, 100), (1, 1, 100), (1, 3, 34),
    (62, 2500, 2.5), (29, 100, 29), (2_999_999, 3_000_000, 99.99997),
])
def test_a_count_is_a_short_fraction(count, images, fraction):
    assert fraction_of(count, images) == fraction


@given(st.integers(1, 10_000_000), st.data())
def test_a_count_is_exactly_what_its_fraction_selects(images, data):
    count = data.draw(st.integers(1, images))
    assert subset_size(fraction_of(count, images), images) == count


@given(st.integers(1, 400), st.data())
def test_no_shorter_fraction_selects_a_count(images, data):
    count = data.draw(st.integers(1, images))
    shorter = [n / parts for parts in (1, 10, 100) for n in range(1, 100 * parts + 1)
               if n * images // (100 * parts) == count]
    assert not shorter or fraction_of(count, images) == shorter[0]


@pytest.mark.parametrize("count", [0, -1, 11])
def test_impossible_counts_are_refused(count):
    with pytest.raises(InputError, match=f"subset of {count} images .* take 1 to 10"):
        fraction_of(count, 10)


def test_an_order_is_read_as_it_was_written(coco, save, tmp_path):
    order = make_order(read_coco(save(coco)), 4, [100, 40, 66.7, 40])
    assert (order.strategy, order.draw, order.fractions, order.sizes) == ("random", 4, (40, 66.7, 100), [1, 2, 3])
    write_order(tmp_path / "order.json", order)
    assert read_order(tmp_path / "order.json") == order


def test_an_order_written_before_there_were_strategies_is_read(save):
    order = read_order(save({"strategy": "random", "draw": 1, "source": "a", "checksum": "b", "image_ids": [3, 1],
                             "fractions": [50, 100.0]}))
    assert (order.image_ids, order.fractions, order.ranking, order.left_out) == ((3, 1), (50, 100), "", ())


def test_a_written_order_has_a_line_per_field(coco, save, tmp_path):
    order = make_order(read_coco(save(coco)), 0, [100])
    write_order(tmp_path / "order.json", order)
    lines = (tmp_path / "order.json").read_text().splitlines()
    assert len(lines) == 2 + len(dataclasses.fields(order)) and f' "image_ids": {list(order.image_ids)},' in lines
    assert json.loads("".join(lines)) == json.loads(json.dumps(dataclasses.asdict(order)))


@pytest.mark.parametrize("strategy", ["random", "stratified", "balanced"])
def test_subsets_are_nested_whatever_the_strategy_and_the_fractions(strategy):
    """The order does not depend on the fractions, so that each subset contains every smaller one."""
    annotations = annotate(scenes(50, 4), ids=range(100, 150))
    few, many = make_order(annotations, 2, [10], strategy), make_order(annotations, 2, [5, 30, 100], strategy)
    assert few.image_ids == many.image_ids and sorted(many.image_ids) == list(range(100, 150))
    assert (few.strategy, few.draw, few.ranking, few.sizes, many.sizes) == (strategy, 2, "", [5], [2, 15, 50])


def _by_id(annotations):
    """Return what each image is and has, by id."""
    columns = (annotations.boxes, annotations.classes, annotations.crowd, annotations.areas)
    return {id_: (name, width, [column[first:last].tolist() for column in columns])
            for id_, name, width, first, last in zip(
                annotations.image_ids.tolist(), annotations.file_names, annotations.widths.tolist(),
                annotations.starts[:-1], annotations.starts[1:], strict=True)}


def _distinct(images, ids):
    """Return annotations in which no two images or boxes are alike."""
    annotations = annotate(images, "abc", ids=ids)
    numbers = np.arange(1.0, annotations.num_boxes + 1)
    return dataclasses.replace(annotations, widths=np.arange(len(images), dtype=np.int32) + 9, areas=numbers,
                               boxes=np.multiply.outer(numbers, [1.0, 2, 3, 4]))


@pytest.mark.parametrize("strategy", sorted(STRATEGIES))
@given(st.data(), st.lists(held, min_size=4, max_size=25))
def test_every_subset_contains_every_smaller_one_and_its_images_keep_their_boxes(tmp_path_factory, strategy, data,
                                                                                 images):
    """Each fraction is cut by itself, as if the others were asked for later."""
    annotations = _distinct(images, data.draw(st.permutations(range(100, 100 + len(images)))))
    draw, ranking = data.draw(st.integers(0, 99)), None
    if strategy == "order-file":
        draw, ranking = 0, tmp_path_factory.getbasetemp() / "ranking.txt"
        ranking.write_text("\n".join(data.draw(st.permutations(annotations.file_names))))
    tenths = st.integers(-(-1000 // len(images)), 1000)  # of a per cent
    subsets = []
    for fraction in sorted(data.draw(st.sets(tenths.map(lambda n: n / 10), min_size=2, max_size=5))):
        order = make_order(annotations, draw, [fraction], strategy, ranking)
        subsets.append(_by_id(apply_order(annotations, order).take(np.arange(*order.sizes))))
        assert [*subsets[-1]] == [*order.image_ids[:order.sizes[0]]]
    for smaller, larger in pairwise([*subsets, _by_id(annotations)]):
        assert smaller.items() <= larger.items()


def test_a_ranking_is_the_order_and_its_change_is_noticed(coco, save):
    annotations = read_coco(save(coco))
    orders = [make_order(annotations, 0, [100], "order-file", save(content, "ranking.txt"))
              for content in ("c\nb\nsub/a", "c\nb\nsub/a\n", "5\n3\n7")]
    assert [order.image_ids for order in orders] == [(5, 7, 3), (5, 7, 3), (5, 3, 7)]
    assert len({order.ranking for order in orders}) == 3


@pytest.mark.parametrize(("strategy", "draw", "ranking", "message"), [
    ("stratifed", 0, None, "no strategy 'stratifed'; did you mean 'stratified'"),
    ("order-file", 0, None, "order-file needs a ranking"),
    ("balanced", 0, "ranking.txt", "ranking.txt: the strategy balanced takes no ranking"),
    ("order-file", 1, "ranking.txt", "ranking.txt: a ranking is one order, which draw 1 would only repeat"),
    ("order-file", 0, "absent.txt", "absent.txt: No such file"),
])
def test_strategies_that_cannot_be_are_refused(strategy, draw, ranking, message):
    with pytest.raises(InputError, match=message):
        make_order(annotate([{}]), draw, [100], strategy, ranking)


@pytest.mark.parametrize("strategy", set(STRATEGIES) - {"order-file"})
def test_a_single_image_is_ordered(strategy):
    assert make_order(annotate([{"a": 2}]), 0, [100], strategy).image_ids == (0,)


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


@given(st.text(alphabet="ab./", min_size=1, max_size=8))
def test_the_extension_is_what_python_takes_for_it(name):
    roots = {name: os.path.splitext(name)[0], "other.jpg": "other"}
    keys = {n: blake2b(f"3 {root}".encode(), digest_size=8).digest() for n, root in roots.items()}
    assert hash_order([*keys], 3).tolist() == sorted(range(len(keys)), key=[*keys.values()].__getitem__)
