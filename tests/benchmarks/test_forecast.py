import numpy as np
import pytest

from benchmarks.forecast import __main__ as program
from benchmarks.forecast.detection import final_width, group_means, hindcast_panel
from benchmarks.forecast.goals import Goal, covers
from benchmarks.forecast.panel import TRANSLATION, detection_panel, published_curves, scaling_curves
from benchmarks.forecast.speed import LEVELS, bootstrap_m2
from predict.backtest import DEFAULT, FORECASTERS, STUDY
from predict.scores import Coverage
from tests.predict.laws import law, observe

GROUPS = {"published 2019": 4, "he2019": 2, "paddle": 4, "semi-supervised baselines": 2, "waymo": 2}


@pytest.fixture(scope="module")
def panel():
    return detection_panel()


@pytest.fixture(scope="module")
def curves():
    return scaling_curves()


def test_the_panel_holds_fourteen_curves_in_five_groups(panel):
    assert {group: sum(curve.group == group for curve in panel) for group in GROUPS} == GROUPS and len(panel) == 14
    assert {curve.observed.metric for curve in panel} == {"mAP", "AP", "LEVEL_2 AP"}
    truths = [curve.truth for curve in panel if curve.group == "paddle"]
    assert truths == pytest.approx([0.426, 0.4, 0.437, 0.391])


def test_what_is_fitted_never_reaches_what_is_scored(panel, curves):
    for curve in [*panel, *curves]:
        assert len(curve.fitted) + curve.held_out.sum() == len(curve.observed) and len(curve.fitted) > 1
        assert curve.fitted.images[-1] < curve.observed.images[curve.held_out].min()
        assert curve.fitted.whole == curve.observed.whole == curve.observed.images[-1]
        assert ((curve.observed.values >= 0) & (curve.observed.values <= 1)).all()


@pytest.mark.parametrize("share, sizes", [(5, 3), (10, 4), (20, 6)])
def test_published_curves_are_cut_at_a_share(share, sizes):
    assert [len(curve.fitted) for curve in published_curves(share)] == [sizes] * 4


def test_baselines_with_one_right_answer_reach_the_figures_known_of_them(panel):
    figures = {}
    for name in (STUDY, "logarithm"):
        errors = np.array([abs(h.error[-1]) for h in hindcast_panel(name, panel)]) * 100
        figures[name] = np.mean(list(group_means(errors, panel).values())), np.median(errors)
    assert figures[STUDY] == pytest.approx((8.54, 6.71), abs=0.01)
    assert figures["logarithm"] == pytest.approx((4.20, 3.09), abs=0.01)


def test_the_scaling_benchmark_keeps_its_split(curves):
    groups = [curve.group for curve in curves]
    assert {group: groups.count(group) for group in groups} == {"birds": 18, "ImageNet": 18, TRANSLATION: 5}
    assert sum(len(curve.observed) for curve in curves) == 12_114
    one = next(curve for curve in curves if curve.name == "IC|bird_10|BiT/101/3")
    assert len(one.fitted) == 57 and one.fitted.values.max() < one.observed.values[one.held_out].max()


def test_goals_tell_what_was_reached():
    assert Goal("a", 1.0, high=1.0).reached and not Goal("a", 1.01, high=1.0).reached
    assert Goal("a", 0.8, 0.75, 0.88).cells() == ("a", "0.8", "0.75 to 0.88", "yes")
    assert covers("b", 80, Coverage(0.71, 0.05)).reached and not covers("b", 80, Coverage(0.69, 0.05)).reached


def test_width_needs_two_sizes():
    rising = observe([200, 500, 1000], law([200, 500, 1000], 0.3))
    assert final_width(rising.take(slice(1)), rising) is None
    assert 0 < final_width(rising.take(slice(2)), rising) < 100


def test_the_bootstrap_finds_the_law_that_made_the_curve():
    images = np.array([100.0, 200, 400, 700, 1000])
    curve = observe(images, law(images, 0.3) + [0.002, -0.002, 0.001, -0.001, 0])
    quantiles = bootstrap_m2(curve, np.array([2000.0]), resamples=40)[:, 0]
    assert len(quantiles) == len(LEVELS) and (np.diff(quantiles) > 0).all()
    assert quantiles[0] < law(2000.0, 0.3) < quantiles[-1]


def test_a_part_prints_its_figures_beside_their_goals(tmp_path, capsys, monkeypatch):
    few = {name: FORECASTERS[name] for name in (DEFAULT, "M2")}
    monkeypatch.setattr("benchmarks.forecast.detection.FORECASTERS", few)
    program.main(["--parts", "panel", "--out", str(tmp_path)])
    out = capsys.readouterr().out
    assert "| M2" in out and "at most 2.2" in out and (tmp_path / "forecasts.csv").exists()
