import json
import platform
import shutil
import subprocess
from datetime import datetime

import pytest

from study import provenance
from study.config import REPOSITORY
from study.provenance import code_version, hash_of_code, origin, utc_now


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository of one command, two rooms, tests and data, whose version is asked for."""
    for file in ("run.py", "room/__init__.py", "room/deep/a.py", "other/__init__.py", "tests/__init__.py", "data/x.py"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(f"# {file}")
    monkeypatch.setattr(provenance, "REPOSITORY", tmp_path)
    code_version.cache_clear()
    yield tmp_path
    code_version.cache_clear()


def test_an_origin_is_plain_and_says_what_runs_where():
    made = origin("training on CPU (2 cores)", {"cuda": "12.5"})
    assert json.loads(json.dumps(made)) == made
    assert made["python"] == platform.python_version() and "python" not in made["packages"]
    assert made["packages"]["cuda"] == "12.5" and made["packages"]["numpy"] and made["host"] == platform.node()
    assert made["code"]["sha256"] == hash_of_code(REPOSITORY)


@pytest.mark.parametrize(("file", "changes"), [
    ("run.py", True), ("room/deep/a.py", True), ("room/new.py", True), ("tests/__init__.py", False),
    ("data/x.py", False), ("room/notes.txt", False),
])
def test_what_takes_part_in_a_run_changes_the_codes_hash(repository, file, changes):
    before = hash_of_code(repository)
    (repository / file).write_text("x = 1")
    assert (hash_of_code(repository) != before) == changes


def test_where_the_repository_lies_does_not_matter_but_names_do(repository, tmp_path_factory):
    other = tmp_path_factory.mktemp("elsewhere") / "copy"
    shutil.copytree(repository, other)
    assert hash_of_code(other) == hash_of_code(repository)
    (other / "room/deep/a.py").rename(other / "room/deep/b.py")
    assert hash_of_code(other) != hash_of_code(repository)


def test_git_says_the_commit_and_whether_files_differ_from_it(repository):
    def git(*arguments):
        subprocess.run(["git", "-C", str(repository), "-c", "user.name=a", "-c", "user.email=a@b", *arguments],
                       check=True, capture_output=True)

    assert (code_version()["commit"], code_version()["dirty"]) == (None, None)
    for change, dirty in ((lambda: None, False), (lambda: (repository / "new.txt").touch(), False),
                          (lambda: (repository / "run.py").write_text("x = 1"), True)):
        if not (repository / ".git").exists():
            git("init")
            git("add", ".")
            git("commit", "-m", "first")
        change()
        code_version.cache_clear()
        assert len(code_version()["commit"]) == 40 and code_version()["dirty"] is dirty


def test_without_git_the_hash_is_there_all_the_same(repository, monkeypatch):
    (repository / ".git").mkdir()  # no repository of git's
    assert code_version() == {"commit": None, "dirty": None, "sha256": hash_of_code(repository)}
    code_version.cache_clear()
    monkeypatch.setenv("PATH", "")
    assert code_version()["commit"] is None


def test_times_are_utc():
    assert abs(datetime.fromisoformat(utc_now()).timestamp() - datetime.now().timestamp()) < 5
