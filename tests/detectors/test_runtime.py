import os
import subprocess
import sys

import pytest

from detectors import runtime


@pytest.fixture
def gpu_file(tmp_path, monkeypatch):
    """A machine whose driver has made a device file for one GPU."""
    (tmp_path / "nvidia0").touch()
    monkeypatch.setattr(runtime._has_nvidia_gpu, "__defaults__", (tmp_path,))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def test_start_is_quiet_and_names_the_device():
    code = "from detectors import runtime; print(runtime.start('evaluating')); import tensorflow as tf; tf.zeros(1)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(("evaluating on CPU (", "evaluating on GPU ("))
    assert done.stderr == ""


def test_a_gpu_that_was_expected_and_is_absent_is_told():
    code = "from detectors import runtime; print(runtime.start(expect_gpu=True))"
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "-1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.startswith("no GPU found: training on CPU (")


def test_importing_the_module_does_not_import_tensorflow():
    code = "import detectors.runtime, sys; raise SystemExit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize("gpus, sentence", [
    (["H100"], "GPU (H100)"),
    (["A100", "A100"], "GPU (A100), one of 2"),
])
def test_gpus_are_named(gpus, sentence):
    assert runtime._device(gpus) == sentence


def test_a_gpu_that_cannot_be_used_is_told_with_the_remedy(gpu_file):
    assert "there is a GPU that TensorFlow cannot use" in runtime._device([])
    assert "GPU=1" in runtime._device([])


def test_a_hidden_gpu_is_told(gpu_file, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert runtime._device([]).endswith("the GPU is hidden by CUDA_VISIBLE_DEVICES=''")


def test_a_gpu_that_a_scheduler_assigned_is_not_called_hidden(gpu_file, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert "TensorFlow cannot use" in runtime._device([])


def test_control_files_are_no_gpu(tmp_path):
    for name in ("nvidiactl", "nvidia-uvm", "nvidia-modeset"):
        (tmp_path / name).touch()
    assert not runtime._has_nvidia_gpu(tmp_path)
