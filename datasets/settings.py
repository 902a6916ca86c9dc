"""Settings: YAML into typed structs, unknown keys refused by name."""

from __future__ import annotations

import types
import typing
from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml

from datasets.errors import InputError, nearest
from datasets.yaml12 import Loader


def read_yaml(path: str | Path) -> dict[str, Any]:
    """Read a YAML file that holds a mapping. Raises InputError otherwise."""
    try:
        raw = yaml.load(Path(path).read_text(encoding="utf-8"), Loader)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}; check the path") from None
    except (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError, RecursionError) as error:
        raise InputError(f"{path}: not valid YAML ({' '.join(str(error).split())})") from None
    if not isinstance(raw, dict):
        raise InputError(f"{path}: expected a mapping of settings")
    return raw


def convert(raw: Any, kind: type, path: str | Path) -> Any:
    """Convert plain values to `kind`, refusing unknown keys with the nearest valid one."""
    _refuse_unknown(raw, kind, str(path), "")
    try:
        return msgspec.convert(raw, kind, strict=True)
    except msgspec.ValidationError as error:
        raise InputError(f"{path}: {error}") from None


def _refuse_unknown(raw: Any, kind: Any, path: str, where: str) -> None:
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        for arg in args:
            _refuse_unknown(raw, arg, path, where)
    elif origin is Literal and raw not in args and type(raw) in (str, int) and type(raw) is type(args[-1]):
        hint = nearest(raw, filter(None, args)) if isinstance(raw, str) else f"valid: {', '.join(map(str, args))}"
        raise InputError(f"{path}: {where.lstrip('.')}: no '{raw}'; {hint}")
    elif origin is tuple and isinstance(raw, list):
        for index, item in enumerate(raw):
            _refuse_unknown(item, args[0], path, f"{where}[{index}]")
    elif origin is dict and isinstance(raw, dict):
        for key, item in raw.items():
            _refuse_unknown(item, args[1], path, f"{where}.{key}")
    elif isinstance(kind, type) and issubclass(kind, msgspec.Struct) and isinstance(raw, dict):
        hints = typing.get_type_hints(kind)
        for key, item in raw.items():
            if key not in hints:
                raise InputError(f"{path}: unknown key '{where.lstrip('.') + '.' if where else ''}{key}'; "
                                 f"{nearest(key, hints)}")
            _refuse_unknown(item, hints[key], path, f"{where}.{key}")
