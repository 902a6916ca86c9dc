"""One way to the figures in a process of its own: `python -m benchmarks.evaluation.contenders NAME FOLDER RESAMPLES`.

Reads truth.json and detections.json of FOLDER, prints seconds, memory and figures as one line of JSON.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# In COCOeval's order; not taken from evaluate.coco, which would load numba into every contender's process.
FIGURES = ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl")
Values = dict[str, float]  # "AP", or "AP/class"; -1 where COCO defines none

# name -> (module that has COCO, module and name of its COCOeval): each is pycocotools' interface
LIKE_PYCOCOTOOLS = {
    "pycocotools": ("pycocotools.coco", "pycocotools.cocoeval", "COCOeval"),
    "faster-coco-eval": ("faster_coco_eval", "faster_coco_eval", "COCOeval_faster"),
    "hotcoco": ("hotcoco", "hotcoco", "COCOeval"),
}


def importable() -> list[str]:
    """Return the contenders that this environment has."""
    return [name for name, (module, *_) in LIKE_PYCOCOTOOLS.items() if importlib.util.find_spec(module.split(".")[0])]


def load(name: str, resamples: int) -> tuple[Callable[[Path, Path], Any], Callable[[Any], Values]]:
    """Import the contender `name` and return its two steps: from the files to memory, and on to the figures.

    Numba loads its own modules and the code it has cached at a function's first call. Here they are loaded with the
    imports, as those of an extension in C are.
    """
    if name in LIKE_PYCOCOTOOLS:
        return _load_like_pycocotools(*LIKE_PYCOCOTOOLS[name])
    return _load_bootstrap(resamples) if name == "bootstrap" else _load_ours()


def _load_ours():
    from benchmarks.evaluation.material import make_detections, make_truth
    from datasets.formats.coco import read_coco
    from evaluate.coco import score
    from evaluate.detections import read_detections

    few = make_truth(10)
    score(few, make_detections(few))

    def read(truth: Path, detections: Path):
        annotations = read_coco(truth)
        return annotations, read_detections(detections, annotations)

    def evaluate(material) -> Values:
        values = score(*material).values
        return {_name(figure, class_): -1.0 if value != value else value
                for (figure, class_), value in values.items() if not class_ or figure == "AP"}

    return read, evaluate


def _name(figure: str, class_: str) -> str:
    return f"{figure}/{class_}" if class_ else figure


def _load_bootstrap(resamples: int):
    from benchmarks.evaluation.material import make_detections, make_truth
    from evaluate.bootstrap import bootstrap
    from evaluate.coco import score

    read, _ = _load_ours()
    few = make_truth(10)
    bootstrap(score(few, make_detections(few)).matches, 2, seed=0)

    def evaluate(matches) -> Values:
        samples = bootstrap(matches, resamples, seed=0)
        return {_name(figure, class_): float(drawn.std()) for (figure, class_), drawn in samples.items()}

    return lambda truth, detections: score(*read(truth, detections)).matches, evaluate


def _load_like_pycocotools(coco: str, module: str, evaluator: str):
    index, COCOeval = importlib.import_module(coco).COCO, getattr(importlib.import_module(module), evaluator)

    def read(truth: Path, detections: Path):
        with contextlib.redirect_stdout(io.StringIO()):  # they print their progress
            boxes = index(str(truth))
            return boxes, boxes.loadRes(str(detections))

    def evaluate(material) -> Values:
        with contextlib.redirect_stdout(io.StringIO()):
            evaluation = COCOeval(*material, "bbox")
            evaluation.evaluate()
            evaluation.accumulate()
            evaluation.summarize()
        return dict(zip(FIGURES, map(float, evaluation.stats))) | _per_class(material[0], evaluation)

    return read, evaluate


def _per_class(truth, evaluation) -> Values:
    """Return AP of each class as Detectron2 takes it from a COCOeval (detectron2/evaluation/coco_evaluation.py)."""
    values = {}
    for k, category in enumerate(truth.loadCats(truth.getCatIds())):
        precision = evaluation.eval["precision"][:, :, k, 0, -1]
        precision = precision[precision > -1]
        values[_name("AP", category["name"])] = float(precision.mean()) if precision.size else -1.0
    return values


def _peak_mb() -> float:
    """Return the most this process had in memory. (Its getrusage would begin with what its parent had.)"""
    kilobytes = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    assert kilobytes, "Linux says so of every process"
    return int(kilobytes[1]) * 1024 / 1e6


def main(name: str, folder: str, resamples: str) -> None:
    began = time.perf_counter()
    read, evaluate = load(name, int(resamples))
    imported, import_mb = time.perf_counter(), _peak_mb()
    material = read(Path(folder, "truth.json"), Path(folder, "detections.json"))
    ready = time.perf_counter()
    values = evaluate(material)
    ended = time.perf_counter()
    print(json.dumps({"importing": imported - began, "reading": ready - imported, "evaluating": ended - ready,
                      "megabytes": _peak_mb(), "import_megabytes": import_mb, "values": values}))


if __name__ == "__main__":
    main(*sys.argv[1:])
