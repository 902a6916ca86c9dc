import matplotlib.colors
import numpy as np
import pandas as pd
import pytest

from charts.backtest import CAME, backtest_chart, check_chart
from charts.curves import FORECAST

METRICS = {"a": "AP", "b": "AP", "c": "AP50"}
BASE = {"lo-80": np.nan, "hi-80": np.nan, "truth": 0.4}


def rows(shares=(5.0, 10.0, 20.0)):
    return pd.DataFrame([
        {"curve": curve, "model": model, "fit_up_to": share, "median": 0.38} | BASE
        | ({"lo-80": 0.35, "hi-80": 0.42} if model == "ours" else {})
        for curve in ("a", "b", "c") for model in ("ours", "M2", "log") for share in shares])


def test_forecasts_with_bars_the_truth_as_a_line_and_baselines_as_marks():
    figure = backtest_chart(rows(), ["ours", "log", "M2"], ["log", "M2"], METRICS)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["a", "b", "c"]
    axes = figure.axes[0]
    assert [line.get_ydata()[0] for line in axes.lines if line.get_label() == CAME] == [40]
    (bars,) = axes.containers[0].lines[2]
    assert [segment[:, 1].tolist() for segment in bars.get_segments()] == [pytest.approx([35, 42])] * 3
    marks = {line.get_label(): line for line in axes.lines if line.get_label() in ("M2", "log")}
    assert (marks["log"].get_xdata() < [5, 10, 20]).all() and (marks["M2"].get_xdata() > [5, 10, 20]).all()
    assert marks["M2"].get_color() != marks["log"].get_color()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [CAME, "log", "M2", "ours, 80 % interval"]
    assert [axes.get_ylabel() for axes in figure.axes] == ["final AP, points"] * 2 + ["final AP50, points"]
    assert bars.get_color()[0].tolist() == list(matplotlib.colors.to_rgba(FORECAST))


def test_one_prefix_has_a_labelled_axis():
    axes = backtest_chart(rows([37.5]), ["ours"], [], METRICS).axes[0]
    low, high = axes.get_xlim()
    assert [tick for tick in axes.get_xticks() if low <= tick <= high] == [37.5]


def test_check_draws_a_line_per_forecast():
    levels = {f"{side}-{level}": 0.4 + sign * level / 1000 for level in (50, 80, 95) for side, sign in
              (("lo", -1), ("hi", 1))}
    table = pd.DataFrame([{"curve": name, "images": 1000.0, "median": 0.4, "truth": truth} | levels
                          for name, truth in (("a", 0.41), ("b", 0.6))])
    axes = check_chart(table, "AP").axes[0]
    medians, truths = ([line.get_xdata().tolist() for line in axes.lines if line.get_label() == label][0]
                       for label in ("forecast, median", CAME))
    assert medians == pytest.approx([40, 40]) and truths == pytest.approx([41, 60])
    assert [label.get_text().split("\n")[0] for label in axes.get_yticklabels()] == ["a", "b"]
    widths = [np.ptp(lines.get_segments()[0][:, 0]) for lines in axes.collections]
    assert widths == pytest.approx([19, 16, 10])  # 95, 80 and 50 %


@pytest.mark.parametrize("name", [f"a_long_name_of_a_data_set_and_of_{k}_detector_with_its_recipe" for k in (1, 2)])
def test_long_names_leave_the_width_to_the_forecasts(name):
    levels = {f"{side}-{level}": 0.4 for level in (50, 80, 95) for side in ("lo", "hi")}
    figure = check_chart(pd.DataFrame([{"curve": name, "images": 1000.0, "median": 0.4, "truth": 0.4} | levels]), "AP")
    figure.draw_without_rendering()
    assert figure.axes[0].get_window_extent().width > 0.6 * figure.bbox.width
