"""The pictures that a study's other stages drew, as figures of the page."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup, escape
from PIL import Image

from report.figures import WIDE, PageFigure, Saved, few_colours, inline, uri, vector_saves, width_of
from report.tables import slug

LARGEST_SVG = 200_000  # bytes; above it the picture is made of pixels
WIDEST = 1200  # pixels of a picture
BUDGET = 2_600_000  # bytes that all pictures of pixels may take, shown and saved, so that the page stays below 5 MB
LEAST = 40_000  # bytes that one may take; those that come last are left out before others get less
LEAST_WIDTH = 64  # pixels
QUALITY = 80  # of a JPEG
RUN = "largest subset, draw 0, seed 0"


@dataclass(frozen=True)
class Kind:
    """A kind of picture, by what its file's name begins with."""

    section: str
    about: str


KINDS = {  # in the order of the page
    "comparison_linear": Kind("curves", "Learning curves of all detectors, linear axis"),
    "comparison_log": Kind("curves", "Learning curves of all detectors, logarithmic axis"),
    "axis_linear": Kind("curves", "What a setting brings with few and with many images, linear axes"),
    "axis_log": Kind("curves", "What a setting brings with few and with many images, logarithmic axes"),
    "exponents": Kind("curves", "Errors against images, with their power laws"),
    "classes": Kind("classes", "Learning curves of every class"),
    "precision_recall": Kind("classes", f"Precision against recall of every class, validation images ({RUN})"),
    "prevalence": Kind("prevalence", "Boxes per class in every subset"),
    "shift": Kind("prevalence", "How often each class is in validation, against training"),
    "collage": Kind("pictures", "Training images with their labelled boxes"),
    "detections": Kind("pictures", f"Validation images with the boxes a detector found ({RUN})"),
    "mistakes": Kind("pictures", "Validation images with the most confident mistakes and the largest boxes missed "
                                 f"({RUN})"),
    "steps": Kind("runs", "AP on the way, on the tuning split that chose when to stop (never the validation images)"),
}


def pictures_of(charts: Path, datasets: Sequence[str]) -> dict[str, list[PageFigure]]:
    """Return the pictures in a folder by section, those of a user's own among "pictures".

    The page draws the learning curves itself. Data sets are told by their names in those of the files.
    """
    files = (path for path in charts.rglob("*.[ps][nv]g") if not path.name.startswith("learning_curves"))
    stems = {path.with_suffix("") for path in files}
    ordered = sorted(stems, key=lambda stem: (_place(stem.name), stem))
    pixels = [stem for stem in ordered if not _is_vector(stem)]
    share = BUDGET // len(pixels) if pixels else 0
    shown = set(pixels[:BUDGET // LEAST])
    found: dict[str, list[PageFigure]] = {kind.section: [] for kind in KINDS.values()}
    for stem in ordered:
        if stem in pixels and stem not in shown:
            continue
        try:
            figure = (pixel_figure(_png_of(stem), max(share, LEAST), datasets) if stem in pixels
                      else vector_figure(stem, datasets))
        except (OSError, ValueError) as error:  # Pillow's and Unicode's
            print(f"{stem}: left out of the page, since it cannot be read ({error})", file=sys.stderr)
            continue
        found[section_of(stem.name)].append(figure)
    return found


def picture_kind(stem: str) -> str:
    """Return the key of KINDS that a picture's file name begins with; "" for any other file."""
    return next((kind for kind in KINDS if re.match(f"{kind}(_|$)", stem)), "")


def section_of(stem: str) -> str:
    """Return the section of the page that a picture belongs to."""
    kind = picture_kind(stem)
    return KINDS[kind].section if kind else "pictures"


def vector_figure(stem: Path, datasets: Sequence[str] = ()) -> PageFigure:
    """Return a chart in the page's colours out of its SVG, saved as that or as the PNG beside it."""
    caption, svg, raster = caption_of(stem.name, datasets), _svg_of(stem).read_text(encoding="utf-8"), _png_of(stem)
    saves = (Saved("SVG", f"{slug(caption)}.svg", uri("svg+xml", svg.encode())),)
    if raster.exists():
        with Image.open(raster) as picture:
            saves = vector_saves(caption, svg, few_colours(picture))
    shown = inline(svg, caption) if _follows_colours(svg) else _image(saves[0].uri, caption)
    return PageFigure(caption, shown, saves, width_of(svg) > WIDE)


def pixel_figure(path: Path, share: int, datasets: Sequence[str] = ()) -> PageFigure:
    """Return a picture of pixels: shown as JPEG, saved as PNG, both together of at most `share` bytes."""
    caption = caption_of(path.stem, datasets)
    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    picture.thumbnail((WIDEST, 4 * WIDEST))
    shown, saved = _shrink(picture, share)
    element = _image(uri("jpeg", shown), caption, f' width="{picture.width}" height="{picture.height}"')
    return PageFigure(caption, element, (Saved("PNG", f"{slug(caption)}.png", uri("png", saved)),), True)


def _image(source: str, caption: str, size: str = "") -> Markup:
    return Markup(f'<img src="{source}" alt="{escape(caption)}"{size}>')


def _shrink(picture: Image.Image, share: int) -> tuple[bytes, bytes]:
    """Return a picture as JPEG and as PNG, made smaller until both fit into `share` bytes."""
    width, height = picture.size
    middle = picture.crop((width // 3, height // 3, 2 * width // 3, 2 * height // 3))
    excess = 9 * (len(_jpeg(middle)) + len(few_colours(middle))) / share  # a guess that saves encoding all of it twice
    while True:
        if excess > 1 and picture.width > LEAST_WIDTH:
            scale = 0.95 * excess**-0.5
            picture = picture.resize((max(1, int(picture.width * scale)), max(1, int(picture.height * scale))))
        shown, saved = _jpeg(picture), few_colours(picture)
        excess = (len(shown) + len(saved)) / share
        if excess <= 1 or picture.width <= LEAST_WIDTH:
            return shown, saved


def _jpeg(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def caption_of(stem: str, datasets: Sequence[str]) -> str:
    """Return "Learning curves of every class: digits, AP50" for classes_digits_AP50."""
    kind = picture_kind(stem)
    if not kind:
        return " ".join(re.split(r"[-_ ]+", stem)).strip().capitalize()
    rest = stem.removeprefix(kind).removeprefix("_")
    dataset = max((name for name in datasets if f"{rest}_".startswith(f"{name}_")), key=len, default="")
    parts = [KINDS[kind].about, ", ".join(filter(None, (dataset, rest.removeprefix(dataset).removeprefix("_"))))]
    return ": ".join(filter(None, parts))


def _place(stem: str) -> int:
    kind = picture_kind(stem)
    return list(KINDS).index(kind) if kind else len(KINDS)


def _is_vector(stem: Path) -> bool:
    svg = _svg_of(stem)
    return svg.exists() and (svg.stat().st_size <= LARGEST_SVG or not _png_of(stem).exists())


def _follows_colours(svg: str) -> bool:
    """Tell whether an SVG can take the page's colours: its letters are text, and it is nothing but a drawing."""
    return "<text" in svg and "<script" not in svg


def _svg_of(stem: Path) -> Path:
    return stem.with_name(f"{stem.name}.svg")


def _png_of(stem: Path) -> Path:
    return stem.with_name(f"{stem.name}.png")
