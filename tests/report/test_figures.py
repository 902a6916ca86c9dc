import base64
import io
import json
import re
from html import unescape
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from report.figures import figure_of, inline, width_of
from report.hover import Spot, place


def drawn(width=5.0) -> Figure:
    figure = Figure(figsize=(width, 3), layout="constrained")
    axes = figure.add_subplot()
    axes.plot([1, 10, 100], [0, 50, 100], "o", color="#222222")
    axes.set_xscale("log")
    axes.set_title("a < b")
    return figure


def test_a_chart_follows_the_colours_of_the_page_and_its_files_do_not():
    made = figure_of(drawn(), "a chart", "what it says")
    assert "var(--ink)" in made.shown and "#000000" not in made.shown and "#222222" not in made.shown
    svg, png = (base64.b64decode(saved.uri.partition(",")[2]) for saved in made.saves)
    assert [saved.name for saved in made.saves] == ["a_chart.svg", "a_chart.png"]
    assert ElementTree.fromstring(svg).tag.endswith("svg") and b"#222222" in svg and b"var(" not in svg
    with Image.open(io.BytesIO(png)) as picture:
        assert picture.size == (750, 450) and picture.mode == "P"


def test_charts_on_one_page_share_no_ids():
    texts = '<svg><g id="a"/><use href="#a"/>first one', '<svg><g id="a"/>other one'
    pages = [inline(text, text[-9:]) for text in texts]
    ids = [re.findall(r'id="([^"]+)"', page) for page in pages]
    assert not set(ids[0]) & set(ids[1]) and f'href="#{ids[0][0]}"' in pages[0]


def test_a_chart_is_as_wide_as_drawn_at_most():
    assert width_of('<?xml?><svg height="9pt" width="460.8pt">') == 460.8
    assert 'style="max-width: 145px"' in inline('<svg width="100pt" height="50pt" viewBox="0 0 100 50"></svg>', "d")


@pytest.mark.parametrize("x", [1, 30, 100])
def test_spots_lie_where_the_chart_has_them(x):
    """The pixel under a spot is the point's colour in a picture of the same figure."""
    figure = drawn()
    figure.axes[0].plot([x], [20], "s", color="red", markersize=8)
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=72)
    ((left, top, text),) = place(figure, [Spot(x, 20, "here")])
    pixels = np.asarray(Image.open(data).convert("RGB"))
    assert text == "here" and pixels[round(top), round(left)].tolist() == [255, 0, 0]


def test_spots_survive_as_an_attribute():
    shown = figure_of(drawn(), "c", "d", [Spot(10, 50, 'half "way" < here')]).shown
    ((_, _, text),) = json.loads(unescape(re.search(r'data-spots="([^"]*)"', shown)[1]))
    assert text == 'half "way" < here'
