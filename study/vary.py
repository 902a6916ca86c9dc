"""The entries of a study's YAML: names and bases looked up, and `vary` expanded into one entry per value.

How much more data brings depends on the detector's capacity and on the number of classes (Sun et al. 2017, arXiv
1707.02968, who compare learning curves of three depths and of two vocabularies), and on how long is trained.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from math import isfinite
from pathlib import Path
from typing import Any

from datasets.errors import InputError, nearest
from datasets.settings import convert, read_yaml

AXES = {"data set": {"vocabulary": "[5, 10]"},  # setting that can vary -> an example of its values
        "detector": {"width": "[0.5, 1]", "depth": "[50, 101, 152]", "input_size": "[160, 320]",
                     "steps": "[500, 1000]", "epochs": "[5, 10]"}}
BUDGETS = ("steps", "epochs")  # axes that are settings of a recipe
SHAPES = ("width", "depth")  # axes of which a checkpoint has one value


def resolve(entry: Any, what: str, folder: Path, path: str | Path) -> Any:
    """Turn a name into the settings in `folder`/<name>.yaml; `base:` in a mapping does the same.

    `what` is "data set" or "detector", `path` the study's file. Raises InputError for an unknown name.
    """
    if isinstance(entry, str):
        entry = {"base": entry}
    if not isinstance(entry, dict) or "base" not in entry:
        return entry
    base = str(entry["base"])
    files = {p.stem: p for p in folder.glob("*.yaml")}
    if base not in files:
        raise InputError(f"{path}: no {what} '{base}' in configs/{folder.name}; {nearest(base, files)}")
    over = {k: v for k, v in entry.items() if k != "base"}
    return _merge(_without_steps(read_yaml(files[base]), over), over)


def expand(entry: Any, own: Any, what: str, kind: type, recipe: str, path: str | Path) -> list[Any]:
    """Return the entries that a resolved one stands for: one for every combination of the values that `vary` lists.

    `own` is the entry as the study's file `path` has it, `kind` the struct that it becomes, `recipe` the name of the
    study's recipe, whose budget may vary. Raises InputError for a setting that cannot vary, for values that are empty,
    repeated or out of range, and for a checkpoint that would have to fit several of them.
    """
    if not isinstance(entry, dict) or "vary" not in entry:
        return [entry]
    plain = {key: value for key, value in entry.items() if key != "vary"}
    where = f"{path}: {what} '{plain.get('name', '')}'"
    axes = _read_axes(entry["vary"], what, where)
    if set(BUDGETS) & axes.keys():
        plain = _with_open_budget(plain, own, axes, recipe, where)
    varied = [_vary(plain, dict(zip(axes, choice)), recipe) for choice in product(*(axes[key].items() for key in axes))]
    _refuse_shared_checkpoint(varied, axes, where)
    for one in varied:
        convert(one, kind, f"{path}: {what} '{one['name']}'")
    return varied


def _read_axes(vary: Any, what: str, where: str) -> dict[str, dict[float, Any]]:
    """Return for each setting that varies its values, each with what else is set beside it."""
    if not isinstance(vary, dict) or not vary:
        key, example = next(iter(AXES[what].items()))
        raise InputError(f"{where}: vary must map settings to their values, such as {key}: {example}")
    for key in vary:
        if key not in AXES[what]:
            raise InputError(f"{where}: '{key}' cannot vary; {nearest(key, AXES[what])}")
    if set(BUDGETS) <= vary.keys():
        raise InputError(f"{where}: vary has both steps and epochs; keep one, the budget of a training is in either")
    return {key: _read_values(values, f"{where}: vary.{key}", AXES[what][key]) for key, values in vary.items()}


def _read_values(given: Any, where: str, example: str) -> dict[float, Any]:
    values = list(given) if isinstance(given, (list, dict)) else []
    if not values or not all(type(value) in (int, float) and isfinite(value) for value in values):
        raise InputError(f"{where} must list numbers, at least one, such as {example}")
    for value in values:
        if values.count(value) > 1:
            raise InputError(f"{where} has {value} twice; keep one")
    beside = given if isinstance(given, dict) else dict.fromkeys(values, {})
    for value, more in beside.items():
        if not isinstance(more, dict) or {"name", "vary"} & more.keys():
            raise InputError(f"{where}.{value} must be a mapping of further settings, such as checkpoint: FOLDER")
    return beside


def _with_open_budget(entry: dict, own: Any, axes: Mapping[str, Any], recipe: str, where: str) -> dict:
    """Return the entry without what would make varied budgets the same: the detector file's own most steps."""
    recipes = entry.get("recipes")
    if not isinstance(recipes, dict) or not isinstance(recipes.get(recipe), dict):
        known = recipes if isinstance(recipes, dict) else {}
        raise InputError(f"{where}: {' and '.join(axes)} cannot vary: it has no recipe '{recipe}'; "
                         f"{nearest(recipe, known)}")
    mine = own.get("recipes", {}).get(recipe, {}) if isinstance(own, dict) and "base" in own else recipes[recipe]
    kept = {key: value for key, value in recipes[recipe].items() if key != "max_steps" or key in mine}
    return entry | {"recipes": recipes | {recipe: kept}}


def _vary(entry: dict, choice: Mapping[str, tuple[float, Any]], recipe: str) -> dict:
    """Return the entry with a value for each setting, under a name that tells them."""
    for key, (value, beside) in choice.items():
        over = {"recipes": {recipe: {key: value}}} if key in BUDGETS else {key: value}
        over = _merge(over, beside)
        entry = _merge(_without_steps(entry, over), over)
    name = "-".join([str(entry.get("name", "")), *(f"{key}-{_spell(value)}" for key, (value, _) in choice.items())])
    return entry | {"name": name, "of": entry.get("name"), "varied": {key: value for key, (value, _) in choice.items()}}


def _refuse_shared_checkpoint(entries: Sequence[dict], axes: Mapping[str, Any], where: str) -> None:
    """Raise InputError if detectors of several shapes would start from one checkpoint."""
    shapes: dict[Any, set] = {}
    for entry in entries:
        shapes.setdefault(entry.get("checkpoint"), set()).add(tuple(entry.get(key) for key in SHAPES))
    for checkpoint, found in shapes.items():
        if checkpoint and len(found) > 1:
            key = next(key for key in axes if key in SHAPES)
            value = next(iter(axes[key]))
            raise InputError(f"{where}: vary.{key}: the checkpoint '{checkpoint}' fits one {key} alone; start them all "
                             f"from scratch (checkpoint: \"\") or give each its own, as in {key}: "
                             f"{{{value}: {{checkpoint: FOLDER}}, …}}")


def _spell(value: float) -> str:
    return repr(float(value)).removesuffix(".0")


def _without_steps(base: Any, over: Any) -> Any:
    """Drop a recipe's number of steps where `over` gives its budget in epochs instead."""
    recipes = over.get("recipes")
    given = base.get("recipes") if isinstance(base, dict) else None
    if not isinstance(recipes, dict) or not isinstance(given, dict):
        return base
    in_epochs = [name for name, recipe in recipes.items()
                 if isinstance(recipe, dict) and {"epochs", "min_steps", "max_steps"} & recipe.keys()]
    return base | {"recipes": {name: {key: value for key, value in recipe.items() if key != "steps"}
                               if name in in_epochs and isinstance(recipe, dict) else recipe
                               for name, recipe in given.items()}}


def _merge(base: Any, over: Any) -> Any:
    if isinstance(base, dict) and isinstance(over, dict):
        return base | {key: _merge(base.get(key), value) for key, value in over.items()}
    return over
