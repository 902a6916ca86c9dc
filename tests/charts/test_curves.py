import matplotlib.colors
import numpy as np
import pytest

from charts.curves import HELD_OUT, LEGEND, OBSERVED, learning_curves
from predict.backtest import forecast_bands
from predict.observations import average_repeats
from predict.tables import PUBLISHED_2019, Curve, read_curves


@pytest.fixture(scope="module")
def published():
    curves = read_curves(PUBLISHED_2019)
    return [average_repeats(curve) for curve in curves], forecast_bands(curves, 5, at=[200_000])


def points_of(axes, face):
    wanted = matplotlib.colors.to_rgba(face)
    lines = [line for line in axes.lines if line.get_marker() == "o"
             and matplotlib.colors.to_rgba(line.get_markerfacecolor()) == wanted]
    return np.concatenate([line.get_xydata() for line in lines])


@pytest.mark.parametrize("log_x", [False, True])
def test_fitted_points_are_filled_and_later_ones_hollow(published, log_x):
    curves, bands = published
    figure = learning_curves(curves, bands, log_x=log_x)
    assert [axes.get_title(loc="left") for axes in figure.axes] == [curve.name for curve in curves]
    for axes, curve in zip(figure.axes, curves):
        assert points_of(axes, OBSERVED) == pytest.approx(np.c_[curve.images, 100 * curve.values][:3])
        assert points_of(axes, HELD_OUT) == pytest.approx(np.c_[curve.images, 100 * curve.values][3:])
        assert axes.get_xscale() == ("log" if log_x else "linear")


def test_band_runs_from_where_fitting_stopped_to_the_last_forecast(published):
    curves, bands = published
    figure = learning_curves(curves[:1], bands, log_x=True)
    edges = figure.axes[0].collections[0].get_paths()[0].vertices
    assert (edges[:, 0].min(), edges[:, 0].max()) == pytest.approx((5914, 200_000))


def test_measured_error_bars_are_drawn_as_80_per_cent_intervals():
    curve = Curve("c", np.array([100.0, 1000]), np.array([0.1, 0.3]), np.array([0.01, 0.02]))
    figure = learning_curves([average_repeats(curve)], forecast_bands([curve], 20, [2000]), log_x=False)
    (bars,) = figure.axes[0].containers[0].lines[2]
    assert [np.ptp(segment[:, 1]) for segment in bars.get_segments()] == pytest.approx([2.5631, 5.1262], rel=1e-4)


def test_error_bars_of_single_runs_are_the_tables_own_intervals():
    curve = Curve("c", np.array([100.0, 1000]), np.array([0.0, 0.3]), np.array([0.0, 0.02]),
                  interval_80=np.array([[0, 0.05], [0.25, 0.31]]))
    figure = learning_curves([average_repeats(curve)], forecast_bands([curve], 20, [2000]), log_x=False)
    (bars,) = figure.axes[0].containers[0].lines[2]
    assert [segment[:, 1].tolist() for segment in bars.get_segments()] == [[0, 5], [25, 31]]


def test_legend_and_labels_say_what_is_drawn(published):
    curves, bands = published
    figure = learning_curves(curves, bands, log_x=False)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(LEGEND[:-1])
    assert figure.axes[0].get_ylabel() == "mAP, points" and figure.axes[0].get_xlabel() == "training images"


def test_what_all_points_say_goes_on_from_the_last(published):
    curves, bands = published
    ahead = forecast_bands([read_curves(PUBLISHED_2019)[0]], 100, at=[200_000])
    figure = learning_curves(curves[:1], bands[bands["images"] < 118_287], log_x=False, outlook=ahead)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(LEGEND)
    edges = figure.axes[0].collections[2].get_paths()[0].vertices
    assert (edges[:, 0].min(), edges[:, 0].max()) == pytest.approx((118_287, 200_000))


def test_sizes_in_per_cent_are_called_so():
    curve = Curve("c", np.array([1.0, 10]), np.array([0.1, 0.3]), np.full(2, np.nan), sizes="per cent")
    figure = learning_curves([average_repeats(curve)], forecast_bands([curve], 20, [100]), log_x=True)
    assert figure.axes[0].get_xlabel() == "training images, per cent"


def test_observations_alone_can_be_drawn(published):
    curves, bands = published
    figure = learning_curves(curves[:3], bands[:0], log_x=True)
    assert len(figure.axes) == 3
    assert len(points_of(figure.axes[2], OBSERVED)) == 10
