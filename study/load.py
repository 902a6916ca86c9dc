"""A study's YAML into its configuration: names resolved, unknown keys and what does not go together refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from datasets.errors import InputError, nearest
from datasets.settings import convert, read_yaml
from datasets.yaml12 import dump
from study.config import CONFIGS, RESERVED, DatasetConfig, DetectorConfig, Study, find_recipe
from study.search import check_search, check_shape
from study.vary import expand, resolve


def load_study(path: str | Path, *, name: str | None = None, roots: dict[str, str] | None = None) -> Study:
    """Read a study's YAML; data sets and detectors are named after files in configs/ or written in place, and one with
    `vary` stands for several.

    `roots` maps a data set's name to the folder it lies in, over what its file says.
    Raises InputError for anything missing, unknown or out of range.
    """
    raw = read_yaml(path)
    recipe = str(raw.get("recipe", "scaled"))
    for key, folder, what, kind in (("datasets", "datasets", "data set", DatasetConfig),
                                    ("detectors", "models", "detector", DetectorConfig)):
        if not isinstance(raw.get(key), list) or not raw[key]:
            raise InputError(f"{path}: '{key}' must be a list that names at least one file in configs/{folder}")
        raw[key] = [one for entry in raw[key]
                    for one in expand(resolve(entry, what, CONFIGS / folder, path), entry, what, kind, recipe, path)]
    if name is not None:
        raw["name"] = name
    _place(raw["datasets"], roots or {})
    check_shape(raw.get("search"), path)
    study = convert(raw, Study, path)
    _check(study, path)
    return study


def read_study(path: str | Path) -> Study:
    """Read a resolved study.yaml as `write_study` left it."""
    study = convert(read_yaml(path), Study, path)
    _check(study, path)
    return study


def dump_study(study: Study) -> str:
    """Return the resolved configuration as YAML."""
    return dump(msgspec.to_builtins(study))


def _place(datasets: list[Any], roots: dict[str, str]) -> None:
    by_name: dict[str, list[dict]] = {}  # those that one varies into go by its name too
    for dataset in datasets:
        for name in {str(dataset.get("name")), str(dataset.get("of") or "")} if isinstance(dataset, dict) else ():
            by_name.setdefault(name, []).append(dataset)
    by_name.pop("", None)
    for name, root in roots.items():
        if name not in by_name:
            raise InputError(f"--data {name}={root}: the study has no data set '{name}'; {nearest(name, by_name)}")
        for dataset in by_name[name]:
            dataset["root"] = str(Path(root).resolve())
    for name, together in by_name.items():
        for dataset in together:
            if not dataset.get("root") and dataset.get("generator"):
                dataset["root"] = f"data/{dataset.get('of') or name}"


def _check(study: Study, path: str | Path) -> None:
    """Raise InputError for settings each of which is good, but not beside the others."""
    _check_fractions(study, path)
    _check_names(study, path)
    for dataset in study.datasets:
        _check_dataset(dataset, study.strategy, path)
    if study.strategy == "order-file" and study.draws.count > 1:
        raise InputError(f"{path}: a ranking is one order, so there is one draw; draws.count is {study.draws.count}")
    for detector in study.detectors:
        find_recipe(study, detector)
        _check_detector(detector, path)
    if len({tracker.kind for tracker in study.tracking}) < len(study.tracking):
        raise InputError(f"{path}: tracking names one kind of service twice; keep one entry of each")
    if study.search and study.runtime.distribution == "multi_worker":
        raise InputError(f"{path}: 'search' does not go with runtime.distribution multi_worker; choose one_device or "
                         "mirrored, or leave 'search' out")
    if study.search:
        check_search(study.search, [(detector, find_recipe(study, detector)) for detector in study.detectors],
                     study.fractions, path)


def _check_fractions(study: Study, path: str | Path) -> None:
    for fraction in study.fractions:
        check_fraction(fraction, path)
    if not study.fractions or list(study.fractions) != sorted(set(study.fractions)):
        raise InputError(f"{path}: fractions must rise without repeats, got {list(study.fractions)}")
    below = [fraction for fraction in study.fractions if fraction <= study.forecast.fit_up_to]
    if len(study.fractions) > 1 and len(below) < 2:
        raise InputError(f"{path}: a forecast needs two fractions or more up to forecast.fit_up_to "
                         f"{study.forecast.fit_up_to:g} per cent, got {list(study.fractions)}; "
                         "add small ones or raise it")


def _check_names(study: Study, path: str | Path) -> None:
    for what, items in (("data set", study.datasets), ("detector", study.detectors)):
        names = [item.name.casefold() for item in items]
        for name in names:
            if names.count(name) > 1 or name in RESERVED:
                raise InputError(f"{path}: {what} '{name}' is named twice or like a folder of the study; rename it")


def _check_dataset(dataset: DatasetConfig, strategy: str, path: str | Path) -> None:
    if bool(dataset.ranking) != (strategy == "order-file"):
        raise InputError(f"{path}: the strategy order-file and a data set's 'ranking' belong together; data set "
                         f"'{dataset.name}' has {'one' if dataset.ranking else 'none'}, the strategy is {strategy}")
    if not dataset.root:
        name = dataset.of or dataset.name
        raise InputError(f"{path}: where is data set '{name}'? give --data {name}=FOLDER")


def _check_detector(detector: DetectorConfig, path: str | Path) -> None:
    if detector.depth != 101 and detector.kind != "ssd_resnet101_fpn":
        raise InputError(f"{path}: detector '{detector.name}': {detector.kind} has no depth {detector.depth}; "
                         "leave depth out, or vary its width")
    if detector.stored_size < detector.input_size:
        raise InputError(f"{path}: detector '{detector.name}': stored_size {detector.stored_size} is below "
                         f"input_size {detector.input_size}; images would be enlarged")


def check_fraction(fraction: float, where: str | Path) -> float:
    """Return `fraction` if it lies in (0, 100]. Raises InputError otherwise."""
    if not 0 < fraction <= 100:
        raise InputError(f"{where}: fraction {fraction:g} is outside (0, 100] per cent")
    return fraction
