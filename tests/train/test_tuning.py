import json

import numpy as np
import pytest

from datasets.errors import InputError
from datasets.orders.hold_out import hold_out
from datasets.read import read
from detectors import runtime

runtime.start()

from study.config import Tuning  # noqa: E402
from tests.small import write_split  # noqa: E402
from train.tuning import Look, Looks, cut  # noqa: E402


@pytest.fixture(scope="module")
def subset(tmp_path_factory):
    root = tmp_path_factory.mktemp("paint")
    write_split(root, "train", 60)
    return read(root / "annotations/instances_train.json")[0]


def add(looks, *aps):
    """Look every 10 steps."""
    for ap in aps:
        looks.add(Look(10 * (len(looks.looks) + 1), ap))


@pytest.mark.parametrize(("patience", "aps", "best", "stopped"), [
    (2, [0.1, 0.3, 0.2], 20, False),
    (2, [0.1, 0.3, 0.2, 0.29], 20, True),
    (2, [0.1, 0.3, 0.2, 0.31], 40, False),
    (2, [0.0, 0.0, 0.0, 0.0], 40, False),  # nothing learnt yet
    (0, [0.5, 0.1, 0.1, 0.1, 0.1, 0.1], 10, False),
    (1, [0.5, 0.4], 10, True),
])
def test_training_stops_after_so_many_looks_without_a_better_one(tmp_path, patience, aps, best, stopped):
    looks = Looks(tmp_path / "tuning.json", Tuning(patience=patience))
    add(looks, *aps)
    assert (looks.best.step, looks.stopped) == (best, stopped)


@pytest.mark.parametrize(("every", "steps", "seen", "due"), [
    (10, 35, [], [10, 20, 30, 35]), (10, 30, [0.1], [20, 30]), (50, 30, [], [30]), (10, 20, [0.1, 0.2], []),
])
def test_looks_are_due_every_so_many_steps_and_at_the_end(tmp_path, every, steps, seen, due):
    looks = Looks(tmp_path / "tuning.json", Tuning(every=every))
    add(looks, *seen)
    assert looks.due(steps) == due


def test_a_killed_training_finds_its_looks_again_but_for_those_whose_weights_are_lost(tmp_path):
    path = tmp_path / "tuning.json"
    looks = Looks(path, Tuning())
    looks.images = 7
    add(looks, 0.1, 0.3, 0.2)
    assert not Looks(path, Tuning()).finished
    looks.finish()
    again = Looks(path, Tuning())
    assert (again.looks, again.images, again.finished, again.best) == (looks.looks, 7, True, Look(20, 0.3))
    again.forget_after(19)
    assert again.looks == [Look(10, 0.1)]
    assert json.loads(path.read_text())["best"] == {"step": 20, "ap": 0.3}


def test_a_worker_that_is_not_the_chief_writes_nothing(tmp_path):
    looks = Looks(tmp_path / "tuning.json", Tuning(), write=False)
    add(looks, 0.1)
    looks.finish()
    assert looks.best == Look(10, 0.1) and not list(tmp_path.iterdir())


def test_the_split_goes_by_name_and_is_not_that_of_a_validation_set(subset):
    split = cut(subset, Tuning(hold_out=30.0), "cell")
    assert 6 <= split.num_images <= 30
    half = subset.take(np.arange(0, 60, 2))
    names = set(cut(half, Tuning(hold_out=30.0), "cell").file_names)
    assert names == set(split.file_names) & set(half.file_names)
    assert set(split.file_names) != set(hold_out(subset, 30.0)[1].file_names)


@pytest.mark.parametrize(("images", "percent"), [(60, 0.001), (60, 99.999), (1, 50.0), (0, 50.0)])
def test_a_split_that_is_empty_or_takes_all_is_an_error(subset, images, percent):
    with pytest.raises(InputError, match=r"paint 1 %: a tuning split of .* % of \d+ images has .* change tuning"):
        cut(subset.take(np.arange(images)), Tuning(hold_out=percent), "paint 1 %")
