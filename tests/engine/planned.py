"""A study of two hundred cells whose data are not made yet, so that what is said of it costs no annotations."""

from pathlib import Path

from study.config import DatasetConfig, DetectorConfig, Recipe, Repeats, Study
from study.rates import Rate
from tests.small import make_study

FRACTIONS = (1.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 50.0, 75.0, 100.0)
GPU = Rate(start=20, step=0.05, image=0.01, judge=5, record=0.001, device="GPU (NVIDIA A100)", runs=3)
CPU = Rate(start=10, step=0.5, image=0.1, judge=5, record=0.01, device="CPU (2 cores)")


def large_study(root: Path, **settings) -> Study:
    """Return two data sets x two detectors x (four fractions of eleven draws and six of one)."""
    recipe = Recipe(batch_size=10, epochs=10, min_steps=500, learning_rate=0.01)
    return make_study(root, **{
        "name": "large", "fractions": FRACTIONS, "draws": Repeats(up_to=10, count=11),
        "datasets": tuple(DatasetConfig(name=name, generator="digits", root=str(root / name))
                          for name in ("one", "two")),
        "detectors": tuple(DetectorConfig(name=name, input_size=64, stored_size=64, recipes={"scaled": recipe})
                           for name in ("small", "big")),
        **settings})
