"""The documents name files that are there, and the papers of the repository agree with each other."""

import hashlib
import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("predict/data/*.md")])
APACHE_2 = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"  # of apache.org/licenses/LICENSE-2.0.txt
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]+))?\)")
FOLDERS = sorted(path.name for path in ROOT.iterdir()
                 if (path / "__init__.py").exists() or path.name in ("configs", "docs", "notebooks", "tests"))
FILE = re.compile(rf"`((?:{'|'.join(FOLDERS)})/[a-z0-9_/.-]+\.(?:py|yaml|md|csv|sh)|[a-z_]+\.(?:py|sh|toml))`")


def _name(path):
    return path.relative_to(ROOT).as_posix()


def _prose(page):
    return FENCED.sub("", page.read_text(encoding="utf-8"))


def _anchors(page):
    """Return what headings are called in links, as forges make it."""
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
            for title in re.findall(r"^#+ (.+)$", _prose(page), re.MULTILINE)}


def _yaml(name):
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def _project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_lead_somewhere(page):
    links = LINK.findall(_prose(page))
    targets = [((page.parent / place).resolve() if place else page, anchor) for place, anchor in links]
    assert [_name(target) for target, _ in targets if not target.exists()] == []
    assert [anchor for target, anchor in targets if anchor and anchor not in _anchors(target)] == []


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_files_that_prose_names_are_there(page):
    named = set(FILE.findall(_prose(page)))
    known = {path.name for folder in FOLDERS for path in (ROOT / folder).rglob("*.*")}
    assert {name for name in named if not (ROOT / name).exists() and name not in known} == set()


def test_every_document_is_linked_from_the_readme_or_from_one_that_is():
    found, left = set(), [ROOT / "README.md"]
    while left:
        page = left.pop()
        found.add(page)
        places = [(page.parent / place).resolve() for place, _ in LINK.findall(_prose(page)) if place.endswith(".md")]
        left += [place for place in places if place not in found]
    assert {_name(page) for page in ROOT.glob("docs/*.md")} <= {_name(page) for page in found}


def test_the_tree_of_the_readme_has_every_folder():
    (tree,) = [block for block in FENCED.findall((ROOT / "README.md").read_text(encoding="utf-8"))
               if "create_subsets.py    " in block]
    assert set(FOLDERS) - set(re.findall(r"^(\w+)/", tree, re.MULTILINE)) == set()


def test_the_licence_is_apaches_word_for_word():
    assert hashlib.sha256((ROOT / "LICENSE").read_bytes()).hexdigest() == APACHE_2
    assert _project()["license"] == _yaml("CITATION.cff")["license"] == "Apache-2.0"


def test_the_citation_is_whole():
    citation = _yaml("CITATION.cff")
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()
    assert citation["version"] == _project()["version"]
    for reference in citation["references"]:
        assert {"type", "title", "authors"} <= reference.keys() and {"year", "date-published"} & reference.keys()
        assert all(person.keys() in ({"name"}, {"family-names", "given-names"}) for person in reference["authors"])


def test_the_sources_of_curve_models_and_detectors_are_cited():
    cited = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    for name in ("predict/models.py", "detectors/ssd_mobilenet_v2.py", "detectors/ssd_resnet101_fpn.py",
                 "detectors/resnet_v1.py"):
        numbers = re.findall(r"arXiv[: ](\d{4}\.\d{5})", (ROOT / name).read_text(encoding="utf-8"))
        assert numbers and [number for number in numbers if number not in cited] == [], name


def test_the_changelog_knows_the_version():
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "## [Unreleased]" in changes and _project()["version"] in changes


def test_the_workflow_calls_what_there_is():
    jobs = _yaml(".github/workflows/test.yml")["jobs"]
    steps = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    made = [target for step in steps for target in re.findall(r"\bmake (\w+)", step)]
    assert made and set(made) <= set(targets)
    assert ".ci/run" in steps and (ROOT / ".ci/run").stat().st_mode & 0o100


def test_the_hooks_use_locked_tools_and_tests_that_exist():
    hooks = [hook for repo in _yaml(".pre-commit-config.yaml")["repos"] for hook in repo["hooks"]]
    lock = "".join(path.read_text(encoding="utf-8") for path in ROOT.glob("requirements*.txt"))
    for hook in hooks:
        tool, *words = hook["entry"].split()
        tool = {"python": "pytest"}.get(Path(tool).name, Path(tool).name)
        assert re.search(rf"^{tool}==", lock, re.MULTILINE), hook["entry"]
        assert all((ROOT / word).exists() for word in words if word.startswith("tests/"))
