import numpy as np
import pytest

from datasets.embedded.glyphs import LETTERS, digits, letters


@pytest.mark.parametrize("make", [digits, letters])
def test_no_shape_is_in_both_parts(make):
    train, validation = make("train"), make("val")
    for index in range(len(train.names)):
        seen = {s.tobytes() for s in train.shapes[index]}
        assert seen and validation.shapes[index]
        assert not seen & {s.tobytes() for s in validation.shapes[index]}


def test_every_scan_is_used():
    assert sum(len(s) for part in ("train", "val") for s in digits(part).shapes) == 1797


@pytest.mark.parametrize(("make", "names", "ratio"), [(digits, "0123456789", 8), (letters, LETTERS, 1)])
def test_classes_and_their_prevalence(make, names, ratio):
    alphabet = make("val")
    assert alphabet.names == tuple(names) and len(set(names)) == len(names)
    assert alphabet.weights.sum() == pytest.approx(1)
    assert alphabet.weights.max() / alphabet.weights.min() == pytest.approx(ratio)
    assert (np.diff(alphabet.weights) <= 0).all()


@pytest.mark.parametrize("make", [digits, letters])
def test_shapes_are_ink_between_0_and_1(make):
    for shapes in make("train").shapes:
        for shape in shapes:
            assert shape.ndim == 2 and shape.dtype == np.float32
            assert shape.min() == 0 and shape.max() == 1
