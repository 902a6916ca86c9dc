"""Resampling by weights is exact, and its error bars hold the truth as often as they say."""

from dataclasses import replace

import numpy as np
import pytest

from evaluate.bootstrap import bootstrap, draw_weights, reduce_precision, resample_precision
from evaluate.coco import ALL, score
from evaluate.matches import ClassMatches
from evaluate.result import error_bar


def accumulate(matches, weights):
    """Return the figures under one row of weights."""
    samples = reduce_precision(matches, resample_precision(matches, np.asarray(weights)[None]))
    return {key: values[0] for key, values in samples.items()}


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("settings", [{}, {"digits": 1}, {"crowd": 0.6}, {"images": 6, "classes": 9}], ids=str)
def test_weights_of_one_give_cocoeval(case_of, seed, settings):
    case = case_of(seed, **settings)
    scores = score(case.truth, case.detections)
    for key, value in accumulate(scores.matches, np.ones(case.truth.num_images, int)).items():
        assert value == pytest.approx(scores.values[key], abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("seed", range(4))
def test_a_weight_is_that_many_copies_of_the_image(case_of, seed):
    """Against COCOeval on a data set in which every image really is there as often as its weight says."""
    case = case_of(seed, digits=12)
    weights = np.random.default_rng(seed).integers(0, 4, case.truth.num_images)
    copies = case.truth.take(np.repeat(np.arange(case.truth.num_images), weights))
    copies = replace(copies, image_ids=np.arange(copies.num_images))
    first = dict(zip(case.truth.image_ids.tolist(), np.cumsum(weights) - weights))
    times = dict(zip(case.truth.image_ids.tolist(), weights.tolist()))
    detections = [{**d, "image_id": int(first[d["image_id"]] + c)}
                  for d in case.detections for c in range(times[d["image_id"]])]
    expected = score(copies, detections).values
    for key, value in accumulate(score(case.truth, case.detections).matches, weights).items():
        assert value == pytest.approx(expected[key], abs=1e-12, nan_ok=True)


def test_a_class_missing_from_a_resample_is_left_out_of_its_mean(case_of):
    case = case_of(1)
    matches = score(case.truth, case.detections).matches
    values = accumulate(matches, matches[1].truths == 0)
    rest = [values["AP", m.name] for m in matches[2:]]
    assert np.isnan(values["AP", matches[1].name])
    assert values["AP", ALL] == pytest.approx(np.mean(rest), abs=1e-15)


def test_samples_depend_on_the_seed_alone(case_of):
    case = case_of(0)
    matches = score(case.truth, case.detections).matches
    once, again, other = (bootstrap(matches, 20, seed)["AP", ALL] for seed in (0, 0, 1))
    assert (once == again).all() and (once != other).any() and once.shape == (20,)


def test_every_resample_draws_as_many_images_as_there_are(case_of):
    case = case_of(0)
    weights = draw_weights(score(case.truth, []).matches, 50, seed=3)
    assert (weights.sum(axis=1) == case.truth.num_images).all()
    assert weights.mean(axis=0) == pytest.approx(np.ones(case.truth.num_images), abs=0.6)


def test_no_resamples_and_no_detections(case_of):
    matches = score(case_of(0).truth, []).matches
    assert bootstrap(matches, 0, seed=0)["AP", ALL].shape == (0,)
    assert (bootstrap(matches, 5, seed=0)["AP", ALL] == 0).all()


def simulate(rng: np.random.Generator, images: int) -> list[ClassMatches]:
    """Draw images of a world: some hard and some easy, their boxes found or not, false alarms among them."""
    ease = rng.normal(size=images)
    truths = rng.poisson(1.5, images)
    box_image = np.repeat(np.arange(images), truths)
    found_image = box_image[rng.random(len(box_image)) < 1 / (1 + np.exp(-1 - ease[box_image]))]
    iou = np.clip(rng.beta(6, 2, len(found_image)) + 0.05 * np.tanh(ease[found_image]), 0, 1)
    stray_image = np.repeat(np.arange(images), rng.poisson(3, images))
    scores = np.concatenate([4 * iou - 2 + rng.normal(size=len(iou)), rng.normal(0, 1.2, len(stray_image))])
    found = np.concatenate([iou >= np.linspace(0.5, 0.95, 10)[:, None], np.zeros((10, len(stray_image)), bool)], axis=1)
    order = np.argsort(-scores)
    return [ClassMatches("class", np.concatenate([found_image, stray_image]).astype(np.int32)[order], scores[order],
                         found[:, order], np.zeros_like(found), truths)]


def test_error_bars_cover_the_value_over_endless_images():
    rng = np.random.default_rng(0)
    endless = accumulate(simulate(rng, 100_000), np.ones(100_000, int))["AP", ALL]
    covered, errors, stderrs = [], [], []
    for seed in range(150):
        sample = simulate(rng, 200)
        value = accumulate(sample, np.ones(200, int))["AP", ALL]
        stderr, low, high = error_bar(value, bootstrap(sample, 100, seed)["AP", ALL])
        covered.append(low <= endless <= high)
        errors.append(value - endless)
        stderrs.append(stderr)
    assert 0.89 <= np.mean(covered) <= 0.99
    assert np.mean(stderrs) == pytest.approx(np.std(errors), rel=0.2)
