"""Every command, every program and every configuration that README and docs show works, and prints what they say."""


import pytest
import yaml

from datasets.class_map import read_class_map
from study.load import load_study
from tests.docs.examples import blocks, commands, commented, pages
from tests.docs.rules import RULES, Fate, judge

PAGES = pages()
STUDY = {"name": "example", "datasets": ["digits"], "fractions": [5, 10, 100],
         "detectors": [{"base": "ssd_mobilenet_v2_small", "checkpoint": ""}]}


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_and_programs_of_a_page_run_and_print_what_it_shows(workplace, page):
    """A block without a language is what the block before it prints; one that says `text` is not held to that."""
    failed, printed, asked = [], [], {block: _asked(block) for block in blocks(page)}
    if any(asked.values()):
        workplace.renew()
    for block in asked:
        if block.language == "sh":
            printed = _run(workplace, asked[block], failed)
        elif block.language == "python":
            outcome = workplace.run_program(block.text)
            printed = [outcome.output]
            failed += [f"{block.place}:\n{outcome.errors}"] * (outcome.status != 0)
        elif not block.language and not any(block.text.strip() in output for output in printed):
            failed.append(f"{block.place}: this was printed instead\n" + "\n".join(printed))
    assert not failed, "\n\n".join(failed)


@pytest.mark.parametrize(("suffix", "least"), [(".yaml", 10), pytest.param(".py", 40, marks=pytest.mark.slow)])
def test_the_commands_in_comments_and_the_examples_of_help_run(workplace, suffix, least):
    workplace.renew()
    failed, asked = [], [command for command in commented()
                         if command.document.endswith(suffix) and judge(command).fate is Fate.RUN]
    _run(workplace, asked, failed)
    assert len(asked) >= least and not failed, "\n\n".join(failed)


@pytest.mark.parametrize("block", [block for page in PAGES for block in blocks(page) if block.language == "yaml"],
                         ids=lambda block: block.place)
def test_a_configuration_is_read(tmp_path, block):
    """A part of a study in the place that it has there, a class map as one."""
    content = yaml.safe_load(block.text)
    path = tmp_path / "shown.yaml"
    if "classes" in content:
        path.write_text(block.text, encoding="utf-8")
        assert read_class_map(str(path))
    else:
        part = {"detectors": content} if isinstance(content, list) else content
        path.write_text(yaml.safe_dump(STUDY | part), encoding="utf-8")
        roots = {name: str(tmp_path) for name in ("coco", "bdd100k") if name in block.text}
        assert load_study(path, roots=roots).name == part.get("name", STUDY["name"])


def test_every_rule_is_needed_and_a_block_says_what_it_is():
    every = [block for page in PAGES for block in blocks(page)]
    judged = {judge(command) for block in every if block.language == "sh" for command in commands(block)}
    assert {rule.pattern for rule in RULES} == {rule.pattern for rule in judged}
    assert {block.info for block in every} <= {"", "sh", "sh download", "python", "yaml", "text", "csv"}


def _asked(block):
    """Return the commands of a block that are executed here."""
    return [command for command in commands(block) if judge(command).fate is Fate.RUN] if block.language == "sh" else []


def _run(workplace, asked, failed):
    """Return what commands print; add to `failed` what went wrong, with its place."""
    printed = []
    for command in asked:
        outcome = workplace.run(command)
        printed.append(outcome.output)
        if outcome.status:
            failed.append(f"{command.place}: {command.text}\n{outcome.errors or outcome.output}")
    return printed
