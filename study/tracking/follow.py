"""What the services that a study names are told of a run, and of the whole study."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from study.config import Study, Tracker, find_detector, find_recipe
from study.layout import RunFolder, StudyFolder
from study.matrix import Cell
from study.provenance import code_version, host
from study.tracking.courier import Courier

LONGEST = 500  # characters of a parameter: MLflow takes no more than 6000, and nobody reads a thousand classes


class Tracking:
    """One run, as the services follow it. Without services it does nothing; it never raises and never waits.

    As a context it ends the run: as failed or stopped where an error leaves it, as finished after `finish`; otherwise
    the run is left open, for a later process to go on with.
    """

    def __init__(self, couriers: Sequence[Courier] = (), key: str = ""):
        self._couriers, self._key, self._finished = couriers, key, False

    def __enter__(self) -> Tracking:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            status = "finished" if self._finished else ""
        else:
            status = "failed" if issubclass(kind, Exception) else "stopped"
        self._tell("end", status=status)

    def metrics(self, values: Mapping[str, float | None], step: int) -> None:
        """Note figures after `step` steps; those that are None are left out."""
        known = {name: float(value) for name, value in values.items() if value is not None}
        self._tell("metrics", values=known, step=step, time=time.time())

    def picture(self, path: Path) -> None:
        """Show a picture file."""
        self._tell("picture", path=str(path.absolute()))

    def artefact(self, path: Path) -> None:
        """Keep a copy of a file."""
        self._tell("artefact", path=str(path.absolute()))

    def finish(self) -> None:
        """Say that the run is complete: it ends as finished."""
        self._finished = True

    def _tell(self, what: str, **content: Any) -> None:
        for courier in self._couriers:
            courier.send({"do": what, "run": self._key} | content)


def open_tracking(study: Study, name: str, run: RunFolder | StudyFolder, parameters: Mapping[str, Any] | None = None,
                  device: str = "") -> Tracking:
    """Return what follows the run called `name` in the folder `run`, with every service that the study asks for.

    `parameters` may be nested. A run that was followed before is gone on with: its folder keeps the services' ids.
    """
    couriers = [_courier(tracker) for tracker in study.tracking]
    tags = {"study": study.name, "host": host(), "device": device, "code": code_version()["sha256"][:16]}
    for courier, tracker in zip(couriers, study.tracking):
        courier.send({"do": "open", "run": str(run.root), "name": name, "project": tracker.project or study.name,
                      "parameters": flatten(parameters or {}), "tags": {k: v for k, v in tags.items() if v},
                      "file": str(run.tracking(tracker.kind).absolute())})
    return Tracking(couriers, str(run.root))


def parameters_of(study: Study, cell: Cell, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is told of a run: its inputs, with recipe and detector as the study resolves them."""
    detector = find_detector(study, cell.detector)
    recipe = {"name": study.recipe} | msgspec.to_builtins(find_recipe(study, detector))
    resolved = {key: value for key, value in msgspec.to_builtins(detector).items() if key != "recipes"}
    return dict(inputs) | {"detector": resolved, "recipe": recipe}


def track_run_end(tracking: Tracking, run: RunFolder, metrics: Sequence[Mapping[str, Any]], step: int) -> None:
    """Tell of a finished run: its metric rows, overall and per class, its files and the pictures that it has."""
    tracking.metrics({f"validation/{tag(row)}": row["value"] for row in metrics}, step)
    for path in (run.params, run.restored, run.result):
        if path.exists():
            tracking.artefact(path)
    for path in sorted(run.pictures.glob("*.png")):
        tracking.picture(path)
    tracking.finish()


def track_study(study: Study, folder: StudyFolder) -> None:
    """Tell of a concluded study: its configuration, results, forecast, report and charts."""
    if not study.tracking:
        return
    with open_tracking(study, study.name, folder, {"study": msgspec.to_builtins(study)}) as tracking:
        for path in (folder.config, folder.results, folder.forecast_table, folder.report):
            if path.exists():
                tracking.artefact(path)
        for path in sorted(folder.charts.glob("*.png")):
            tracking.picture(path)
        tracking.finish()


def tag(row: Mapping[str, Any]) -> str:
    """Return what a metric row goes by: AP, or AP/person for that of a class."""
    return "/".join(filter(None, (row["metric"], row["class"])))


def flatten(values: Any, name: str = "") -> dict[str, str]:
    """Return nested values as texts by their path, such as ``recipe.learning_rate``; a list of plain values is one."""
    nested = values.items() if isinstance(values, Mapping) else ()
    if isinstance(values, Sequence) and any(isinstance(item, Mapping) for item in values):
        nested = ((str(item.get("name", number)), item) for number, item in enumerate(values))
    elif not isinstance(values, Mapping):
        text = ", ".join(map(str, values)) if isinstance(values, (list, tuple)) else str(values)
        return {name: text if len(text) <= LONGEST else f"{text[:LONGEST - 1]}…"}
    return {key: text for part, item in nested for key, text in flatten(item, f"{name}.{part}".lstrip(".")).items()}


@cache
def _courier(tracker: Tracker) -> Courier:
    return Courier(tracker)
