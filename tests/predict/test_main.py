import resource
import subprocess
import sys
from pathlib import Path

import pytest

from predict.__main__ import COMMANDS, main
from predict.tables import PUBLISHED_2019

ROOT = Path(__file__).resolve().parents[2]


def test_the_answer_comes_at_once_without_heavy_imports():
    code = ("import sys; from predict.__main__ import main; "
            "main(['forecast', sys.argv[1], '--at', '200000', '--map', '0.4']);"
            "print([m for m in ('pandas', 'scipy', 'matplotlib', 'tensorflow') if m in sys.modules])")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-c", code, PUBLISHED_2019]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 2  # seconds, other load left out
    assert answer.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("arguments", [[], [str(PUBLISHED_2019)]])
def test_a_command_is_asked_for_by_name(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert "COMMAND" in capsys.readouterr().err


def test_every_module_of_commands_is_a_command(capsys):
    modules = {path.stem for path in (ROOT / "predict/commands").glob("*.py")} - {"__init__", "arguments", "output"}
    assert {module.__name__.rpartition(".")[2] for module in COMMANDS} == modules
    with pytest.raises(SystemExit):
        main(["--help"])
    said = capsys.readouterr().out
    assert all(f"\n    {'class' if name == 'classes' else name} " in said for name in modules)  # class is a keyword
