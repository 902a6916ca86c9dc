"""The report: one self-contained HTML page out of a study's folder."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import matplotlib
from markupsafe import Markup, escape
from matplotlib.figure import Figure
from PIL import Image

from charts.curves import HELD_OUT, OBSERVED, learning_curves
from datasets.errors import InputError
from datasets.files import write_text
from predict.backtest import forecast_bands
from report.content import (
    CurveAnswer,
    answer_curves,
    class_tables,
    making_table,
    prevalence_tables,
    read_results,
    run_table,
)
from study.config import Forecast, Study, dump_study, read_study
from study.layout import StudyFolder

LARGEST_SVG = 200_000  # bytes; above it the PNG beside it is embedded
LARGEST_PNG = 300_000  # bytes; above it a JPEG is embedded
WIDEST = 1600  # pixels of an embedded picture
ABOUT = {
    "collage": "Training images with their labelled boxes",
    "detections": "Validation images with the boxes a detector found",
    "mistakes": "Validation images with the most confident mistakes and the largest boxes missed",
    "precision_recall": "Precision against recall of every class, validation images",
    "steps": "AP on the way, on the tuning split that chose when to stop (never the validation images)",
    "comparison": "Learning curves of all detectors",
    "classes": "Learning curves of every class",
    "exponents": "Errors against images, with their power laws",
    "prevalence": "Boxes per class in every subset",
    "shift": "How often each class is in validation, against training",
}


@dataclass(frozen=True)
class Picture:
    """A picture as the page embeds it."""

    caption: str
    source: str  # data: URI


def write_report(folder: StudyFolder) -> Path:
    """Write the study's report and return its path. Raises InputError where the study has no results yet."""
    if not folder.results.exists():
        raise InputError(f"{folder.results}: no results to report; run the study first")
    study = read_study(folder.config) if folder.config.exists() else None
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True,
                                     trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined)
    write_text(folder.report, environment.get_template("page.html").render(_content(folder, study)))
    return folder.report


def _content(folder: StudyFolder, study: Study | None) -> dict[str, Any]:
    """Return what the template shows; empty where the study has nothing of a kind."""
    settings = study.forecast if study else Forecast()
    results = read_results(folder)
    answers = answer_curves(folder.results, settings.metric, settings.fit_up_to)
    names = [d.name for d in study.datasets] if study else dict.fromkeys(a.curve.dataset for a in answers)
    return {
        "title": study.name if study else folder.root.resolve().name,
        "answers": answers,
        "charts": [_curve_charts(answer, settings.fit_up_to) for answer in answers],
        "classes": class_tables(folder.results, settings.metric),
        "prevalence": prevalence_tables(folder, names),
        "pictures": [embed(path) for path in _picture_files(folder.charts)],
        "runs": run_table(results),
        "making": making_table(study, folder, results) if study else None,
        "configuration": dump_study(study) if study else "",
    }


def _curve_charts(answer: CurveAnswer, fit_up_to: float) -> list[Markup]:
    """Return the learning curve as SVG, linear and logarithmic."""
    bands = forecast_bands([answer.curve], fit_up_to, [answer.at])
    described = f"Learning curve of {answer.curve.name}, {{}} axis of images. {answer.answer}"
    return [inline_svg(learning_curves([answer.observed], bands, log_x=log_x),
                       described.format("logarithmic" if log_x else "linear")) for log_x in (False, True)]


def inline_svg(figure: Figure, description: str) -> Markup:
    """Return a figure as an SVG element whose ink and paper follow the page's colours."""
    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": description}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    svg = buffer.getvalue()[buffer.getvalue().index("<svg"):]
    for colour, role in ((OBSERVED, "var(--ink)"), ("#000000", "var(--ink)"), (HELD_OUT, "var(--paper)")):
        svg = svg.replace(colour, role)
    svg = re.sub(r' (width|height)="[\d.]+pt"', "", svg, count=2)  # the page sets the width
    return Markup(svg.replace("<svg", f'<svg class="chart" role="img" aria-label="{escape(description)}"', 1))


def _picture_files(charts: Path) -> list[Path]:
    """Return one file per picture: the SVG where it is small, else the PNG. The page draws the curves itself."""
    stems = sorted({p.with_suffix("") for p in charts.rglob("*.[ps][nv]g") if not p.name.startswith("learning_curves")})
    return [_best_file(stem) for stem in stems]


def _best_file(stem: Path) -> Path:
    vector, raster = Path(f"{stem}.svg"), Path(f"{stem}.png")
    small = vector.exists() and vector.stat().st_size <= LARGEST_SVG
    return vector if small or not raster.exists() else raster


def embed(path: Path) -> Picture:
    """Return a picture file as a data URI, large PNGs as JPEG, captioned after its name."""
    kind, data = ("svg+xml" if path.suffix == ".svg" else "png"), path.read_bytes()
    if kind == "png" and len(data) > LARGEST_PNG:
        kind, data = "jpeg", _to_jpeg(path)
    return Picture(_caption(path.stem), f"data:image/{kind};base64,{base64.b64encode(data).decode()}")


def _to_jpeg(path: Path) -> bytes:
    buffer = io.BytesIO()
    with Image.open(path) as image:
        image = image.convert("RGB")
        image.thumbnail((WIDEST, 4 * WIDEST))
        image.save(buffer, "JPEG", quality=85, optimize=True)
    return buffer.getvalue()


def _caption(stem: str) -> str:
    """Return "Training images with their labelled boxes: digits" for collage_digits."""
    kind = next((kind for kind in ABOUT if re.match(f"{kind}(_|$)", stem)), "")
    words = " ".join(re.split(r"[-_ ]+", stem.removeprefix(kind))).strip()
    return f"{ABOUT[kind]}: {words}".removesuffix(": ") if kind else words.capitalize()
