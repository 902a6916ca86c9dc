"""The table for people."""

from dataclasses import replace

import numpy as np

from evaluate.coco import FIGURES, score
from evaluate.result import metric_rows
from evaluate.table import format_table


def test_undefined_figures_are_dashes_and_columns_line_up(case_of):
    case = case_of(0)
    table = format_table(metric_rows(score(case.truth, case.detections), 20), case.truth).splitlines()
    boxes = np.bincount(case.truth.classes[~case.truth.crowd], minlength=4)
    assert [line.split()[2] for line in table[1:6]] == [str(n) for n in (boxes.sum(), *boxes)]
    assert table[2].split()[3:] == ["-", "-"]
    assert len({line.index("±") for line in (table[0], table[1], table[3])}) == 1


def test_without_error_bars_and_without_small_boxes(case_of):
    case = case_of(0)
    truth = replace(case.truth, areas=np.full(case.truth.num_boxes, 2000.0))
    table = format_table(metric_rows(score(truth, case.detections), 0), truth)
    assert "± " not in table.splitlines()[1]
    header, *others = (line.split() for line in table.splitlines()[7:13])
    assert header == ["AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl"]
    for row in others:
        assert row[-10:][1] == row[-10:][3] == row[-10:][7] == row[-10:][9] == "-"


def test_every_figure_of_every_class_is_there(case_of):
    case = case_of(1)
    scores = score(case.truth, case.detections)
    table = format_table(metric_rows(scores, 0), case.truth).splitlines()
    for line, name in zip(table[9:13], case.truth.categories):
        figures = [scores.values[figure, name] for figure in FIGURES if figure not in ("AP", "AP50")]
        assert line.split()[2:] == ["-" if np.isnan(value) else f"{100 * value:.1f}" for value in figures]
