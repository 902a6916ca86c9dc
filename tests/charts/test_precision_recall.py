"""Every class with boxes has its curves and its AP in points, the best first; the others are named."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from charts.precision_recall import LINES, MOST, NOTE, precision_recall
from charts.save import save_figure


def made(aps, without=()):
    """Return precision [10, 101, K] that is flat at an AP per class, minus a hundredth per threshold."""
    precision = np.broadcast_to(np.array(aps) - np.arange(10)[:, None, None] / 100, (10, 101, len(aps))).copy()
    precision[..., list(without)] = -1
    return precision


def shown(figure: Figure):
    return [axes for axes in figure.axes if axes.get_visible()]


def titles(figure: Figure):
    return [axes.get_title(loc="left") for axes in shown(figure)]


def notes(figure: Figure):
    return " ".join(text.get_text() for text in figure.texts).replace("\n", " ")


def test_classes_come_by_falling_ap_after_all_of_them():
    figure = precision_recall(["cat", "dog", "owl"], made([0.3, 0.9, 0.5]), [4, 1, 1200])
    assert titles(figure) == [
        "all 3 classes, 1,205 boxes\nAP 52.2  AP50 56.7  AP75 51.7", "dog, 1 box\nAP 85.5  AP50 90.0  AP75 85.0",
        "owl, 1,200 boxes\nAP 45.5  AP50 50.0  AP75 45.0", "cat, 4 boxes\nAP 25.5  AP50 30.0  AP75 25.0"]
    assert "No boxes" not in notes(figure) and "Not drawn" not in notes(figure)


def test_the_lines_are_those_of_the_two_thresholds_and_of_the_mean():
    precision = np.random.default_rng(0).random((10, 101, 1))
    axes, = shown(precision_recall(["cat"], precision, [7]))
    lines = {line.get_label(): line for line in axes.get_lines()}
    assert lines.keys() == LINES.keys()
    for label, expected in zip(LINES, (precision[0, :, 0], precision[5, :, 0], precision[..., 0].mean(axis=0))):
        np.testing.assert_array_equal(lines[label].get_ydata(), 100 * expected)
        np.testing.assert_allclose(lines[label].get_xdata(), np.linspace(0, 100, 101))


def colours_seen(figure: Figure, axes):
    """Return how many pixels of each line's colour a drawing has in the panel."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    box = axes.get_window_extent().padded(3)
    image = np.asarray(canvas.buffer_rgba())[..., :3].astype(int)
    height = image.shape[0]
    part = image[int(height - box.y1):int(height - box.y0) + 1, int(box.x0):int(box.x1) + 1]
    return [int((np.abs(part - 255 * np.array(to_rgb(colour))).sum(axis=-1) < 60).sum())
            for colour, *_ in LINES.values()]


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_lines_along_the_axes_and_on_each_other_are_seen(value):
    figure = precision_recall(["cat"], np.full((10, 101, 1), value), [7])
    assert min(colours_seen(figure, shown(figure)[0])) > 20


def test_axes_are_named_in_per_cent_and_recall_stands_apart_from_the_note():
    figure = precision_recall(["cat", "dog"], made([0.3, 0.9]), [4, 1])
    texts = {text.get_text(): text for text in figure.texts}
    assert {"precision, %", "recall, %", NOTE} == texts.keys()
    panels = [axes.get_position() for axes in shown(figure)]
    assert texts["recall, %"].get_position()[0] == pytest.approx((panels[0].x0 + panels[-1].x1) / 2, abs=0.01)


def test_a_class_without_boxes_is_named_and_in_no_mean():
    figure = precision_recall(["cat", "dog", "owl"], made([0.3, 0.9, 0.5], without=[1]), [4, 0, 2])
    assert [title.split(",")[0] for title in titles(figure)] == ["all 2 classes", "owl", "cat"]
    assert "AP 35.5 " in titles(figure)[0] and "No boxes in the truth, so left out: dog." in notes(figure)


def test_of_very_many_classes_those_with_most_boxes_are_drawn():
    number = MOST + 30
    boxes = [1 + (7 * k) % number for k in range(number)]
    figure = precision_recall([f"class {k}" for k in range(number)], made(np.linspace(0.2, 0.9, number)), boxes)
    drawn = {title.split(",")[0] for title in titles(figure)[1:]}
    assert drawn == {f"class {k}" for k in range(number) if boxes[k] > 30} and len(drawn) == MOST
    assert "Not drawn: 30 classes with fewer boxes." in notes(figure)
    absent = precision_recall([f"class {k}" for k in range(80)], made([0.5] * 80, range(40)), [0] * 40 + [1] * 40)
    assert "class 11 and 28 more." in notes(absent) and "class 12 " not in notes(absent)


@pytest.mark.parametrize("number", [1, 2, 3, 5, 11, 20, 80])
def test_however_many_classes_the_panels_are_readable(number, tmp_path, classes):
    figure = precision_recall(classes(number), made([0.5] * number), [12_345] * number)
    save_figure(figure, tmp_path / "curves")
    figure.draw_without_rendering()
    panels = shown(figure)
    assert len(panels) == number + (number > 1)
    boxes = [axes.get_window_extent() for axes in panels] + [axes._left_title.get_window_extent() for axes in panels]
    boxes += [figure.legends[0].get_window_extent(), *(text.get_window_extent() for text in figure.texts)]
    for i, one in enumerate(boxes):
        assert figure.bbox.x0 <= one.x0 and one.x1 <= figure.bbox.x1 and one.y0 >= 0 and one.y1 <= figure.bbox.y1
        assert not any(one.overlaps(other) for other in boxes[i + 1:])
    assert panels[0].get_window_extent().width > 1.2 * figure.dpi
