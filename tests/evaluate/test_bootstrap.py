"""Resampling by weights is exact. How often its error bars hold the truth: tests/benchmarks/test_coverage.py."""

from dataclasses import replace

import numpy as np
import pytest

from datasets.annotations import Annotations
from evaluate.bootstrap import LANES, bootstrap, draw_weights, reduce_precision, resample_precision
from evaluate.coco import ALL, score
from evaluate.detections import Detections, join

NOTHING = join([])


def accumulate(matches, weights):
    """Return the figures under one weight per image."""
    samples = reduce_precision(matches, resample_precision(matches, np.asarray(weights)[:, None]))
    return {key: values[0] for key, values in samples.items()}


def copy_images(truth: Annotations, detections: Detections, times: np.ndarray) -> tuple[Annotations, Detections]:
    """Return a data set in which every image really is there as often as `times` [I] says."""
    copies = truth.take(np.repeat(np.arange(truth.num_images), times))
    again = np.repeat(np.arange(len(detections)), times[detections.images])
    copy = np.concatenate([np.arange(times[i]) for i in detections.images] or [np.empty(0, int)])
    images = (np.cumsum(times) - times)[detections.images[again]] + copy
    return replace(copies, image_ids=np.arange(copies.num_images)), Detections(
        images.astype(np.int32), detections.classes[again], detections.boxes[again], detections.scores[again])


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("settings", [{}, {"digits": 1}, {"crowd": 0.6}, {"images": 6, "classes": 9}], ids=str)
def test_weights_of_one_give_cocoeval(case_of, seed, settings):
    case = case_of(seed, **settings)
    scores = score(case.truth, case.detections)
    for key, value in accumulate(scores.matches, np.ones(case.truth.num_images, int)).items():
        assert value == pytest.approx(scores.values[key], abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("boxes", [1, 2, 29, 57, 100, 200])
def test_recalls_on_the_grid_are_compared_as_cocoeval_does(case_of, boxes):
    """Where the boxes found are whole hundredths of the boxes, rounding decides which place of the grid is reached."""
    truth = case_of(0, images=250, crowd=0).truth
    rows = np.flatnonzero(truth.classes == 1)
    truth.classes[rows[boxes:]] = 2
    rows = rows[:boxes]
    worse = np.linspace(0, 8, boxes)[:, None] * [1, 1, 0, 0]
    detections = Detections(truth.image_of_box()[rows].astype(np.int32), truth.classes[rows], truth.boxes[rows] + worse,
                            np.linspace(1, 0, boxes))
    scores = score(truth, detections)
    assert scores.matches[1].truths[0].sum() == boxes and 0 < scores.values["AP", "class 1"] < 1 or boxes == 1
    value = accumulate(scores.matches, np.ones(truth.num_images, int))["AP", "class 1"]
    assert value == pytest.approx(scores.values["AP", "class 1"], abs=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_a_weight_is_that_many_copies_of_the_image(case_of, seed):
    case = case_of(seed, digits=12)
    weights = np.random.default_rng(seed).integers(0, 4, case.truth.num_images)
    expected = score(*copy_images(case.truth, case.detections, weights)).values
    for key, value in accumulate(score(case.truth, case.detections).matches, weights).items():
        assert value == pytest.approx(expected[key], abs=1e-12, nan_ok=True)


def test_resamples_side_by_side_are_those_one_by_one(case_of):
    case = case_of(2, crowd=0.4)
    matches = score(case.truth, case.detections).matches
    weights = draw_weights(case.truth.num_images, range(7), seed=0)
    together = resample_precision(matches, weights)
    alone = np.concatenate([resample_precision(matches, weights[:, [r]]) for r in range(7)])
    assert np.array_equal(together, alone, equal_nan=True)


def test_a_class_missing_from_a_resample_is_left_out_of_its_mean(case_of):
    case = case_of(1)
    matches = score(case.truth, case.detections).matches
    values = accumulate(matches, matches[1].truths[0] == 0)
    rest = [values["AP", m.name] for m in matches[2:]]
    assert np.isnan(values["AP", matches[1].name])
    assert values["AP", ALL] == pytest.approx(np.mean(rest), abs=1e-15)


def test_samples_depend_on_the_seed_alone(case_of):
    case = case_of(0)
    matches = score(case.truth, case.detections).matches
    once, again, other = (bootstrap(matches, 20, seed)["AP", ALL] for seed in (0, 0, 1))
    assert (once == again).all() and (once != other).any() and once.shape == (20,)
    more = bootstrap(matches, LANES + 30, 0)["AP", ALL]
    assert (more[:20] == once).all() and len(np.unique(more)) > LANES


def test_two_resamples_share_the_images_out_between_them():
    weights = draw_weights(25, range(100, 150), seed=3)
    assert set(np.unique(weights)) == {0, 1} and (weights[:, ::2] + weights[:, 1::2] == 1).all()
    assert (weights[:, ::2].sum(axis=0) == 13).all() and len(np.unique(weights, axis=1).T) == 50
    assert weights.mean(axis=1) == pytest.approx(np.full(25, 0.5), abs=1e-12)
    assert (draw_weights(25, range(130, 140), seed=3) == weights[:, 30:40]).all()


def test_halves_vary_as_samples_of_the_whole_size_do():
    """The standard error of a mean over images is that of the textbook."""
    figures = np.random.default_rng(0).normal(size=200)
    weights = draw_weights(200, range(4000), seed=0)
    spread = np.std(figures @ weights / weights.sum(axis=0))
    assert spread == pytest.approx(figures.std(ddof=1) / np.sqrt(200), rel=0.05)


def test_no_resamples_and_no_detections(case_of):
    matches = score(case_of(0).truth, NOTHING).matches
    assert bootstrap(matches, 0, seed=0)["AP", ALL].shape == (0,)
    assert (bootstrap(matches, 5, seed=0)["AP", ALL] == 0).all()
