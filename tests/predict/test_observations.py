import numpy as np
import pytest

from datasets.errors import InputError
from predict.observations import RUN_NOISE, VALIDATION_NOISE, require_sizes
from tests.predict.laws import observe


def test_repeats_are_averaged_and_sorted_by_size():
    observed = observe([500, 100, 100], [0.3, 0.1, 0.2])
    assert observed.images.tolist() == [100, 500]
    assert observed.values == pytest.approx([0.15, 0.3])


def test_spread_of_repeats_joins_the_measured_error_bar():
    observed = observe([100, 100, 500], [0.1, 0.2, 0.3], [0.02, 0.02, 0.01])
    spread = np.std([0.1, 0.2], ddof=1) / np.sqrt(2)
    assert observed.stderr == pytest.approx([np.hypot(0.02, spread), 0.01])


def test_nothing_measured_leaves_the_error_bar_unknown_and_assumes_a_noise():
    observed = observe([100, 500], [0.1, 0.3])
    assert np.isnan(observed.stderr).all()
    assert observed.noise == pytest.approx([np.hypot(RUN_NOISE, VALIDATION_NOISE)] * 2)


def test_repeats_lessen_the_noise_from_run_to_run_but_not_that_of_the_validation_images():
    agreeing = observe([100, 100], [0.1, 0.1]).noise[0]
    assert agreeing == pytest.approx(np.sqrt(2 / 3 * RUN_NOISE**2 / 2 + VALIDATION_NOISE**2))
    assert agreeing < observe([100], [0.1]).noise[0] < observe([100, 100], [0.05, 0.15]).noise[0]


def test_subsets_are_taken_by_their_share_with_an_image_of_rounding():
    observed = observe([10, 25, 50, 1000], [0.1, 0.2, 0.3, 0.4])
    assert observed.up_to(2.45).images.tolist() == [10, 25]
    assert observed.beyond(2.45).images.tolist() == [50, 1000]


def test_one_size_is_refused_by_name():
    with pytest.raises(InputError, match="cats: 1 subset size"):
        require_sizes(observe([100, 100], [0.1, 0.2], name="cats"))
