import csv
import math

import numpy as np
import pytest

from engine.axes import axes_of, draw_axes, measure
from predict.tables import read_curves
from study.config import DatasetConfig, DetectorConfig, Forecast, Recipe, Study
from study.layout import StudyFolder
from tests.predict.results import COLUMNS, write_results

RECIPES = {"scaled": Recipe()}


def detector(name, of="", **varied):
    return DetectorConfig(name=name, of=of, varied=varied, recipes=RECIPES)


def dataset(name, of="", **varied):
    return DatasetConfig(name=name, root="/data", of=of, varied=varied)


def study(datasets, detectors):
    return Study(name="x", datasets=tuple(datasets), detectors=tuple(detectors), forecast=Forecast(metric="AP"))


NARROW, WIDE = detector("tiny-1", "tiny", width=1), detector("tiny-2", "tiny", width=2)
FEW, MANY = dataset("voc-2", "voc", vocabulary=2), dataset("voc-3", "voc", vocabulary=3)
PRODUCT = [detector(f"tiny-{w}-{e}", "tiny", width=w, epochs=e) for w in (1, 2) for e in (5, 9)]


@pytest.mark.parametrize(("datasets", "detectors", "expected"), [
    ([dataset("a")], [detector("tiny")], {}),
    ([dataset("a")], [NARROW], {}),
    ([dataset("a"), dataset("b")], [NARROW, WIDE, detector("plain")],
     {("width", "tiny"): {"a": {1: ("a", "tiny-1"), 2: ("a", "tiny-2")},
                          "b": {1: ("b", "tiny-1"), 2: ("b", "tiny-2")}}}),
    ([FEW, MANY], [detector("tiny")],
     {("vocabulary", "voc"): {"tiny": {2: ("voc-2", "tiny"), 3: ("voc-3", "tiny")}}}),
    ([dataset("a")], PRODUCT,
     {("width", "tiny"): {f"a, epochs {e}": {w: ("a", f"tiny-{w}-{e}") for w in (1, 2)} for e in (5, 9)},
      ("epochs", "tiny"): {f"a, width {w}": {e: ("a", f"tiny-{w}-{e}") for e in (5, 9)} for w in (1, 2)}}),
    ([dataset("a")], [NARROW, WIDE, detector("tiny-5", "tiny", epochs=5)],
     {("width", "tiny"): {"a": {1: ("a", "tiny-1"), 2: ("a", "tiny-2")}}}),
    ([FEW, MANY], [NARROW, WIDE],
     {("width", "tiny"): {name: {1: (name, "tiny-1"), 2: (name, "tiny-2")} for name in ("voc-2", "voc-3")},
      ("vocabulary", "voc"): {name: {2: ("voc-2", name), 3: ("voc-3", name)} for name in ("tiny-1", "tiny-2")}}),
], ids=["none", "one value", "two data sets", "vocabulary", "product", "two axes of one", "both sides"])
def test_what_varies_is_found_with_all_else_alike(datasets, detectors, expected):
    assert {(axis.setting, axis.of): axis.panels for axis in axes_of(study(datasets, detectors))} == expected


def test_axes_are_drawn_from_the_table_as_far_as_it_goes(tmp_path):
    folder, varied = StudyFolder(tmp_path), study([dataset("digits"), dataset("street")], [NARROW, WIDE, *PRODUCT])
    assert draw_axes(varied, folder) == []
    write_results(folder.results, ["tiny-1", "tiny-2", "tiny-1-5"], ["digits"])
    paths = draw_axes(varied, folder)
    assert {path.name for path in paths} == {f"axis_{kind}_width_tiny_AP.{suffix}" for kind in ("linear", "log")
                                             for suffix in ("png", "svg")}
    assert all(path.exists() and path.parent == folder.charts for path in paths)
    assert draw_axes(study([dataset("digits")], [detector("tiny-1")]), folder) == []


def test_runs_of_another_recipe_are_left_out(tmp_path):
    folder = StudyFolder(tmp_path)
    write_results(folder.results, ["tiny-1", "tiny-2"], recipe="other")
    assert draw_axes(study([dataset("digits")], [NARROW, WIDE]), folder) == []


VALUES = {"voc-2": {"one": (0.5, 0.3), "two": (0.7, 0.1)}, "voc-3": {"one": (0.4, 0.2), "two": (0.2, 0.2),
                                                                    "three": (0.0, 0.9)}}


@pytest.fixture
def table(tmp_path):
    """Two runs of each vocabulary: value of each class, at 10 and at 100 images, with standard errors .03 and .04."""
    def write(without=()):
        rows = [{"dataset": name, "detector": "tiny", "recipe": "scaled", "fraction": images, "images": images,
                 "metric": "AP", "class": class_, "value": values[at], "stderr": 0.03 if class_ == "one" else 0.04,
                 "draw": 0, "seed": 0}
                for name, classes in VALUES.items() for class_, values in (classes | {"": (0.9, 0.9)}).items()
                for at, images in enumerate((10, 100)) if (name, class_, images) not in without]
        path = tmp_path / "results.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
        return {(c.dataset, c.detector, c.category): c for c in read_curves(path, "AP", per_class=True)}

    return write


def test_vocabularies_are_compared_on_the_classes_that_they_share(table):
    (axis,) = axes_of(study([FEW, MANY], [detector("tiny")]))
    panels, notes = measure(axis, table())
    few, many = panels["tiny"][2].observed, panels["tiny"][3].observed
    assert few.values == pytest.approx([0.6, 0.2]) and many.values == pytest.approx([0.3, 0.2])
    assert few.images.tolist() == many.images.tolist() == [10, 100]
    assert few.stderr == pytest.approx([0.025, 0.025])  # (.03^2 + .04^2)^.5 / 2
    assert np.ptp(few.interval_80, axis=1) == pytest.approx(2 * 1.2816 * 0.025)
    assert notes[0] == "Means over the classes that all vocabularies share: one, two."
    assert notes[-1] == "The errors of classes are taken for independent."


def test_a_run_without_a_value_of_a_shared_class_is_left_out(table):
    (axis,) = axes_of(study([FEW, MANY], [detector("tiny")]))
    panels, _ = measure(axis, table(without=[("voc-3", "one", 100)]))
    assert panels["tiny"][3].observed.images.tolist() == [10]
    assert panels["tiny"][2].observed.values == pytest.approx([0.6, 0.2])


def test_one_vocabulary_with_results_is_no_comparison(table):
    (axis,) = axes_of(study([FEW, MANY], [detector("tiny")]))
    gone = [("voc-3", class_, images) for class_ in ("", "one", "two", "three") for images in (10, 100)]
    assert measure(axis, table(without=gone)) == ({}, [])


def test_other_settings_are_compared_on_the_mean_over_all_classes(tmp_path):
    path = write_results(tmp_path / "results.csv", ["tiny-1", "tiny-2"], ["digits"])
    curves = {(c.dataset, c.detector, c.category): c for c in read_curves(path, "AP", per_class=True)}
    (axis,) = axes_of(study([dataset("digits")], [NARROW, WIDE]))
    panels, notes = measure(axis, curves)
    assert [m.category for m in panels["digits"].values()] == ["", ""] and len(notes) == 1
    assert "80 % bars: validation noise" in notes[0] and not math.isnan(panels["digits"][1].observed.values[0])
