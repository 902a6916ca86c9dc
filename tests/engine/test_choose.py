from argparse import ArgumentParser

import pytest

from datasets.errors import InputError
from engine.choose import add_choice, choose
from study.matrix import Cell

CELLS = [Cell(fraction, dataset, detector, draw) for fraction in (2.5, 100.0) for dataset in ("coco", "bdd")
         for detector in ("small", "large") for draw in range(2 if fraction < 100 else 1)]


def _choose(*arguments: str) -> list[Cell]:
    parser = ArgumentParser()
    add_choice(parser)
    return choose(CELLS, parser.parse_args(arguments))


@pytest.mark.parametrize(("arguments", "number"), [
    ((), 12), (("--fractions", "2.5"), 8), (("--fractions", "2.50", "100"), 12), (("--detectors", "large"), 6),
    (("--datasets", "bdd", "--fractions", "100"), 2), (("--only", "coco small *"), 3), (("--only", "* draw 1 *"), 4),
    (("--only", "coco small 100 % draw 0 seed 0"), 1), (("--only", "coco*", "--detectors", "small", "large"), 6),
])
def test_runs_are_chosen_in_their_order(arguments, number):
    chosen = _choose(*arguments)
    assert len(chosen) == number and chosen == [cell for cell in CELLS if cell in chosen]


@pytest.mark.parametrize(("arguments", "fragment"), [
    (("--fractions", "3"), "--fractions 3: the study has none such"),
    (("--detectors", "smal"), "did you mean 'small'"), (("--datasets", "x"), "valid: bdd, coco"),
    (("--only", "nothing"), "a run is called, for example, 'coco small 2.5 % draw 0 seed 0'"),
    (("--only", "coco*", "--datasets", "bdd"), "no run of the study is chosen"),
])
def test_what_the_study_does_not_have_is_refused(arguments, fragment):
    with pytest.raises(InputError, match=fragment):
        _choose(*arguments)
