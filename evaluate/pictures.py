"""The pictures of evaluated runs: what was found, what went wrong, precision and recall, and AP on the way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from charts import mistakes as marks
from charts.collage import Labelled, choose, detection_grid, read_image
from charts.labels import plain
from charts.precision_recall import precision_recall
from charts.save import save_figure
from charts.steps import Looks, steps_chart
from datasets.annotations import Annotations
from datasets.errors import InputError
from datasets.files import read_json
from evaluate.coco import score
from evaluate.detections import Detections
from evaluate.matches import ClassMatches
from evaluate.mistakes import (
    BACKGROUND,
    BOTH,
    CLASSIFICATION,
    DUPLICATE,
    KINDS,
    LOCALIZATION,
    MISSED,
    RIGHT,
    Example,
    Verdicts,
    choose_examples,
    judge,
)
from study.layout import StudyFolder
from study.matrix import Cell

SHOWN = 0.3  # score from which on detections are drawn
PICTURED = 6  # images beside their detections
EXAMPLES = 12  # images with a mistake each
MEANINGS = {DUPLICATE: "of a box found already", CLASSIFICATION: "wrong class", LOCALIZATION: "badly placed",
            BOTH: "wrong class, badly placed", BACKGROUND: "on no box"}


def draw(truth: Annotations, detections: Detections, images: Path | None,
         min_score: float = SHOWN) -> dict[str, Figure]:
    """Return the figures by kind: precision_recall, and with the folder `images` also mistakes and detections.

    Raises InputError where an image to be drawn cannot be read, or the truth has no box to find.
    """
    scores = score(truth, detections)
    boxes = [int(each.truths[0].sum()) for each in scores.matches]
    figures = {"precision_recall": precision_recall(truth.categories, scores.precision[..., 0], boxes)}
    if images is not None:
        figures["mistakes"] = draw_mistakes(truth, detections, scores.matches, images, min_score)
        figures["detections"] = detection_grid(truth, images, detections, choose(truth, PICTURED), min_score)
    return figures


def draw_mistakes(truth: Annotations, detections: Detections, matches: Sequence[ClassMatches], images: Path,
                  min_score: float = SHOWN) -> Figure:
    """Draw EXAMPLES images, each for a mistake or a miss, the most confident and the largest first."""
    verdicts = judge(truth, detections, matches, min_score)
    examples = choose_examples(truth, detections, verdicts, EXAMPLES)
    heading = _heading(verdicts.count(), int((~truth.crowd).sum()), min_score)
    heading += ("Each image was chosen for what is named above it and drawn thick: the most confident mistakes and the "
                "largest boxes missed." if examples else "There are no mistakes and no misses to show.")
    return marks.mistakes_grid([_marked(truth, detections, verdicts, images, each) for each in examples], heading)


def _heading(counts: Mapping[str, int], boxes: int, min_score: float) -> str:
    """Return lines with the counts of KINDS and of MISSED among `boxes`."""
    kinds = [f"{counts[kind]:,} {kind} ({MEANINGS[kind]})" for kind in KINDS if kind != RIGHT and counts[kind]]
    wrong = sum(counts[kind] for kind in KINDS) - counts[RIGHT]
    return (f"Detections with a score of at least {min_score:g}: {counts[RIGHT]:,} right, {wrong:,} wrong"
            f"{': ' if wrong else ''}{', '.join(kinds)}.\nBoxes: {boxes:,}, {counts[MISSED]:,} of them missed.\n")


def _marked(truth: Annotations, detections: Detections, verdicts: Verdicts, images: Path,
            example: Example) -> marks.Marked:
    """Read the example's image and mark all that counts in it, the example first."""
    marked = _marks_in(truth, detections, verdicts, example)
    tables = [truth if mark in (marks.MISSED, marks.CROWD) else detections for mark, _ in marked]
    names = [truth.categories[table.classes[row]] for table, (_, row) in zip(tables, marked)]
    scores = ["" if table is truth else f"{detections.scores[row]:.2f}" for table, (_, row) in zip(tables, marked)]
    image, scale = read_image(truth, images, example.image)
    picture = Labelled(image, [table.boxes[row] for table, (_, row) in zip(tables, marked)],
                       [f"{name} {score}".strip() for name, score in zip(names, scores)], scale=scale,
                       title=f"{example.kind}: {plain(names[0])}" + (f" ({scores[0]})" if scores[0] else ""))
    return marks.Marked(picture, [mark for mark, _ in marked])


def _marks_in(truth: Annotations, detections: Detections, verdicts: Verdicts,
              example: Example) -> list[tuple[str, int]]:
    """Return mark and row of all that counts in the example's image: itself, then mistakes, misses and the rest."""
    found = np.flatnonzero((detections.images == example.image) & (verdicts.kinds >= 0))
    found = found[np.argsort(-detections.scores[found], kind="stable")]
    right = verdicts.kinds[found] == KINDS.index(RIGHT)
    true = np.arange(*truth.starts[example.image:example.image + 2])
    parts = [(marks.WRONG, found[~right]), (marks.MISSED, true[verdicts.missed[true]]), (marks.RIGHT, found[right]),
             (marks.CROWD, true[truth.crowd[true]])]
    chosen = (marks.MISSED if example.kind == MISSED else marks.WRONG, example.row)
    return sorted(((mark, row) for mark, rows in parts for row in rows.tolist()), key=lambda one: one != chosen)


def draw_looks(folder: StudyFolder, cells: Iterable[Cell]) -> dict[str, Figure]:
    """Return the figure `steps` of the cells that looked at a tuning split on the way; nothing where none did.

    Raises InputError for a damaged tuning.json.
    """
    looks = [_read_looks(path, f"{cell.fraction:g} %") for cell in cells if (path := folder.run(cell).tuning).exists()]
    return {"steps": steps_chart(looks)} if looks else {}


def _read_looks(path: Path, group: str) -> Looks:
    content = read_json(path)
    try:
        steps, values = zip(*((int(look["step"]), float(look["ap"])) for look in content["looks"]))
        return Looks(group, steps, values, steps[steps.index(content["best"]["step"])])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: not the looks of a training ({error}); delete the run's folder and train it "
                         "again") from None


def save(figures: Mapping[str, Figure], folder: Path, suffix: str = "") -> list[Path]:
    """Write each figure to `folder` as <kind><suffix>.png and .svg; return the PNGs' paths."""
    return [save_figure(figure, folder / f"{kind}{suffix}")[0] for kind, figure in figures.items()]
