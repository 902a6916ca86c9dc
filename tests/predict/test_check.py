import csv

import pytest

from datasets.errors import InputError
from predict.check import COLUMNS, check, largest, read_forecasts
from tests.predict.results import write_results

INTERVALS = {"lo-95": 0.10, "lo-80": 0.15, "lo-50": 0.20, "median": 0.25, "hi-50": 0.30, "hi-80": 0.35, "hi-95": 0.40}
NONE = dict.fromkeys(set(INTERVALS) - {"median"}, "")


def forecast_file(path, *rows):
    usual = {"curve": "d_ssd", "dataset": "d", "detector": "ssd", "metric": "mAP", "model": "ours", "fit_up_to": 5,
             "images": 1000} | INTERVALS
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(usual | row for row in rows or [{}])
    return path


def table(path, values, name="d_ssd"):
    path.write_text(f"images,{name}\n" + "".join(f"{images},{value}\n" for images, value in values.items()))
    return path


@pytest.mark.parametrize("truth, verdict", [
    (0.25, "held: the truth lies in the 50 % interval"),
    (0.30, "held: the truth lies in the 50 % interval"),  # its edge
    (0.17, "held: the truth lies in the 80 % interval"),
    (0.372, "held barely: the truth lies in the 95 % interval, 2.2 points above the 80 % one"),
    (0.138, "held barely: the truth lies in the 95 % interval, 1.2 points below the 80 % one"),
    (0.09, "did not hold: the truth lies 1.0 points below the 95 % interval"),
    (0.45, "did not hold: the truth lies 5.0 points above the 95 % interval"),
])
def test_verdict(tmp_path, truth, verdict):
    forecasts = read_forecasts(forecast_file(tmp_path / "f.csv"))
    (made,) = check(forecasts, table(tmp_path / "t.csv", {100: 0.1, 1000: truth}))
    assert made.verdict == verdict and made.error == pytest.approx(0.25 - truth)


def test_a_forecast_without_intervals_has_an_error_and_no_verdict(tmp_path):
    (made,) = check(read_forecasts(forecast_file(tmp_path / "f.csv", NONE)), table(tmp_path / "t.csv", {1000: 0.2}))
    assert not made.has_intervals and made.verdict == "no interval to judge by"
    assert made.error == pytest.approx(0.05)


def test_sizes_that_have_not_come_yet_are_left_out_and_the_largest_is_found(tmp_path):
    path = forecast_file(tmp_path / "f.csv", {"images": 2000}, {"images": 500.4}, {}, {"model": "other"})
    made = check(read_forecasts(path), table(tmp_path / "t.csv", {500: 0.2, 1000: 0.3}))
    assert [each.forecast.images for each in made] == [500.4, 1000, 1000]
    assert [(each.forecast.model, each.forecast.images) for each in largest(made)] == [("ours", 1000), ("other", 1000)]


def test_a_study_is_found_by_what_makes_a_curve_up_with_its_standard_error(tmp_path):
    results = write_results(tmp_path / "results.csv", repeats=(1, 1))
    path = forecast_file(tmp_path / "f.csv", {
        "curve": "digits ssd", "dataset": "digits", "detector": "ssd", "recipe": "scaled", "metric": "AP",
        "images": 4000}, {"curve": "renamed", "dataset": "street", "detector": "fpn", "recipe": "scaled",
                          "metric": "AP", "images": 4000})
    made = check(read_forecasts(path), results)
    assert [each.truth for each in made] == pytest.approx([1 - 0.9 * 4000**-0.2, 1 - 0.9 * 4000**-0.25])
    assert made[0].truth_stderr == pytest.approx(0.005)


def test_forecasts_per_class_and_another_metric(tmp_path):
    results = write_results(tmp_path / "results.csv", metrics=("AP", "AP50"))
    path = forecast_file(tmp_path / "f.csv", {"curve": "digits ssd one", "dataset": "digits", "detector": "ssd",
                                              "recipe": "scaled", "category": "one", "images": 4000})
    (made,) = check(read_forecasts(path), results, metric="AP50")
    assert made.truth == pytest.approx(1 - 0.9 * 4000**-0.2)


@pytest.mark.parametrize("rows, values, name, said", [
    ([{}], {1000: 0.2}, "d_fpn", r"t\.csv: no curve that was forecast \(d_ssd\); it has d_fpn"),
    ([{}], {100: 0.1, 500: 0.2}, "d_ssd", r"no value at a size that was forecast \(1,000 images\); its largest is 500"),
    ([{"median": "much"}], {1000: 0.2}, "d_ssd", r"f\.csv:2: column 'median': 'much' is not a number"),
    ([{}, {"images": ""}], {1000: 0.2}, "d_ssd", r"f\.csv:3: column 'images' is empty"),
])
def test_what_cannot_be_compared_is_said(tmp_path, rows, values, name, said):
    path = forecast_file(tmp_path / "f.csv", *rows)
    with pytest.raises(InputError, match=said):
        check(read_forecasts(path), table(tmp_path / "t.csv", values, name))


@pytest.mark.parametrize("content, said", [
    (b"images,mAP\n10,0.1\n", "no column 'curve', 'dataset', 'detector'; give the forecast.csv"),
    (",".join(COLUMNS).encode(), "no forecasts"),
    (b"\xff\xfe\x00", "not a text file"),
    (b"", "no column"),
])
def test_what_is_no_forecast_is_refused(tmp_path, content, said):
    path = tmp_path / "f.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=said):
        read_forecasts(path)


def test_an_absent_forecast_is_refused(tmp_path):
    with pytest.raises(InputError, match="check the path"):
        read_forecasts(tmp_path / "absent.csv")


def test_sizes_in_per_cent_are_matched_finely(tmp_path):
    path = forecast_file(tmp_path / "f.csv", {"images": 2, "curve": "mAP"}, {"images": 100, "curve": "mAP"})
    later = tmp_path / "t.csv"
    later.write_text("percent,mAP\n1,0.1\n10,0.2\n100,0.3\n")
    (made,) = check(read_forecasts(path), later)
    assert made.forecast.images == 100 and made.truth == 0.3
