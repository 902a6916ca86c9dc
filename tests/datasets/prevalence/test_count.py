import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.annotations import Annotations
from datasets.errors import InputError
from datasets.formats.coco import read_coco
from datasets.orders.order import hash_order
from datasets.prevalence.count import count, largest_subset, tabulate, validation_set


@st.composite
def annotated(draw):
    counts = draw(st.lists(st.integers(0, 5), min_size=1, max_size=8))
    images, boxes = len(counts), sum(counts)
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    return Annotations(("a", "b", "c"), (1, 2, 3), np.arange(images), tuple(f"{i}.jpg" for i in range(images)),
                       np.full(images, 200, np.int32), np.full(images, 200, np.int32),
                       np.concatenate([[0], np.cumsum(counts)]), np.tile([10.0, 10, 20, 20], (boxes, 1)),
                       rng.integers(0, 3, boxes).astype(np.int32), rng.random(boxes) < 0.2,
                       rng.choice([1.0, 1023.9, 1024, 5000, 9215.9, 9216, 1e6], boxes))


@settings(deadline=None, max_examples=50)
@given(annotated(), st.data())
def test_counts_equal_those_of_a_plain_loop(annotations, data):
    sizes = data.draw(st.lists(st.integers(1, annotations.num_images), unique=True, min_size=1))
    table = count(annotations, sizes)
    assert len(table) == 3 * len(sizes)
    images = annotations.image_of_box()
    for row in table.to_dict("records"):
        mine = [b for b in range(annotations.num_boxes) if images[b] < row["subset"] and not annotations.crowd[b]
                and annotations.categories[annotations.classes[b]] == row["class"]]
        areas = [annotations.areas[b] for b in mine]
        assert row["boxes"] == len(mine)
        assert row["images"] == len({images[b] for b in mine})
        assert row["small"] == sum(a < 32**2 for a in areas)
        assert row["medium"] == sum(32**2 <= a < 96**2 for a in areas)
        assert row["large"] == sum(a >= 96**2 for a in areas)


def test_the_table_holds_every_split_and_fraction(coco, save):
    annotations = read_coco(save(coco))
    table = tabulate(annotations, [100, 40, 41], annotations)
    assert list(table) == ["split", "fraction", "subset", "class", "boxes", "images", "small", "medium", "large"]
    assert table.groupby(["split", "fraction"])["subset"].first().to_dict() == {
        ("train", 40): 1, ("train", 41): 1, ("train", 100): 3, ("validation", 100): 3}
    whole = table[table["fraction"] == 100].set_index(["split", "class"])["boxes"].to_dict()
    for split in ("train", "validation"):
        assert [whole[split, name] for name in annotations.categories] == [1, 0, 1]  # the crowd is not counted


@settings(deadline=None, max_examples=50)
@given(annotated(), st.data())
def test_subsets_are_prefixes_of_the_order_that_is_given(annotations, data):
    order = np.array(data.draw(st.permutations(range(annotations.num_images))))
    table = tabulate(annotations, [50, 100], positions=order) if len(order) > 1 else tabulate(annotations, [100])
    for rows in (rows for _, rows in table.groupby("fraction")):
        part = annotations.take(order[:rows["subset"].iloc[0]])
        expected = np.bincount(part.classes[~part.crowd], minlength=3)
        assert rows["boxes"].tolist() == expected.tolist()


def test_an_order_of_fewer_images_is_the_whole(coco, save):
    annotations = read_coco(save(coco))
    table = tabulate(annotations, [50, 100], positions=np.array([2, 0]))
    assert table["subset"].unique().tolist() == [1, 2]


def test_without_an_order_the_hash_of_the_draw_gives_one(coco, save):
    annotations = read_coco(save(coco))
    for draw in range(4):
        given_order = tabulate(annotations, [40, 100], positions=hash_order(annotations.file_names, draw))
        assert tabulate(annotations, [40, 100], draw=draw).equals(given_order)


def test_the_largest_subset_and_validation_are_sorted_by_training_boxes(coco, save):
    annotations = read_coco(save(coco))
    table = tabulate(annotations, [100, 40], annotations)
    assert largest_subset(table)["boxes"].to_dict() == {"cat": 1, "dog": 1, "traffic light": 0}
    assert largest_subset(table)["subset"].unique().tolist() == [3]
    assert list(validation_set(table).index) == list(largest_subset(table).index)
    assert validation_set(tabulate(annotations, [100])).empty


def test_impossible_fractions_are_refused(coco, save):
    with pytest.raises(InputError, match="selects none"):
        tabulate(read_coco(save(coco)), [1])


def test_training_counts_what_is_learnt_from_and_validation_what_is_to_be_found(coco, save):
    coco["annotations"][1]["bbox"] = [10, 20, 30, 0]
    annotations = read_coco(save(coco))
    table = tabulate(annotations, [100], annotations).set_index(["split", "class"])["boxes"]
    assert table["train"].to_dict() == {"cat": 0, "traffic light": 0, "dog": 1}
    assert table["validation"].to_dict() == {"cat": 1, "traffic light": 0, "dog": 1}
