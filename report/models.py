"""The forecast of every curve model, each with its audit: how it would have done on the same curve before."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from predict.audit import Hindcast, backtest, score
from predict.backtest import BASELINES, DEFAULT, Forecast, make_forecasts
from predict.text import counted, points, signed
from report.answer import CurveAnswer, interval_text
from report.tables import Table

OTHERS = (*BASELINES, "M1", "M3", "Hoiem", "Hill")  # the quick ones among those that are known best


def model_table(answer: CurveAnswer) -> Table:
    """Return what each curve model expects of the answer's size from all points, beside its audit.

    The audit relives the curve: at every prefix of two sizes or more, the forecasts of all later ones; there is none
    before the third size.
    """
    forecasts = {f.model: f for f in make_forecasts([answer.curve], 100, [answer.at], (DEFAULT, *OTHERS))}
    hindcasts = [*answer.hindcasts, *(backtest(answer.observed, OTHERS) if answer.hindcasts else [])]
    rows = [_model_row(forecast, [h for h in hindcasts if h.model == model]) for model, forecast in forecasts.items()]
    stages = counted(len(answer.hindcasts), "earlier stage")
    audit = f"and its audit over {stages} of this curve" if answer.hindcasts else "with no audit before a third size"
    header = ["curve model", f"at {answer.at:,.0f}", "80 % interval", "forecasts made", "mean |error| at the largest",
              "mean error", "80 % held"]
    return Table(f"{answer.name}: the forecast of {answer.at:,.0f} images per curve model, {audit} "
                 f"({answer.observed.metric}, points)", header, rows)


def held_out_table(answer: CurveAnswer) -> Table | None:
    """Return the forecasts from the small subsets beside what the larger ones brought; None where none is known."""
    if not answer.held_out:
        return None
    first = answer.held_out[0]
    by_model = {(f.images, f.model): f for f in answer.held_out}
    header = ["images", "share", "forecast", "80 % interval", "95 % interval", "truth", "error",
              *(column for name in BASELINES for column in (name, "error"))]
    rows = [[f"{f.images:,.0f}", f"{100 * f.images / answer.observed.whole:.3g} %", points(f.median),
             interval_text(f, 80), interval_text(f, 95), points(f.truth), signed(f.error),
             *(cell for name in BASELINES for cell in _baseline_cells(by_model[f.images, name]))]
            for f in answer.held_out if f.model == DEFAULT]
    return Table(f"{first.curve}: forecast from {first.fitted_sizes} subsets up to {first.fit_up_to:g} %, "
                 f"beside the truth ({first.metric}, points)", header, rows)


def overview(answers: Sequence[CurveAnswer]) -> Table:
    """Return a row per curve: what was measured and what is expected."""
    header = ["curve", "measured", "with images", "expected", "80 % interval", "at images", "targets"]
    rows = [[each.name, points(each.observed.values[-1]), f"{each.observed.images[-1]:,.0f}",
             points(each.outlook.median), interval_text(each.outlook, 80), f"{each.at:,.0f}", " ".join(each.targets)]
            for each in answers]
    metrics = ", ".join(dict.fromkeys(each.outlook.metric for each in answers))
    return Table(f"All curves: what was measured, and what is expected ({metrics}, points)", header, rows)


def _model_row(forecast: Forecast, hindcasts: Sequence[Hindcast]) -> list[str]:
    known = interval_text(forecast, 80) if np.isfinite(forecast.intervals[80]).all() else "-"
    return [forecast.model, points(forecast.median), known, *(_audit(hindcasts) if hindcasts else ["-"] * 4)]


def _audit(hindcasts: Sequence[Hindcast]) -> list[str]:
    scores = score(hindcasts)
    held = scores.coverage[80].share
    bias = float(np.mean([error for each in hindcasts for error in each.error]))
    return [str(scores.forecasts), points(scores.last_error), signed(bias),
            "-" if np.isnan(held) else f"{100 * held:.0f} %"]


def _baseline_cells(forecast: Forecast) -> tuple[str, str]:
    return points(forecast.median), signed(forecast.error)
