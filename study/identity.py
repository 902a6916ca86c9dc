"""What determines a run, so that changed inputs are noticed and never mixed with old results."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import msgspec
import numpy as np

from datasets.annotations import Annotations
from datasets.errors import InputError
from datasets.files import write_text
from datasets.settings import read_yaml
from datasets.yaml12 import dump
from study.checkpoints import checkpoint_hash
from study.config import Study, find_detector, find_recipe
from study.layout import RunFolder, StudyFolder
from study.load import read_study
from study.matrix import Cell

NOT_OF_A_RUN = ("root", "checkpoint", "max_corrupt", "of", "varied")  # files may move, and limits be raised
ADDED = {"depth": 101}  # settings of detectors younger than the first runs, with what those have
EVALUATION = 3  # raised when result.json says something else or more, so that finished runs are evaluated again
PACKAGES = ("tensorflow", "tf-models-official", "tf-keras", "numpy", "numba", "scipy", "pillow")


def training_inputs(study: Study, cell: Cell, subset: Annotations, subset_bytes: int,
                    trial: int | None = None) -> dict[str, Any]:
    """Return everything that determines a training, as plain values.

    `subset` is the cell's images, in order, `subset_bytes` the size of their files. A searched cell is determined by
    its search, whatever that finds; a trial of it, whose study has the trial's settings, by these.
    """
    detector = find_detector(study, cell.detector)
    architecture = {key: value for key, value in msgspec.to_builtins(detector).items()
                    if key not in ("name", "recipes", "checkpoint", "of", "varied") and ADDED.get(key) != value}
    return _plain({
        "cell": {key: value for key, value in msgspec.to_builtins(cell).items() if key != "searched" or value},
        "classes": list(subset.categories),
        "annotations": subset.checksum,
        "subset": _content_hash(subset),
        "images": subset.num_images,
        "image_bytes": subset_bytes,
        "boxes": subset.num_boxes,
        "detector": architecture,
        "checkpoint": checkpoint_hash(detector.checkpoint),
        "precision": study.runtime.precision,
        "recipe": {"name": study.recipe} | msgspec.to_builtins(find_recipe(study, detector)),
    } | _searched(study, cell, trial))


def _searched(study: Study, cell: Cell, trial: int | None) -> dict[str, Any]:
    if not cell.searched:
        return {}
    if trial is not None:
        return {"trial": trial}
    search = msgspec.to_builtins(study.search)
    return {"search": {key: value for key, value in search.items() if key != "up_to"}}


def evaluation_inputs(study: Study, validation: Annotations, validation_bytes: int, training: str) -> dict[str, Any]:
    """Return everything that determines an evaluation; `training` is the training's fingerprint."""
    return {"training": training, "validation": _content_hash(validation), "image_bytes": validation_bytes,
            "bootstrap": study.bootstrap, "layout": EVALUATION}


def fingerprint(inputs: dict[str, Any]) -> str:
    """Return a short hash of `inputs`."""
    return _hash(inputs)[:16]


def refuse_changed_study(folder: StudyFolder, study: Study) -> None:
    """Raise InputError if the folder holds runs of a study that says otherwise what the runs are.

    Further fractions, draws, seeds, data sets or detectors are welcome, and data may have moved: its checksum decides.
    """
    if not folder.config.exists() or not folder.has_runs():
        return
    try:
        read_yaml(folder.config)
    except InputError as error:
        raise InputError(f"{error}; delete it: what each run was made of is kept in its own folder") from None
    try:
        before, now = _runs_of(read_study(folder.config)), _runs_of(study)
    except InputError as error:
        raise InputError(f"{folder.root}: was made by another version ({error}); give the study another --name, or "
                         "delete that folder to start again") from None
    shared = {key: before[key] for key in before.keys() & now.keys()}
    if changed := _differences(shared, {key: now[key] for key in shared}):
        raise InputError(f"{folder.root}: was made by another configuration ({'; '.join(changed[:3])}); give the study "
                         "another --name, or delete that folder to start again")


def _runs_of(study: Study) -> dict[str, Any]:
    """Return the settings that determine runs, by data set and detector."""
    plain = _plain(msgspec.to_builtins(study))
    for detector in plain["detectors"]:
        detector["recipes"] = {study.recipe: detector["recipes"][study.recipe]}  # others may come and go
    named = {f"{what} {item['name']}": {key: value for key, value in item.items() if key not in NOT_OF_A_RUN}
             for what in ("datasets", "detectors") for item in plain[what]}
    return named | {"recipe": study.recipe, "strategy": study.strategy}


def refuse_changed(run: RunFolder, inputs: dict[str, Any]) -> None:
    """Raise InputError if the folder holds a run with other inputs, unless nothing was trained there yet."""
    if not run.params.exists() or not run.has_begun():
        return
    try:
        before = read_yaml(run.params).get("inputs")
    except InputError as error:
        raise InputError(f"{error}; it alone told what was trained, so delete {run.root} to run it again") from None
    if changed := _differences(before, inputs):
        raise InputError(f"{run.root}: was made with another configuration ({'; '.join(changed[:3])}); give the study "
                         "another --name, or delete that folder to run it again")


def claim(run: RunFolder, inputs: dict[str, Any]) -> None:
    """Write params.yaml before a run starts. Raises InputError if the folder holds a run with other inputs."""
    refuse_changed(run, inputs)
    if not (run.params.exists() and run.has_begun()):
        write_text(run.params, dump({"inputs": inputs, "versions": versions()}))


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that results depend on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _plain(value: Any) -> Any:
    """Return `value` as it comes back from a file: tuples as lists."""
    return json.loads(json.dumps(value))


@lru_cache(maxsize=32)
def _content_hash(annotations: Annotations) -> str:
    """Return a hash of the images, classes and boxes, which a class map or a split may change under one checksum."""
    digest = hashlib.sha256(annotations.checksum.encode())
    for array in (annotations.image_ids, annotations.starts, annotations.classes, annotations.boxes, annotations.crowd):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _differences(before: Any, now: Any, where: str = "") -> list[str]:
    """Return one short text for every leaf in which two trees of plain values differ."""
    if isinstance(before, dict) and isinstance(now, dict):
        keys: Iterable[str] = sorted(before.keys() | now.keys())
        return [text for key in keys for text in _differences(before.get(key), now.get(key), f"{where}.{key}")]
    return [] if before == now else [f"{where.lstrip('.')}: {_short(before)} then, {_short(now)} now"]


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else text[:37] + "..."
