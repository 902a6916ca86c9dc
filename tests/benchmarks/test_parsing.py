import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from benchmarks import parsing
from benchmarks.parsing import compare, main, official_batches, our_batches, paint
from records.manifest import first_shards
from records.write import write_records


@pytest.fixture
def painted(tmp_path):
    (tmp_path / "images").mkdir()
    return paint(tmp_path / "images", 16)


def test_generated_pictures_are_those_their_annotations_say(painted, tmp_path):
    assert painted.num_images == 16 and painted.num_boxes >= 16
    for name in painted.file_names:
        path = tmp_path / "images" / name
        assert Image.open(path).size == (640, 480) and 80_000 < path.stat().st_size < 220_000
    assert (painted.boxes[:, :2] >= 0).all() and (painted.boxes[:, :2] + painted.boxes[:, 2:] <= [640, 480]).all()
    assert (painted.boxes[:, 2:] > 20).all()


def test_both_pipelines_read_the_same_pictures(painted, tmp_path):
    """Without augmentation; the official one resizes with other sampling points and normalises."""
    tf.random.set_seed(1)
    write_records(painted, tmp_path / "images", tmp_path / "records", stored_size=300)
    shards = first_shards(tmp_path / "records", 16)
    ours = next(iter(our_batches(shards, 16, 300, ())))[0].numpy()
    theirs, labels = next(iter(official_batches(shards, 300, ())))
    scale, offset = np.array([0.229, 0.224, 0.225]) * 255, np.array([0.485, 0.456, 0.406]) * 255
    means = [np.sort(images.mean(axis=(1, 2)), axis=0) for images in (ours, theirs.numpy() * scale + offset)]
    assert theirs.shape == ours.shape == (16, 300, 300, 3) and np.abs(means[0] - means[1]).max() < 2
    assert (labels["cls_targets"]["3"].numpy() > 0).any()


def test_costs_are_medians_and_the_ratio_that_of_the_pairs():
    ours, official = iter([1.0, 2.0, 4.0]), iter([4.0, 6.0, 28.0])
    cost = compare(lambda: next(ours), lambda: next(official), 3)
    assert (cost.ours, cost.official, cost.ratio) == (2.0, 6.0, 4.0)


def test_the_command_prints_a_line_per_setting(monkeypatch, capsys):
    monkeypatch.setattr(parsing, "INPUT_SIZES", (64,))
    assert main(["--num-images", "16", "--batches", "1", "--rounds", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + 2 * len(parsing.AUGMENTS) and all(float(line.split()[-1]) > 0 for line in lines[1:])


@pytest.mark.parametrize("arguments", [["--images", "x"], ["--rounds", "0"],
                                       ["--images", "x", "--annotations", "no.json"]])
def test_a_mistake_is_one_line(arguments, capsys):
    assert main(arguments) == 2
    assert capsys.readouterr().err.startswith("error: ")
