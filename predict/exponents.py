"""What fitted power laws say, as tables and sentences: does the data set set the exponent?"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from predict.power_law import Errors, Estimate, ExponentTest, PowerLaw, compare_exponents
from predict.text import Cells

Fit = tuple[Errors, PowerLaw | None]
COLUMNS = ("dataset", "detector", "metric", "alpha", "beta", "low", "high", "sizes", "residual", "bend", "left_out")
DOUBT = 0.05  # p value under which chance is no explanation


def exponent_rows(fits: Iterable[Fit]) -> list[dict[str, Any]]:
    """Return the rows of exponents.csv, None where a figure does not exist.

    `residual` is the standard deviation of the errors' logarithms about the line, `bend` the p value of a curvature.
    """
    return [dict(zip(COLUMNS, [e.dataset, e.detector, e.quantity, *_numbers(e, law), "; ".join(e.left_out)]))
            for e, law in fits]


def exponent_table(fits: Iterable[Fit]) -> Cells:
    """Return a row per data set, error and detector."""
    header = ["data set, detector", "error", "sizes", "alpha", "exponent", "95 % interval", "scatter", ""]
    return [header] + [_row(errors, law) for errors, law in fits]


def findings(fits: Sequence[Fit]) -> list[str]:
    """Return, per data set and error, whether its detectors share one exponent; then what data sets change."""
    usable = [(errors, law) for errors, law in fits if law]
    groups: dict[tuple[str, str], list[Errors]] = {}
    for errors, _ in usable:
        groups.setdefault((errors.dataset, errors.quantity), []).append(errors)
    if not usable:
        return ["No curve has two sizes with an error that a power law can hold (above 0, and below 1 unless it is a "
                "loss), so there is no exponent" + (
                    "." if any(len(errors) for errors, _ in fits) else ", and no chart of the errors.")]
    bent = ["Where points lie on no straight line, an exponent is the mean slope over the sizes measured, not a law."]
    return [_finding(*key, errors) for key, errors in groups.items()] + _between_datasets(usable) + bent * any(
        law.bend < DOUBT for _, law in usable)


def _numbers(errors: Errors, law: PowerLaw | None) -> list[Any]:
    if law is None:
        return [None, None, None, None, len(errors), None, None]
    numbers = [law.alpha, law.beta.value, law.beta.low, law.beta.high, len(errors), law.scatter, law.bend]
    return [None if math.isnan(number) else number for number in numbers]


def _row(errors: Errors, law: PowerLaw | None) -> list[str]:
    name = f"{errors.dataset}, {errors.detector}"
    remark = f"left out: {'; '.join(errors.left_out)}" if errors.left_out else ""
    if law is None:
        return [name, errors.quantity, str(len(errors)), "-", "-", "-", "-", remark or "an exponent needs two sizes"]
    bends = f"no straight line ({_p(law.bend)})" if law.bend < DOUBT else ""
    interval = "-" if math.isnan(law.beta.low) else _interval(law.beta)
    none = "two sizes give no interval" if len(errors) == 2 else ""
    return [name, errors.quantity, str(len(errors)), f"{law.alpha:.3g}", _three(law.beta.value), interval,
            "-" if math.isnan(law.scatter) else f"{100 * law.scatter:.1f} %",
            "; ".join(filter(None, (bends, none, remark)))]


def _finding(dataset: str, quantity: str, errors: list[Errors]) -> str:
    about = f"{dataset}, {quantity}"
    if all(np.ptp(each.values) == 0 for each in errors):
        return f"{about}: the same at every size, so that there is no exponent to compare."
    if len(errors) == 1:
        return f"{about}: one detector alone, so there is nothing to compare its exponent with."
    test = compare_exponents(errors)
    if math.isnan(test.p):
        return f"{about}: whether the exponents differ cannot be told; that takes three sizes that detectors share."
    fisher = f"F({test.freedom[0]}, {test.freedom[1]}) = {test.f:.3g}, {_p(test.p)}"
    if test.p < DOUBT:
        return (f"{about}: the detectors' exponents differ ({fisher}): {_differences(test)}. An offset per detector is "
                "not enough here.")
    return (f"{about}: one exponent for all detectors, {_three(test.common.value)}, with an offset for each, is "
            f"compatible with what was measured ({fisher}): {_differences(test)}.")


def _differences(test: ExponentTest) -> str:
    """Return the difference between the two detectors that lie farthest apart."""
    known = {pair: d for pair, d in test.differences.items() if not math.isnan(d.low)}
    if not known:
        return "no two of them share three sizes, so no difference has an interval"
    (one, other), widest = max(known.items(), key=lambda item: abs(item[1].value))
    others = f", the farthest apart of {len(test.differences)} pairs" if len(test.differences) > 1 else ""
    value, low, high = (_three(number, "+") for number in (widest.value, widest.low, widest.high))
    return f"{one} minus {other} is {value} (95 %: {low} to {high}){others}"


def _between_datasets(fits: Sequence[tuple[Errors, PowerLaw]]) -> list[str]:
    """Set the spread of exponents between detectors of one data set beside that between data sets of one detector."""
    lines = []
    for quantity in dict.fromkeys(errors.quantity for errors, _ in fits):
        mine = [(errors, law) for errors, law in fits if errors.quantity == quantity]
        detectors = _widest(mine, lambda errors: errors.dataset)
        datasets = _widest(mine, lambda errors: errors.detector)
        if not (math.isnan(detectors) or math.isnan(datasets)):
            lines.append(f"{quantity}: between detectors of one data set exponents differ by up to {detectors:.3f}, "
                         f"between data sets for one detector by up to {datasets:.3f}.")
    return lines


def _widest(fits: Sequence[tuple[Errors, PowerLaw]], key) -> float:
    """Return the largest range of exponents within a group, nan where no group has two."""
    groups: dict[str, list[float]] = {}
    for errors, law in fits:
        groups.setdefault(key(errors), []).append(law.beta.value)
    return max((max(betas) - min(betas) for betas in groups.values() if len(betas) > 1), default=math.nan)


def _interval(estimate: Estimate) -> str:
    return f"{_three(estimate.low)} to {_three(estimate.high)}"


def _three(value: float, sign: str = "") -> str:
    """Return a number with three decimals, and a plus where `sign` says so."""
    return f"{round(value, 3) + 0:{sign}.3f}"  # + 0 makes 0 of -0


def _p(value: float) -> str:
    return f"p = {value:.1g}" if value >= 1e-4 else "p < 0.0001"
