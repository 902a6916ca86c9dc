"""A table of prevalence to draw."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd
import pytest
from matplotlib.figure import Figure

ODD_NAMES = ["$a$ costs $ of _{x}", "_background_", "café Löwe Ψ", "n" * 30 + "o" * 30, r"<b>&amp; 100% \alpha^2"]


@pytest.fixture
def a_table() -> Callable[..., pd.DataFrame]:
    """Return a function that makes a table of `tabulate` in which class k has fraction * k boxes."""

    def make(names: Sequence[str], fractions: Sequence[float] = (100,), validation: bool = False) -> pd.DataFrame:
        rows = [("train", float(f), int(10 * f), name, int(f * k)) for f in fractions for k, name in enumerate(names)]
        rows += [("validation", 100.0, 100, name, k + 1) for k, name in enumerate(names) if validation]
        table = pd.DataFrame(rows, columns=["split", "fraction", "subset", "class", "boxes"])
        boxes = table["boxes"]
        return table.assign(images=boxes, small=boxes // 4, medium=boxes // 4, large=boxes - 2 * (boxes // 4))

    return make


@pytest.fixture
def classes() -> Callable[[int], list[str]]:
    """Return a function that gives so many class names, the odd ones first."""
    return lambda number: [*ODD_NAMES, *(f"class {k}" for k in range(number))][:number]


@pytest.fixture
def assert_legible() -> Callable[[Figure], None]:
    """Return a function that holds that a figure's row labels and legend lie inside it and on nothing else."""

    def check(figure: Figure) -> None:
        figure.draw_without_rendering()
        axes = figure.axes[0]
        labels = [t.get_window_extent() for t in axes.get_yticklabels() if t.get_text()]
        assert not any(one.overlaps(other) for one, other in zip(labels, labels[1:]))
        legends = [legend.get_window_extent() for legend in (axes.get_legend(), *figure.legends) if legend]
        assert not any(legend.overlaps(axes.get_window_extent()) for legend in legends)
        for box in [*labels, *legends]:
            assert figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1
            assert figure.bbox.y0 <= box.y0 and box.y1 <= figure.bbox.y1

    return check
