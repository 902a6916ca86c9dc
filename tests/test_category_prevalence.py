import json

import pandas as pd
import pytest

from category_prevalence import main


@pytest.fixture
def source(tmp_path):
    images = [{"id": i, "file_name": f"{i}.jpg", "width": 200, "height": 200} for i in range(10)]
    boxes = [{"image_id": i, "category_id": 2, "bbox": [0, 0, 20, 20]} for i in range(10)]
    boxes += [{"image_id": 3, "category_id": 1, "bbox": [0, 0, 100, 100]}]
    path = tmp_path / "train.json"
    path.write_text(json.dumps({"images": images, "annotations": boxes,
                                "categories": [{"id": 1, "name": "rare"}, {"id": 2, "name": "common"}]}))
    return path


def test_table_csv_and_charts_are_left(source, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["--annotations", str(source), "--validation", str(source), "--fractions", "20", "100",
                 "--out", str(out)]) == 0
    assert sorted(p.name for p in out.iterdir()) == ["prevalence.csv", "prevalence.png", "prevalence.svg"]
    table = pd.read_csv(out / "prevalence.csv")
    whole = table[(table["split"] == "train") & (table["fraction"] == 100)].set_index("class")
    assert whole.loc["rare", ["boxes", "images", "small", "medium", "large"]].tolist() == [1, 1, 0, 0, 1]
    assert whole.loc["common", ["boxes", "images", "small", "medium", "large"]].tolist() == [10, 10, 10, 0, 0]
    header, _, first, second = capsys.readouterr().out.splitlines()
    assert header.split() == ["20", "%", "100", "%", "validation"]
    assert first.split() == ["common", "2", "10", "10"] and second.split()[::2] == ["rare", "1"]


def test_classes_are_sorted_by_the_largest_training_subset(source, tmp_path, capsys):
    """The largest subset need not be the whole, and validation does not decide."""
    main(["--annotations", str(source), "--validation", str(source), "--fractions", "30", "50", "--out", str(tmp_path)])
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["30", "%", "50", "%", "validation"]
    assert [line[0] for line in lines[2:]] == ["common", "rare"]
    assert [line[1:3] for line in lines[2:3]] == [["3", "5"]]


def test_bad_input_is_one_line(source, tmp_path, capsys):
    assert main(["--annotations", str(source), "--validation", "absent.json", "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err == "error: absent.json: No such file or directory; check the path\n"
    assert not (tmp_path / "out").exists()
