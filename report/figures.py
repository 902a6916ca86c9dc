"""Figures as the page holds them: SVG in its own colours, or a picture, each with links that save it."""

from __future__ import annotations

import base64
import io
import json
import re
from dataclasses import dataclass

import matplotlib
from markupsafe import Markup, escape
from matplotlib.figure import Figure
from PIL import Image

from charts.curves import HELD_OUT, OBSERVED
from report.hover import Spot, place
from report.tables import short_hash, slug

DPI = 150  # of a saved PNG
PIXELS = 1.45  # of the page, at most, for a point of a chart
WIDE = 500  # points from which on a chart takes the whole width of the page
COLOURS = 256  # of a saved PNG: flat colours need no more, and photographs look well
ROLES = {OBSERVED: "var(--ink)", "#000000": "var(--ink)", HELD_OUT: "var(--paper)", "#ffffff": "var(--paper)",
         "#262626": "var(--ink)", "#333333": "var(--ink)", "#4c4c4c": "var(--soft)", "#666666": "var(--soft)",
         "#d1d1d1": "var(--bar)", "#e0e0e0": "var(--line)", "#e6e6e6": "var(--line)"}  # greys of charts/
_ID = re.compile(r'(\bid="|href="#|url\(#)([^")]+)')


@dataclass(frozen=True)
class Saved:
    """A link that saves a figure."""

    kind: str  # as people call it: SVG, PNG
    name: str
    uri: str


@dataclass(frozen=True)
class PageFigure:
    """A figure of the page: what is shown, what it is called, and how it is saved."""

    caption: str
    shown: Markup
    saves: tuple[Saved, ...]
    wide: bool = False  # whether it takes the whole width of the page


def figure_of(figure: Figure, caption: str, description: str, spots: list[Spot] | None = None) -> PageFigure:
    """Return a chart drawn for the page. `description` is what those hear who cannot see it."""
    svg, png = io.StringIO(), io.BytesIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": description}):
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    with matplotlib.rc_context({"figure.autolayout": False, "figure.constrained_layout.use": False}):
        figure.set_layout_engine(None)  # it is laid out
    figure.savefig(png, format="png", dpi=DPI, pil_kwargs={"compress_level": 1})
    shown = inline(svg.getvalue(), description, place(figure, spots or []))
    with Image.open(png) as picture:
        return PageFigure(caption, shown, vector_saves(caption, svg.getvalue(), few_colours(picture)))


def inline(svg: str, description: str, spots: list[tuple[float, float, str]] | None = None) -> Markup:
    """Return an SVG file's text as an element whose ink and paper follow the page's colours.

    `spots` are what the pointer reads off it, in the coordinates of its view box.
    """
    svg = svg[svg.index("<svg"):]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    for colour, role in ROLES.items():
        svg = svg.replace(colour, role)
    prefix = f"f{short_hash(description)}"
    svg = _ID.sub(lambda found: f"{found[1]}{prefix}-{found[2]}", svg)
    widest = PIXELS * width_of(svg)
    svg = re.sub(r' (width|height)="[\d.]+pt"', "", svg, count=2)  # the page sets the width
    read = f' data-spots="{escape(json.dumps(spots, ensure_ascii=False))}"' if spots else ""
    return Markup(svg.replace("<svg", f'<svg class="chart" style="max-width: {widest:.0f}px" role="img" aria-label="'
                              f'{escape(description)}"{read}', 1))


def width_of(svg: str) -> float:
    """Return the width of an SVG of matplotlib's in points; 0 where it names none."""
    found = re.search(r'<svg[^>]*? width="([\d.]+)pt"', svg)
    return float(found[1]) if found else 0.0


def vector_saves(name: str, svg: str, png: bytes) -> tuple[Saved, ...]:
    """Return the links that save a chart."""
    return (Saved("SVG", f"{slug(name)}.svg", uri("svg+xml", svg.encode())),
            Saved("PNG", f"{slug(name)}.png", uri("png", png)))


def few_colours(picture: Image.Image) -> bytes:
    """Return a picture as a small PNG of COLOURS colours."""
    buffer = io.BytesIO()
    picture.convert("RGB").quantize(COLOURS, method=Image.Quantize.FASTOCTREE).save(buffer, "PNG")
    return buffer.getvalue()


def uri(kind: str, data: bytes) -> str:
    """Return the data of an image as a data: URI."""
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
