"""One learning curve as a forecaster sees it: one value per subset size, with what is known of its error."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from datasets.errors import InputError
from predict.tables import LOSS, Curve

# Standard deviations in mAP assumed where a table says nothing; together .006 for a single run.
RUN_NOISE = 0.005  # from one draw and seed to the next
VALIDATION_NOISE = 0.0033  # from one set of validation images to another
EIGHTY = 1.2816  # standard errors to each side of an 80 % interval
PRIOR_RUNS = 2  # how many runs' worth of evidence RUN_NOISE counts against the spread that is seen


@dataclass(frozen=True, eq=False)
class Observations:
    """The subset sizes of one curve, rising, each with the mean of its runs."""

    name: str
    metric: str
    images: np.ndarray  # float64 [n], rising
    values: np.ndarray  # float64 [n], in [0, 1]
    stderr: np.ndarray  # float64 [n]: the measured standard error, nan where nothing is known
    noise: np.ndarray  # float64 [n]: the standard error with assumptions filled in, positive
    interval_80: np.ndarray  # float64 [n, 2]: low and high, nan where nothing is known
    whole: float  # images at 100 per cent

    def __len__(self) -> int:
        return len(self.images)

    @property
    def percent(self) -> np.ndarray:
        """The sizes as shares of the whole, float64 [n] in (0, 100]."""
        return 100 * self.images / self.whole

    def up_to(self, percent: float) -> Observations:
        """Return the subsets of at most `percent` of the whole (one image of rounding allowed)."""
        return self._take(self.images <= self.whole * percent / 100 + 1)

    def beyond(self, percent: float) -> Observations:
        """Return the subsets that `up_to` leaves out."""
        return self._take(self.images > self.whole * percent / 100 + 1)

    def _take(self, keep: np.ndarray) -> Observations:
        return replace(self, images=self.images[keep], values=self.values[keep], stderr=self.stderr[keep],
                       noise=self.noise[keep], interval_80=self.interval_80[keep])


def average_repeats(curve: Curve) -> Observations:
    """Average the draws and seeds of each size; their spread joins the error bar."""
    sizes = np.unique(curve.images)
    runs = [curve.images == size for size in sizes]
    draws = np.array(curve.draws or [""] * len(curve.images))
    values, stderr, noise = np.array([_average(_draw_means(curve.values[rows], draws[rows]), curve.stderr[rows])
                                      for rows in runs]).T
    interval = np.array([_interval_80(curve, *size) for size in zip(runs, values, stderr)])
    return Observations(curve.name, curve.metric, sizes, values, stderr, noise, interval, max(curve.whole, sizes[-1]))


def require_sizes(observations: Observations, count: int = 2) -> None:
    """Raise InputError unless there are `count` sizes."""
    if len(observations) < count:
        raise InputError(f"{observations.name}: {len(observations)} subset size(s); a forecast needs {count} or more, "
                         "so add subsets or fit on larger ones (--fit-up-to)")


def _draw_means(values: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """Return the mean of each draw's seeds, [draws]; the seeds themselves where there is one draw.

    Seeds of one draw share its images: they are no independent runs where another draw shows what images change.
    """
    names = np.unique(draws)
    return np.array([values[draws == name].mean() for name in names]) if len(names) > 1 else values


def _interval_80(curve: Curve, rows: np.ndarray, mean: float, stderr: float) -> np.ndarray:
    """Return one size's interval, float64 [2]: the table's own for a single run, within what a value can be."""
    interval = mean + stderr * np.array([-EIGHTY, EIGHTY])
    if rows.sum() == 1 and len(curve.interval_80) and np.isfinite(curve.interval_80[rows]).all():
        interval = curve.interval_80[rows][0]
    return np.clip(interval, 0, np.inf if curve.metric == LOSS else 1)


def _average(values: np.ndarray, stderr: np.ndarray) -> tuple[float, float, float]:
    """Return mean, measured standard error and assumed noise of one size: `values` [k] of independent runs.

    All runs share their validation images, so averaging lessens only the noise from run to run.
    """
    runs, mean = len(values), float(values.mean())
    squares = float(np.square(values - mean).sum())
    known = stderr[np.isfinite(stderr)]
    validation = float(np.sqrt(np.square(known).mean())) if known.size else VALIDATION_NOISE
    run = np.sqrt((PRIOR_RUNS * RUN_NOISE**2 + squares) / (PRIOR_RUNS + runs - 1) / runs)
    spread = np.sqrt(squares / (runs - 1) / runs) if runs > 1 else 0.0
    measured = np.hypot(validation, spread) if known.size else (spread or np.nan)
    return mean, float(measured), float(np.hypot(validation, run))
