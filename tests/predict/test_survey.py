import contextlib
import io
import re
from pathlib import Path

import numpy as np
import pytest

from datasets.errors import InputError
from predict.backtest import DEFAULT, FORECASTERS
from predict.models import ALIASES, MODELS, CurveModel
from predict.study2019 import STUDY_MODELS
from predict.survey import all_models, by_model, fitted_lines, scores, survey
from predict.tables import PUBLISHED_2019, Curve, read_curves

PAGE = (Path(__file__).parents[2] / "docs" / "curve_models.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def published() -> list[Curve]:
    return read_curves(PUBLISHED_2019)


def test_every_model_takes_part_unless_some_are_named(published):
    assert {DEFAULT, *STUDY_MODELS, *MODELS} <= FORECASTERS.keys() <= all_models().keys()
    assert {s.model for s in survey(published[:1])} == all_models().keys()


@pytest.mark.parametrize("model, up_to, error, rmse", [
    ("study's logarithm", 5, 1.46, 2.69), ("logarithm", 5, 8.16, 4.76), ("M2", 5, 5.26, 3.02),
    ("study's logarithm", 10, 0.84, 1.62), ("study's logarithm", 20, 1.89, 1.30),
])
def test_known_errors_on_the_published_curves(published, model, up_to, error, rmse):
    (score,) = scores(survey(published, up_to, [model]))
    assert (100 * score.error, 100 * score.rmse) == pytest.approx((error, rmse), abs=0.01)


def test_errors_are_those_of_the_held_out_sizes(published):
    (one,) = survey(published[:1], 20, ["M1"])
    assert one.later.images.tolist() == published[0].images[6:].tolist()
    assert len(one.fitted) == 6
    off = one.fit.quantiles(published[0].images[6:], [0.5])[0] - published[0].values[6:]
    assert one.error == pytest.approx(off[-1])
    assert one.rmse == pytest.approx(np.sqrt(np.mean(off**2)))
    assert one.row()["error"] == one.error and np.isnan(one.r_squared)


def test_a_model_goes_by_its_other_names_and_is_fitted_once(published):
    surveyed = survey(published[:2], 5, ["pow3", "M2", "Janoschek"])
    assert [s.model for s in surveyed] == ["M2", "M2", "Weibull", "Weibull"]
    assert {name: len(mine) for name, mine in by_model(surveyed).items()} == {"M2": 2, "Weibull": 2}


def test_lines_run_over_the_whole_curve_through_what_was_forecast(published):
    surveyed = survey(published[:1], 5, ["M2", "study's ARM"])
    for one, (_, line) in zip(surveyed, fitted_lines(surveyed).groupby("model", sort=False)):
        assert line["images"].iloc[[0, -1]].tolist() == pytest.approx([1182, 118287])
        assert line["value"].iloc[-1] == pytest.approx(one.predicted[-1])


@pytest.mark.parametrize("up_to, models, said", [
    (5, ["M22"], "did you mean 'M2'"), (100, [], "no size is left beyond 100 %"),
    (1, [], r"only 1 of 10 sizes is at most 1 % of 118,287 images, .* --fit-up-to 2.5$"),
])
def test_what_cannot_be_surveyed_is_refused(published, up_to, models, said):
    with pytest.raises(InputError, match=said):
        survey(published, up_to, models)


def test_the_page_names_every_model():
    for name in [*MODELS, *STUDY_MODELS]:
        assert f"\n| {name} |" in PAGE
    for name in ALIASES:
        assert name in PAGE


def test_the_pages_table_is_what_comes_out(published):
    rows = dict(re.findall(r"^\| (study's [^|]+|M2|M4) \| ([\d.]+ \| [\d.]+ \|.*)$", PAGE, re.MULTILINE))
    assert len(rows) == len(STUDY_MODELS) + 2
    for up_to, column in ((5, 0), (10, 2)):
        for score in scores(survey(published, up_to, ["study's ARM", "study's logarithm", "M2", "M4"])):
            said = [float(cell) for cell in rows[score.model].split(" | ")[column:column + 2]]
            assert (100 * score.error, 100 * score.rmse) == pytest.approx(said, abs=0.051)


def test_the_pages_example_adds_a_model():
    before = dict(MODELS)
    example, output = re.search(r"```python\n(.*?)```\n\n```\n(.*?)```", PAGE, re.DOTALL).groups()
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            exec(compile(example, "docs/curve_models.md", "exec"), {})
        (added,) = MODELS.keys() - before.keys()
        assert isinstance(MODELS[added], CurveModel)
    finally:
        MODELS.clear()
        MODELS.update(before)
    assert printed.getvalue() == output
