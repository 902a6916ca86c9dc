import ast
import csv
import io
from pathlib import Path

from datasets.findings import RULES, Finding, ReadReport, findings_csv, found, summarise
from datasets.formats.coco import read_table
from datasets.table import assemble
from tests.datasets.labelled import count

ROOT = Path(__file__).resolve().parents[2]


def test_a_finding_names_its_records_only_when_asked():
    finding = Finding("crowd", found("crowd", [3, 5])[0].rows, "box {}".format)
    assert finding.records == ["box 3", "box 5"] and finding.action == "kept"
    assert str(finding) == f"2 {RULES['crowd'].what}"
    assert found("crowd", []) == []


def test_findings_hold_their_rows():
    report = ReadReport("coco", 9, {}, (*found("crowd", [3, 5]), *found("empty box", [1])))
    assert (count(report, "crowd"), count(report, "empty box"), count(report, "over edge")) == (2, 1, 0)


def test_the_summary_names_oddities_and_what_was_dropped(coco, save):
    coco["annotations"].append({"image_id": 5, "category_id": 1, "bbox": [0, 0, 60, 10]})
    coco["annotations"].append({"image_id": 5, "category_id": 1, "bbox": [0, 0, 0, 10]})
    for number, box in enumerate(coco["annotations"]):
        box["id"] = number
    text = summarise(*assemble(read_table(save(coco)), classes=["cat"]))
    assert text.splitlines() == [
        "3 images, 4 boxes, 1 classes (coco)",
        f"1 {RULES['crowd'].what}",
        "1 boxes without width or height inside the image: left out of training",
        "1 boxes further over the image's edge: cut there for training",
        "1 boxes of other classes, left out: dog 1"]


def test_the_summary_of_clean_annotations_is_one_line(coco, save):
    coco["images"] = coco["images"][:1]
    coco["annotations"] = coco["annotations"][1:2]
    assert summarise(*assemble(read_table(save(coco)), classes=["cat"])) == "1 images, 1 boxes, 1 classes (coco)"


def test_the_csv_has_a_line_for_every_record():
    text = findings_csv([("train", found("crowd", [1, 2], 'box "{}", again'.format)[0])])
    assert list(csv.DictReader(io.StringIO(text))) == [
        {"split": "train", "finding": "crowd", "action": "kept", "record": f'box "{row}", again'} for row in (1, 2)]


def test_every_rule_is_in_the_documentation():
    text = (ROOT / "docs" / "annotations.md").read_text(encoding="utf-8")
    for name, rule in RULES.items():
        assert f"| {name} | {rule.action} | {rule.what} |" in text


def test_every_rule_is_noticed_somewhere():
    """`__main__` only counts what others find."""
    code = [path for path in (ROOT / "datasets").rglob("*.py") if path.name not in ("findings.py", "__main__.py")]
    literals = {node.value for path in code for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
                if isinstance(node, ast.Constant)}
    assert RULES.keys() <= literals
