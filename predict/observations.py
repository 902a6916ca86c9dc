"""One learning curve as a forecaster sees it: one value per subset size, with what is known of its error."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from datasets.errors import InputError
from predict.tables import IMAGES, LOSS, Curve, check_points, place

# Standard deviations in mAP assumed where a table says nothing; together .003 for a single run.
RUN_NOISE = 0.0025  # from one draw and seed to the next
VALIDATION_NOISE = 0.0017  # from one set of validation images to another
LEAST_NOISE = 0.0005  # from run to run where the table tells an error bar
EIGHTY = 1.2816  # standard errors to each side of an 80 % interval
ROUNDING = 1e-3  # of a subset's size, where sizes are no counts of images
PRIOR_RUNS = 2  # how many runs' worth of evidence RUN_NOISE counts against the spread that is seen


@dataclass(frozen=True, eq=False)
class Observations:
    """The subset sizes of one curve, rising, each with the mean of its runs.

    Raises InputError, on being made, for points that cannot be, sizes that do not rise and noise that is not positive.
    """

    name: str
    metric: str
    images: np.ndarray  # float64 [n], rising
    values: np.ndarray  # float64 [n], in [0, 1]
    stderr: np.ndarray  # float64 [n]: the measured standard error, nan where nothing is known
    noise: np.ndarray  # float64 [n]: the standard deviation of a single run, assumed where unknown, positive
    interval_80: np.ndarray  # float64 [n, 2]: low and high, nan where nothing is known
    whole: float  # images at 100 per cent
    sizes: str = IMAGES  # what `images` and `whole` count: PER_CENT where the table has no images
    source: str = ""  # the table's path
    label: str = ""  # what a reader must know of these values
    class_boxes: float = math.nan  # at 100 per cent: of the category, or of the median one; nan where unknown

    def __post_init__(self) -> None:
        where = place(self.source, self.name)
        check_points(where, self.metric, self.images, self.values, self.stderr)
        if (np.diff(self.images) <= 0).any():
            raise InputError(f"{where}: sizes must rise, each once; average_repeats makes them so")
        if np.shape(self.noise) != np.shape(self.images) or not (np.isfinite(self.noise) & (self.noise > 0)).all():
            raise InputError(f"{where}: noise must be a positive standard deviation per size; average_repeats fills it "
                             "in")
        if not self.images.max(initial=0) <= self.whole < np.inf:
            raise InputError(f"{where}: {self.whole:g} images at 100 % are fewer than in the largest subset; give all")

    def __len__(self) -> int:
        return len(self.images)

    @property
    def percent(self) -> np.ndarray:
        """The sizes as shares of the whole, float64 [n] in (0, 100]."""
        return 100 * self.images / self.whole

    def up_to(self, percent: float) -> Observations:
        """Return the subsets of at most `percent` of the whole (one image of rounding allowed)."""
        return self.take(self._within(percent))

    def beyond(self, percent: float) -> Observations:
        """Return the subsets that `up_to` leaves out."""
        return self.take(~self._within(percent))

    def _within(self, percent: float) -> np.ndarray:
        limit = self.whole * percent / 100
        counts = self.sizes == IMAGES and not (self.images % 1).any()
        return self.images <= limit + (1 if counts else ROUNDING * limit)

    def take(self, keep: np.ndarray | slice) -> Observations:
        """Return the sizes that `keep` (bool [n], positions or a slice) chooses."""
        return replace(self, images=self.images[keep], values=self.values[keep], stderr=self.stderr[keep],
                       noise=self.noise[keep], interval_80=self.interval_80[keep])


def average_repeats(curve: Curve) -> Observations:
    """Average the draws and seeds of each size; their spread joins the error bar and the noise."""
    sizes = np.unique(curve.images)
    runs = [curve.images == size for size in sizes]
    draws = np.array(curve.draws or [""] * len(curve.images))
    values, stderr, noise = np.array(
        [_average(_draw_means(curve.values[rows], draws[rows]), curve.stderr[rows]) for rows in runs]).T
    interval = np.array([_interval_80(curve, *size) for size in zip(runs, values, stderr)])
    return Observations(curve.name, curve.metric, sizes, values, stderr, noise, interval,
                        max([curve.whole, *sizes]), curve.sizes, curve.source, _label(curve, runs),
                        max([curve.whole, *sizes]) * curve.class_boxes)


def require_sizes(observations: Observations, count: int = 2) -> None:
    """Raise InputError unless there are `count` sizes of what can be forecast."""
    where = place(observations.source, observations.name)
    if observations.metric == LOSS:
        raise InputError(f"{where}: a loss is no share in [0, 1]; forecast a metric such as AP or AP50 (--metric)")
    if len(observations) < count:
        plural = "" if len(observations) == 1 else "s"
        raise InputError(f"{where}: {len(observations)} subset size{plural}; a forecast needs {count} or more, so add "
                         "subsets")


def _label(curve: Curve, runs: Sequence[np.ndarray]) -> str:
    """Say that values differ at one size where nothing tells runs apart, and that sizes are no images."""
    said = [] if curve.sizes == IMAGES else [f"sizes are {curve.sizes} of the whole"]
    differences = [] if curve.draws or curve.seeds else [np.ptp(curve.values[rows]) for rows in runs]
    if any(differences):
        said.append(f"{np.count_nonzero(differences)} of {len(runs)} sizes with values up to "
                    f"{100 * max(differences):.1f} points apart, taken as repeated runs")
    return "; ".join(said)


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
    """Return mean, measured standard error and a single run's noise at one size: `values` [k] of independent runs.

    All runs share their validation images, so averaging lessens only the noise from run to run. The noise is at least
    the assumed one, unless the table tells an error bar: runs that happen to agree are no proof that runs are alike.
    """
    runs, mean = len(values), float(values.mean())
    squares = float(np.square(values - mean).sum())
    known = stderr[np.isfinite(stderr)]
    validation = float(np.sqrt(np.square(known).mean())) if known.size else VALIDATION_NOISE
    spread = np.sqrt(squares / (runs - 1) / runs) if runs > 1 else 0.0
    measured = np.hypot(validation, spread) if known.size else spread if spread > 1e-9 else np.nan
    least = LEAST_NOISE if known.size else RUN_NOISE
    run = max(least, float(np.sqrt((PRIOR_RUNS * least**2 + squares) / (PRIOR_RUNS + runs - 1))))
    return mean, float(measured), float(np.hypot(validation, run))
