"""The search for hyperparameters at each size: what is searched, and the trials that follow from it.

A learning curve whose points all have the hyperparameters of one size bends wrongly (Hestness et al. 2017, arXiv
1712.00409, section 3). Trials are judged on a tuning split held out of the training subset, never on the validation
images.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """A search over a recipe's settings and the detector's width, for every subset of at most `up_to` per cent."""

    space: dict[str, list | dict]  # setting -> list of choices, or {low, high, scale: linear | log}
    trials: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 16
    strategy: Literal["random", "asha"] = "asha"
    hold_out: Annotated[float, msgspec.Meta(gt=0, lt=100)] = 10.0  # per cent of the subset: the tuning split
    every: Annotated[int, msgspec.Meta(ge=1, le=10**9)] = 200  # steps between two looks at it
    patience: Annotated[int, msgspec.Meta(ge=0, le=10**6)] = 5  # looks without gain that end a trial; 0 never ends one
    reduction: Annotated[int, msgspec.Meta(ge=2, le=100)] = 3  # ASHA goes on with one in so many at each rung
    up_to: Annotated[float, msgspec.Meta(gt=0, le=100)] = 100.0  # per cent: larger subsets are not searched
    then: Literal["best", "whole"] = "whole"  # the best trial's weights, or its settings trained on the whole subset
