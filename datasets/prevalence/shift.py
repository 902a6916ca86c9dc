"""How far the classes of the validation set stray from those of the training set, against the noise of counting."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from datasets.prevalence.count import largest_subset, validation_set

CONFIDENCE = 0.95  # that every interval of a table holds


def shift(table: pd.DataFrame) -> pd.DataFrame:
    """Compare each class's share of the images in validation with that in the largest training subset.

    `table` is one of `tabulate` with a validation set. Images are counted, not boxes: those of one image are not
    independent. Columns: class, train and validation (shares of images, 0 to 1), ratio (validation over train; inf
    where train has none, nan where neither has) and low and high, its interval. By Bonferroni's correction all
    intervals hold together with CONFIDENCE, so that of 80 equal classes none should look different.
    """
    train, validation = largest_subset(table), validation_set(table)
    tail = (1 - CONFIDENCE) / (2 * max(len(train), 1))
    counts = [(rows["images"].to_numpy(), rows["subset"].to_numpy()) for rows in (train, validation)]
    (share, *limits), (share_validation, *limits_validation) = (_share(*count, tail) for count in counts)
    low, high = _ratio_limits(share_validation, limits_validation, share, limits)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = share_validation / share
    return pd.DataFrame({"class": train.index, "train": share, "validation": share_validation, "ratio": ratio,
                         "low": low, "high": high})


def significant(shifts: pd.DataFrame) -> np.ndarray:
    """Return bool [K]: whether the interval of each row of `shift` leaves out 1."""
    return (shifts["low"].to_numpy() > 1) | (shifts["high"].to_numpy() < 1)


def distance(table: pd.DataFrame) -> tuple[float, float]:
    """Return how far the mixes of boxes lie apart, and how far chance alone would put them, both from 0 to 1.

    The total variation distance: half the sum of |share of the boxes in train - share in validation| over the classes.
    By chance each difference is about normal, of mean size sigma sqrt(2 / pi). nan where a split has no box.
    """
    columns = ["boxes", "images", "subset"]
    splits = [rows[columns].to_numpy(float).T for rows in (largest_subset(table), validation_set(table))]
    if not all(boxes.any() for boxes, _, _ in splits):
        return math.nan, math.nan
    train, validation = (boxes / boxes.sum() for boxes, _, _ in splits)
    sigma = np.sqrt(np.sum([_share_variance(*split) for split in splits], axis=0))
    return float(np.abs(train - validation).sum() / 2), min(1.0, float(sigma.sum() / math.sqrt(2 * math.pi)))


def _share(count: np.ndarray, number: np.ndarray, tail: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return count / number with exact limits that it leaves on either side with probability `tail`.

    C. J. Clopper and E. S. Pearson, Biometrika 26 (1934) 404: quantiles of beta distributions.
    """
    from scipy.special import betaincinv  # a sixth of a second, and charts import this module for its names

    low = np.where(count == 0, 0, betaincinv(np.maximum(count, 1), number - count + 1, tail))
    high = np.where(count == number, 1, betaincinv(count + 1, np.maximum(number - count, 1), 1 - tail))
    return count / number, low, high


def _ratio_limits(p1: np.ndarray, limits1: list[np.ndarray], p2: np.ndarray, limits2: list[np.ndarray],
                  ) -> tuple[np.ndarray, np.ndarray]:
    """Return the limits of p1 / p2 from those of independent p1 and p2; 0 to inf where nothing is known.

    R. G. Newcombe, "MOVER-R confidence intervals for ratios and products of two independent quantities", Statistical
    Methods in Medical Research 25 (2016) 1774; the lower limit with its root in the denominator, which cannot cancel.
    """
    (low1, high1), (low2, high2) = limits1, limits2
    product = p1 * p2
    below, above = low1 * (2 * p1 - low1), high2 * (2 * p2 - high2)
    under, over = high1 * (2 * p1 - high1), low2 * (2 * p2 - low2)
    root_low = np.sqrt(np.maximum(product**2 - below * above, 0))
    root_high = np.sqrt(np.maximum(product**2 - under * over, 0))
    with np.errstate(divide="ignore", invalid="ignore"):
        low = np.where(below > 0, below / (product + root_low), 0)
        high = np.where(over > 0, (product + root_high) / over, np.inf)
    return low, high


def _share_variance(boxes: np.ndarray, images: np.ndarray, number: np.ndarray) -> np.ndarray:
    """Return the sampling variance of each class's share of the boxes: `boxes` [K] in `images` [K] of `number` images.

    The share is a ratio of sums over images (delta method, classes independent of each other). The boxes of a class
    in an image that shows it are taken as geometrically distributed, so that a mean of m has the second moment
    2 m**2 - m; a table of sums does not say more.
    """
    total = boxes.sum()
    share, per_image = boxes / total, boxes / np.maximum(images, 1)
    variance = np.maximum(boxes * (2 * per_image - 1) - boxes**2 / number, 0)
    return (variance * (1 - share)**2 + share**2 * (variance.sum() - variance)) / total**2
