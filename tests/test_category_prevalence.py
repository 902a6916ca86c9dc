import json

import pandas as pd
import pytest

from category_prevalence import main
from tests.small import write_split


@pytest.fixture
def source(tmp_path):
    images = [{"id": i, "file_name": f"{i}.jpg", "width": 200, "height": 200} for i in range(10)]
    boxes = [{"image_id": i, "category_id": 2, "bbox": [0, 0, 20, 20]} for i in range(10)]
    boxes += [{"image_id": 3, "category_id": 1, "bbox": [0, 0, 100, 100]}]
    path = tmp_path / "train.json"
    path.write_text(json.dumps({"images": images, "annotations": boxes,
                                "categories": [{"id": 1, "name": "rare"}, {"id": 2, "name": "common"}]}))
    return path


def names(folder):
    return {path.name for path in folder.iterdir()}


def pictures(*stems):
    return {f"{stem}.{suffix}" for stem in stems for suffix in ("png", "svg")}


def test_table_csv_and_charts_are_left(source, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["--annotations", str(source), "--validation", str(source), "--fractions", "20", "100",
                 "--out", str(out)]) == 0
    assert names(out) == {"prevalence.csv"} | pictures("prevalence", "doughnut", "sizes", "shift")
    table = pd.read_csv(out / "prevalence.csv")
    whole = table[(table["split"] == "train") & (table["fraction"] == 100)].set_index("class")
    assert whole.loc["rare", ["boxes", "images", "small", "medium", "large"]].tolist() == [1, 1, 0, 0, 1]
    assert whole.loc["common", ["boxes", "images", "small", "medium", "large"]].tolist() == [10, 10, 10, 0, 0]
    text = capsys.readouterr().out
    assert text.startswith("train: 10 images, 11 boxes, 2 classes (coco)\nvalidation: 10 images")
    assert text.index("\ncommon") < text.index("\nrare")


def test_a_collage_is_left_where_the_images_are_known(tmp_path):
    write_split(tmp_path, "train", 7)
    arguments = ["--json-path", str(tmp_path / "annotations/instances_train.json"), "--dataset-format", "COCO",
                 "--wanted-categories", "blue,red", "--images", str(tmp_path / "train"), "--out", str(tmp_path / "out")]
    assert main(arguments) == 0
    assert names(tmp_path / "out") == {"prevalence.csv"} | pictures("prevalence", "doughnut", "sizes", "collage")
    assert list(pd.read_csv(tmp_path / "out/prevalence.csv")["class"]) == ["blue", "red"]


def test_subsets_may_be_cut_by_another_strategy(source, tmp_path):
    counts = {}
    for strategy in ("random", "balanced"):
        main(["--annotations", str(source), "--fractions", "10", "100", "--strategy", strategy,
              "--out", str(tmp_path / strategy)])
        table = pd.read_csv(tmp_path / strategy / "prevalence.csv")
        counts[strategy] = table[(table["fraction"] == 10) & (table["class"] == "rare")]["boxes"].item()
    assert counts == {"random": 0, "balanced": 1}


def test_bad_input_is_one_line(source, tmp_path, capsys):
    assert main(["--annotations", str(source), "--validation", "absent.json", "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err == "error: --validation absent.json: no such file or folder; check the path\n"
    assert not (tmp_path / "out").exists()
