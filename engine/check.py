"""What is wrong with a study's data, looked for once: odd records, damaged files, images in both splits."""

from __future__ import annotations

from typing import Any

from datasets.annotations import Annotations
from datasets.command import ALIKE
from datasets.files import read_json_if_whole, write_json
from datasets.findings import RULES, Finding
from datasets.listing import printable
from study.config import DatasetConfig
from study.data import image_bytes, image_folder, read_findings, validation_split
from study.layout import StudyFolder

EXAMPLES = 3  # records named of each finding


def check(folder: StudyFolder, dataset: DatasetConfig, train: Annotations, validation: Annotations) -> None:
    """Write checks.json of a data set, unless it is there of exactly these annotations and files.

    Every image is read once for it: some 800 a second of 640 x 480 pixels.
    """
    folders = image_folder(dataset, dataset.train), image_folder(dataset, validation_split(dataset))
    splits = list(zip((train, validation), folders))
    of = [f"{split.checksum} {split.num_images} {split.num_boxes} {image_bytes(split, at)}" for split, at in splits]
    path = folder.checks(dataset.name)
    if (read_json_if_whole(path) or {}).get("of") == of:
        return
    from datasets.checks import check_boxes, check_files, check_leaks, check_validation  # they load image libraries
    from datasets.leaks import find_pairs

    (in_train, prints), (in_validation, others) = (check_files(split, at) for split, at in splits)
    pairs = find_pairs(prints, others, ALIKE)
    findings = [*read_findings(dataset), *_of("train", [*check_boxes(train), *in_train]),
                *_of("validation", [*check_boxes(validation), *check_validation(train, validation), *in_validation]),
                *_of("train", check_leaks(train, validation, pairs))]
    write_json(path, {"of": of, "compared": [len(each.sha256) - len(each.unreadable) for each in (prints, others)],
                      "shared": len({pair.train for pair in pairs}), "findings": [_plain(*each) for each in findings]})


def _of(split: str, findings: list[Finding]) -> list[tuple[str, Finding]]:
    return [(split, finding) for finding in findings]


def _plain(split: str, finding: Finding) -> dict[str, Any]:
    names = [printable(finding.name_of(row)) for row in finding.rows[:EXAMPLES].tolist()]
    return {"split": split, "finding": finding.rule, "action": finding.action, "what": RULES[finding.rule].what,
            "records": len(finding.rows), "examples": names}
