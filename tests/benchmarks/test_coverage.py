"""The intervals hold the truth as often as they say, in a small world with a fixed seed."""

import numpy as np
import pytest

from benchmarks.coverage import format_coverage, measure, simulate, take_images, to_scores


@pytest.fixture(scope="module")
def measured():
    world = simulate(np.random.default_rng(1), 10_000, strengths=(-0.5, 0.5, 0.6))
    return measure(world, sizes=(1000,), repeats=60, resamples=100, pairs=[(0, 1), (1, 2)])


def coverage(tally, figure, groups):
    held = [pair for (name, group), pairs in tally.items() if name == figure and group in groups for pair in pairs]
    return np.mean(held, axis=0), len(held)


@pytest.mark.parametrize("figure", ["AP", "AP50", "difference of AP", "difference of AP50"])
def test_classes_are_covered(measured, figure):
    (narrow, wide), count = coverage(measured[0], figure, ["21 to 50 boxes", "51 to 200 boxes", "201 to 1,000 boxes"])
    assert 0.75 <= narrow <= 0.85 and 0.92 <= wide <= 0.98 and count > 800


@pytest.mark.parametrize("figure", ["AP", "AP50"])
def test_all_classes_together_are_covered(measured, figure):
    (narrow, wide), count = coverage(measured[0], figure, ["1,000 images"])
    assert 0.7 <= narrow <= 0.88 and 0.88 <= wide <= 0.99 and count == 180  # of 60 samples


def test_a_paired_interval_is_narrower(measured):
    assert all(0.3 < share < 0.8 for share in measured[1].values())


def test_images_taken_are_a_data_set_of_their_own():
    """Twice all the images is the same world again; some of them, those images alone."""
    world = simulate(np.random.default_rng(0), 300, strengths=(0.0,))[0]
    twice = take_images(world, np.tile(np.arange(300), 2))
    assert to_scores(twice).values["AP50", ""] == pytest.approx(to_scores(world).values["AP50", ""], abs=0.01)
    few = take_images(world, np.array([7, 3, 7]))
    for before, after in zip(world, few):
        assert after.truths[0].tolist() == before.truths[0][[3, 7, 7]].tolist()
        for image, was in enumerate([3, 7, 7]):
            assert (after.scores[after.images == image] == before.scores[before.images == was]).all()
            assert (after.found[..., after.images == image] == before.found[..., before.images == was]).all()


def test_tables_have_a_line_for_every_group(measured):
    lines = list(format_coverage(measured[0]))
    assert len(lines) == len(measured[0]) + 1 and lines[1].split()[:3] == ["AP", "1,000", "images"]
