"""A line for every training, a colour for every subset, a mark on what was chosen, and on which images."""

from charts.save import save_figure
from charts.steps import Looks, steps_chart

RUNS = [Looks("1 %", [20, 40, 60], [0.1, 0.15, 0.12], 40), Looks("1 %", [20, 40], [0.08, 0.2], 40),
        Looks("100 %", [20, 40], [0.3, 0.2], 20)]


def test_runs_are_lines_in_points_and_the_chosen_steps_are_marked():
    lines = steps_chart(RUNS).axes[0].get_lines()
    curves, chosen = lines[:3], lines[3:]
    assert [(list(line.get_xdata()), list(line.get_ydata())) for line in curves] == [
        ([20, 40, 60], [10, 15, 12]), ([20, 40], [8, 20]), ([20, 40], [30, 20])]
    assert [(line.get_xdata()[0], line.get_ydata()[0], line.get_marker()) for line in chosen] == [
        (40, 15, "D"), (40, 20, "D"), (20, 30, "D")]
    colours = [tuple(line.get_color()) for line in lines]
    assert colours[:3] == colours[3:] and colours[0] == colours[1] != colours[2]


def test_the_picture_says_which_images_these_are_and_names_each_subset_once():
    axes = steps_chart(RUNS).axes[0]
    assert "tuning split" in axes.get_title(loc="left") and "validation images are others" in axes.get_xlabel()
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["1 %", "100 %", "chosen"]


def names_at_ends(figure):
    return [text for text in figure.axes[0].texts if text.get_text().endswith("%")]


def test_each_subset_is_named_at_the_end_of_its_best_line():
    assert [text.get_text() for text in names_at_ends(steps_chart(RUNS))] == ["1 %"]  # both end at one point
    apart = [*RUNS[:2], Looks("100 %", [20, 40], [0.3, 0.4], 40)]
    figure = steps_chart(apart)
    assert [(text.get_text(), text.xy) for text in names_at_ends(figure)] == [("1 %", (40, 20)), ("100 %", (40, 40))]
    figure.draw_without_rendering()
    legend = figure.axes[0].get_legend().get_window_extent()
    assert not any(text.get_window_extent().overlaps(legend) for text in names_at_ends(figure))


def test_a_detector_that_learnt_nothing_has_a_chart_too(tmp_path, assert_legible):
    figure = steps_chart([Looks("1 %", [5], [0.0], 5)])
    assert_legible(figure)
    assert figure.axes[0].get_ylim() == (0, 1)
    assert len(save_figure(figure, tmp_path / "steps")) == 2


def test_many_subsets_have_a_legend_inside_the_picture():
    figure = steps_chart([Looks(f"{k} %", [10, 20], [0.1, 0.2], 20) for k in range(1, 31)])
    figure.draw_without_rendering()
    axes, legend = figure.axes[0], figure.axes[0].get_legend().get_window_extent()
    assert legend.x1 <= figure.bbox.x1 and legend.y0 >= 0 and not legend.overlaps(axes.get_window_extent())
    assert axes.get_window_extent().width > figure.bbox.width / 2
