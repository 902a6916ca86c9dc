import re
from dataclasses import replace

import numpy as np
import pytest

from datasets.errors import InputError
from predict.sizes import early_sizes, require_ahead
from predict.tables import PER_CENT
from tests.predict.laws import observe


def curve(*images):
    return observe(images, np.linspace(0.1, 0.3, len(images)), name="a")


@pytest.mark.parametrize("images, share, options, said", [
    ((1000, 2500, 5000), 20, {}, "a: only 1 of 3 sizes is at most 20 % of 5,000 images, and a forecast needs two; give "
                                 "--fit-up-to 50"),
    ((1000, 2500, 5000), 20, {"hold_out": True, "at": True}, "give --fit-up-to 50, or --at 20000 for a forecast from "
                                                             "all of them"),
    ((1000, 2500, 5000), 5, {}, "none of 3 sizes is at most 5 % of 5,000 images"),
    ((1182, 11829, 118287), 5, {"hold_out": True}, "give --fit-up-to 10$"),  # one image of rounding
    ((1000, 5000), 20, {"hold_out": True, "at": True}, "give --at 20000 for"),
    ((1000, 5000), 20, {"hold_out": True}, "needs two; add subsets"),
    ((1000, 5000), 20, {}, "give --fit-up-to 100"),
])
def test_a_cut_that_leaves_too_few_sizes_is_named_with_what_helps(images, share, options, said):
    with pytest.raises(InputError, match=re.escape(said).replace(r"\$", "$")):
        early_sizes(curve(*images), share, **options)


def test_what_is_offered_instead_works():
    observed = curve(1182, 2957, 11829, 118287)
    with pytest.raises(InputError) as refused:
        early_sizes(observed, 1)
    (share,) = re.findall(r"--fit-up-to ([\d.]+)", str(refused.value))
    assert len(early_sizes(observed, float(share))) == 2


def test_curves_of_one_size_have_no_cut_to_blame():
    with pytest.raises(InputError, match="1 subset size.*needs 2 or more"):
        early_sizes(curve(1000), 20)


def test_sizes_to_forecast_lie_ahead_and_within_reach():
    require_ahead(curve(500, 1000), [999, 1000, 1_000_000])


@pytest.mark.parametrize("size, said", [
    (990, "a: 990 images is below the largest fitted size, 1,000: a forecast looks ahead alone"),
    (1_000_001, "a: 1,000,001 images is more than 1,000 times the largest fitted size, 1,000: farther out no forecast"),
])
def test_others_are_refused_with_the_largest_fitted_size(size, said):
    with pytest.raises(InputError, match=said):
        require_ahead(curve(500, 1000), [1000, size])


def test_per_cent_that_were_meant_as_images_are_told():
    fitted = replace(curve(1, 10), sizes=PER_CENT, whole=100.0)
    require_ahead(fitted, [100, 1000])
    with pytest.raises(InputError, match=r"20,000 per cent is more than 100 times .* 10: .*; --whole N"):
        require_ahead(fitted, [20_000])
