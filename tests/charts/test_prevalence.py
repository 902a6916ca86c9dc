import pandas as pd
import pytest
from matplotlib.figure import Figure

from charts.prevalence import prevalence


def _table(classes: int, fractions: list[float], validation: bool) -> pd.DataFrame:
    rows = [("train", f, f"class {c}", int(f * c)) for f in fractions for c in range(classes)]
    rows += [("validation", 100.0, f"class {c}", c + 1) for c in range(classes) if validation]
    return pd.DataFrame(rows, columns=["split", "fraction", "class", "boxes"])


def _texts(figure: Figure) -> list[str]:
    return [t.get_text() for t in figure.axes[0].get_legend().get_texts()]


def test_bars_and_dots_show_the_counts():
    axes = prevalence(_table(3, [1, 50, 100], validation=True)).axes[0]
    assert [t.get_text() for t in axes.get_yticklabels()] == ["class 0", "class 1", "class 2"]
    assert [bar.get_width() for bar in axes.patches] == [0, 100, 200]
    dots = {line.get_label(): list(line.get_xdata()) for line in axes.lines}
    assert dots == {"1 %": [0, 1, 2], "50 %": [0, 50, 100], "validation": [1, 2, 3]}


@pytest.mark.parametrize(("fractions", "validation", "legend"), [
    ([100.0], False, ["100 %"]), ([2.5, 20, 100], True, ["100 %", "20 %", "2.5 %", "validation"])])
def test_the_legend_runs_from_the_largest_subset(fractions, validation, legend):
    assert _texts(prevalence(_table(2, fractions, validation))) == legend


@pytest.mark.parametrize("classes", [1, 10, 80])
def test_labels_and_legend_do_not_overlap(classes):
    figure = prevalence(_table(classes, [1, 2.5, 5, 10, 20, 30, 50, 75, 100], validation=True))
    figure.draw_without_rendering()
    axes = figure.axes[0]
    labels = [t.get_window_extent() for t in axes.get_yticklabels()]
    assert not any(one.overlaps(other) for one, other in zip(labels, labels[1:]))
    legend = axes.get_legend().get_window_extent()
    assert not legend.overlaps(axes.get_window_extent())
    assert figure.bbox.x0 <= legend.x0 and legend.x1 <= figure.bbox.x1
    assert figure.bbox.y0 <= legend.y0 and legend.y1 <= figure.bbox.y1
