from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.errors import InputError
from datasets.formats.coco import read_coco
from datasets.orders.order import FRACTIONS, subset_size
from datasets.settings import convert, read_yaml
from detectors.checkpoints.zoo import ZOO
from study.config import CONFIGS, DetectorConfig
from study.init.proposal import (
    CHECKPOINT,
    choose_detector,
    choose_fit_up_to,
    choose_fractions,
    propose,
    share_of_small_boxes,
)
from study.load import load_study
from tests.small import write_dataset


@pytest.fixture
def train(tmp_path):
    return read_coco(write_dataset(tmp_path / "paint") / "annotations/instances_train.json")


@pytest.mark.parametrize(("images", "classes", "fractions"), [
    (118_287, 80, FRACTIONS),
    (5_000, 80, (5, 10, 15, 20, 30, 50, 75, 100)),  # two images a class: 160
    (292, 3, (10, 15, 20, 30, 50, 75, 100)),  # sixteen images
    (100, 3, (20, 30, 50, 75, 100)),
    (60, 3, (5, 10, 20, 50, 100)),  # only four sizes would have sixteen images
    (10, 3, (10, 20, 50, 100)),  # 5 % is none
])
def test_fractions_have_enough_images(images, classes, fractions):
    assert choose_fractions(images, classes) == fractions


@given(st.integers(10, 10**6), st.integers(1, 1000))
def test_fractions_suit_a_forecast(images, classes):
    fractions = choose_fractions(images, classes)
    sizes = [subset_size(fraction, images) for fraction in fractions]
    assert sizes == sorted(set(sizes)) and fractions[-1] == 100
    assert len(fractions) >= (5 if images >= 20 else 4)
    limit = choose_fit_up_to(fractions)
    assert sum(fraction <= limit for fraction in fractions) >= 3 and limit < 100


@pytest.mark.parametrize("images", [0, 1, 9])
def test_too_few_images_are_refused(images):
    with pytest.raises(InputError, match=f"{images} training images are too few"):
        choose_fractions(images, 1)


@pytest.mark.parametrize(("fractions", "limit"), [
    (FRACTIONS, 20), ((5, 10, 20, 50, 100), 20), ((20, 30, 50, 75, 100), 50), ((10, 20, 50, 100), 50)])
def test_three_subsets_are_fitted(fractions, limit):
    assert choose_fit_up_to(fractions) == limit


def test_the_recipe_turns_where_the_floor_of_the_other_ends():
    """The detector's own: 20 epochs of batches of 12, 2,000 steps at least, which is 1,200 images."""
    assert choose_detector(1200)[0].keys() == {"base", "checkpoint"}
    assert choose_detector(1199)[0]["recipes"]["scaled"]["min_steps"] == 200


def test_few_images_take_what_the_bccd_study_was_measured_with():
    entry = choose_detector(292)[0]
    measured = load_study("configs/studies/bccd.yaml", roots={"bccd": "."}).detectors[0].recipes["scaled"]
    plain = {key: value for key, value in entry.items() if key != "base"} | {"name": "x"}
    ours = convert(plain, DetectorConfig, "test").recipes["scaled"]
    assert (ours.batch_size, ours.epochs, ours.min_steps, ours.learning_rate, ours.augment) == (
        measured.batch_size, measured.epochs, measured.min_steps, measured.learning_rate, measured.augment)


@pytest.mark.parametrize("images", [100, 5000])
@pytest.mark.parametrize("place", ["{}.tar.gz", "{}/model.ckpt.index"])
def test_a_checkpoint_that_is_at_hand_is_fine_tuned(tmp_path, monkeypatch, images, place):
    monkeypatch.setattr("study.checkpoints.REPOSITORY", tmp_path)
    scratch, reason = choose_detector(images)
    assert scratch["checkpoint"] == "" and "trained from scratch" in reason
    assert f"python -m detectors get {CHECKPOINT} and change that line to checkpoint: {CHECKPOINT}" in reason
    file = tmp_path / "checkpoints" / place.format(CHECKPOINT)
    file.parent.mkdir(parents=True)
    file.touch()
    file.with_name("model.ckpt.data-00000-of-00001").touch()
    tuned, reason = choose_detector(images)
    assert tuned == scratch | {"checkpoint": CHECKPOINT} and "fine-tuned" in reason


def test_the_checkpoint_is_the_detectors_own_and_classes_are_carried_over():
    detector = read_yaml(CONFIGS / "models" / "ssd_mobilenet_v2.yaml")
    assert detector["checkpoint"] == CHECKPOINT in ZOO
    assert detector["recipes"]["scaled"]["restore"] == "labels"


def test_small_boxes_are_counted_at_the_detectors_input(train):
    boxes = train.boxes.copy()
    boxes[:, 2:] = 20
    sizes = {"widths": np.full(train.num_images, 600), "heights": np.full(train.num_images, 900)}
    boxes[:10, 2:] = (15.9, 100)  # 7.95 pixels wide at 300
    boxes[10:15, 2:] = (100, 23.9)  # 7.97 high
    boxes[15:20, 2:] = (16, 24)  # 8 by 8
    boxes[20:, 2:] = (60, 60)
    changed = replace(train, boxes=boxes, **sizes)
    boxes[:, :2] = 0
    assert share_of_small_boxes(changed) == pytest.approx(15 / train.num_boxes)
    assert share_of_small_boxes(changed, 600) == 0


def test_a_proposal_gives_a_reason_for_everything(train):
    settings, reasons = propose(train)
    assert {word for key, _ in reasons for word in key.split(", ")} == settings.keys()
    assert settings["draws"] == settings["seeds"] == {"up_to": settings["fractions"][0], "count": 2}
