import re
from dataclasses import replace

import numpy as np
import pytest

from predict.observations import average_repeats
from predict.questions import fit_curve
from predict.tables import Curve, read_curves
from report.answer import answer_curves, beginnings, target_needs
from study.config import Forecast, Prices

SETTINGS = Forecast(metric="AP50", fit_up_to=20)


def curve(error) -> Curve:
    """A power law without noise: 20 to 500 of 1,000 images."""
    images = np.array([20.0, 50, 100, 200, 500])
    values = 1 - error * (images / 500) ** -0.15
    return Curve("a b", images, values, np.full(5, 0.002), metric="AP50", whole=1000.0)


def test_answer_says_forecast_interval_targets_and_how_such_a_forecast_did(study_folder):
    (answer,) = answer_curves(read_curves(study_folder.results, "AP50"), SETTINGS)
    assert answer.at == 5000
    assert re.match(r"At 5,000 images, twice as many as now, expect \d\d\.\d points of AP50 \(80\u00a0%: ",
                    answer.answer)
    assert re.search(r"\d\d (needs about|is out of reach|is more likely)", answer.answer)
    assert answer.measured.endswith("with 2,500 images, 100\u00a0% of 2,500.")
    assert "from the subsets up to 20\u00a0% alone, 2,500 images were forecast" in answer.audit
    last = max(answer.held_out, key=lambda f: (f.model == "Bayesian mixture", f.images))
    low, high = last.intervals[80]
    assert f"{'inside' if low <= last.truth <= high else 'outside'} the interval. Of 15 forecasts" in answer.audit


def test_the_whole_is_asked_for_as_long_as_it_is_not_measured(study_folder, tmp_path):
    lines = study_folder.results.read_text().splitlines(keepends=True)
    (tmp_path / "results.csv").write_text("".join(line for line in lines if ",100,2500," not in line))
    (answer,) = answer_curves(read_curves(tmp_path / "results.csv", "AP50"), SETTINGS)
    assert answer.at == pytest.approx(2500, abs=2) and "twice" not in answer.answer


@pytest.mark.parametrize(("expected", "answers"), [
    (0.62, {0.60: "reachable", 0.65: "not reachable"}),  # the largest up to what is expected
    (0.57, {0.55: "reachable", 0.65: "not reachable"}),
    (0.54, {0.55: "reachable", 0.65: "not reachable"}),  # or else the first that can be reached
])
def test_targets_are_round_and_around_what_is_expected(expected, answers):
    needs = target_needs(fit_curve(curve(0.5)), expected, ())
    assert {need.target: need.answer for need in needs} == answers


def test_targets_of_the_study_are_answered_as_asked():
    needs = target_needs(fit_curve(curve(0.5)), 0.6, (40.0, 60.0))
    assert [(need.target, need.answer) for need in needs] == [(0.4, "reached"), (0.6, "reachable")]
    assert needs[0].measured == 200


def test_labels_have_a_price_where_an_image_has():
    free, priced = (answer_curves([curve(0.5)], Forecast(metric="AP50", targets=(60.0,)), prices)[0].answer
                    for prices in (None, Prices(image=0.5, currency="EUR")))
    assert "60 needs about 13,900 images (80\u00a0%: " in free and free.endswith("%).")
    assert priced[:len(free) - 1] == free[:-1]
    assert priced[len(free) - 1:].startswith(", their labels 6,690 EUR (")  # for what the 500 images at hand lack


@pytest.mark.parametrize(("targets", "said"), [
    ((90.0, 95.0), "90 and 95 are out of reach for this detector (chance 2\u00a0% or less)."),
    ((65.0,), "65 is more likely out of reach than not (chance 30\u00a0%, hardly with fewer than "),
])
def test_how_far_out_of_reach_is_said(targets, said):
    (answer,) = answer_curves([curve(0.5)], Forecast(metric="AP50", targets=targets))
    assert said in answer.answer


def test_a_curve_of_one_size_is_named():
    whole = curve(0.5)
    one = replace(whole, images=whole.images[:1], values=whole.values[:1], stderr=whole.stderr[:1])
    assert answer_curves([one], SETTINGS) == []
    assert beginnings([one, whole]) == ["a b: 19.0 points of AP50 with 20 images; a forecast needs a second size."]


def test_no_audit_without_larger_sizes(study_folder, tmp_path):
    small = [line for line in study_folder.results.read_text().splitlines(keepends=True)
             if not re.search(r",(50|100),(1250|2500),", line)]
    (tmp_path / "results.csv").write_text("".join(small))
    (answer,) = answer_curves(read_curves(tmp_path / "results.csv", "AP50"), SETTINGS)
    assert len(average_repeats(read_curves(tmp_path / "results.csv", "AP50")[0])) == 5
    assert answer.held_out == [] and "not been put to the test" in answer.audit
