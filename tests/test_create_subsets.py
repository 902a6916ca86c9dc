import json

import numpy as np
import pytest

from create_subsets import main
from datasets.coco import read_coco
from datasets.order import read_order


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


@pytest.mark.parametrize(("arguments", "fragment"), [
    (["--fractions", "1"], "selects none"),
    (["--fractions", "0"], "outside (0, 100]"),
    (["--fractions", "101"], "outside (0, 100]"),
    (["--fractions", "nan"], "outside (0, 100]"),
    (["--fractions", "50", "--classes", "trian"], "did you mean 'train'?"),
])
def test_bad_input_is_one_line_and_writes_nothing(source, tmp_path, capsys, arguments, fragment):
    assert main(["--annotations", str(source), "--out", str(tmp_path / "out"), *arguments]) == 2
    err = capsys.readouterr().err
    assert fragment in err and err.count("\n") == 1
    assert not (tmp_path / "out").exists()
