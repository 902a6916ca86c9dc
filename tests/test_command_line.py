"""The manners of all commands, found by walking the repository and the parsers: a new one cannot be forgotten."""

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
from importlib import import_module
from itertools import chain
from pathlib import Path

import pytest

from datasets.parser import Parser
from predict.tables import PUBLISHED_2019
from tests.small import make_study, write_config, write_dataset

ROOT = Path(__file__).resolve().parent.parent
ROOMS = [path.parent.name for path in ROOT.glob("*/__init__.py") if path.parent.name != "tests"]
STARTED_BY_OTHERS = {"study.tracking.__main__", "benchmarks.evaluation.contenders", "benchmarks.evaluation.detection",
                     "benchmarks.evaluation.material"}  # no person calls them
HEAVY = ("tensorflow", "tf_keras", "official", "pandas", "matplotlib", "ray", "mlflow", "clearml")


def _modules():
    paths = [*ROOT.glob("*.py"), *(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))]
    names = {".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths
             if '__name__ == "__main__"' in path.read_text(encoding="utf-8")}
    return sorted(names - STARTED_BY_OTHERS)


def _leaves(parser, words=()):
    """Yield the words that name each command below a parser, and its parser."""
    inner = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not inner:
        yield words, parser
    for action in inner:
        for name, each in action.choices.items():
            yield from _leaves(each, (*words, name))


MODULES = _modules()
COMMANDS = {parser.prog: (module, words, parser) for module in MODULES
            for words, parser in _leaves(import_module(module).make_parser())}
ANSWERING = [name for name, (module, _, _) in COMMANDS.items() if not module.startswith("benchmarks")]
every_command = pytest.mark.parametrize("name", COMMANDS)
FLAGS = {name: [action for action in parser._actions if action.option_strings and action.dest != "help"]
         for name, (_, _, parser) in COMMANDS.items()}


def run(name, *arguments):
    """Run a command in this process and return its exit status."""
    module, words, _ = COMMANDS[name]
    try:
        return import_module(module).main([*words, *map(str, arguments)])
    except SystemExit as stopped:
        return stopped.code


def test_the_commands_are_found():
    assert len(COMMANDS) > 40 and all(isinstance(parser, Parser) for _, _, parser in COMMANDS.values())
    assert {"python create_subsets.py", "python -m train", "python -m predict class"} <= COMMANDS.keys()


@every_command
def test_help_says_what_it_does_and_ends_with_examples(name, capsys):
    assert run(name, "--help") == 0
    said = capsys.readouterr()
    parser = COMMANDS[name][2]
    assert said.err == "" and parser.description and not re.search(r"\x1b|\r", said.out)
    assert f"usage: {parser.prog}" in said.out and re.search(r"^examples?:$", said.out, re.MULTILINE)


@every_command
def test_the_examples_are_commands_that_parse(name, capsys):
    lines = COMMANDS[name][2].epilog.replace("\\\n", " ").splitlines()
    examples = [shlex.split(line, comments=True) for line in lines if line.startswith("  python ")]
    assert any(" ".join(words).startswith(COMMANDS[name][2].prog) for words in examples)
    for words in examples:
        script = words[2] if words[1] == "-m" else words[1].removesuffix(".py")
        module = next(each for each in MODULES if each.removesuffix(".__main__") == script)
        arguments = words[3 if words[1] == "-m" else 2:]
        assert import_module(module).make_parser().parse_args(arguments)


def test_help_loads_nothing_heavy():
    code = ("import sys; from importlib import import_module\n"
            "for name in sys.argv[1:]: import_module(name).make_parser().format_help()\n"
            f"print([name for name in {HEAVY} if name in sys.modules])")
    told = subprocess.run([sys.executable, "-c", code, *MODULES], cwd=ROOT, capture_output=True, text=True)
    assert (told.stdout, told.returncode) == ("[]\n", 0), told.stderr


@every_command
def test_a_wrong_argument_is_one_line_and_2(name, capsys):
    assert run(name, "--no-such-flag") == 2
    said = capsys.readouterr()
    assert said.out == "" and re.fullmatch(r"error: .*; see python .* --help\n", said.err)


def test_a_flag_is_the_same_everywhere():
    """It takes a value of one kind, or none."""
    meanings = {}
    for action in chain.from_iterable(FLAGS.values()):
        for flag in action.option_strings:
            meanings.setdefault(flag, set()).add((action.metavar, type(action)))
    assert len(meanings) > 60 and {flag: found for flag, found in meanings.items() if len(found) > 1} == {}


@every_command
def test_flags_name_their_unit_and_their_default(name):
    for action in FLAGS[name]:
        assert action.help, action
        if action.nargs != 0:
            assert action.metavar or action.choices, action
            assert action.default in (None, "", [], ()) or "default" in action.help, action


@pytest.mark.parametrize("name", ANSWERING)
def test_every_answer_can_be_had_as_json(name):
    assert any("--json" in action.option_strings for action in FLAGS[name])


@every_command
def test_the_page_of_commands_has_it(name):
    assert f"`{name}" in (ROOT / "docs/commands.md").read_text(encoding="utf-8")


TRAIN = "--annotations data/annotations/instances_train.json"
TRUTH = "--truth data/annotations/instances_val.json --resamples 5"
STUDY = "study.yaml --studies studies"
MISTAKES = (
    "python create_subsets.py --annotations no.json --out out",
    f"python create_subsets.py {TRAIN} --fractions 0 --out out",
    f"python create_subsets.py {TRAIN} --class-map no --out out",
    f"python create_subsets.py {TRAIN} --ranking no --out out",
    "python category_prevalence.py --annotations no.json",
    f"python category_prevalence.py {TRAIN} --fractions nan",
    f"python category_prevalence.py {TRAIN} --images no",
    f"python category_prevalence.py {TRAIN} --strategy order-file",
    "python run_study.py no.yaml",
    "python run_study.py key.yaml",
    f"python run_study.py {STUDY} --data no=data",
    f"python run_study.py {STUDY} --only no",
    "python run_study.py --init no",
    "python -m datasets check --annotations no.json",
    "python -m records no.yaml",
    "python -m records key.yaml",
    "python -m records lost.yaml --studies studies",
    "python -m detectors describe no",
    "python -m detectors import data to",
    "python -m detectors export no to --num-classes 3",
    "python -m detectors export no to --num-classes 0",
    "python -m train no.yaml paint tiny 10",
    f"python -m train {STUDY} no tiny 10",
    f"python -m train {STUDY} paint no 10",
    f"python -m train {STUDY} paint tiny 0",
    f"python -m train {STUDY} paint tiny 11",
    "python -m train lost.yaml paint tiny 10 --studies studies",
    f"python -m evaluate run {STUDY} paint tiny 10",
    f"python -m evaluate pictures-run {STUDY} paint tiny 10",
    f"python -m evaluate compare-runs {STUDY} paint tiny 10 50",
    f"python -m evaluate score {TRUTH} --detections no.json",
    f"python -m evaluate score {TRUTH} --detections found.json --classes no",
    f"python -m evaluate compare {TRUTH} --detections found.json no.json",
    "python -m evaluate pictures --truth no.json --detections found.json --out out",
    "python -m report no",
    "python -m study collect no",
    "python -m predict forecast no.csv",
    f"python -m predict cost {PUBLISHED_2019}",
    "python -m benchmarks.storage no",
    "python -m benchmarks.parsing --rounds 0",
    "python -m benchmarks.leaks no",
)
# Of every line: its status, what it printed, and what it loaded that takes long.
TELL = f"""
import contextlib, io, json, shlex, sys
from importlib import import_module
for line in sys.stdin.read().splitlines():
    module, *arguments = shlex.split(line)
    before, out, err = set(sys.modules), io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = import_module(module).main(arguments)
        except SystemExit as stopped:
            status = stopped.code
    print(json.dumps([status, out.getvalue(), err.getvalue(), sorted(set({HEAVY}) & (set(sys.modules) - before))]))
"""


def lay_out(folder):
    """Write a data set, detections, a study that has not begun, and two whose files have mistakes."""
    study = make_study(write_dataset(folder / "data"))
    write_config(folder / "study.yaml", study)
    write_config(folder / "lost.yaml", make_study(folder / "nowhere", name="lost"))
    (folder / "key.yaml").write_text((folder / "study.yaml").read_text() + "seads: 3\n")
    (folder / "found.json").write_text('[{"image_id": 1, "category_id": 1, "bbox": [0, 0, 9, 9], "score": 0.5}]')
    return folder


def parted(line):
    """Return the name of the command in a line, and its arguments."""
    name = max((name for name in COMMANDS if line.startswith(f"{name} ")), key=len)
    return name, shlex.split(line.removeprefix(name))


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lay_out(tmp_path)


@pytest.fixture(scope="module")
def mistakes(tmp_path_factory):
    """Tell what every line of MISTAKES came to, all in one other process."""
    lines = []
    for line in MISTAKES:
        name, arguments = parted(line)
        lines.append(shlex.join([COMMANDS[name][0], *COMMANDS[name][1], *arguments]))
    told = subprocess.run([sys.executable, "-c", TELL], input="\n".join(lines), capture_output=True, text=True,
                          cwd=lay_out(tmp_path_factory.mktemp("mistakes")), env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert told.returncode == 0, told.stderr
    return dict(zip(MISTAKES, map(json.loads, told.stdout.splitlines()), strict=True))


@pytest.mark.parametrize(("line", "keys"), [
    (f"python create_subsets.py {TRAIN} --fractions 50 100 --write-json --out out",
     {"order", "strategy", "draw", "train", "leaks", "subsets"}),
    (f"python category_prevalence.py {TRAIN} --images data/train --out out",
     {"train", "validation", "prevalence", "out", "charts"}),
    (f"python -m datasets check {TRAIN} --images data/train --csv out.csv", {"train", "validation", "findings"}),
    ("python -m datasets make digits made --num-train 1 --num-validation 1", {"folder", "made"}),
    (f"python -m evaluate score {TRUTH} --detections found.json",
     {"images", "images_answered", "detections", "metrics"}),
    (f"python run_study.py {STUDY} --status", {"study", "folder", "runs"}),
    (f"python run_study.py {STUDY} --dry-run --no-estimate", {"study", "folder", "runs"}),
    (f"python -m study collect {STUDY}", {"results", "rows", "done", "runs"}),
    (f"python -m predict forecast {PUBLISHED_2019} --map 40", {"forecast", "target", "notes"}),
    (f"python -m predict compare {PUBLISHED_2019}", {"exponents", "notes"}),
])
def test_json_is_one_object_and_nothing_else(place, capsys, line, keys):
    name, arguments = parted(line)
    assert run(name, *arguments, "--json") == 0
    assert json.loads(capsys.readouterr().out).keys() == keys
    assert run(name, *arguments, "--no-such-flag", "--json") == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1


@pytest.mark.parametrize("line", MISTAKES)
def test_a_mistake_is_told_before_anything_heavy_is_loaded(mistakes, line):
    status, out, err, heavy = mistakes[line]
    assert (status, out, heavy) == (2, "", []) and re.fullmatch(r"error: .*\n", err)


@pytest.mark.parametrize("arguments", [["--help"], ["forecast", str(PUBLISHED_2019)]])
def test_a_closed_pipe_is_met_in_silence(arguments):
    told = subprocess.Popen([sys.executable, "-m", "predict", *arguments], cwd=ROOT, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, env=os.environ | {"PYTHONUNBUFFERED": ""})
    told.stdout.close()
    said = told.stderr.read().decode()
    told.stderr.close()
    assert told.wait() == 141 and "Broken" not in said and "Traceback" not in said
