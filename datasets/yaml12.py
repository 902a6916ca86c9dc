"""Safe YAML without two traps: 1e-3 is a number, and a key given twice is an error."""

from __future__ import annotations

import re
from typing import Any

import yaml

# YAML 1.2's floats (section 10.3.2) as far as YAML 1.1 takes them for text.
FLOAT = ("tag:yaml.org,2002:float", re.compile(r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+$"),
         list("-+.0123456789"))
MERGE = "tag:yaml.org,2002:merge"


class Loader(yaml.SafeLoader):
    """PyYAML's safe loader with YAML 1.2's floats and unique keys."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value if key.tag != MERGE]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"key '{key}' is given twice", node.start_mark)
        return super().construct_mapping(node, deep)


class _Dumper(yaml.SafeDumper):
    """PyYAML's safe dumper, which quotes text that the loader would take for a float."""


Loader.add_implicit_resolver(*FLOAT)
_Dumper.add_implicit_resolver(*FLOAT)


def dump(value: Any, inline: bool = False) -> str:
    """Return plain values as YAML that `Loader` reads back the same, keys in their order.

    With `inline`, mappings and lists of plain values alone take a line each.
    """
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, default_flow_style=None if inline else False,
                     width=110 if inline else 80)
