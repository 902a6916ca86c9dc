"""Writes a figure to disk, the same bytes for the same figure."""

from __future__ import annotations

from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from datasets.files import whole_file

DPI = 150


def save_figure(figure: Figure, path_without_suffix: str | Path) -> list[Path]:
    """Write `figure` as PNG and as SVG and return both paths."""
    metadata = {"png": {"Software": None}, "svg": {"Date": None}}
    paths = [Path(f"{path_without_suffix}.{kind}") for kind in metadata]
    settings = {"svg.hashsalt": "figure", "svg.fonttype": "none"}  # element ids are random without a salt
    with matplotlib.rc_context(settings):
        for path, kind in zip(paths, metadata):
            with whole_file(path) as part:
                figure.savefig(part, format=kind, dpi=DPI, metadata=metadata[kind])
    return paths
