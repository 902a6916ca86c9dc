import numpy as np
import pytest

from datasets.errors import InputError
from predict.observations import RUN_NOISE, VALIDATION_NOISE, average_repeats, require_sizes
from predict.tables import Curve
from tests.predict.laws import observe


def test_repeats_are_averaged_and_sorted_by_size():
    observed = observe([500, 100, 100], [0.3, 0.1, 0.2])
    assert observed.images.tolist() == [100, 500]
    assert observed.values == pytest.approx([0.15, 0.3])


def test_spread_of_repeats_joins_the_measured_error_bar():
    observed = observe([100, 100, 500], [0.1, 0.2, 0.3], [0.02, 0.02, 0.01])
    spread = np.std([0.1, 0.2], ddof=1) / np.sqrt(2)
    assert observed.stderr == pytest.approx([np.hypot(0.02, spread), 0.01])


def test_seeds_of_one_draw_are_one_run_where_there_are_several_draws():
    values = np.array([0.1, 0.12, 0.2, 0.22])
    one, two = (average_repeats(Curve("c", np.full(4, 100.0), values, np.full(4, 0.02), draws=tuple(draws)))
                for draws in ("0000", "0011"))
    assert one.stderr == pytest.approx([np.hypot(0.02, np.std(values, ddof=1) / 2)])
    assert two.stderr == pytest.approx([np.hypot(0.02, np.std([0.11, 0.21], ddof=1) / np.sqrt(2))])
    assert two.values == pytest.approx([0.16]) and two.noise > one.noise


def test_80_per_cent_intervals_are_the_tables_own_for_single_runs_alone():
    images, values = np.array([100.0, 100, 500, 1000, 5000]), np.array([0.1, 0.2, 0.0, 0.99, 0.5])
    own = np.array([[0.05, 0.15], [0.15, 0.25], [0, 0.05], [np.nan] * 2, [-0.1, 1.2]])
    stderr = np.array([0.02, 0.02, 0, 0.1, np.nan])
    observed = average_repeats(Curve("c", images, values, stderr, interval_80=own))
    half = 1.2816 * np.hypot(0.02, 0.05)
    assert observed.interval_80 == pytest.approx(
        np.array([[0.15 - half, 0.15 + half], [0, 0.05], [0.99 - 0.12816, 1], [0, 1]]))
    assert observed.beyond(20).interval_80.tolist() == [[0, 1]]


def test_tables_without_intervals_get_those_of_their_standard_errors():
    assert observe([100, 500], [0.01, 0.5], [0.02, np.nan]).interval_80 == pytest.approx(
        np.array([[0, 0.01 + 1.2816 * 0.02], [np.nan] * 2]), nan_ok=True)
    loss = average_repeats(Curve("c", np.array([100.0]), np.array([7.5]), np.array([0.1]), "loss"))
    assert loss.interval_80 == pytest.approx(7.5 + 1.2816 * np.array([[-0.1, 0.1]]))


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
