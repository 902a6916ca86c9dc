"""Which sizes a forecast can be made from, and which it can be asked for."""

from __future__ import annotations

import math
from collections.abc import Sequence

from datasets.errors import InputError
from predict.forecaster import OUT_OF_REACH
from predict.observations import ROUNDING, Observations, require_sizes
from predict.tables import IMAGES, place

REACH_OF_PER_CENT = 100  # times the largest fitted size: more was meant in images
FARTHER = 4  # times what there is: as far as looks ahead where nobody says how far


def early_sizes(observed: Observations, fit_up_to: float, *, hold_out: bool = False, at: bool = False) -> Observations:
    """Return the sizes up to `fit_up_to` per cent.

    Raises InputError where fewer than two remain, naming what else can be given: a larger share, which with `hold_out`
    has to leave something to forecast, and `at` sizes beyond all that were measured.
    """
    require_sizes(observed)
    early = observed.up_to(fit_up_to)
    if len(early) > 1:
        return early
    second = float(observed.percent[1])
    share = round(second, 1) if len(observed.up_to(round(second, 1))) > 1 else math.ceil(10 * second) / 10
    remedies = [f"--fit-up-to {share:g}"] if share < 100 or not hold_out else []
    remedies += [f"--at {float(f'{FARTHER * observed.whole:.2g}'):.0f} for a forecast from all of them"] * at
    remedy = f"give {', or '.join(remedies)}" if remedies else "add subsets"
    found = f"only 1 of {len(observed)} sizes" if len(early) else f"none of {len(observed)} sizes"
    whole = f" of {observed.whole:,.0f} images" if observed.sizes == IMAGES else ""
    raise InputError(f"{place(observed.source, observed.name)}: {found} is at most {fit_up_to:g} %{whole}, and "
                     f"a forecast needs two; {remedy}")


def require_ahead(fitted: Observations, sizes: Sequence[float]) -> None:
    """Raise InputError for sizes below the largest fitted one, which is known better, and for those out of reach."""
    last = float(fitted.images[-1])
    counted = fitted.sizes == IMAGES
    times = OUT_OF_REACH if counted else REACH_OF_PER_CENT
    unit = "images" if counted else "per cent"
    where = place(fitted.source, fitted.name)
    for size in sizes:
        if size < last * (1 - ROUNDING):
            raise InputError(f"{where}: {size:,.10g} {unit} is below the largest fitted size, {last:,.10g}: a forecast "
                             "looks ahead alone, so ask for that or more")
        if size > times * last:
            whole = "" if counted else "; --whole N lets you ask for images"
            raise InputError(f"{where}: {size:,.10g} {unit} is more than {times:,} times the largest fitted size, "
                             f"{last:,.10g}: farther out no forecast is worth anything{whole}")
