"""Each mark has its line, what an image was chosen for is strongest, and the legend says what occurs."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from charts.collage import Labelled
from charts.mistakes import COLOURS, CROWD, MEANINGS, MISSED, RIGHT, WRONG, Marked, mistakes_grid
from charts.save import save_figure

GREY = np.full((60, 80, 3), 128, np.uint8)
BOXES = [[10, 20, 30, 15], [50, 5, 20, 20], [5, 40, 12, 12], [45, 35, 30, 20]]


def marked(*marks, title="missed: cat"):
    labels = [f"{mark} label" for mark in marks]
    return Marked(Labelled(GREY, BOXES[:len(marks)], labels, title=title), marks)


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_each_mark_has_its_colour_and_line_and_the_first_box_is_strongest():
    axes = mistakes_grid([marked(MISSED, WRONG, RIGHT, CROWD)], "heading").axes[0]
    lines = {to_rgb(p.get_edgecolor()): p for p in axes.patches if to_rgb(p.get_edgecolor()) != (0, 0, 0)}
    assert {mark: lines[COLOURS[mark]].get_linestyle() for mark in MEANINGS} == {
        WRONG: "-", MISSED: "--", RIGHT: "-", CROWD: ":"}
    places = {mark: lines[COLOURS[mark]].get_bbox().bounds for mark in MEANINGS}
    assert places[MISSED] == (9.5, 19.5, 30, 15) and places[WRONG] == (49.5, 4.5, 20, 20)
    widths = [lines[COLOURS[mark]].get_linewidth() for mark in (MISSED, WRONG, RIGHT, CROWD)]
    assert widths[0] > max(widths[1:])
    assert axes.get_title() == "missed: cat" and {text.get_text() for text in axes.texts} == {
        "missed label", "✗ wrong label", "right label", "crowd label"}


@pytest.mark.parametrize(("marks", "expected"), [([RIGHT, WRONG], [WRONG, RIGHT]), ([MISSED], [MISSED]),
                                                 ([CROWD, MISSED], [MISSED, CROWD])])
def test_the_legend_explains_what_occurs(marks, expected):
    assert legend(mistakes_grid([marked(*marks)], "heading")) == [MEANINGS[mark] for mark in expected]


@pytest.mark.parametrize("number", [0, 1, 12])
def test_the_heading_fits_whatever_there_is_to_see(number, tmp_path):
    heading = "At scores of at least 0.3: " + "12 of something, " * 10 + "\nand a second line"
    figure = mistakes_grid([marked(WRONG, RIGHT, MISSED, CROWD)] * number, heading)
    save_figure(figure, tmp_path / "mistakes")
    figure.draw_without_rendering()
    text = figure._suptitle.get_window_extent()
    assert text.x0 >= 0 and text.x1 <= figure.bbox.x1 and text.y0 >= 0 and text.y1 <= figure.bbox.y1 + 1
    assert not any(text.overlaps(axes.title.get_window_extent()) for axes in figure.axes if axes.get_title())
    assert sum(len(axes.images) for axes in figure.axes) == number and len(figure.legends) == min(number, 1)
    assert all(legend.get_window_extent().x1 <= figure.bbox.x1 for legend in figure.legends)


def test_odd_names_are_written_as_they_are(tmp_path):
    figure = mistakes_grid([Marked(Labelled(GREY, BOXES[:1], ["$a_{$ 0.50"]), [WRONG])], "heading")
    assert [text.get_text() for text in figure.axes[0].texts] == [r"✗ \$a_{\$ 0.50"]
    save_figure(figure, tmp_path / "odd")
