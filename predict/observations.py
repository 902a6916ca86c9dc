"""One learning curve as a forecaster sees it: one value per subset size, with what is known of its error."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from datasets.errors import InputError
from predict.tables import Curve

# Standard deviations in mAP assumed where a table says nothing; together .006 for a single run.
RUN_NOISE = 0.005  # from one draw and seed to the next
VALIDATION_NOISE = 0.0033  # from one set of validation images to another
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
                       noise=self.noise[keep])


def average_repeats(curve: Curve) -> Observations:
    """Average the draws and seeds of each size; their spread joins the error bar."""
    sizes = np.unique(curve.images)
    runs = [curve.images == size for size in sizes]
    values, stderr, noise = np.array([_average(curve.values[rows], curve.stderr[rows]) for rows in runs]).T
    return Observations(curve.name, curve.metric, sizes, values, stderr, noise, max(curve.whole, sizes[-1]))


def require_sizes(observations: Observations, count: int = 2) -> None:
    """Raise InputError unless there are `count` sizes."""
    if len(observations) < count:
        raise InputError(f"{observations.name}: {len(observations)} subset size(s); a forecast needs {count} or more, "
                         "so add subsets or fit on larger ones (--fit-up-to)")


def _average(values: np.ndarray, stderr: np.ndarray) -> tuple[float, float, float]:
    """Return mean, measured standard error and assumed noise of one size's runs, [k] each.

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
