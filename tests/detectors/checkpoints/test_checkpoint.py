import csv
import io
import re
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from datasets.errors import InputError
from detectors.checkpoints import checkpoint
from detectors.detector import build
from tests.detectors.made_checkpoints import coco_values, original_values, values_of, with_classes, write

STEM = "FeatureExtractor/MobilenetV2/Conv/weights"
FATES = ("restored", "carried", "re-initialised", "ignored")


def counts(report) -> list[int]:
    return [len(report.names(fate)) for fate in FATES]


@pytest.fixture
def other(tiny) -> SimpleNamespace:
    """What restoring needs of a tiny detector with other values."""
    return with_classes(tiny, 3)


def test_a_saved_detector_comes_back(tiny, other, tmp_path):
    checkpoint.save(tiny, tmp_path / "deep" / "model.ckpt", step=7)
    report = checkpoint.restore(other, tmp_path / "deep")
    for name, value in values_of(tiny).items():
        np.testing.assert_array_equal(value, other.variables[name])
    assert (counts(report), report.names("ignored")) == ([324, 0, 0, 1], ("global_step",))
    assert tf.train.load_variable(str(tmp_path / "deep" / "model.ckpt"), "global_step") == 7


def test_files_have_the_size_of_the_published_ones(detector, tmp_path):
    checkpoint.save(detector, tmp_path / "model.ckpt")
    assert (tmp_path / "model.ckpt.data-00000-of-00001").stat().st_size == 57_841_536
    assert (tmp_path / "model.ckpt.index").stat().st_size == 14_175


def test_optimiser_slots_and_averages_are_ignored(tiny, other, tmp_path):
    extra = {f"{STEM}/{slot}": np.zeros(3, np.float32) for slot in ("RMSProp", "RMSProp_1", "ExponentialMovingAverage")}
    write(tmp_path / "model.ckpt", values_of(tiny) | extra)
    report = checkpoint.restore(other, tmp_path / "model.ckpt")
    assert set(report.names("ignored")) == set(extra)
    assert "3 variables ignored (optimiser slot: 2, moving average: 1)" in str(report)


@pytest.mark.parametrize(("mode", "fates", "fresh", "reason"), [
    ("all", [312, 0, 12, 1], "ClassPredictor", "class head for other classes"),
    ("features", [300, 0, 24, 1], "BoxPredictor", "mode features"),
])
def test_what_does_not_fit_or_is_not_wanted_starts_afresh(tiny, tmp_path, mode, fates, fresh, reason):
    checkpoint.save(tiny, tmp_path / "model.ckpt")
    other = with_classes(tiny, 8)
    before = values_of(other)
    report = checkpoint.restore(other, tmp_path / "model.ckpt", mode)
    assert counts(report) == fates
    assert {row.reason for row in report.rows if row.fate == "re-initialised"} == {reason}
    for name, value in values_of(other).items():
        np.testing.assert_array_equal(value, before[name] if fresh in name else tiny.variables[name])


def test_features_need_no_heads_in_the_checkpoint(tiny, other, tmp_path):
    features = {name: value for name, value in values_of(tiny).items() if name.startswith("FeatureExtractor/")}
    write(tmp_path / "model.ckpt", features)
    assert counts(checkpoint.restore(other, tmp_path, mode="features")) == [300, 0, 24, 0]
    report = checkpoint.restore(other, tmp_path)
    assert {row.reason for row in report.rows if row.fate == "re-initialised"} == {"absent"}
    with pytest.raises(InputError, match="has no classes, whose labels are not known"):
        checkpoint.restore(other, tmp_path, "labels", ("a", "b", "c"))


def test_of_the_coco_file_backbone_and_reductions_are_restored(detector, tmp_path):
    """The zoo's ssd_mobilenet_v2_coco_2018_03_29 has other extra layers and heads."""
    detector = with_classes(detector, 20)
    before, written = values_of(detector), coco_values(detector)
    prefix = write(tmp_path / "model.ckpt", written)
    assert checkpoint.count_classes(prefix) == 90
    report = checkpoint.restore(detector, prefix)
    taken = [name for name in before if re.search(r"/(Conv|Conv_1|expanded_conv\w*|layer_19_1_Conv2d_\w+)/", name)]
    assert set(report.names("restored")) == set(taken) and len(taken) == 52 * 5 + 4 * 5
    reasons = {row.variable.split("/", 2)[-1]: row.reason for row in report.rows}
    assert reasons["layer_19_2_Conv2d_2_3x3_s2_512/weights"] == "shape [1, 1, 256, 512] and not [3, 3, 256, 512]"
    assert reasons["layer_19_2_Conv2d_2_3x3_s2_512/BatchNorm/gamma"] == "with its layer"
    assert reasons["layer_19_2_Conv2d_2_3x3_s2_512_depthwise/depthwise_weights"] == "not part of the detector"
    assert counts(report) == [280, 0, 44, 21]
    for name, value in values_of(detector).items():
        np.testing.assert_array_equal(value, written[name] if name in taken else before[name])


@pytest.mark.parametrize("kind", ["tiny", "tiny_resnet"])
def test_columns_of_known_classes_are_carried_over(request, tmp_path, kind):
    classes = {"tiny": ("rbc", "person", "tvmonitor"), "tiny_resnet": ("cow", "Mouse")}[kind]
    sources = {"tiny": (0, None, 69, 381), "tiny_resnet": (0, 115, 299)}[kind]  # background, then the classes' slots
    detector = with_classes(request.getfixturevalue(kind), len(classes))
    written, fresh = original_values(detector, 601), values_of(detector)
    report = checkpoint.restore(detector, write(tmp_path / "model.ckpt", written), "labels", classes)
    got = values_of(detector)
    heads = [name for name in got if "/ClassPredictor/" in name]
    assert report.names("carried") == tuple(heads) and len(heads) == {"tiny": 12, "tiny_resnet": 2}[kind]
    assert counts(report)[2:] == [0, 1]
    for name in got.keys() - set(heads):
        np.testing.assert_array_equal(got[name], written[name])
    for name in heads:
        for channel in range(got[name].shape[-1]):
            anchor, slot = divmod(channel, len(sources))
            source = sources[slot]
            expected = fresh[name][..., channel] if source is None else written[name][..., anchor * 602 + source]
            np.testing.assert_array_equal(got[name][..., channel], expected, err_msg=f"{name}, channel {channel}")


def test_labels_choose_the_columns_where_the_number_of_classes_agrees_too(tiny, tmp_path):
    detector = with_classes(tiny, 601)
    classes = [f"class {k}" for k in range(600)] + ["Tortoise"]  # of slot 1, in slot 601
    written = original_values(detector, 601)
    checkpoint.restore(detector, write(tmp_path / "model.ckpt", written), "labels", classes)
    name = "BoxPredictor_5/ClassPredictor/biases"
    got, source = (values[name].reshape(6, 602) for values in (values_of(detector), written))
    np.testing.assert_array_equal(got[:, 601], source[:, 1])


def test_labels_of_other_checkpoints_are_not_known(tiny, other, tmp_path):
    checkpoint.save(tiny, tmp_path / "model.ckpt")
    with pytest.raises(InputError, match="has 3 classes, whose labels are not known.* set restore to all or features"):
        checkpoint.restore(other, tmp_path, "labels", ("a", "b", "c"))
    with pytest.raises(InputError, match="restore 'label'; did you mean 'labels'?"):
        checkpoint.restore(other, tmp_path, "label")


def test_the_account_has_every_variable_of_both_sides(tiny, other, tmp_path):
    written = original_values(tiny, 601) | {f"{STEM}/Momentum": np.zeros(3, np.float32)}
    report = checkpoint.restore(other, write(tmp_path / "model.ckpt", written), "labels", ("dog", "rbc", "person"))
    rows = list(csv.DictReader(io.StringIO(report.to_csv())))
    assert {row["name"] for row in rows if row["what"] == "variable"} == written.keys() | other.variables.keys()
    assert [(row["name"], row["fate"], row["reason"]) for row in rows if row["what"] == "class"] == [
        ("dog", "carried", "Open Images label Dog"), ("rbc", "re-initialised", "no such Open Images label"),
        ("person", "carried", "Open Images label Person")]
    assert str(report) == ("312 variables restored; 12 variables carried; 2 variables ignored (optimiser slot: 1, "
                           "global_step: 1); Open Images knows 2 of 3 classes: dog (Dog), person (Person)")


@pytest.mark.parametrize("change, message", [
    (lambda values: values.pop(STEM), f"no variable '{STEM}'"),
    (lambda values: values.update({STEM: np.zeros((3, 3, 3, 5), np.float32)}), r"shape \[3, 3, 3, 5\] and not"),
    (lambda values: values.update({STEM: np.full_like(values[STEM], np.nan)}), f"'{STEM}' holds NaN"),
    (lambda values: values.update({STEM: values[STEM].astype(np.float64)}), f"'{STEM}' is of type float64 and not"),
    (lambda values: values.update({STEM: values[STEM].astype(np.float16)}), f"'{STEM}' is of type float16 and not"),
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
    (tmp_path / "model.ckpt.data-00000-of-00001").touch()
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


def test_a_checkpoint_of_another_kind_is_named(tiny_resnet, other, tmp_path):
    prefix = write(tmp_path / "model.ckpt", original_values(tiny_resnet, 601))
    assert (checkpoint.find_kind(prefix), checkpoint.count_classes(prefix)) == ("ssd_resnet101_fpn", 601)
    with pytest.raises(InputError, match=rf"no variable '{STEM[:-8]}.* \(and 259 more\) of the backbone of "
                                         "ssd_mobilenet_v2; it is a checkpoint of ssd_resnet101_fpn$"):
        checkpoint.restore(other, prefix)


def test_a_checkpoint_of_another_depth_is_named(tiny_resnet, tmp_path):
    shallow = build("ssd_resnet101_fpn", 3, input_size=64, width=0.05, depth=50)
    prefix = write(tmp_path / "model.ckpt", values_of(shallow))
    assert checkpoint.find_depth(prefix) == 50
    with pytest.raises(InputError, match=r"of ssd_resnet101_fpn; it is a checkpoint of depth 50; set depth to 50, or "
                                         r'checkpoint to one of depth 101 or to "" \(from scratch\)$'):
        checkpoint.restore(tiny_resnet, prefix)
    assert {row.fate for row in checkpoint.restore(shallow, prefix).rows} == {"restored"}


def test_a_checkpoint_of_tensorflow_2_is_named(tiny, other, tmp_path):
    prefix = tf.train.Checkpoint(model=tiny.model).write(str(tmp_path / "ckpt-1"))
    with pytest.raises(InputError, match="training checkpoint of TensorFlow 2; .* python -m detectors export"):
        checkpoint.restore(other, prefix)
    with pytest.raises(InputError, match="known are ssd_mobilenet_v2, ssd_resnet101_fpn"):
        checkpoint.find_kind(prefix)


def test_classes_are_counted_from_the_heads(tiny, tmp_path):
    checkpoint.save(tiny, tmp_path / "model.ckpt")
    assert checkpoint.count_classes(tmp_path) == 3
    write(tmp_path / "model.ckpt", {STEM: np.zeros(1, np.float32)})
    with pytest.raises(InputError, match="no class and box heads"):
        checkpoint.count_classes(tmp_path)


@pytest.mark.parametrize("channels", [0, 3, 5, 13])
def test_heads_for_no_number_of_classes_are_refused(tmp_path, channels):
    head = "BoxPredictor_0/{}/biases".format
    prefix = write(tmp_path / "model.ckpt", {head("BoxEncodingPredictor"): np.zeros(12, np.float32),
                                             head("ClassPredictor"): np.zeros(channels, np.float32)})
    with pytest.raises(InputError, match=f"model.ckpt: '{head('ClassPredictor')}' has {channels} channels"):
        checkpoint.count_classes(prefix)


def test_a_head_without_channels_starts_afresh(tiny, other, tmp_path):
    name = "BoxPredictor_0/ClassPredictor/biases"
    prefix = write(tmp_path / "model.ckpt", values_of(tiny) | {name: np.float32(1)})
    assert checkpoint.count_classes(prefix) == 3
    report = checkpoint.restore(other, prefix)
    assert {row.variable: row.reason for row in report.rows}[name] == "shape [] and not [12]"
    assert counts(report) == [322, 0, 2, 0]


def test_a_prefix_may_have_a_folder_of_its_name(tiny, other, tmp_path):
    (tmp_path / "mine").mkdir()
    checkpoint.save(tiny, tmp_path / "mine")
    assert counts(checkpoint.restore(other, tmp_path / "mine")) == [324, 0, 0, 1]


@pytest.mark.parametrize("name", ["run [1]", "run\\1", "run [1]/model.ckpt"])
def test_what_tensorflow_takes_for_a_pattern_is_refused(tmp_path, name):
    write(tmp_path / name, {STEM: np.zeros(1, np.float32)})
    with pytest.raises(InputError, match="in a path for a pattern; rename it"):
        checkpoint.count_classes(tmp_path / name)


def test_other_patterns_are_names(tmp_path):
    for classes, name in ((2, "run 1"), (4, "run ?"), (6, "run *"), (8, "run 2")):
        write(tmp_path / name, {"BoxPredictor_0/BoxEncodingPredictor/biases": np.zeros(4, np.float32),
                                "BoxPredictor_0/ClassPredictor/biases": np.zeros(classes + 1, np.float32)})
    assert [checkpoint.count_classes(tmp_path / name) for name in ("run ?", "run *")] == [4, 6]
