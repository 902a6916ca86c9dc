import pytest
from matplotlib.figure import Figure

from charts.save import save_figure


def _figure() -> Figure:
    figure = Figure(figsize=(2, 2), layout="constrained")
    figure.add_subplot().plot([1, 2, 3], [1, 4, 9], "o", label="squares")
    return figure


def test_png_and_svg_are_the_same_bytes_every_time(tmp_path):
    first = save_figure(_figure(), tmp_path / "new" / "v1.5")
    second = save_figure(_figure(), tmp_path / "b")
    assert [p.name for p in first] == ["v1.5.png", "v1.5.svg"]
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]
    assert first[0].read_bytes().startswith(b"\x89PNG") and b"<svg" in first[1].read_bytes()


def test_a_failure_leaves_no_half_picture(tmp_path):
    figure = _figure()
    figure.axes[0].set_title(r"$\broken{$")
    with pytest.raises(ValueError, match="broken"):
        save_figure(figure, tmp_path / "a")
    assert list(tmp_path.iterdir()) == []
