import msgspec
import pytest

from detectors import runtime

runtime.start()

from study.config import DetectorConfig, Recipe, Repeats, Tuning  # noqa: E402
from study.rates import Rate, spell  # noqa: E402
from tests.small import make_study, write_dataset  # noqa: E402
from train import estimate  # noqa: E402
from train.estimate import add_up  # noqa: E402

RATE = Rate(start=10, step=0.5, judge=5, image=0.1, record=0.01)


@pytest.fixture
def study(tmp_path):
    recipe = Recipe(batch_size=4, epochs=2, min_steps=20, learning_rate=0.001)
    detector = DetectorConfig(name="tiny", width=0.1, input_size=64, stored_size=64, recipes={"scaled": recipe})
    return make_study(write_dataset(tmp_path / "data"), detectors=(detector,), draws=Repeats(up_to=10, count=2),
                      seeds=Repeats(up_to=10, count=2), bootstrap=20)


def test_every_run_of_a_fraction_counts(study):
    shares = add_up(study, RATE, 200, 30)
    assert [(s.fraction, s.images, s.steps, s.runs) for s in shares] == [
        (10, 20, 20, 4), (50, 100, 50, 1), (100, 200, 100, 1)]
    assert [s.seconds for s in shares] == pytest.approx([4 * (10 + 10 + 5 + 3), 10 + 25 + 5 + 3, 10 + 50 + 5 + 3])


@pytest.mark.parametrize(("then", "added"), [("best", 5 + 2 * 1 * 0.1), ("whole", 5 + 2 * 1 * 0.1 + 10 + 10)])
def test_a_tuning_split_is_looked_at_and_perhaps_trained_on_afterwards(study, then, added):
    """Of the 20 images of 10 per cent one is held out; it is looked at after 10 and after 20 steps."""
    detector = study.detectors[0]
    recipe = msgspec.structs.replace(detector.recipes["scaled"], tuning=Tuning(hold_out=5, every=10, then=then))
    tuned = msgspec.structs.replace(study, detectors=(msgspec.structs.replace(detector, recipes={"scaled": recipe}),))
    plain, more = (add_up(s, RATE, 200, 30)[0] for s in (study, tuned))
    assert more.seconds - plain.seconds == pytest.approx(plain.runs * added)


def test_an_estimate_says_what_each_fraction_takes(study, monkeypatch):
    monkeypatch.setattr(estimate, "measure", lambda *_: RATE)
    lines = estimate.estimate(study).splitlines()
    assert lines[0] == "  500 ms a training step of 4 images, 100 ms a validation image, 15 s to start a run"
    assert lines[1].split() == ["10", "%", "2", "images", "20", "steps", "4", "runs", "2", "min"]
    assert lines[3].split() == ["100", "%", "20", "images", "20", "steps", "1", "run", "26", "s"]
    assert lines[4:] == ["  with 1 s for records, in all 3 min"]


def test_beyond_a_day_two_ways_out_are_told(study, monkeypatch):
    """The small detector as it is measured, and fewer fractions as they add up."""
    slow = msgspec.structs.replace(study.detectors[0], recipes={"scaled": Recipe(steps=100_000)})
    study = msgspec.structs.replace(study, detectors=(slow,), fractions=(10.0, 20.0, 50.0, 100.0),
                                    forecast=msgspec.structs.replace(study.forecast, fit_up_to=20.0))
    asked = []

    def measure(_, detector, *__):
        asked.append(detector)
        return RATE if detector.input_size == 64 else Rate(start=10, step=0.1, judge=5, image=0.1, record=0.01)

    monkeypatch.setattr(estimate, "measure", measure)
    text = estimate.estimate(study)
    assert asked == [slow, msgspec.structs.replace(slow, width=0.35, input_size=128, stored_size=160)]
    lines = text[text.index("More than a day"):].splitlines()
    assert "width: 0.35, input_size: 128, stored_size: 160," in lines[1]
    assert lines[1].endswith(f": {spell(7 * 10_015.7 + 29 * 0.01)}")
    assert lines[2].startswith("  fractions up to 50,") and lines[2].endswith(f": {spell(6 * 50_015.7 + 29 * 0.01)}")

