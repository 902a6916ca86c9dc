import numpy as np
import pytest
import tensorflow as tf

from datasets.errors import InputError
from detectors import checkpoint
from tests.detectors.tiny import make_tiny

STEM = "FeatureExtractor/MobilenetV2/Conv/weights"


def write(prefix, values: dict[str, np.ndarray]) -> None:
    tf.raw_ops.SaveV2(prefix=str(prefix), tensor_names=list(values), shape_and_slices=[""] * len(values),
                      tensors=list(values.values()))


def values_of(detector) -> dict[str, np.ndarray]:
    return {name: variable.numpy() for name, variable in detector.variables.items()}


def test_a_saved_detector_comes_back(tiny, other, tmp_path):
    checkpoint.save(tiny, tmp_path / "deep" / "model.ckpt", step=7)
    report = checkpoint.restore(other, tmp_path / "deep")
    for name, value in values_of(tiny).items():
        np.testing.assert_array_equal(value, other.variables[name])
    assert (len(report.restored), report.reinitialised, report.ignored) == (324, (), ("global_step",))
    assert tf.train.load_variable(str(tmp_path / "deep" / "model.ckpt"), "global_step") == 7


def test_files_have_the_size_of_the_published_ones(detector, tmp_path):
    checkpoint.save(detector, tmp_path / "model.ckpt")
    assert (tmp_path / "model.ckpt.data-00000-of-00001").stat().st_size == 57_841_536
    assert (tmp_path / "model.ckpt.index").stat().st_size == 14_175


def test_optimiser_slots_and_averages_are_ignored(tiny, other, tmp_path):
    extra = {f"{STEM}/{slot}": np.zeros(3, np.float32) for slot in ("RMSProp", "RMSProp_1", "ExponentialMovingAverage")}
    write(tmp_path / "model.ckpt", values_of(tiny) | extra)
    report = checkpoint.restore(other, tmp_path / "model.ckpt")
    assert set(report.ignored) == set(extra)
    assert "1 ExponentialMovingAverage, 1 RMSProp, 1 RMSProp_1" in str(report)


def test_class_heads_for_other_classes_start_afresh(tiny, tmp_path):
    checkpoint.save(tiny, tmp_path / "model.ckpt")
    other = make_tiny(num_classes=8)
    fresh = values_of(other)
    report = checkpoint.restore(other, tmp_path / "model.ckpt")
    assert len(report.reinitialised) == 12 and all("ClassPredictor" in name for name in report.reinitialised)
    for name, value in values_of(other).items():
        np.testing.assert_array_equal(value, fresh[name] if "ClassPredictor" in name else tiny.variables[name])


def test_features_leave_all_heads_fresh(tiny, other, tmp_path):
    checkpoint.save(tiny, tmp_path / "model.ckpt")
    fresh = values_of(other)
    report = checkpoint.restore(other, tmp_path / "model.ckpt", mode="features")
    assert len(report.reinitialised) == 24 and all(name.startswith("BoxPredictor_") for name in report.reinitialised)
    for name, value in values_of(other).items():
        np.testing.assert_array_equal(value, fresh[name] if "Predictor" in name else tiny.variables[name])


def test_features_need_no_heads_in_the_checkpoint(tiny, other, tmp_path):
    features = {name: value for name, value in values_of(tiny).items() if name.startswith("FeatureExtractor/")}
    write(tmp_path / "model.ckpt", features)
    assert len(checkpoint.restore(other, tmp_path, mode="features").restored) == 300
    with pytest.raises(InputError, match="no variable 'BoxPredictor_0"):
        checkpoint.restore(other, tmp_path)


@pytest.mark.parametrize("change, message", [
    (lambda values: values.pop(STEM), f"no variable '{STEM}'"),
    (lambda values: values.update({STEM: np.zeros((3, 3, 3, 5), np.float32)}), r"shape \[3, 3, 3, 5\] and not"),
    (lambda values: values.update({STEM: np.full_like(values[STEM], np.nan)}), f"'{STEM}' holds NaN"),
])
def test_a_backbone_that_does_not_fit_is_refused_by_name(tiny, other, tmp_path, change, message):
    values = values_of(tiny)
    change(values)
    write(tmp_path / "model.ckpt", values)
    before = values_of(other)
    with pytest.raises(InputError, match=message):
        checkpoint.restore(other, tmp_path / "model.ckpt")
    for name, value in values_of(other).items():
        np.testing.assert_array_equal(value, before[name])


def test_what_is_no_checkpoint_is_refused(tiny, tmp_path):
    with pytest.raises(InputError, match="no checkpoint there"):
        checkpoint.restore(tiny, tmp_path / "model.ckpt")
    (tmp_path / "model.ckpt.index").write_bytes(b"not an index")
    with pytest.raises(InputError, match="not a readable checkpoint"):
        checkpoint.restore(tiny, tmp_path / "model.ckpt")


def test_cut_off_data_are_refused(tiny, tmp_path):
    checkpoint.save(tiny, tmp_path / "model.ckpt")
    data = tmp_path / "model.ckpt.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:100_000])
    with pytest.raises(InputError, match="cannot be read"):
        checkpoint.restore(tiny, tmp_path / "model.ckpt")


def test_a_failed_save_leaves_the_old_checkpoint(tiny, tmp_path, monkeypatch):
    checkpoint.save(tiny, tmp_path / "model.ckpt", step=1)

    def fail(part, prefix):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "_rename", fail)
    with pytest.raises(OSError):
        checkpoint.save(tiny, tmp_path / "model.ckpt", step=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.ckpt.data-00000-of-00001", "model.ckpt.index"]
    assert tf.train.load_variable(str(tmp_path / "model.ckpt"), "global_step") == 1


def test_classes_are_counted_from_the_heads(tiny, tmp_path):
    checkpoint.save(tiny, tmp_path / "model.ckpt")
    assert checkpoint.count_classes(tmp_path) == 3
    write(tmp_path / "model.ckpt", {STEM: np.zeros(1, np.float32)})
    with pytest.raises(InputError, match="no class and box heads"):
        checkpoint.count_classes(tmp_path)
