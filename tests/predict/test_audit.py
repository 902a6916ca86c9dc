from dataclasses import dataclass

import numpy as np
import pytest

from datasets.errors import InputError
from predict.audit import backtest, hindcast, prefix_shares, score, score_by
from predict.backtest import DEFAULT, FORECASTERS
from predict.fit import Fitted
from tests.predict.laws import law, observe

IMAGES = np.array([100.0, 200, 500, 1000, 2000])


@dataclass(frozen=True)
class Uniform(Fitted):
    """Says 0.1 + 0.2 p at every size, whatever it was fitted on."""

    label: str = "a fake"

    def quantiles(self, images, probabilities):
        return np.repeat(0.1 + 0.2 * np.array(probabilities)[:, None], len(images), axis=1)


@pytest.fixture
def uniform(monkeypatch):
    monkeypatch.setitem(FORECASTERS, "uniform", lambda observations: Uniform())


def test_figures_by_hand(uniform):
    made = hindcast("uniform", observe([100, 200], [0.1, 0.2]), np.array([500.0, 1000]), np.array([0.21, 0.31]))
    assert made.median == pytest.approx([0.2, 0.2]) and made.error == pytest.approx([-0.01, -0.11])
    assert made.intervals[80] == pytest.approx(np.array([[0.12, 0.12], [0.28, 0.28]]))
    assert [made.held(level).tolist() for level in (50, 80, 95)] == [[True, False]] * 3
    # uniform on [0, 1], scaled by 0.2: y^3/3 + (1 - y)^3/3 at y = .55, and beyond the end 1/3 + (y - 1)
    assert made.crps == pytest.approx(np.array([(0.55**3 + 0.45**3) / 3, 1 / 3 + 0.05]) * 0.2, abs=1e-4)
    card = score([made])
    assert (card.curves, card.forecasts, card.last_error) == (1, 2, pytest.approx(0.11))
    assert card.rmse == pytest.approx(np.sqrt((0.01**2 + 0.11**2) / 2))
    assert card.width == pytest.approx(0.16) and card.coverage[80].share == 0.5
    assert [row["label"] for row in made.rows()] == ["a fake"] * 2


def test_every_prefix_meets_every_later_size_and_knows_nothing_of_it(monkeypatch):
    seen = []
    monkeypatch.setitem(FORECASTERS, "spy", lambda observations: seen.append(observations) or Uniform())
    curve = observe(IMAGES, law(IMAGES, 0.3))
    made = backtest(curve, ["spy"])
    assert [each.images.tolist() for each in seen] == [IMAGES[:count].tolist() for count in (2, 3, 4)]
    assert [h.images.tolist() for h in made] == [IMAGES[count:].tolist() for count in (2, 3, 4)]
    assert [h.truth.tolist() for h in made] == [curve.values[count:].tolist() for count in (2, 3, 4)]
    assert [h.fit_up_to for h in made] == [10, 25, 50] and [each.whole for each in seen] == [2000] * 3


def test_models_stand_side_by_side():
    made = backtest(observe(IMAGES, law(IMAGES, 0.3)), [DEFAULT, "M2"])
    cards = score_by(made, "model")
    exact = score([h for h in made if h.model == "M2" and h.fitted_sizes > 2])
    assert exact.rmse < 1e-4 and exact.crps < 1e-4  # it made the curve
    assert np.isnan(cards["M2"].width) and np.isnan(cards["M2"].coverage[80].share)
    assert cards[DEFAULT].width > 0 and list(score_by(made, "fitted_sizes")) == [2, 3, 4]


def test_a_point_forecast_scores_its_error():
    made = backtest(observe(IMAGES, law(IMAGES, 0.3) + [0, 0.01, 0, 0.01, 0]), ["logarithm"])
    assert all(h.crps == pytest.approx(abs(h.error)) for h in made)


def test_prefixes_of_curves_with_other_sizes_are_told_apart():
    curves = [observe(images, law(images, 0.3)) for images in (IMAGES, IMAGES * [1, 2, 1, 1, 1])]
    made = [h for curve in curves for h in backtest(curve, ["M2"])]
    assert prefix_shares(made) == {2: (10, 20), 3: (25, 25), 4: (50, 50)}


def test_too_little_or_unknown_is_refused():
    with pytest.raises(InputError, match="2 subset sizes; a backtest needs three"):
        backtest(observe([100, 200], [0.1, 0.2]))
    with pytest.raises(InputError, match="did you mean 'M4'"):
        backtest(observe(IMAGES, law(IMAGES, 0.3)), ["M44"])
