"""Answers to users' questions as tables for people: mAP in points, images to three digits, the best one first."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from predict.classes import ClassGain
from predict.cost import Purchase, Quote
from predict.forecaster import OUT_OF_REACH
from predict.questions import Gain, Need, interval
from predict.tables import IMAGES, Curve
from predict.text import Cells, points, signed, size

NEVER = "never"
RULE = ("Images: how many it takes until one training measures the target, the median over the draws of the forecast's "
        f"posterior. Chance: the share of draws that reach it at all, within {OUT_OF_REACH:,} times the images of the "
        "largest fitted subset; farther out no forecast is worth anything. With less than half of the draws the target "
        "is called not reachable with this detector.")


def needs_table(needs: Sequence[Need]) -> Cells:
    """Return a row per curve: the images that a target needs, and whether it can be reached at all."""
    sizes = needs[0].curve.curve.sizes if needs else IMAGES
    return [["curve", sizes, "80 % interval", "95 % interval", "boxes", "chance", "measured"],
            *([need.curve.curve.name, *_need_cells(need), _chance(need), _measured(need)] for need in needs)]


def gains_table(gains: Sequence[Gain]) -> Cells:
    """Return a row per curve and number of images: the gain, beside where it starts."""
    return [["curve", "from", "there", "images more", "gain", "80 % interval", "95 % interval", "per 1,000"],
            *([gain.curve.curve.name, f"{gain.start:,.0f}", points(float(np.median(gain.before))), f"+{gain.more:,.0f}",
               _fine(gain.median), *(_fine_range(gain.interval(level)) for level in (80, 95)),
               _fine(gain.per_thousand)] for gain in gains)]


def quotes_table(quotes: Sequence[Quote]) -> Cells:
    """Return a row per detector: the cost of a target."""
    return [["detector", "images", "labelling", "training", "total", "80 % interval", "chance", "cheapest in"],
            *([_name(quote.need.curve.curve), _quote_images(quote), *map(money, (*quote.parts, quote.total)),
               _range(quote.interval(80), money), _chance(quote.need), _share(quote.cheapest)]
              for quote in quotes)]


def purchases_table(purchases: Sequence[Purchase]) -> Cells:
    """Return a row per detector: the mAP that a budget buys."""
    return [["detector", "images", "forecast", "80 % interval", "best in"],
            *([_name(p.curve.curve), _bought(p), points(p.median),
               _range(p.interval(80), points) if math.isfinite(p.images) else "-", _share(p.best)] for p in purchases)]


def classes_table(answers: Sequence[ClassGain], mean: Gain | None) -> Cells:
    """Return a row per class: AP now and with more images; the mean over classes last, from its own curve."""
    whole = any(np.isfinite(answer.whole).all() for answer in answers)
    header = ["class", "measured", "now", "forecast", "80 % interval", "gain", "80 % of gain", "adds to mAP", "most in"]
    table = [header + ["at full data"] * whole]
    for answer in answers:
        cells = [answer.curve.curve.category, *_outlook_cells(answer.gain), _fine(answer.contribution),
                 _share(answer.most)]
        table.append(cells + [points(float(np.median(answer.whole)))] * whole)
    if mean:
        total = sum(answer.contribution for answer in answers)
        table.append(["mean, its own curve", *_outlook_cells(mean), _fine(total), ""] + [""] * whole)
    return table


def about(images: float, sizes: str = IMAGES) -> str:
    """Return a forecast number of images to three digits; inf is "never", nan a dash."""
    if math.isnan(images):
        return "-"
    return size(float(f"{images:.3g}"), sizes) if math.isfinite(images) else NEVER


def money(price: float) -> str:
    """Return a price to three digits, and no further than to hundredths; inf is "never"."""
    return f"{price:.2f}" if price < 100 else about(price)


def _outlook_cells(gain: Gain) -> list[str]:
    """Return mAP as measured, on the fitted curve and with more images, and the gain, each with its 80 % interval."""
    return [points(float(gain.curve.fitted.values[-1])), points(float(np.median(gain.before))),
            points(float(np.median(gain.after))), _range(interval(gain.after, 80), points), signed(gain.median),
            _signed_range(gain.interval(80))]


def _need_cells(need: Need) -> list[str]:
    """Return images, their 80 and 95 % interval, and boxes."""
    sizes = need.curve.curve.sizes
    if need.answer == "reached":
        return [f"reached already at {size(need.measured, sizes)}", "-", "-", "-"]
    images = "not reachable" if need.answer == "not reachable" else about(need.images(), sizes)
    boxes = need.images() * need.curve.boxes_per_image
    intervals = [_range(need.interval(level), lambda n: about(n, sizes)) for level in (80, 95)]
    return [images, *intervals, about(boxes) if math.isfinite(boxes) else "-"]


def _measured(need: Need) -> str:
    """Return where the target was measured, else the largest size."""
    observed = need.curve.observed
    at = -1 if math.isnan(need.measured) else int(np.searchsorted(observed.images, need.measured))
    return f"{points(float(observed.values[at]))} at {size(observed.images[at], observed.sizes)}"


def _quote_images(quote: Quote) -> str:
    if quote.need.answer == "reached":
        return f"reached at {quote.images:,.0f}"
    return "not reachable" if quote.need.answer == "not reachable" else about(quote.images)


def _bought(purchase: Purchase) -> str:
    if math.isnan(purchase.images):
        return "not one training"
    return ("at least " if purchase.images >= OUT_OF_REACH * purchase.curve.last else "") + f"{purchase.images:,.0f}"


def _chance(need: Need) -> str:
    return "-" if need.answer == "reached" else _share(need.chance)


def _name(curve: Curve) -> str:
    return f"{curve.detector}, {curve.recipe}" if curve.detector and curve.recipe else curve.detector or curve.name


def _range(limits: Sequence[float], write: Callable[[float], str]) -> str:
    low, high = limits
    return NEVER if low == math.inf else f"{write(low)} - {write(high)}"


def _signed_range(limits: Sequence[float]) -> str:
    return " to ".join(map(signed, limits))


def _fine_range(limits: Sequence[float]) -> str:
    return " to ".join(map(_fine, limits))


def _fine(value: float) -> str:
    """Return a small difference of mAP in points, to hundredths."""
    return f"{round(100 * value, 2) + 0:+.2f}"


def _share(share: float) -> str:
    """Return a share of draws in per cent, never as more certain than draws can be."""
    if 0 < share < 0.005 or 0.995 <= share < 1:
        return "< 1 %" if share < 0.5 else "> 99 %"
    return f"{100 * share:.0f} %"
