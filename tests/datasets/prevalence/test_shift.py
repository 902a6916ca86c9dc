import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.prevalence.shift import distance, shift, significant


def a_table(train, validation, number=(1000, 200), boxes=None):
    """Return a table of classes a, b, ... in `train` and `validation` images of `number`; a box in each, or `boxes`."""
    rows = [(split, 100.0, size, chr(97 + k), box, image)
            for split, size, images, each in zip(("train", "validation"), number, (train, validation),
                                                 boxes or (train, validation))
            for k, (image, box) in enumerate(zip(images, each))]
    return pd.DataFrame(rows, columns=["split", "fraction", "subset", "class", "boxes", "images"])


def test_shares_of_images_and_their_ratio():
    row = shift(a_table([100], [30])).iloc[0]
    assert (row["class"], row["train"], row["validation"]) == ("a", 0.1, 0.15)
    assert row["ratio"] == pytest.approx(1.5) and row["low"] < 1.5 < row["high"]


def test_the_largest_training_subset_is_compared_and_the_number_of_boxes_does_not_matter():
    table = a_table([100, 50], [20, 10], boxes=([100, 50], [900, 800]))
    small = table[table["split"] == "train"].assign(fraction=10.0, subset=100, images=0, boxes=0)
    shifts = shift(pd.concat([small, table], ignore_index=True))
    assert shifts["ratio"].tolist() == pytest.approx([1, 1]) and not significant(shifts).any()


@pytest.mark.parametrize(("train", "validation", "ratio", "low", "high"), [
    (0, 30, math.inf, 38.7, math.inf), (100, 0, 0, 0, 0.185), (0, 0, math.nan, 0, math.inf),
    (1000, 200, 1, 0.982, 1.004), (100, 20, 1, 0.602, 1.576)])
def test_intervals_worked_out_by_hand(train, validation, ratio, low, high):
    """Of 1000 and 200 images: from the Clopper-Pearson limits, by Newcombe's formula."""
    row = shift(a_table([train], [validation])).iloc[0]
    assert row["ratio"] == pytest.approx(ratio, nan_ok=True)
    assert (row["low"], row["high"]) == pytest.approx((low, high), rel=5e-3)


@given(st.integers(0, 50), st.integers(0, 30))
def test_the_interval_holds_the_ratio_and_turns_over_with_the_splits(train, validation):
    row = shift(a_table([train], [validation], (50, 30))).iloc[0]
    other = shift(a_table([validation], [train], (30, 50))).iloc[0]
    assert math.isnan(row["ratio"]) or row["low"] <= row["ratio"] <= row["high"]
    with np.errstate(divide="ignore"):
        assert row["low"] == pytest.approx(np.divide(1, other["high"]), rel=1e-6)


@pytest.mark.parametrize("ratio", [1, 3])
def test_all_intervals_hold_together_in_95_of_100_cases(ratio):
    """Of 40 classes, from rare to frequent. A single interval of 95 % would fail in 87 of 100 cases."""
    rng = np.random.default_rng(0)
    shares = np.geomspace(0.0005, 0.3, 40)
    failures = 0
    for _ in range(200):
        shifts = shift(a_table(rng.binomial(20_000, shares), rng.binomial(1000, ratio * shares), (20_000, 1000)))
        failures += ((shifts["low"] > ratio) | (shifts["high"] < ratio)).any()
    assert failures <= 20  # more than 10 with a probability of 2e-3


def test_a_real_shift_is_found():
    shifts = shift(a_table([100] * 80, [20] * 79 + [60]))
    assert shifts["class"][significant(shifts)].tolist() == [chr(97 + 79)]


@pytest.mark.parametrize(("train", "validation", "expected"), [
    ([10, 0], [0, 5], 1), ([10, 30], [5, 15], 0), ([10, 10], [30, 10], 0.25)])
def test_the_distance_between_mixes_of_boxes(train, validation, expected):
    assert distance(a_table(train, validation))[0] == pytest.approx(expected)


def test_there_is_no_distance_without_boxes():
    assert all(map(math.isnan, distance(a_table([10, 5], [0, 0]))))


@pytest.mark.parametrize("crowding", [1, 4])
def test_chance_alone_is_what_random_splits_show(crowding):
    rng = np.random.default_rng(1)
    shares = np.geomspace(0.01, 0.5, 20)
    boxes = (rng.random((3000, 20)) < shares) * rng.geometric(1 / crowding, (3000, 20))
    measured, expected = [], []
    for _ in range(40):
        order = rng.permutation(3000)
        parts = boxes[order[300:]], boxes[order[:300]]
        table = a_table(*((part > 0).sum(axis=0) for part in parts), (2700, 300),
                        [part.sum(axis=0) for part in parts])
        for values, value in zip((measured, expected), distance(table)):
            values.append(value)
    assert np.mean(expected) == pytest.approx(np.mean(measured), rel=0.15)
