"""The report: one self-contained HTML page out of a study's folder."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Sequence
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
from report.search import searched_curves
from study.config import Forecast, Study, dump_study, read_study
from study.layout import StudyFolder

LARGEST_SVG = 200_000  # bytes; above it the PNG beside it is embedded
LARGEST_PNG = 300_000  # bytes; above it a JPEG is embedded
WIDEST = 1600  # pixels of an embedded picture
RUN = "largest subset, draw 0, seed 0"
ABOUT = {  # in the order of the page; the first ones go with the learning curves
    "comparison_linear": "Learning curves of all detectors, linear axis",
    "comparison_log": "Learning curves of all detectors, logarithmic axis",
    "axis_linear": "What a setting brings with few and with many images, linear axes",
    "axis_log": "What a setting brings with few and with many images, logarithmic axes",
    "classes": "Learning curves of every class",
    "exponents": "Errors against images, with their power laws",
    "detections": f"Validation images with the boxes a detector found ({RUN})",
    "mistakes": f"Validation images with the most confident mistakes and the largest boxes missed ({RUN})",
    "precision_recall": f"Precision against recall of every class, validation images ({RUN})",
    "steps": "AP on the way, on the tuning split that chose when to stop (never the validation images)",
    "collage": "Training images with their labelled boxes",
    "prevalence": "Boxes per class in every subset",
    "shift": "How often each class is in validation, against training",
}
CURVES = {"comparison_linear", "comparison_log", "axis_linear", "axis_log", "classes", "exponents"}


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
    names = [d.name for d in study.datasets] if study else list(dict.fromkeys(a.curve.dataset for a in answers))
    files = _picture_files(folder.charts)
    return {
        "title": study.name if study else folder.root.resolve().name,
        "answers": answers,
        "charts": [_curve_charts(answer, settings.fit_up_to) for answer in answers],
        "searched": [(each, [inline_svg(figure, f"Learning curve of {each.name} with and without search, {axis} axis")
                             for axis, figure in each.charts.items()])
                     for each in searched_curves(folder.results, settings.metric, results, study)],
        "classes": class_tables(folder.results, settings.metric),
        "prevalence": prevalence_tables(folder, names),
        "comparison": [embed(path, names) for path in files if picture_kind(path.stem) in CURVES],
        "pictures": [embed(path, names) for path in files if picture_kind(path.stem) not in CURVES],
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
    stems = {p.with_suffix("") for p in charts.rglob("*.[ps][nv]g") if not p.name.startswith("learning_curves")}
    return [_best_file(stem) for stem in sorted(stems, key=lambda stem: (_place(stem.name), stem))]


def picture_kind(stem: str) -> str:
    """Return the key of ABOUT that a picture's file name begins with; "" for any other file."""
    return next((kind for kind in ABOUT if re.match(f"{kind}(_|$)", stem)), "")


def _place(stem: str) -> int:
    kind = picture_kind(stem)
    return list(ABOUT).index(kind) if kind else len(ABOUT)


def _best_file(stem: Path) -> Path:
    vector, raster = Path(f"{stem}.svg"), Path(f"{stem}.png")
    small = vector.exists() and vector.stat().st_size <= LARGEST_SVG
    return vector if small or not raster.exists() else raster


def embed(path: Path, datasets: Sequence[str] = ()) -> Picture:
    """Return a picture file as a data URI, large PNGs as JPEG, captioned after its name, which may name a data set."""
    kind, data = ("svg+xml" if path.suffix == ".svg" else "png"), path.read_bytes()
    if kind == "png" and len(data) > LARGEST_PNG:
        kind, data = "jpeg", _to_jpeg(path)
    return Picture(_caption(path.stem, datasets), f"data:image/{kind};base64,{base64.b64encode(data).decode()}")


def _to_jpeg(path: Path) -> bytes:
    buffer = io.BytesIO()
    with Image.open(path) as image:
        image = image.convert("RGB")
        image.thumbnail((WIDEST, 4 * WIDEST))
        image.save(buffer, "JPEG", quality=85, optimize=True)
    return buffer.getvalue()


def _caption(stem: str, datasets: Sequence[str]) -> str:
    """Return "Learning curves of every class: digits, AP50" for classes_digits_AP50."""
    kind = picture_kind(stem)
    if not kind:
        return " ".join(re.split(r"[-_ ]+", stem)).strip().capitalize()
    rest = stem.removeprefix(kind).removeprefix("_")
    dataset = max((name for name in datasets if f"{rest}_".startswith(f"{name}_")), key=len, default="")
    parts = [ABOUT[kind], ", ".join(filter(None, (dataset, rest.removeprefix(dataset).removeprefix("_"))))]
    return ": ".join(filter(None, parts))
