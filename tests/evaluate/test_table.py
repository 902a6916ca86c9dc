"""The table for people."""

from dataclasses import replace

import numpy as np

from evaluate.coco import score
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
    assert "APs -" in table and "ARl -" in table and "± " not in table.splitlines()[1]
