"""Which detections are mistakes, of which kind, which boxes are missed, and which images show them."""

import numpy as np
import pytest

from datasets.annotations import Annotations
from evaluate.detections import Detections
from evaluate.matches import match
from evaluate.mistakes import (
    BACKGROUND,
    BOTH,
    CLASSIFICATION,
    DUPLICATE,
    KINDS,
    LOCALIZATION,
    MISSED,
    RIGHT,
    UNCOUNTED,
    Example,
    choose_examples,
    judge,
)

CLASSES = "cat", "dog", "owl"
BOX, APART = [10, 10, 20, 20], [60, 60, 20, 20]
SHIFTED, ASIDE, FAR = [14, 10, 20, 20], [22, 10, 20, 20], [28, 28, 20, 20]  # IoU with BOX: 2/3, 1/4, 1/199


def truth_of(*images):
    """Return the truth of images that are lists of (class, box) or (class, box, True) for a crowd; 100 x 100 pixels."""
    rows = [(*row, False)[:3] for image in images for row in image]
    boxes = np.array([box for _, box, _ in rows], float).reshape(-1, 4)
    number = len(images)
    return Annotations(CLASSES, (7, 3, 5), np.arange(number) * 3 + 1, tuple(f"{i}.jpg" for i in range(number)),
                       np.full(number, 100, np.int32), np.full(number, 100, np.int32),
                       np.cumsum([0, *map(len, images)]), boxes,
                       np.array([CLASSES.index(name) for name, _, _ in rows], np.int32),
                       np.array([crowd for _, _, crowd in rows], bool), boxes[:, 2] * boxes[:, 3], "truth.json")


def detections_of(*rows):
    """Return detections of (image, class, box, score)."""
    return Detections(np.array([row[0] for row in rows], np.int32),
                      np.array([CLASSES.index(row[1]) for row in rows], np.int32),
                      np.array([row[2] for row in rows], float).reshape(-1, 4),
                      np.array([row[3] for row in rows], float))


def judged(truth, detections, min_score=0.3):
    return judge(truth, detections, match(truth, detections), min_score)


def kinds_of(verdicts):
    return [KINDS[kind] if kind != UNCOUNTED else None for kind in verdicts.kinds]


@pytest.mark.parametrize(("there", "name", "box", "kind"), [
    ([("cat", BOX)], "cat", BOX, RIGHT), ([("cat", BOX)], "cat", SHIFTED, RIGHT),
    ([("cat", BOX)], "dog", SHIFTED, CLASSIFICATION), ([("cat", BOX)], "cat", ASIDE, LOCALIZATION),
    ([("cat", BOX)], "dog", ASIDE, BOTH), ([("cat", BOX)], "cat", FAR, BACKGROUND), ([], "cat", BOX, BACKGROUND),
    ([("cat", BOX)], "dog", FAR, BACKGROUND),
    ([("cat", BOX), ("dog", ASIDE)], "dog", BOX, CLASSIFICATION),  # and by its own class
    ([("cat", ASIDE), ("dog", [16, 10, 20, 20])], "dog", BOX, RIGHT),
    ([("cat", BOX, True)], "cat", BOX, None), ([("cat", BOX, True)], "dog", BOX, BACKGROUND),
])
def test_a_detection_is_told_by_what_it_lies_on(there, name, box, kind):
    truth = truth_of([("owl", APART)], there, [("cat", APART), ("dog", APART)])  # no class is without boxes
    verdicts = judged(truth, detections_of((1, name, box, 0.9)))
    assert kinds_of(verdicts) == [kind]
    met = kind == RIGHT
    assert verdicts.missed.tolist() == [True, *(not crowd and not (met and CLASSES[k] == name) for k, crowd in
                                                zip(truth.classes[1:-2], truth.crowd[1:-2])), True, True]


def test_of_two_on_one_box_the_surer_is_right_and_the_other_a_duplicate():
    truth = truth_of([("cat", BOX)])
    detections = detections_of((0, "cat", BOX, 0.8), (0, "cat", SHIFTED, 0.9), (0, "cat", BOX, 0.2))
    assert kinds_of(judged(truth, detections)) == [DUPLICATE, RIGHT, None]
    assert judged(truth, detections).count() == {RIGHT: 1, DUPLICATE: 1, CLASSIFICATION: 0, LOCALIZATION: 0, BOTH: 0,
                                                 BACKGROUND: 0, MISSED: 0}


def test_below_the_score_nothing_is_met():
    truth, detections = truth_of([("cat", BOX)]), detections_of((0, "cat", BOX, 0.3))
    assert [judged(truth, detections, s).missed.tolist() for s in (0.3, 0.31)] == [[False], [True]]


def test_a_class_without_boxes_does_not_count():
    truth = truth_of([("cat", BOX), ("dog", APART, True)])
    verdicts = judged(truth, detections_of((0, "owl", BOX, 0.9), (0, "dog", BOX, 0.9), (0, "cat", APART, 0.9)))
    assert kinds_of(verdicts) == [None, None, BACKGROUND]


def test_beyond_the_best_hundred_nothing_counts():
    truth = truth_of([("cat", BOX)])
    verdicts = judged(truth, detections_of(*[(0, "cat", APART, 0.9 - k / 1000) for k in range(105)]))
    assert kinds_of(verdicts) == [BACKGROUND] * 100 + [None] * 5


@pytest.mark.parametrize("seed", range(4))
def test_what_counts_is_what_cocoeval_counts(case_of, tmp_path, seed):
    case = case_of(seed)
    evaluation = case.reference(tmp_path)
    verdicts = judge(case.truth, case.detections, match(case.truth, case.detections), 0.0)
    held = {case.truth.category_ids[k] for k in case.truth.classes[~case.truth.crowd]}  # AP leaves the others out
    images = [each for each in evaluation.evalImgs if each and each["aRng"] == [0, 1e10]
              and each["category_id"] in held]
    right = sum(((each["dtMatches"][0] > 0) & ~each["dtIgnore"][0]).sum() for each in images)
    wrong = sum(((each["dtMatches"][0] == 0) & ~each["dtIgnore"][0]).sum() for each in images)
    counts = verdicts.count()
    assert counts[RIGHT] == right > 0
    assert sum(counts[kind] for kind in KINDS) - counts[RIGHT] == wrong > 0
    assert counts[MISSED] == (~case.truth.crowd).sum() - right
    assert min(counts[kind] for kind in (DUPLICATE, LOCALIZATION, BACKGROUND)) > 0


def test_the_surest_mistake_and_the_largest_miss_come_first_in_turn():
    truth = truth_of([("cat", BOX)], [("cat", [0, 0, 50, 50])], [], [("cat", [0, 0, 90, 90])], [("cat", APART)], [])
    detections = detections_of((2, "cat", BOX, 0.6), (5, "cat", BOX, 0.9), (0, "cat", BOX, 0.95))
    verdicts = judged(truth, detections)
    assert choose_examples(truth, detections, verdicts, 9) == [
        Example(5, BACKGROUND, 1), Example(3, MISSED, 2), Example(2, BACKGROUND, 0), Example(1, MISSED, 1),
        Example(4, MISSED, 3)]
    assert choose_examples(truth, detections, verdicts, 2) == [Example(5, BACKGROUND, 1), Example(3, MISSED, 2)]


def test_an_image_is_shown_once():
    truth = truth_of([("cat", APART), ("dog", [0, 50, 9, 9])], [("owl", [0, 0, 5, 5])])
    detections = detections_of((0, "cat", BOX, 0.9), (0, "dog", BOX, 0.8), (1, "cat", APART, 0.4))
    examples = choose_examples(truth, detections, judged(truth, detections), 6)
    assert examples == [Example(0, BACKGROUND, 0), Example(1, MISSED, 2)]


def test_large_is_a_share_of_the_image():
    truth = truth_of([("cat", [0, 0, 50, 50])], [("cat", [0, 0, 20, 20])])
    truth.widths[:] = truth.heights[:] = 1000, 25
    nothing = detections_of()
    assert [e.image for e in choose_examples(truth, nothing, judged(truth, nothing), 2)] == [1, 0]


def test_no_kind_fills_the_grid():
    """The surest mistakes are all cats where nothing is; one dog is badly placed, one is a cat."""
    nothing, missed = [[] for _ in range(20)], [[("owl", [0, 0, 90 - i, 90])] for i in range(10)]
    truth = truth_of(*nothing, *missed, [("dog", BOX)], [("cat", BOX)])
    detections = detections_of(*[(i, "cat", APART, 0.99 - i / 1000) for i in range(20)], (30, "dog", ASIDE, 0.5),
                               (31, "dog", SHIFTED, 0.4))
    examples = choose_examples(truth, detections, judged(truth, detections), 12)
    assert [(e.kind, e.image) for e in examples[::2]] == [
        *((BACKGROUND, i) for i in range(4)), (LOCALIZATION, 30), (CLASSIFICATION, 31)]
    assert [(e.kind, e.image) for e in examples[1::2]] == [(MISSED, 20 + i) for i in range(6)]


def test_no_class_fills_the_grid():
    truth = truth_of(*[[("owl", BOX)] for _ in range(40)], [("cat", BOX), ("dog", BOX)])
    detections = detections_of(*[(i, "owl", BOX, 0.9) for i in range(40)],
                               *[(i, "cat" if i < 20 else "dog", APART, 0.99 - i / 1000) for i in range(40)],
                               *[(40, name, BOX, 0.9) for name in ("cat", "dog")])
    images = [e.image for e in choose_examples(truth, detections, judged(truth, detections), 12)]
    assert images[:8] == [*range(4), *range(20, 24)] and sorted(images) == [*range(6), *range(20, 26)]


def test_where_there_is_one_class_and_one_kind_they_fill_it():
    truth = truth_of(*[[]] * 9, [("cat", BOX)])
    detections = detections_of(*[(i, "cat", BOX, 0.9 - i / 100) for i in range(10)])
    examples = choose_examples(truth, detections, judged(truth, detections), 6)
    assert [(e.image, e.kind) for e in examples] == [(i, BACKGROUND) for i in range(6)]


@pytest.mark.parametrize("truth", [truth_of([("cat", BOX)]), truth_of([("cat", BOX, True)]), truth_of([], [])])
def test_nothing_wrong_nothing_chosen(truth):
    detections = detections_of((0, "cat", BOX, 0.9)) if truth.num_boxes else detections_of()
    assert choose_examples(truth, detections, judged(truth, detections), 6) == []
