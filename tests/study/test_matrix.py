import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.config import DatasetConfig, DetectorConfig, Repeats
from study.matrix import Cell, cells, draws_of, fraction_key, fractions_of, repeats
from tests.small import make_study


def test_small_subsets_come_first_and_draws_and_seeds_multiply(tmp_path):
    study = make_study(tmp_path, draws=Repeats(up_to=10, count=2), seeds=Repeats(up_to=50, count=2))
    assert [(c.fraction, c.draw, c.seed) for c in cells(study)] == [
        (10, 0, 0), (10, 0, 1), (10, 1, 0), (10, 1, 1), (50, 0, 0), (50, 0, 1), (100, 0, 0)]
    assert draws_of(study) == [0, 1]
    assert fractions_of(study, 0) == [10, 50, 100] and fractions_of(study, 1) == [10]


def test_every_draw_of_the_whole_is_the_same_but_seeds_are_not(tmp_path):
    study = make_study(tmp_path, draws=Repeats(up_to=100, count=3), seeds=Repeats(up_to=100, count=2))
    assert [(c.draw, c.seed) for c in cells(study) if c.fraction == 100] == [(0, 0), (0, 1)]
    assert fractions_of(study, 2) == [10, 50]


@pytest.mark.parametrize(("fraction", "number"), [(9.9, 4), (10, 4), (10.1, 1)])
def test_repeats_end_at_their_fraction(fraction, number):
    assert repeats(Repeats(up_to=10, count=4), fraction) == number


@given(st.sets(st.sampled_from([1.0, 2.5, 10.0, 50.0, 100.0]), min_size=1), st.integers(1, 3), st.integers(1, 3),
       st.integers(1, 2), st.integers(1, 2))
def test_cells_are_distinct_and_as_many_as_they_should_be(fractions, draws, seeds, datasets, detectors):
    study = make_study("/x", fractions=tuple(sorted(fractions)), draws=Repeats(up_to=5, count=draws),
                       seeds=Repeats(up_to=100, count=seeds),
                       datasets=tuple(DatasetConfig(name=f"d{i}") for i in range(datasets)),
                       detectors=tuple(DetectorConfig(name=f"m{i}") for i in range(detectors)))
    all_cells = cells(study)
    assert len(set(all_cells)) == len(all_cells)
    assert len(all_cells) == datasets * detectors * seeds * sum(draws if f <= 5 else 1 for f in fractions)
    assert [c.fraction for c in all_cells] == sorted(c.fraction for c in all_cells)
    used = {(draw, fraction) for draw in draws_of(study) for fraction in fractions_of(study, draw)}
    assert {(c.draw, c.fraction) for c in all_cells} == used


@pytest.mark.parametrize(("fraction", "key"), [(1, "1"), (1.0, "1"), (2.5, "2.5"), (100, "100"), (33.3, "33.3"),
                                               (0.001, "0.001"), (10.0000001, "10.0000001")])
def test_a_fraction_has_one_spelling(fraction, key):
    assert fraction_key(fraction) == key


@given(st.floats(0, 100, exclude_min=True), st.floats(0, 100, exclude_min=True))
def test_spellings_read_back_and_differ(a, b):
    assert float(fraction_key(a)) == a and (fraction_key(a) == fraction_key(b)) == (a == b)


def test_a_cell_says_what_it_is():
    assert str(Cell(2.5, "digits", "small", 1, 2)) == "digits small 2.5 % draw 1 seed 2"
