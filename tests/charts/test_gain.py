import numpy as np
import pytest

from charts.gain import GainBand, gain_chart

MORE = np.array([0.0, 500, 1000, 2000])


def band(scale=0.01, name="ssd"):
    median = scale * MORE / 1000
    return GainBand(name, 2500, MORE, median, {level: np.outer(median, [1 - level / 200, 1 + level / 200])
                                               for level in (80, 95)}, np.array([False, False, True, True]))


def test_gains_asked_for_are_marked_with_their_interval():
    axes = gain_chart([band()]).axes[0]
    assert [text.get_text() for text in axes.texts] == ["+1.00", "+2.00"]
    (bars,) = axes.containers[0].lines[2]
    assert [segment[:, 1].tolist() for segment in bars.get_segments()] == [pytest.approx([0.6, 1.4]),
                                                                           pytest.approx([1.2, 2.8])]
    assert axes.get_xlabel() == "images beyond 2,500" and axes.get_ylabel() == "gain, points"


def test_panels_share_an_axis_that_holds_every_band():
    figure = gain_chart([band(0.01), band(0.1, "fpn")])
    limits = [axes.get_ylim() for axes in figure.axes]
    assert limits[0] == limits[1] and limits[0][1] > 100 * 0.2 * 1.475


def test_no_gain_can_be_drawn(recwarn):
    assert gain_chart([band(0.0)]).axes[0].get_ylim() == (0, 1)
    assert not recwarn.list


@pytest.mark.parametrize("scale", [1e-5, 0.1, -0.01])
def test_the_axis_follows_the_gains_and_has_0(scale):
    low, high = gain_chart([band(scale)]).axes[0].get_ylim()
    assert low <= 0 <= high and (scale < 0 or high < 100 * 2 * scale * 1.475 * 1.2)
