import numpy as np
import pytest

from datasets.errors import InputError
from predict.observations import RUN_NOISE, VALIDATION_NOISE, Observations, average_repeats, require_sizes
from predict.tables import IMAGES, PER_CENT, Curve
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
    assert two.values == pytest.approx([0.16]) and two.stderr > one.stderr


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


def test_runs_that_agree_leave_the_noise_and_runs_that_differ_raise_it():
    one, agreeing, apart = (observe([100] * len(values), values).noise for values in ([0.1], [0.1] * 2, [0.05, 0.15]))
    assert one == agreeing == pytest.approx([np.hypot(RUN_NOISE, VALIDATION_NOISE)])
    assert apart == pytest.approx([np.sqrt((2 * RUN_NOISE**2 + 0.005) / 3 + VALIDATION_NOISE**2)])


def test_an_error_bar_in_the_table_stands_for_all_noise_of_a_single_run():
    assert observe([100], [0.1], [0.002]).noise == pytest.approx([0.002], rel=0.05)
    assert observe([100], [0.1], [0.002]).noise < observe([100], [0.1]).noise


def test_subsets_are_taken_by_their_share_with_an_image_of_rounding():
    observed = observe([10, 25, 50, 1000], [0.1, 0.2, 0.3, 0.4])
    assert observed.up_to(2.45).images.tolist() == [10, 25]
    assert observed.beyond(2.45).images.tolist() == [50, 1000]


@pytest.mark.parametrize("images, percent, expected", [
    ([1.182, 2.957, 5.914, 118.287], 2.5, 2),  # thousands
    ([1, 2, 5, 100], 1, 1),
])
def test_rounding_is_of_whole_images_alone(images, percent, expected):
    sizes = PER_CENT if images[0] == 1 else IMAGES
    curve = Curve("c", np.array(images), np.full(4, 0.2), np.full(4, np.nan), sizes=sizes)
    assert len(average_repeats(curve).up_to(percent)) == expected


def test_one_size_is_refused_by_name():
    with pytest.raises(InputError, match="cats: 1 subset size"):
        require_sizes(observe([100, 100], [0.1, 0.2], name="cats"))
    curve = Curve("cats", np.array([100.0]), np.array([0.1]), np.array([np.nan]), source="t.csv")
    with pytest.raises(InputError, match=r"t.csv: cats: 1 subset size; a forecast needs 2 or more, so add"):
        require_sizes(average_repeats(curve))


def test_a_loss_is_no_forecast():
    curve = Curve("cats", np.array([100.0, 200]), np.array([3.1, 2.2]), np.full(2, np.nan), "loss")
    with pytest.raises(InputError, match="cats: a loss is no share in"):
        require_sizes(average_repeats(curve))


def test_repeats_that_differ_are_labelled_unless_the_table_tells_runs_apart():
    images, values, stderr = np.array([100.0, 100, 500, 500]), np.array([0.1, 0.13, 0.3, 0.3]), np.full(4, np.nan)
    label = average_repeats(Curve("c", images, values, stderr)).label
    assert label == "1 of 2 sizes with values up to 3.0 points apart, taken as repeated runs"
    assert average_repeats(Curve("c", images, values, stderr, seeds=tuple("0101"))).label == ""
    assert "per cent of the whole" in average_repeats(Curve("c", images, values, stderr, sizes=PER_CENT)).label


GOOD = {"images": [100.0, 200], "values": [0.1, 0.2], "stderr": [np.nan, 0.1], "noise": [0.01, 0.01],
        "whole": 200.0}


@pytest.mark.parametrize("changes, said", [
    ({"images": [100.0, -1]}, "cats: point 2: the size must be a positive"),
    ({"images": [0.0, 100]}, "cats: point 1: the size must be a positive"),
    ({"images": [100.0, np.inf]}, "point 2: the size must be a positive"),
    ({"images": [100.0, 100]}, "cats: sizes must rise, each once; average_repeats"),
    ({"images": [200.0, 100]}, "sizes must rise"),
    ({"images": [100.0]}, "arrays of one length"),
    ({"values": [0.1, 1.1]}, "point 2: 1.1 is no mAP; expected 0 to 1"),
    ({"values": [-0.1, 0.1]}, "point 1: -0.1 is no mAP"),
    ({"values": [np.nan, 0.1]}, "point 1: nan is no mAP"),
    ({"stderr": [-1.0, 0.1]}, "point 1: a standard error cannot be negative"),
    ({"stderr": [0.1, 1.5]}, "point 2: a standard error cannot exceed the metric's whole range"),
    ({"noise": [0.0, 0.01]}, "noise must be a positive standard deviation per size"),
    ({"noise": [0.01, np.nan]}, "noise must be a positive standard deviation per size"),
    ({"noise": [0.01]}, "noise must be a positive standard deviation per size"),
    ({"whole": 150.0}, "cats: 150 images at 100 % are fewer than in the largest subset"),
    ({"whole": np.nan}, "cats: nan images at 100 %"),
])
def test_observations_that_cannot_be_are_refused_when_made(changes, said):
    given = {key: np.array(value) if isinstance(value, list) else value for key, value in (GOOD | changes).items()}
    with pytest.raises(InputError, match=said):
        Observations("cats", "AP", interval_80=np.full((2, 2), np.nan), **given)


def test_no_sizes_at_all_are_an_empty_prefix():
    assert len(observe([500, 1000], [0.1, 0.2]).up_to(1)) == 0
