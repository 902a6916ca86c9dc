"""Precision and recall of a class whose figures are worked out by hand."""

import numpy as np
import pytest

from evaluate.accumulate import RECALLS, UNDEFINED, precision_of, recall_of
from evaluate.matches import ClassMatches


def make_matches(found: list[bool], ignored: list[bool], ranks: list[int], truths: list[int]) -> ClassMatches:
    """Matches that are the same at one threshold for boxes of all sizes; none of a second size is there to be found."""
    count = len(found)
    return ClassMatches("cat", np.zeros(count, np.int32), np.linspace(1, 0, count), np.array(ranks, np.int32),
                        np.arange(count), np.array([[found], [[False] * count]]), np.array([[ignored]] * 2).reshape(
                            2, 1, count), np.array([truths, [0] * len(truths)]), np.full(count, -1, np.int32))


@pytest.mark.parametrize(("found", "ignored", "expected"), [
    ([1, 0, 1, 0], [0, 0, 0, 0], {0.0: 1, 0.25: 1, 0.26: 2 / 3, 0.5: 2 / 3, 0.51: 0, 1.0: 0}),
    ([1, 0, 1, 0], [0, 1, 0, 0], {0.0: 1, 0.25: 1, 0.26: 1, 0.5: 1, 0.51: 0}),
    ([0, 1, 1, 1], [0, 0, 0, 0], {0.0: 3 / 4, 0.75: 3 / 4, 0.76: 0}),
    ([0, 0, 0, 0], [0, 0, 0, 0], {0.0: 0, 1.0: 0}),
])
def test_precision_is_the_best_at_a_recall_or_beyond(found, ignored, expected):
    matches = make_matches([bool(f) for f in found], [bool(i) for i in ignored], [0, 1, 2, 3], [3, 1])
    table = precision_of([matches])
    assert table.shape == (1, 101, 1, 2) and (table[..., 1] == UNDEFINED).all()
    for recall, precision in expected.items():
        assert table[0, np.argmin(abs(RECALLS - recall)), 0, 0] == pytest.approx(precision, rel=1e-15)


def test_recall_counts_the_best_detections_of_each_image():
    matches = make_matches([True, False, True, True], [False] * 4, [0, 1, 2, 15], [3, 1])
    recall = recall_of([matches])
    assert recall.shape == (1, 1, 2, 3)
    assert recall[0, 0].tolist() == [[1 / 4, 2 / 4, 3 / 4], [UNDEFINED] * 3]
