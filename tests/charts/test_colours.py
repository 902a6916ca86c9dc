import matplotlib
import numpy as np
import pytest

from charts.colours import ink_on, palette


@pytest.mark.parametrize("number", [0, 1, 7, 20, 80, 300])
def test_every_class_has_its_own_colour(number):
    colours = palette(number)
    assert len(colours) == len(set(colours)) == number
    assert all(0 <= channel <= 1 for colour in colours for channel in colour)


def test_more_classes_leave_the_first_colours_alone():
    assert palette(30)[:10] == palette(10)


def nearest(colours):
    return np.min(np.linalg.norm(colours[:, None] - colours, axis=2) + 9 * np.eye(len(colours)))


def as_a_deuteranope_sees(colours):
    """Return red and green as one mean, which is what they come down to, and blue."""
    linear = colours**2.2
    return np.stack([0.29 * linear[:, 0] + 0.71 * linear[:, 1], linear[:, 2]], axis=1) ** (1 / 2.2)


@pytest.mark.parametrize("seen", [np.array, as_a_deuteranope_sees])
def test_twenty_colours_lie_farther_apart_than_those_of_tab20(seen):
    ours, theirs = np.array(palette(20)), np.array(matplotlib.color_sequences["tab20"])
    assert nearest(seen(ours)) > 1.2 * nearest(seen(theirs))


def luminance(colour):
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
    return np.dot(linear, [0.2126, 0.7152, 0.0722])


def test_text_on_a_colour_has_contrast():
    """At least 4.5, as WCAG asks of small text."""
    for colour in palette(80):
        ink = {"black": 0, "white": 1}[ink_on(colour)]
        high, low = sorted([luminance(colour), ink], reverse=True)
        assert (high + 0.05) / (low + 0.05) >= 4.5
    assert (ink_on((1, 1, 1)), ink_on((0, 0, 0))) == ("black", "white")
