import matplotlib.colors
import numpy as np
import pandas as pd
import pytest

from charts.curves import FORECAST, HELD_OUT, MEASURED, OBSERVED, TRUTH
from charts.survey import MEAN, MOST_MARKS, error_chart, fitted_curves
from predict.observations import average_repeats
from predict.tables import Curve

SIZES = np.array([100.0, 200, 400, 800])


def curve(name):
    return average_repeats(Curve(name, SIZES, np.array([0.1, 0.2, 0.3, 0.35]), np.full(4, np.nan)))


def lines(curves, models):
    return pd.DataFrame([{"curve": name, "model": model, "images": size, "value": 0.1 * (place + 1)}
                         for name in curves for place, model in enumerate(models) for size in SIZES])


def rows(models, curves):
    return [{"model": model, "curve": name, "error": 0.01 * (i - k), "fitted_sizes": 3}
            for i, model in enumerate(models) for k, name in enumerate(curves)]


def of(axes, label):
    (line,) = [line for line in axes.lines if line.get_label() == label]
    return line


def test_fitted_points_are_filled_and_every_model_has_a_line():
    models = ["default", "one", "two"]
    figure = fitted_curves([curve("a"), curve("b")], lines("ab", models[1:]), {"a": 200, "b": 400}, models)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["a", "b"]
    for axes, stop in zip(figure.axes, (2, 3)):
        for label, face, expected in ((MEASURED, OBSERVED, SIZES[:stop]), (TRUTH, HELD_OUT, SIZES[stop:])):
            points = of(axes, label)
            assert points.get_xdata().tolist() == expected.tolist()
            assert matplotlib.colors.same_color(points.get_markerfacecolor(), face)
        assert of(axes, "two").get_ydata().tolist() == pytest.approx([20] * 4)


def test_eight_models_differ_in_colour_and_a_coinciding_one_shows_through():
    models = [f"model {k}" for k in range(8)]
    (axes,) = fitted_curves([curve("a")], lines("a", models), {"a": 200}, ["default", *models]).axes
    drawn = [of(axes, model) for model in models]
    assert len({matplotlib.colors.to_hex(line.get_color()) for line in drawn}) == 8
    assert [line.is_dashed() for line in drawn[:5]] == [True, False, True, True, False]


def test_a_wild_model_does_not_flatten_the_curve():
    wild = lines("a", ["one"]).assign(value=1.0)
    (axes,) = fitted_curves([curve("a")], wild, {"a": 200}, ["one"]).axes
    assert axes.get_ylim() == pytest.approx((0, 1.25 * 35))


def test_errors_in_points_with_their_mean_size():
    (axes,) = (figure := error_chart(rows(["one", "two"], ["a", "b", "c"]), "AP", 5)).axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["one", "two"]
    assert of(axes, "b").get_xdata().tolist() == pytest.approx([-1, 0])
    ends = {round(bar.get_y() + bar.get_height() / 2): (bar.get_x(), bar.get_x() + bar.get_width())
            for bar in axes.patches}
    assert ends == {0: pytest.approx((-1, 1)), 1: pytest.approx((-2 / 3, 2 / 3))}
    assert figure._supxlabel.get_text() == "Fitted on 3 sizes, up to 5 %."
    assert axes.get_ylim()[0] > axes.get_ylim()[1]  # the first on top
    assert "AP" in axes.get_xlabel()


def test_many_curves_share_a_mark():
    names = [f"curve {k}" for k in range(MOST_MARKS + 1)]
    figure = error_chart(rows(["one", "two"], names), "AP", 5)
    assert {text.get_text() for text in figure.legends[0].get_texts()} == {f"{len(names)} curves", MEAN}
    assert len(of(figure.axes[0], f"{len(names)} curves").get_xdata()) == 2 * len(names)


def test_a_model_looks_the_same_whoever_is_beside_it():
    models = ["default", "one", "two", "three"]
    both = fitted_curves([curve("a")], lines("a", ["two", "default", "one"]), {"a": 200}, models).axes[0]
    alone = fitted_curves([curve("a")], lines("a", ["two"]), {"a": 200}, models).axes[0]
    assert of(both, "two").get_color() == of(alone, "two").get_color() != of(both, "one").get_color()
    assert of(both, "default").get_color() == FORECAST
