import json
import subprocess
import sys

import numpy as np
import pytest

from datasets.errors import InputError
from detectors import runtime

runtime.start()

import tensorflow as tf  # noqa: E402
import tf_keras  # noqa: E402

from datasets.annotations import for_training  # noqa: E402
from datasets.read import read  # noqa: E402
from records.manifest import first_shards  # noqa: E402
from records.write import write_records  # noqa: E402
from study.config import Runtime  # noqa: E402
from tests.small import write_dataset  # noqa: E402
from tests.train import replicas  # noqa: E402
from train import strategy as strategies  # noqa: E402
from train.strategy import check_batch, check_cluster, precision, prepare, runtime_settings  # noqa: E402


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """Records of eight images with one to three boxes each, as settings of `replicas`."""
    root = write_dataset(tmp_path_factory.mktemp("data"), train=8, validation=1)
    annotations, _ = read(root / "annotations/instances_train.json")
    write_records(for_training(annotations), root / "train", root / "records", stored_size=64)
    return {"shards": [str(shard) for shard in first_shards(root / "records", 8)], "images": 8}


@pytest.fixture(scope="module")
def float32(records):
    return replicas.train(**records, steps=2)


@pytest.fixture(scope="module")
def large(records):
    return replicas.train(**records, steps=2, input_size=300)


def _compare(tmp_path, records, **detector):
    """Compare three steps on two replicas with the same on one.

    The network computes in float64, for in float32 batch normalisation on a handful of pixels blows rounding up within
    two steps, on one device as well. Its loss is float32. Found: losses 1e-7, weights 2e-11 of their largest change.
    """
    two, one = replicas.run(tmp_path / "out.npz", [2, 1], float64=True, **detector, **records)
    assert two["parts"].tolist() == [2, 2] and one["parts"].tolist() == [4]
    np.testing.assert_allclose(two["losses"], one["losses"], rtol=1e-6)
    names = [name.removeprefix("after/") for name in one if name.startswith("after/")]
    # Without replicas, float64 takes tf_keras's unfused kernel, whose moving variance is biased, as no training's is.
    for name in [name for name in names if not name.endswith("moving_variance")]:
        np.testing.assert_array_equal(two[f"before/{name}"], one[f"before/{name}"])
        moved = np.abs(one[f"after/{name}"] - one[f"before/{name}"]).max()
        np.testing.assert_allclose(two[f"after/{name}"], one[f"after/{name}"], rtol=0, atol=1e-6 * moved + 1e-12)
    heads = [name for name in names if "ClassPredictor/" in name]
    assert all(np.abs(one[f"after/{name}"] - one[f"before/{name}"]).max() > 1e-6 for name in heads)


@pytest.mark.slow
def test_two_replicas_train_as_one_does(tmp_path, records):
    _compare(tmp_path, records, kind="ssd_mobilenet_v2", input_size=64)


@pytest.mark.slow
def test_two_replicas_train_the_other_detector_as_one_does(tmp_path, records):
    """With half its layers, which are of the same kinds."""
    _compare(tmp_path, records, kind="ssd_resnet101_fpn", input_size=128, depth=50)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_mixed_precision_stays_near_float32(dtype, large, records):
    """At a size whose maps are all wider than a pixel where a 3x3 convolution reads them.

    For a single one, TensorFlow's bfloat16 gradient by the kernel (stride 2, CPU) is whatever the memory held.
    """
    mixed = replicas.train(**records, steps=2, input_size=300, runtime={"precision": dtype})
    assert mixed["losses"] == pytest.approx(large["losses"], rel=0.05)
    assert mixed["losses"] != large["losses"]
    assert all(value.dtype == np.float32 and np.isfinite(value).all()
               for name, value in mixed.items() if name.startswith("after/"))
    assert tf_keras.mixed_precision.global_policy().name == "float32"


@pytest.mark.slow
def test_compiled_by_xla_the_loss_is_the_same(float32, records):
    compiled = replicas.train(**records, steps=2, runtime={"xla": True})
    assert compiled["losses"][0] == pytest.approx(float32["losses"][0], rel=1e-4)  # found: 2e-5
    assert compiled["losses"][1] == pytest.approx(float32["losses"][1], rel=1e-2)  # after a step, rounding has grown


def test_precision_is_float32_again_also_after_an_error():
    with pytest.raises(ValueError), precision(Runtime(precision="bfloat16")):
        assert tf_keras.mixed_precision.global_policy().name == "mixed_bfloat16"
        raise ValueError
    assert tf_keras.mixed_precision.global_policy().name == "float32"


@pytest.mark.parametrize(("given", "gpus", "expected"), [
    (Runtime(), 0, {"distribution_strategy": "one_device", "num_gpus": 0, "loss_scale": None, "enable_xla": False}),
    (Runtime(precision="float16"), 4, {"num_gpus": 1, "mixed_precision_dtype": "float16", "loss_scale": "dynamic"}),
    (Runtime(precision="bfloat16", xla=True, distribution="mirrored"), 4,
     {"num_gpus": 4, "loss_scale": None, "enable_xla": True, "distribution_strategy": "mirrored"}),
    (Runtime(distribution="mirrored", replicas=2), 4, {"num_gpus": 2}),
    (Runtime(distribution="mirrored", replicas=2), 0, {"num_gpus": 0}),
    (Runtime(distribution="multi_worker"), 2, {"distribution_strategy": "multi_worker_mirrored", "num_gpus": 2}),
])
def test_the_model_garden_is_told(given, gpus, expected, monkeypatch):
    monkeypatch.setattr(strategies, "_gpus", lambda: gpus)
    assert {key: runtime_settings(given)[key] for key in expected} == expected


@pytest.mark.parametrize(("given", "gpus", "message"), [
    (Runtime(replicas=2), 0, "2 replicas, but one_device has one CPU; choose mirrored"),
    (Runtime(replicas=2), 4, "2 replicas, but one_device has 1 GPU; choose mirrored"),
    (Runtime(distribution="mirrored", replicas=5), 4, "5 replicas, but mirrored has 4 GPUs; lower or leave out"),
    (Runtime(distribution="multi_worker", replicas=2), 0, "2 replicas, but multi_worker has one CPU"),
    (Runtime(distribution="multi_worker", replicas=2), 4, "multi_worker takes all 4 GPUs .* CUDA_VISIBLE_DEVICES"),
])
def test_devices_that_are_not_there_are_an_error(given, gpus, message, monkeypatch):
    monkeypatch.setattr(strategies, "_gpus", lambda: gpus)
    with pytest.raises(InputError, match=message):
        runtime_settings(given)


@pytest.mark.parametrize(("text", "said"), [
    ("", "TF_CONFIG is not set"), ("{", "TF_CONFIG is '{'"), ("[]", "TF_CONFIG is"), ("{}", "TF_CONFIG is"),
    ('{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}', "TF_CONFIG is"),
    ('{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": -1}}', "TF_CONFIG is"),
    ('{"cluster": {"worker": ["a:1"]}, "task": {"type": "evaluator", "index": 0}}', "TF_CONFIG is"),
])
def test_workers_must_be_named(text, said, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(InputError, match="several workers need it") as error:
        prepare(Runtime(distribution="multi_worker"))
    assert said in str(error.value)


def test_named_workers_are_fine():
    check_cluster('{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 1}}')
    check_cluster('{"cluster": {"chief": ["a:1"], "worker": ["b:1"]}, "task": {"type": "chief", "index": 0}}')


def test_what_comes_too_late_is_an_error(tmp_path):
    """TensorFlow splits its devices, and connects workers, before its first computation or never."""
    program = ("from detectors import runtime; runtime.start()\n"
               "import tensorflow as tf; tf.constant(1)\n"
               "from datasets.errors import InputError; from study.config import Runtime\n"
               "from train.strategy import prepare\n"
               "for name in ('mirrored', 'multi_worker'):\n"
               "    try: prepare(Runtime(distribution=name, replicas=2 if name == 'mirrored' else None))\n"
               "    except InputError as error: print(error)\n")
    config = {"cluster": {"worker": ["localhost:1"]}, "task": {"type": "worker", "index": 0}}
    finished = subprocess.run([sys.executable, "-c", program], cwd=replicas.ROOT, capture_output=True, text=True,
                              env={"TF_CONFIG": json.dumps(config), "PATH": "", "CUDA_VISIBLE_DEVICES": "-1"})
    first, second = finished.stdout.splitlines()
    assert "the CPU cannot be split into 2 replicas, TensorFlow computed on it before" in first
    assert "multi_worker cannot start, TensorFlow computed before" in second


def test_a_batch_that_replicas_cannot_share_names_both():
    class Three:
        num_replicas_in_sync = 3

    check_batch(12, Three(), "cell")
    with pytest.raises(InputError, match="cell: a batch of 16 images cannot be shared evenly by 3 replicas"):
        check_batch(16, Three(), "cell")


def test_one_process_has_one_strategy():
    assert prepare(Runtime()) is prepare(Runtime(precision="bfloat16"))
    assert isinstance(prepare(Runtime()), tf.distribute.OneDeviceStrategy)
