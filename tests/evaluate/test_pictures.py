"""The pictures of a run hold what was found, what went wrong and what is known of it."""

import json

import numpy as np
import pytest

from charts.mistakes import COLOURS, MISSED, RIGHT, WRONG
from datasets.annotations import boxes_per_class
from datasets.errors import InputError
from datasets.formats.coco import read_coco
from evaluate.coco import score
from evaluate.detections import Detections
from evaluate.matches import match
from evaluate.pictures import draw, draw_looks, draw_mistakes, save
from study.layout import StudyFolder
from study.matrix import Cell
from tests.small import write_split


@pytest.fixture
def data(tmp_path):
    """Seven images of painted rectangles, and where they are."""
    write_split(tmp_path, "val", 7)
    return read_coco(tmp_path / "annotations/instances_val.json"), tmp_path / "val"


def as_found(truth, scores):
    """Return the boxes of `truth` as detections."""
    return Detections(truth.image_of_box().astype(np.int32), truth.classes, truth.boxes, np.array(scores, float))


def heading(figure):
    return figure._suptitle.get_text()


def panels(figure):
    return [axes for axes in figure.axes if axes.images]


def outlines(axes, mark):
    return sum(p.get_edgecolor()[:3] == COLOURS[mark] for p in axes.patches)


def test_the_surest_mistake_and_the_largest_miss_lead_each_with_all_that_counts_in_its_image(data):
    truth, images = data
    scores = np.linspace(0.9, 0.5, truth.num_boxes)
    largest = int(np.argmax(truth.boxes[:, 2:].prod(axis=1) / (truth.widths * truth.heights)[truth.image_of_box()]))
    scores[largest] = 0.1
    wrong = (truth.image_of_box()[largest] + 1) % 7
    found = as_found(truth, scores)
    stray = Detections(np.append(found.images, wrong).astype(np.int32), np.append(found.classes, 0).astype(np.int32),
                       np.vstack([found.boxes, [0, 0, 3, 3]]), np.append(scores, 0.8))
    figure = draw_mistakes(truth, stray, match(truth, stray), images)
    first, second = panels(figure)
    boxes = np.diff(truth.starts)
    assert first.get_title() == f"background: {truth.categories[0]} (0.80)"
    assert [outlines(first, mark) for mark in (WRONG, MISSED, RIGHT)] == [1, 0, boxes[wrong]]
    name = truth.categories[truth.classes[largest]]
    assert second.get_title() == f"missed: {name}" and name in [text.get_text() for text in second.texts]
    assert [outlines(second, mark) for mark in (WRONG, MISSED, RIGHT)] == [
        0, 1, boxes[truth.image_of_box()[largest]] - 1]
    assert heading(figure).startswith(f"Detections with a score of at least 0.3: {truth.num_boxes - 1} right, 1 wrong: "
                                      f"1 background (on no box).\nBoxes: {truth.num_boxes}, 1 of them missed.\n")
    assert "drawn thick" in heading(figure)


@pytest.mark.parametrize(("score", "images", "words"), [
    (0.9, 0, "There are no mistakes and no misses to show."), (0.2, 7, "0 right, 0 wrong.")])
def test_all_right_and_nothing_found_are_said(data, tmp_path, score, images, words):
    truth, folder = data
    found = as_found(truth, np.full(truth.num_boxes, score))
    figure = draw_mistakes(truth, found, match(truth, found), folder)
    assert len(panels(figure)) == images and words in heading(figure)
    assert all(path.exists() for path in save({"mistakes": figure}, tmp_path / "out"))


def test_figures_come_by_kind_and_say_the_ap_that_was_scored(data, tmp_path):
    truth, images = data
    found = as_found(truth, np.linspace(0.9, 0.1, truth.num_boxes))
    figures = draw(truth, found, images)
    assert list(figures) == ["precision_recall", "mistakes", "detections"]
    assert list(draw(truth, found, None)) == ["precision_recall"]
    values, boxes = score(truth, found).values, boxes_per_class(truth)
    titles = {axes.get_title(loc="left") for axes in figures["precision_recall"].axes}
    for name, count in [(f"all {len(truth.categories)} classes", boxes.sum()), *zip(truth.categories, boxes)]:
        class_ = name if name in truth.categories else ""
        ap, ap50, ap75 = (100 * values[figure, class_] for figure in ("AP", "AP50", "AP75"))
        assert f"{name}, {count} boxes\nAP {ap:.1f}  AP50 {ap50:.1f}  AP75 {ap75:.1f}" in titles
    paths = save(figures, tmp_path / "charts", "_paint_tiny")
    assert [path.name for path in paths] == [f"{kind}_paint_tiny.png" for kind in figures]


def test_the_same_detections_give_the_same_bytes(case_of, data, tmp_path):
    truth, images = data
    found = as_found(truth, np.linspace(0.9, 0.1, truth.num_boxes))
    first, second = (save(draw(truth, found, images), tmp_path / name) for name in "ab")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_an_image_that_is_gone_is_named(data):
    truth, images = data
    for path in images.iterdir():
        path.unlink()
    nothing = as_found(truth, np.zeros(truth.num_boxes))
    with pytest.raises(InputError, match=r"\.jpg: no picture to draw \(No such file.*remove it from .*_val\.json$"):
        draw(truth, nothing, images)


def looks(folder, fraction, aps, seed=0):
    run = folder.run(Cell(fraction, "paint", "tiny", 0, seed))
    run.tuning.parent.mkdir(parents=True)
    steps = [{"step": 20 * (i + 1), "ap": ap} for i, ap in enumerate(aps)]
    run.tuning.write_text(json.dumps({"images": 4, "finished": True, "best": max(steps, key=lambda s: s["ap"]),
                                      "looks": steps}))
    return run


def test_runs_that_looked_on_the_way_are_one_chart(tmp_path):
    folder = StudyFolder(tmp_path)
    looks(folder, 10.0, [0.1, 0.3, 0.2])
    looks(folder, 100.0, [0.4])
    cells = [Cell(fraction, "paint", "tiny") for fraction in (1.0, 10.0, 100.0)]
    axes = draw_looks(folder, cells)["steps"].axes[0]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["10 %", "100 %", "chosen"]
    assert [line.get_xdata().tolist() if hasattr(line.get_xdata(), "tolist") else list(line.get_xdata())
            for line in axes.get_lines()] == [[20, 40, 60], [20], [40], [20]]
    assert draw_looks(folder, cells[:1]) == {}


@pytest.mark.parametrize("content", ["{}", '{"looks": [], "best": {"step": 1}}', '{"looks": [{"step": 1}]}', "[]",
                                     '{"looks": [{"step": 1, "ap": 0.1}], "best": {"step": 2}}', "no json"])
def test_damaged_looks_are_one_line(tmp_path, content):
    run = looks(StudyFolder(tmp_path), 10.0, [0.1])
    run.tuning.write_text(content)
    with pytest.raises(InputError, match=r"tuning\.json: "):
        draw_looks(StudyFolder(tmp_path), [Cell(10.0, "paint", "tiny")])
