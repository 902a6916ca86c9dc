import msgspec
import pytest

from detectors import runtime

runtime.start()

from datasets.errors import InputError  # noqa: E402
from study.config import DetectorConfig, Recipe, Runtime  # noqa: E402
from study.data import image_folder, read_train  # noqa: E402
from tests.small import make_study, write_dataset  # noqa: E402
from train import timing  # noqa: E402
from train.timing import measure, split_first  # noqa: E402


@pytest.fixture
def study(tmp_path):
    recipe = Recipe(batch_size=4, epochs=2, min_steps=20, learning_rate=0.001)
    detector = DetectorConfig(name="tiny", width=0.1, input_size=64, stored_size=64, recipes={"scaled": recipe})
    return make_study(write_dataset(tmp_path / "data"), detectors=(detector,), bootstrap=20)


def test_the_figures_are_measured(study, monkeypatch):
    monkeypatch.setattr(timing, "SECONDS", 0.0)
    dataset = study.datasets[0]
    speed = measure(study, study.detectors[0], read_train(dataset), image_folder(dataset, dataset.train))
    assert all(0 < seconds < 100 for seconds in (speed.start, speed.step, speed.judge, speed.image, speed.record))
    assert speed.step < speed.start and speed.image < speed.judge  # which trace the network


def test_an_unusable_image_is_named(study, tmp_path):
    (tmp_path / "data/train/1.jpg").write_bytes(b"no image")
    dataset = study.datasets[0]
    with pytest.raises(InputError, match=r"1\.jpg: cannot be decoded"):
        measure(study, study.detectors[0], read_train(dataset), image_folder(dataset, dataset.train))


@pytest.mark.parametrize(("stamps", "size", "images", "expected"), [
    ([100, 107, 109, 110], 4, 10, (5, 0.5)), ([100, 104], 1, 1, (0, 4)), ([100, 101, 104], 2, 4, (0, 1.5)),
])
def test_the_first_batch_is_slower_than_its_images(stamps, size, images, expected):
    assert split_first(stamps, size, images) == expected


def test_a_runtime_that_is_not_there_is_an_error(study):
    many = msgspec.structs.replace(study, runtime=Runtime(replicas=2))
    dataset = study.datasets[0]
    with pytest.raises(InputError, match="2 replicas, but one_device has"):
        measure(many, study.detectors[0], read_train(dataset), image_folder(dataset, dataset.train))
