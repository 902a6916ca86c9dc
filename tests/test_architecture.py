"""Which room may use which, and that what answers at once does not load TensorFlow."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# What each may import, besides itself: rooms, or single modules. A module with a line of its own does not follow its
# room's. `detectors.runtime` starts TensorFlow, which a command has to do before it loads anything else.
MAY_IMPORT = {
    "datasets": set(),
    "study": {"datasets"},
    "charts": {"datasets", "study"},
    "records": {"datasets", "study"},
    "records.__main__": {"datasets", "study", "detectors.runtime"},
    "detectors": {"datasets", "study"},
    "evaluate": {"datasets", "study", "charts", "records", "detectors"},
    "train": {"datasets", "study", "records", "detectors", "evaluate"},
    "predict": {"datasets", "study", "charts"},
    "report": {"datasets", "study", "charts", "predict"},
    "create_subsets": {"datasets", "study"},
    "category_prevalence": {"datasets", "study", "charts"},
    "engine": {"datasets", "study", "charts", "records", "detectors", "evaluate", "train", "predict", "report"},
    "run_study": {"datasets", "study", "charts", "records", "detectors", "evaluate", "train", "predict", "report",
                  "engine"},
    "benchmarks": {"datasets", "study", "charts", "records", "detectors", "evaluate", "train", "predict", "report",
                   "engine"},
}
WITHOUT_TENSORFLOW = {"datasets", "study", "charts", "predict", "report", "engine", "run_study", "create_subsets",
                      "category_prevalence"}
TENSORFLOW_IN_EVALUATE = {"evaluate.detect", "evaluate.run"}


def _name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


_ROOMS = [path.parent for path in ROOT.glob("*/__init__.py")]
MODULES = {_name(path): path for path in chain(ROOT.glob("*.py"), *(room.rglob("*.py") for room in _ROOMS))}


def imports_of(module: str) -> set[str]:
    """Return the modules of this repository that `module` imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module}: relative import"
            submodules = {f"{node.module}.{alias.name}" for alias in node.names} & MODULES.keys()
            found |= submodules or {node.module}
    return {name for name in found if name.partition(".")[0] in MAY_IMPORT}


def test_every_module_is_governed():
    assert len(MODULES) > 60
    assert {name.partition(".")[0] for name in MODULES} == {name.partition(".")[0] for name in MAY_IMPORT}
    assert all(name in MODULES for name in [*MAY_IMPORT, *TENSORFLOW_IN_EVALUATE])


@pytest.mark.parametrize("module", sorted(MODULES))
def test_imports_follow_the_direction(module):
    room = module.partition(".")[0]
    allowed = MAY_IMPORT.get(module, MAY_IMPORT[room]) | {room}
    forbidden = {name for name in imports_of(module) if not {name, name.partition(".")[0]} & allowed}
    assert not forbidden


def test_there_are_no_circles():
    TopologicalSorter({module: imports_of(module) for module in MODULES}).prepare()
    TopologicalSorter({room: allowed for room, allowed in MAY_IMPORT.items() if room in MODULES}).prepare()


def test_what_answers_at_once_leaves_tensorflow_out():
    rooms = WITHOUT_TENSORFLOW | {"evaluate"}
    modules = [name for name in sorted(MODULES) if name.endswith("__main__")
               or (name.partition(".")[0] in rooms and name not in TENSORFLOW_IN_EVALUATE)]
    program = ("import importlib, sys\n"
               "for name in sys.argv[1:]: importlib.import_module(name)\n"
               "print([name for name in ('tensorflow', 'tf_keras', 'official') if name in sys.modules])")
    finished = subprocess.run([sys.executable, "-c", program, *modules], cwd=ROOT, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout == "[]\n" and len(modules) > 50
