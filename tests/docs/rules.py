"""Which commands are executed as they stand, which with a flag that keeps them short, and which not at all."""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple

from tests.docs.examples import Command


class Fate(Enum):
    RUN = "executed as it stands"
    SLOW = "executed by the slow test: it starts TensorFlow"
    LEFT_OUT = "not executed"


class Rule(NamedTuple):
    pattern: str
    fate: Fate
    flags: str  # added to the command
    why: str


RULES = (
    Rule(r"^make\b", Fate.LEFT_OUT, "", "installs or runs everything"),
    Rule(r"^(mkdir|cp|sed) ", Fate.RUN, "", "is of the shell"),
    Rule(r"^(curl|wget|git clone|unzip|tar|pip|uv|cd|\S*/pip|\. |source)\b", Fate.LEFT_OUT, "", "downloads, installs"),
    Rule(r"-m detectors get\b", Fate.LEFT_OUT, "", "downloads"),
    Rule(r"\b(sbatch|ray start|ray stop)\b", Fate.LEFT_OUT, "", "needs a cluster"),
    Rule(r"-m benchmarks\.\w+", Fate.RUN, "--help", "measures for minutes"),
    Rule(r"run_study\.py .*--(status|list|conclude)\b", Fate.RUN, "", "tells or concludes"),
    Rule(r"run_study\.py .*--(dry-run|init)\b", Fate.RUN, "--no-estimate", "would train for a minute to measure"),
    Rule(r"run_study\.py ", Fate.RUN, "--dry-run --no-estimate", "trains for minutes to weeks"),
    Rule(r"-m datasets make \w+ \S+$", Fate.RUN, "--num-train 240 --num-validation 80", "paints for half a minute"),
    Rule(r"-m (train|records|detectors)\b|_subset\.sh |-m evaluate run\b", Fate.SLOW, "", "starts TensorFlow"),
    Rule(r"", Fate.RUN, "", "everything else"),
)
# A reader's own paths lie in the copy of the repository, under the names that the documents give them.
STAND_INS = ((r"(^|[ =\"'])/path/to/", r"\1path/to/"), (r"(^|[ =\"'])/tmp/", r"\1tmp/"),
             (r"\bRUN/checkpoints/ckpt-\d+", "studies/embedded/digits/runs/ssd_mobilenet_v2_small/10/draw-0/seed-0"
              "/checkpoints/ckpt-4"),
             (r"\b(\w+)=FOLDER\b", r"\1=path/to/\1"), (r"^python ", ".venv/bin/python "))


def judge(command: Command) -> Rule:
    """Return the first rule that a command falls under."""
    if command.download:
        return Rule("", Fate.LEFT_OUT, "", "downloads")
    joined = command.text.replace("\\\n", " ")
    return next(rule for rule in RULES if re.search(rule.pattern, joined))


def executed(command: Command) -> str:
    """Return what is executed for a command: a reader's paths replaced, the rule's flags added."""
    text = re.sub(r"(^|\s)#.*$", "", command.text, flags=re.MULTILINE).replace("\\\n", " ").strip()
    for pattern, replacement in STAND_INS:
        text = re.sub(pattern, replacement, text)
    flags = [flag for flag in judge(command).flags.split() if flag not in text.split()]
    main, redirect, target = text.partition(" > ")
    return " ".join([main, *flags]) + redirect + target
