import json
import shutil

import numpy as np
import pytest

from create_subsets import main
from datasets.formats.coco import read_coco
from datasets.orders.order import read_order
from tests.small import write_split


@pytest.fixture
def source(tmp_path):
    """Forty images, the i-th with i % 4 boxes whose x is i."""
    images = [{"id": 100 - i, "file_name": f"{i}.jpg", "width": 200, "height": 100} for i in range(40)]
    boxes = [{"image_id": 100 - i, "category_id": 1 + (i == 39), "bbox": [i, 1, 10 + k, 10]}
             for i in range(40) for k in range(i % 4)]
    path = tmp_path / "train.json"
    path.write_text(json.dumps({"images": images, "annotations": boxes,
                                "categories": [{"id": 1, "name": "car"}, {"id": 2, "name": "train"}]}))
    return path


def test_subsets_are_prefixes_with_their_own_boxes(source, tmp_path):
    out = tmp_path / "out"
    assert main(["--annotations", str(source), "--out", str(out), "--write-json",
                 "--fractions", "100", "5", "12.5"]) == 0
    order, whole = read_order(out / "order.json"), read_coco(source)
    assert order.fractions == (5, 12.5, 100) and order.checksum == whole.checksum
    assert sorted(order.image_ids) == sorted(whole.image_ids.tolist())
    for fraction, size in ((5, 2), (12.5, 5), (100, 40)):
        subset = read_coco(out / f"subset-{fraction}.json")
        assert tuple(subset.image_ids.tolist()) == order.image_ids[:size]
        numbers = 100 - subset.image_ids
        assert (np.diff(subset.starts) == numbers % 4).all()
        assert (subset.boxes[:, 0] == np.repeat(numbers, numbers % 4)).all()


def test_only_the_order_is_written_unless_asked(source, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["--annotations", str(source), "--out", str(out), "--fractions", "10", "100"]) == 0
    assert [p.name for p in out.iterdir()] == ["order.json"]
    lines = capsys.readouterr().out.splitlines()
    lines = lines[-3:-1]
    assert lines[0].split()[:6] == ["10", "%", "4", "images", str(_boxes_of_first(out, 4)), "boxes"]
    assert lines[0].endswith("no box of: train") and lines[1].split()[4] == "60"


def _boxes_of_first(out, size):
    return sum((100 - id_) % 4 for id_ in read_order(out / "order.json").image_ids[:size])


def test_the_same_command_writes_the_same_bytes_and_a_draw_another_order(source, tmp_path):
    arguments = ["--annotations", str(source), "--fractions", "50", "--write-json", "--out"]
    for out in ("a", "b"):
        main([*arguments, str(tmp_path / out)])
    main([*arguments, str(tmp_path / "a"), "--draw", "1"])
    assert (tmp_path / "a/order.json").read_bytes() == (tmp_path / "b/order.json").read_bytes()
    assert (tmp_path / "a/subset-50.json").read_bytes() == (tmp_path / "b/subset-50.json").read_bytes()
    first, second = read_order(tmp_path / "a/order.json"), read_order(tmp_path / "a/order-draw-1.json")
    assert second.draw == 1 and first.image_ids != second.image_ids
    assert (tmp_path / "a/subset-50-draw-1.json").exists()


def test_counts_of_images_may_be_given(source, tmp_path):
    assert main(["--annotations", str(source), "--out", str(tmp_path / "out"), "--counts", "30", "7"]) == 0
    assert read_order(tmp_path / "out/order.json").sizes == [7, 30]


@pytest.mark.parametrize("parts", [["0.05,0.125,1"], ["[0.05,", "0.125,", "1.0]"], ["0.05", "0.125", "1"]])
def test_the_flags_of_2019_work(source, tmp_path, parts):
    out = tmp_path / "out"
    assert main(["--dataset-format", "COCO", "--original-json-path", str(source), "--output-directory", str(out),
                 "--fraction-array", *parts]) == 0
    assert {path.name for path in out.iterdir()} == {"order.json", "fraction_of_0.05", "fraction_of_0.125",
                                                     "fraction_of_1"}
    order = read_order(out / "order.json")
    assert order.fractions == (5, 12.5, 100)
    assert read_coco(out / "fraction_of_0.125").image_ids.tolist() == list(order.image_ids[:5])


def test_stratified_subsets_hold_every_class(source, tmp_path, capsys):
    assert main(["--annotations", str(source), "--out", str(tmp_path), "--strategy", "stratified",
                 "--counts", "2", "40"]) == 0
    assert read_order(tmp_path / "order.json").strategy == "stratified"
    assert "no box of" not in capsys.readouterr().out


def test_a_ranking_is_an_order(source, tmp_path):
    (tmp_path / "ranking.txt").write_text("\n".join(f"{i}.jpg" for i in reversed(range(40))))
    assert main(["--annotations", str(source), "--out", str(tmp_path), "--strategy", "order-file",
                 "--ranking", str(tmp_path / "ranking.txt"), "--fractions", "100"]) == 0
    assert list(read_order(tmp_path / "order.json").image_ids) == list(range(61, 101))


def test_the_class_map_decides_what_is_kept_and_tells_what_is_not(source, tmp_path, capsys):
    (tmp_path / "map.yaml").write_text("classes: {vehicle: car}")
    assert main(["--annotations", str(source), "--out", str(tmp_path), "--class-map", str(tmp_path / "map.yaml"),
                 "--write-json", "--fractions", "100"]) == 0
    assert "3 boxes of other classes, left out: train 3" in capsys.readouterr().out
    assert read_coco(tmp_path / "subset-100.json").categories == ("vehicle",)


@pytest.fixture
def leaking(tmp_path):
    """Twenty training images, two of which are validation images, too; and the arguments to read them."""
    write_split(tmp_path, "train", 20)
    write_split(tmp_path, "val", 6, seed=1)
    for train, validation in ((4, 2), (9, 6)):
        shutil.copy(tmp_path / f"val/{validation}.jpg", tmp_path / f"train/{train}.jpg")
    return ["--annotations", str(tmp_path / "annotations/instances_train.json"), "--images", str(tmp_path / "train"),
            "--validation", str(tmp_path / "annotations/instances_val.json"),
            "--validation-images", str(tmp_path / "val"), "--out", str(tmp_path / "out"), "--drop-leaks",
            "--max-distance", "-1"]


def test_leaking_images_are_left_out_and_named(leaking, tmp_path, capsys):
    assert main([*leaking, "--fractions", "50", "100", "--write-json"]) == 0
    order = read_order(tmp_path / "out/order.json")
    assert order.left_out == (4, 9) and len(order.image_ids) == 18 and order.sizes == [9, 18]
    assert {4, 9}.isdisjoint(read_coco(tmp_path / "out/subset-100.json").image_ids.tolist())
    assert "2 training images identical to a validation image" in capsys.readouterr().out
    assert "train,leak,left out,4.jpg = 2.jpg\n" in (tmp_path / "out/leaks.csv").read_text()


def test_leaks_need_a_validation_set(leaking, capsys):
    place = leaking.index("--validation")
    assert main(leaking[:place] + leaking[place + 2:]) == 2
    assert "name the validation annotations, too" in capsys.readouterr().err


def test_a_ranking_may_name_what_leaks(leaking, tmp_path):
    (tmp_path / "ranking.txt").write_text("\n".join(f"{i}.jpg" for i in range(20, 0, -1)))
    assert main([*leaking, "--strategy", "order-file", "--ranking", str(tmp_path / "ranking.txt"),
                 "--fractions", "100"]) == 0
    order = read_order(tmp_path / "out/order.json")
    assert list(order.image_ids) == [i for i in range(20, 0, -1) if i not in (4, 9)]


def test_images_that_cannot_be_compared_stop_the_search_for_leaks(leaking, tmp_path, capsys):
    (tmp_path / "train/7.jpg").write_bytes(b"no picture")
    assert main(leaking) == 2
    assert "7.jpg: cannot be decoded, so it cannot be compared" in capsys.readouterr().err
    (tmp_path / "train/7.jpg").unlink()
    assert main(leaking) == 2
    assert "7.jpg: listed in" in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_nothing_but_leaks_is_refused(leaking, tmp_path, capsys):
    validation = leaking.index("--validation")
    leaking[validation + 1] = leaking[leaking.index("--annotations") + 1]
    leaking[validation + 3] = leaking[leaking.index("--images") + 1]
    assert main(leaking) == 2
    assert "all 20 training images are in the validation set, too" in capsys.readouterr().err


def test_another_order_in_the_same_folder_is_refused(source, tmp_path, capsys):
    arguments = ["--annotations", str(source), "--out", str(tmp_path / "out"), "--fractions"]
    assert main([*arguments, "10"]) == main([*arguments, "20", "50"]) == 0
    before = (tmp_path / "out/order.json").read_bytes()
    for other in (["--strategy", "balanced"], ["--classes", "car"]):
        assert main([*arguments, "20", *other]) == 2
        assert "holds another order" in capsys.readouterr().err
    assert (tmp_path / "out/order.json").read_bytes() == before


def test_crowds_are_not_counted(source, tmp_path, capsys):
    content = json.loads(source.read_text())
    for box in content["annotations"][:10]:
        box["iscrowd"] = 1
    source.write_text(json.dumps(content))
    assert main(["--annotations", str(source), "--out", str(tmp_path / "out")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2].split() == ["100", "%", "40", "images", "50", "boxes"]
    assert [line.split()[0] for line in lines if line.endswith("boxes") or "no box of" in line] == [
        "2.5", "5", "10", "15", "20", "30", "50", "75", "100"]


@pytest.mark.parametrize(("arguments", "fragment"), [
    (["--counts", "41"], "41 images cannot be cut from 40"),
    (["--fraction-array", "a"], "give parts of one"),
    (["--fraction-array", "10"], "give parts of one"),
    (["--strategy", "order-file", "--counts", "3"], "needs a ranking"),
    (["--class-map", "vok"], "did you mean 'voc'?"),
    (["--strict", "--class-map", "voc"], "no class"),
    (["--fractions", "1"], "selects none"),
    (["--drop-leaks"], "name the validation annotations, too"),
    (["--ranking", "nowhere.txt"], "--ranking nowhere.txt: no such file"),
    (["--fractions", "50", "--classes", "trian"], "did you mean 'train'?"),
])
def test_bad_input_is_one_line_and_writes_nothing(source, tmp_path, capsys, arguments, fragment):
    assert main(["--annotations", str(source), "--out", str(tmp_path / "out"), *arguments]) == 2
    err = capsys.readouterr().err
    assert fragment in err and err.count("\n") == 1
    assert not (tmp_path / "out").exists()
