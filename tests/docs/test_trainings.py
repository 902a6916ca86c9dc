"""The commands of README and docs that train, detect and read checkpoints, one after another, on little data."""

import pytest

from tests.docs.examples import blocks, commands, pages
from tests.docs.rules import Fate, executed, judge
from tests.docs.workplace import PRELOAD, Workplace


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    place = Workplace(tmp_path_factory.mktemp("docs") / "repository", (*PRELOAD, "tensorflow", "tf_keras"))
    place.prepare("--trained")
    yield place
    place.close()


@pytest.mark.slow
def test_commands_that_start_tensorflow_run(workplace):
    shown = [command for page in pages() for block in blocks(page) if block.language == "sh"
             for command in commands(block) if judge(command).fate is Fate.SLOW]
    asked = {executed(command): command for command in shown}  # once each
    failed = []
    for command in asked.values():
        outcome = workplace.run(command)
        if outcome.status:
            failed.append(f"{command.place}: {command.text}\n{outcome.errors or outcome.output}")
    assert len(asked) >= 8 and not failed, "\n\n".join(failed)
    run = workplace.root / "studies/embedded/digits/runs/ssd_mobilenet_v2_small/10/draw-0/seed-0"
    assert (run / "result.json").exists() and (workplace.root / "exported/model.ckpt.index").exists()
