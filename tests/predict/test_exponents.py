import numpy as np
import pytest

from predict.comparison import errors_of, read_measured
from predict.exponents import COLUMNS, exponent_rows, exponent_table, findings
from predict.power_law import Errors, fit_power_law
from predict.tables import PUBLISHED_2019

SIZES = np.array([100.0, 300, 1000, 3000, 10_000])
WIGGLE = np.exp([0.01, -0.01, 0.005, 0.01, -0.015])


def fits(*curves, quantity="1 - AP"):
    """Return fits of (data set, detector, sizes, values) without error bars."""
    every = [Errors(dataset, detector, quantity, np.asarray(n, float), np.asarray(y, float), np.full(len(n), np.nan),
                    np.full((len(n), 2), np.nan))
             for dataset, detector, n, y in curves]
    return [(errors, fit_power_law(errors)) for errors in every]


@pytest.fixture(scope="module")
def published():
    every = [errors_of(m) for m in read_measured([PUBLISHED_2019], ["mAP"])]
    return [(errors, fit_power_law(errors)) for errors in every]


def test_published_exponents(published):
    """The values that docs/comparison.md quotes."""
    rows = {(r["dataset"], r["detector"]): [round(r[k], 3) for k in ("beta", "low", "high")]
            for r in exponent_rows(published)}
    assert rows == {("BDD", "ssd_mobilenet_v2"): [0.026, 0.020, 0.032],
                    ("BDD", "ssd_resnet101_v1_fpn"): [0.051, 0.041, 0.060],
                    ("COCO", "ssd_mobilenet_v2"): [0.057, 0.048, 0.066],
                    ("COCO", "ssd_resnet101_v1_fpn"): [0.080, 0.065, 0.096]}


def test_published_detectors_have_exponents_of_their_own(published):
    said = findings(published)
    assert said[0].startswith("BDD, 1 - mAP: the detectors' exponents differ (F(1, 8) = 219, p < 0.0001)")
    assert "ssd_mobilenet_v2 minus ssd_resnet101_v1_fpn is -0.024 (95 %: -0.031 to -0.016)." in said[1]
    assert "differ by up to 0.025, between data sets for one detector by up to 0.030" in said[2]
    assert "mean slope" in said[3]


def test_one_exponent_for_all_is_said_with_what_it_does_not_exclude():
    said = findings(fits(("d", "ssd", SIZES, SIZES**-0.2), ("d", "fpn", SIZES, 0.5 * SIZES**-0.2 * WIGGLE)))
    assert len(said) == 1 and "one exponent for all detectors, 0.20" in said[0] and "is compatible" in said[0]
    assert "ssd minus fpn is -0.00" in said[0] and "(95 %: -0.0" in said[0] and " to +0.0" in said[0]


def test_detectors_that_share_sizes_only_in_rings_have_no_differences():
    n = np.array([100.0, 200, 400, 800, 1600, 3200])
    said = findings(fits(*(("d", name, n[k], n[k] ** -0.2 * np.exp(0.01 * k[0]))
                           for name, k in (("a", [0, 1, 2, 3]), ("b", [0, 1, 4, 5]), ("c", [2, 3, 4, 5])))))
    assert "no two of them share three sizes" in said[0]


def test_of_many_detectors_the_two_farthest_apart_are_named():
    said = findings(fits(*(("d", name, SIZES, SIZES**-b * WIGGLE**k)
                           for k, (name, b) in enumerate([("a", 0.2), ("b", 0.1), ("c", 0.3)]))))
    assert "b minus c is -0.2" in said[0] and "farthest apart of 3 pairs" in said[0]


@pytest.mark.parametrize("curves, said", [
    ([("d", "ssd", SIZES, SIZES**-0.2)], "nothing to compare its exponent with"),
    ([("d", n, SIZES[:2], SIZES[:2]**-0.2) for n in ("ssd", "fpn")], "three sizes"),
    ([("d", "ssd", SIZES[:3], SIZES[:3]**-0.2), ("d", "fpn", SIZES[3:], SIZES[3:]**-0.2)], "three sizes"),
])
def test_what_cannot_be_told_is_said(curves, said):
    assert said in findings(fits(*curves))[0]


def test_a_detector_with_one_size_takes_no_part():
    said = findings(fits(("d", "ssd", SIZES, SIZES**-0.2), ("d", "fpn", SIZES[:1], [0.5])))
    assert said == ["d, 1 - AP: one detector alone, so there is nothing to compare its exponent with."]


def test_rows_leave_empty_what_does_not_exist():
    rows = exponent_rows(fits(("d", "a", SIZES, SIZES**-0.2 * WIGGLE), ("d", "b", SIZES[:2], [0.5, 0.4]),
                              ("d", "c", SIZES[:1], [0.5])))
    assert all(tuple(row) == COLUMNS for row in rows)
    assert [row["sizes"] for row in rows] == [5, 2, 1]
    assert all(rows[0][k] is not None for k in COLUMNS[:-1])
    assert [k for k in COLUMNS if rows[1][k] is None] == ["low", "high", "residual", "bend"]
    assert [k for k in COLUMNS if rows[2][k] is None] == ["alpha", "beta", "low", "high", "residual", "bend"]


def test_table_says_what_an_exponent_lacks():
    one, two, bent = exponent_table(fits(("d", "a", SIZES[:1], [0.5]), ("d", "b", SIZES[:2], [0.5, 0.4]),
                                         ("d", "c", SIZES, 0.3 + 3 * SIZES**-0.5)))[1:]
    assert one[3:] == ["-"] * 4 + ["an exponent needs two sizes"]
    assert two[5:] == ["-", "-", "two sizes give no interval"]
    assert bent[-1].startswith("no straight line (p")


def test_nothing_is_minus_nought():
    exact = fits(*(("d", name, SIZES, k * SIZES**1e-5) for name, k in (("a", 0.5), ("b", 0.25))))
    assert exact[0][1].beta.value < 0
    assert exponent_table(exact)[1][4:6] == ["0.000", "0.000 to 0.000"]
    said = findings(fits(("d", "a", SIZES, SIZES**-0.2), ("d", "b", SIZES, 0.5 * SIZES**-0.19999)))[0]
    assert "0.000 (95 %: " in said and "-0.000" not in said and "b is +0.000" in findings(
        fits(("d", "a", SIZES, SIZES**-0.19999), ("d", "b", SIZES, 0.5 * SIZES**-0.2)))[0]


@pytest.mark.parametrize("curves, said", [
    ([("d", "ssd", SIZES, np.full(5, 0.6)), ("d", "fpn", SIZES, np.full(5, 0.7))], "the same at every size"),
    ([("d", "ssd", SIZES[:1], [0.6])], "so there is no exponent."),
    ([("d", "ssd", [], [])], "so there is no exponent, and no chart of the errors."),
])
def test_what_has_no_exponent_is_said(curves, said):
    (sentence,) = findings(fits(*curves))
    assert said in sentence
