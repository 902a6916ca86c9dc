"""Colours for classes: told apart by as many eyes as possible, however many classes there are."""

from __future__ import annotations

import itertools

import matplotlib
import numpy as np
from matplotlib.colors import to_rgb

Colour = tuple[float, float, float]  # red, green and blue, 0 to 1

FIRST: list[Colour] = [to_rgb(c) for c in matplotlib.color_sequences["okabe_ito"][1:]]  # without black, which outlines
LEVELS = np.linspace(0, 1, 12)  # of each channel, among which further colours are sought
LIGHTNESS, CHROMA = (35, 85), 25  # limits in CIELAB, to be seen on a photograph

# Linear red, green and blue as a protanope and a deuteranope see them: F. Viénot, H. Brettel and J. Mollon, "Digital
# video colourmaps for checking the legibility of displays by dichromats", Color Research & Application 24 (1999) 243.
PROTAN = np.array([[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]])
DEUTAN = np.array([[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]])
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])  # sRGB, IEC 61966-2-1
WHITE = XYZ.sum(axis=1)


def palette(number: int) -> list[Colour]:
    """Return colours for `number` classes: those of Okabe and Ito, then always the one farthest from all before.

    Farthest for the eye it is nearest to: of a normal, a protanope's and a deuteranope's. The search is that of
    C. Glasbey et al., "Colour displays for categorical images", Color Research & Application 32 (2007) 304.
    """
    candidates = np.array(list(itertools.product(LEVELS, repeat=3)))
    lab = _views(candidates)[0]
    keep = (lab[:, 0] > LIGHTNESS[0]) & (lab[:, 0] < LIGHTNESS[1]) & (np.hypot(lab[:, 1], lab[:, 2]) > CHROMA)
    candidates, views = candidates[keep], _views(candidates[keep])
    colours = list(FIRST[:number])
    nearest = np.min([_distances(views, colour) for colour in FIRST], axis=0)
    for _ in range(number - len(colours)):
        colours.append(tuple(candidates[np.argmax(nearest)].tolist()))
        nearest = np.minimum(nearest, _distances(views, colours[-1]))
    return colours


def ink_on(colour: Colour) -> str:
    """Return black or white, whichever has the higher contrast on `colour` (WCAG 2.2, relative luminance)."""
    luminance = _linear(np.array(colour)) @ XYZ[1]
    return "black" if (luminance + 0.05) ** 2 > 0.05 * 1.05 else "white"


def _distances(views: np.ndarray, colour: Colour) -> np.ndarray:
    """Return float [N]: how far each colour of `views` lies from `colour` for the eye that sees least difference."""
    return np.linalg.norm(views - _views(np.array([colour])), axis=2).min(axis=0)


def _views(colours: np.ndarray) -> np.ndarray:
    """Return float [3, N, 3]: CIELAB of `colours` [N, 3] for a normal, a protanope's and a deuteranope's eye."""
    linear = _linear(colours)
    return np.stack([_lab(linear), _lab(linear @ PROTAN.T), _lab(linear @ DEUTAN.T)])


def _linear(colours: np.ndarray) -> np.ndarray:
    return np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)


def _lab(linear: np.ndarray) -> np.ndarray:
    x, y, z = np.moveaxis(np.cbrt(np.clip(linear @ XYZ.T / WHITE, 0.008856, None)), -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)
