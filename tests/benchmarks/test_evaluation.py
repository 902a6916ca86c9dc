import json

import numpy as np
import pytest

from detectors import runtime

runtime.start()

from benchmarks.evaluation import __main__ as command  # noqa: E402
from benchmarks.evaluation import detection, material  # noqa: E402
from benchmarks.evaluation.contenders import FIGURES, importable, load  # noqa: E402
from benchmarks.evaluation.material import PER_IMAGE, VOC, make_detections, make_truth  # noqa: E402
from benchmarks.evaluation.table import Cost, Finding, differences, scoring_table  # noqa: E402
from benchmarks.training import material as pictures  # noqa: E402
from benchmarks.training.rounds import Ratio  # noqa: E402
from datasets.annotations import for_training  # noqa: E402
from datasets.embedded.glyphs import letters  # noqa: E402
from datasets.formats.coco import read_coco  # noqa: E402
from study.config import DetectorConfig  # noqa: E402

IMAGES = 600


@pytest.fixture(scope="module")
def truth():
    return make_truth(IMAGES)


@pytest.fixture(scope="module")
def detections(truth):
    return make_detections(truth)


def cost(seconds=1.0, **values):
    return Cost(0.5, seconds, 2 * seconds, 4 * seconds, 300.0, 100.0, values)


def test_the_truth_is_as_large_and_as_uneven_as_real_ones(truth):
    counts = np.bincount(truth.classes, minlength=len(VOC))
    assert truth.num_boxes == pytest.approx(36_000 * IMAGES / 5_000, rel=0.02)
    assert counts.argmax() == VOC.index("person") and counts.max() > 5 * np.median(counts) and counts.min() > 0
    assert 0 < truth.crowd.mean() < 0.03 and (np.diff(truth.starts) == 0).sum() >= 6
    sizes = np.bincount(np.digitize(np.sqrt(truth.areas), (32, 96)), minlength=3) / truth.num_boxes
    assert (sizes > 0.15).all()
    corner = truth.boxes[:, :2] + truth.boxes[:, 2:]
    image = truth.image_of_box()
    assert (corner <= np.stack([truth.widths, truth.heights], axis=1)[image] + 0.02).all()


def test_detections_are_those_of_a_middling_detector(truth, detections):
    """Up to 100 in an image, by falling score; most of them false, and those that are true more certain."""
    counts = np.bincount(detections.images, minlength=IMAGES)
    assert counts.max() == PER_IMAGE and np.median(counts) == PER_IMAGE and (counts < PER_IMAGE).any()
    falling = np.diff(detections.scores) <= 0
    assert (falling | (np.diff(detections.images) > 0)).all() and (np.diff(detections.images) >= 0).all()
    edges = np.stack([truth.widths, truth.heights], axis=1)[detections.images]
    assert (detections.boxes >= 0).all() and (detections.boxes[:, :2] + detections.boxes[:, 2:] <= edges + 0.01).all()
    assert (detections.scores > 0.5).mean() < 0.1


def test_every_way_comes_to_the_same_figures(tmp_path):
    material.main(str(tmp_path), "60")
    values = {}
    for name in [*importable(), "ours"]:
        read, evaluate = load(name, 0)
        values[name] = evaluate(read(tmp_path / "truth.json", tmp_path / "detections.json"))
    assert len(values["ours"]) == len(FIGURES) + len(VOC) and 0.05 < values["ours"]["AP"] < 0.5
    assert all(of_way == values["pycocotools"] for of_way in values.values())


def test_the_bootstrap_resamples_the_same_figures(tmp_path):
    material.main(str(tmp_path), "60")
    read, evaluate = load("bootstrap", 20)
    deviations = evaluate(read(tmp_path / "truth.json", tmp_path / "detections.json"))
    assert {"AP", "AP50", "AP/person"} <= deviations.keys() and 0 < deviations["AP"] < 0.1


@pytest.mark.slow
def test_scoring_is_compared_from_files_and_found_equal(capsys):
    assert command.main(["--parts", "scoring", "--num-images", "40", "--rounds", "1", "--resamples", "5"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "pycocotools 2" in lines[0] and "numba" in lines[0] and lines[1].startswith("40 images, 20 classes")
    rows = {cells[1].strip(): cells for line in lines if line.startswith("|") and (cells := line.split("|"))}
    assert {"pycocotools", "ours", "bootstrap"} <= rows.keys()
    assert rows["ours"][-2].strip() == f"{len(FIGURES) + len(VOC)} of {len(FIGURES) + len(VOC)}"
    assert all(float(rows[name][2]) > 0 and float(rows[name][6]) > 30 for name in ("pycocotools", "ours", "bootstrap"))
    assert rows["pycocotools / ours, files to figures"][3].strip() == "at least 50"


def test_figures_that_differ_are_said(capsys, monkeypatch):
    results = {"pycocotools": cost(AP=0.5, AR1=0.25), "ours": cost(AP=np.nextafter(0.5, 1), AR1=0.25),
               "bootstrap": cost(AP=0.01)}
    monkeypatch.setattr(command, "importable", lambda: ["pycocotools"])
    monkeypatch.setattr(command, "measure", lambda name, *_: results[name])
    monkeypatch.setattr(command, "run", lambda *_: "made")
    assert command.main(["--parts", "scoring", "--rounds", "1"]) == 1
    printed = capsys.readouterr()
    assert "differs in AP " in printed.out and printed.err == "error: ours is not pycocotools' in AP\n"


def test_figures_are_compared_to_the_last_bit():
    assert differences({"AP": 0.5, "AR1": 0.25}, {"AP": 0.5, "AR1": 0.25}) == []
    assert differences({"AP": np.nextafter(0.5, 0)}, {"AP": 0.5, "AR1": 0.25}) == ["AP", "AR1"]


def test_a_row_has_medians_of_seconds_and_the_highest_memory():
    rows = scoring_table({"pycocotools": [cost(1.0, AP=0.5), cost(5.0, AP=0.5), cost(2.0, AP=0.5)]}).splitlines()
    assert [cell.strip() for cell in rows[2].split("|")[1:-1]] == ["pycocotools", "6.00", "2.00", "4.00", "8.00", "300",
                                                                   "200", "1 of 1"]


@pytest.mark.parametrize(("goal", "at_most", "reached"), [(50, False, "yes"), (51, False, "no"), (50, True, "yes"),
                                                          (0.9, True, "no"), (None, True, "-")])
def test_goals(goal, at_most, reached):
    assert Finding("ratio", Ratio(50.0, 40.0, 60.0), goal, at_most).cells()[3] == reached


def test_pycocotools_is_always_there():
    assert "pycocotools" in importable()


def test_detection_is_compared_on_the_same_images(tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "IMAGES", 5)
    annotations, images = pictures.paint_digits(tmp_path / "painted", letters("train"))
    truth = for_training(read_coco(annotations))
    tiny = DetectorConfig(name="tiny", width=0.1, input_size=64, stored_size=64)
    measured = detection.compare(tiny, truth, images, tmp_path, rounds=2)
    assert len(truth.categories) == 20 and "5 images of 20 classes" in measured["text"]
    assert all(len(seconds) == 2 and min(seconds) > 0 for seconds in measured["seconds"].values())
    memory, records = measured["seconds"].values()
    assert measured["rate"]["middle"] == pytest.approx(np.median(np.divide(memory, records)))
    written = json.loads((tmp_path / "detections.json").read_bytes())
    assert {record["image_id"] for record in written} == set(truth.image_ids.tolist()) and len(written) == 500


@pytest.mark.parametrize("arguments", [["--rounds", "0"], ["--num-images", "0"], ["--annotations", "a.json"]])
def test_a_mistake_is_refused(arguments):
    with pytest.raises(SystemExit):
        command.main(arguments)
