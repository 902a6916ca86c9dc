import json

import pytest

from detectors import runtime

runtime.start()

import tensorflow as tf  # noqa: E402

from benchmarks.training import __main__ as command  # noqa: E402
from benchmarks.training import accelerator, material  # noqa: E402
from benchmarks.training.accelerator import Usage, count_flops, measure_usage, peak_of, share_waiting  # noqa: E402
from benchmarks.training.comparisons import Comparison, Findings, Side, compare_input, compare_steps  # noqa: E402
from benchmarks.training.rounds import Ratio, ratio, take_turns  # noqa: E402
from benchmarks.training.steps import Settings, choose_recipe, ours, read_detector  # noqa: E402
from benchmarks.training.table import as_json, as_markdown  # noqa: E402
from datasets.errors import InputError  # noqa: E402
from study.config import DetectorConfig, Recipe, Runtime  # noqa: E402

TINY = DetectorConfig(name="tiny", width=0.1, input_size=64, stored_size=64)
RECIPE = Recipe(batch_size=2, steps=100)


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    folder = tmp_path_factory.mktemp("digits")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(material, "IMAGES", 6)
        return material.write_material(folder / "records", 64, *material.paint_digits(folder))


def test_painted_digits_are_as_large_as_photographs(records, tmp_path, monkeypatch):
    monkeypatch.setattr(material, "IMAGES", 2)
    annotations, images = material.paint_digits(tmp_path)
    assert records.images == 6 and len(records.classes) == 10
    assert all(100_000 < path.stat().st_size < 200_000 for path in images.iterdir())
    whole = material.write_material(tmp_path / "records", 480, annotations, images)
    assert whole.images == 2 and "2 images of 10 classes" in whole.text


def test_sides_take_turns_and_start_in_another_order():
    calls = []
    sides = {name: (lambda name=name: calls.append(name)) for name in "abc"}
    times = take_turns(sides, rounds=2, steps=2, ahead=1)
    assert "".join(calls) == "abc" + "aaabbbccc" + "bbbcccaaa"
    assert {name: len(seconds) for name, seconds in times.items()} == dict.fromkeys("abc", 2)


def test_a_ratio_compares_within_rounds():
    assert ratio([2, 30, 3], [1, 10, 2]) == Ratio(2, 1.5, 3)


def test_operations_are_counted_forward_and_backward():
    """A convolution's backward has its gradient by kernel and by input; the first one's input needs none."""
    kernels = [tf.Variable(tf.ones(shape)) for shape in ((3, 3, 3, 8), (3, 3, 8, 1), (1, 1, 8, 5))]

    def step(images):
        with tf.GradientTape() as tape:
            features = tf.nn.conv2d(images, kernels[0], 2, "SAME")
            features = tf.nn.depthwise_conv2d(features, kernels[1], (1, 1, 1, 1), "SAME")
            total = tf.reduce_sum(tf.nn.conv2d(features, kernels[2], 1, "SAME"))
        for kernel, gradient in zip(kernels, tape.gradient(total, kernels)):
            kernel.assign_sub(gradient)
        return total

    pixels = 4 * 8 * 8
    assert count_flops(step, tf.ones((4, 16, 16, 3))) == 2 * pixels * (
        2 * 3 * 3 * 3 * 8 + 3 * 3 * 3 * 8 + 3 * 8 * 5)


@pytest.mark.parametrize(("device", "precision", "peak"), [
    ("NVIDIA H100 PCIe", "bfloat16", 756), ("NVIDIA H100 80GB HBM3", "float32", 494.7),
    ("NVIDIA A100-SXM4-40GB", "float16", 312), ("NVIDIA L40S", "bfloat16", 362), ("NVIDIA L4", "bfloat16", 121),
    ("Tesla T4", "float16", 65), ("Tesla T4", "bfloat16", None), ("GeForce GTX 1080", "float32", None),
])
def test_peaks_go_by_the_chips_name(device, precision, peak):
    assert peak_of(device, precision) == peak


def test_waiting_is_what_next_takes(monkeypatch):
    clock = [0.0]

    def batches():
        while True:
            clock[0] += 1
            yield None

    def step(_):
        clock[0] += 3

    monkeypatch.setattr(accelerator.time, "perf_counter", lambda: clock[0])
    assert share_waiting(batches(), step, 5) == (4, 0.25)


def test_a_trainings_usage_is_measured(records):
    settings = Settings(2, Runtime())
    usage = measure_usage(ours(TINY, RECIPE, settings, records), settings, "tiny", steps=2, peak=1e-3)
    assert usage.in_memory > 0 and usage.from_records > 0 and 0 <= usage.waiting < 1
    assert usage.gigabytes is None or usage.gigabytes > 0
    assert usage.share_of_peak == pytest.approx(usage.teraflops / 1e-3) and usage.teraflops > 0


def test_input_is_compared_with_memory(records):
    findings = compare_input(TINY, RECIPE, Settings(2, Runtime()), records, rounds=2, steps=1)
    assert [side.name for side in findings.sides] == ["ours, in memory", "ours, from records"]
    (found,) = findings.comparisons
    assert found.ratio.low <= found.ratio.middle <= found.ratio.high and not found.at_most


@pytest.mark.slow
@pytest.mark.parametrize("runtime", [Runtime(), Runtime(precision="bfloat16", xla=True)])
def test_steps_are_compared_with_the_backbone_and_retinanet(records, runtime):
    findings = compare_steps(TINY, RECIPE, Settings(2, runtime), records, rounds=2)
    assert [(side.name, side.pixels) for side in findings.sides] == [
        ("ours", 64), ("bare backbone", 64), ("ours, size of RetinaNet", 64), ("RetinaNet", 64)]
    assert len(findings.comparisons) == 3 and all(side.seconds > 0 for side in findings.sides)


def test_the_tables_say_what_was_found():
    findings = Findings([Side("ours", 300, 0.5, 24.0)], [
        Comparison("step / bare backbone", Ratio(1.2, 1.1, 1.4), 1.35, True),
        Comparison("rate", Ratio(0.85, 0.8, 0.9), 0.9, False)])
    usages = [Usage("ssd", "bfloat16", True, 1234.4, 1000.0, 0.12, 3.21, 40.0, 0.125),
              Usage("ssd", "float32", False, 600.0, 590.0, 0.0, None, 20.0, None)]
    text = as_markdown(findings, usages)
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]
    assert ["ours", "300", "500", "24.0"] in lines
    assert ["step / bare backbone", "1.20 (1.10 - 1.40)", "at most 1.35", "yes"] in lines
    assert ["rate", "0.85 (0.80 - 0.90)", "at least 0.9", "no"] in lines
    assert ["ssd", "bfloat16", "yes", "1234", "1000", "12%", "3.2", "40.00", "12.5%"] in lines
    assert lines[-1][-3:] == ["unknown", "20.00", "unknown"]
    assert as_json(findings, usages)["comparisons"][0]["reached"] is True
    assert "TFLOP/s" not in as_markdown(findings, [])


def test_the_recipe_is_the_detectors(capsys):
    detector = read_detector("ssd_mobilenet_v2")
    assert choose_recipe(detector, "study2019", None).batch_size == 12
    assert choose_recipe(detector, "study2019", 4).batch_size == 4
    with pytest.raises(InputError, match="has no recipe 'study2091'; did you mean 'study2019'"):
        choose_recipe(detector, "study2091", None)


@pytest.mark.parametrize("wrong", [["--batch", "0"], ["--rounds", "0"], ["--images", "x"], ["--precision", "int8"]])
def test_wrong_flags_are_refused(wrong):
    with pytest.raises(SystemExit):
        command.main(wrong)


def test_the_command_writes_what_it_prints(tmp_path, monkeypatch, capsys):
    """On painted digits, with a tiny detector and without RetinaNet, whose network is not tiny."""
    tiny = DetectorConfig(name="tiny", width=0.1, input_size=64, stored_size=64, recipes={"study2019": RECIPE})
    monkeypatch.setattr(material, "IMAGES", 4)
    monkeypatch.setattr("benchmarks.training.steps.read_detector", lambda _: tiny)
    monkeypatch.setattr("benchmarks.training.comparisons.RETINANET", "")
    assert command.main(["--rounds", "1", "--steps", "1", "--no-gpu", "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "no GPU measured" in printed and "step / bare backbone, 64 px" in printed
    assert (tmp_path / "training.md").read_text().strip().endswith(printed.strip().splitlines()[-1])
    sides = json.loads((tmp_path / "training.json").read_text())["sides"]
    assert [side["name"] for side in sides] == ["ours", "bare backbone", "ours, in memory", "ours, from records"]
