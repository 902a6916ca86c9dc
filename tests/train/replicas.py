"""Train a tiny detector for some steps on one or several replicas; devices can be split once in a process.

``python -m tests.train.replicas OUT.npz '{"kind": …, "replicas": [2, 1]}'`` writes, for each number of replicas, what
`train` returns.
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = {"kind": "ssd_mobilenet_v2", "depth": 101, "width": 0.1, "input_size": 64, "batch_size": 4, "steps": 3,
            "float64": False, "shards": [], "images": 0, "runtime": {}}


def run(out: Path, replicas: list[int], **settings) -> list[dict[str, np.ndarray]]:
    """Train on each number of `replicas`, the most first, in a new process; return what `train` does."""
    command = [sys.executable, "-m", "tests.train.replicas", str(out), json.dumps(settings | {"replicas": replicas})]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    arrays = np.load(out)
    return [{name.removeprefix(f"{count}:"): arrays[name] for name in arrays if name.startswith(f"{count}:")}
            for count in replicas]


def train(**settings) -> dict:
    """Return what training steps of the task leave, with SETTINGS changed by `settings`.

    "losses" of the steps, "parts": the images in each replica's batch, and the variables "before/…" and "after/…".
    """
    import orbit
    import tensorflow as tf
    import tf_keras

    from study.config import DetectorConfig, Recipe, Runtime
    from train import strategy as strategies
    from train.experiment import configure
    from train.task import DetectionTask

    class Task(DetectionTask):
        def build_losses(self, labels, model_outputs, aux_losses=None):
            """Weight decay is float64 where the network is."""
            return super().build_losses(labels, model_outputs, [tf.cast(loss, tf.float32) for loss in aux_losses])

    settings = SETTINGS | settings
    runtime = Runtime(**settings["runtime"])
    strategy = strategies.prepare(runtime)
    tf_keras.utils.set_random_seed(1)
    detector = DetectorConfig(name="tiny", **{key: settings[key] for key in ("kind", "depth", "width", "input_size")})
    recipe = Recipe(batch_size=settings["batch_size"], steps=settings["steps"], warmup_steps=0, learning_rate=0.01,
                    schedule="constant", batch_norm_momentum=0.9)
    params = configure(detector, recipe, classes=("red", "green", "blue"), shards=settings["shards"],
                       images=settings["images"], seed=0, start_step=0, checkpoint_every=100,
                       runtime=strategies.runtime_settings(runtime))
    with strategies.precision(runtime), strategy.scope():
        if settings["float64"]:
            tf_keras.mixed_precision.set_global_policy("float64")
        task = Task(params.task)
        optimizer = task.create_optimizer(params.trainer.optimizer_config, params.runtime)
    before = {name: variable.numpy() for name, variable in task.detector.variables.items()}
    batches = iter(orbit.utils.make_distributed_dataset(strategy, task.build_inputs, params.task.train_data))
    step = tf.function(task.train_step, jit_compile=True) if runtime.xla else task.train_step

    @tf.function
    def train_step(batches):
        def on_replica(batch):
            return step(batch, task.detector.model, optimizer)[task.loss], tf.shape(batch[0])[0]

        loss, size = strategy.run(on_replica, args=(next(batches),))
        return strategy.reduce("MEAN", loss, axis=None), strategy.experimental_local_results(size)

    outcomes = [train_step(batches) for _ in range(settings["steps"])]
    after = {name: variable.numpy() for name, variable in task.detector.variables.items()}
    return ({"losses": [float(loss) for loss, _ in outcomes], "parts": [int(size) for size in outcomes[-1][1]]}
            | {f"before/{name}": value for name, value in before.items()}
            | {f"after/{name}": value for name, value in after.items()})


def main() -> None:
    from detectors import runtime

    runtime.start()
    settings = json.loads(sys.argv[2])
    written = {}
    for count in settings.pop("replicas"):
        outcome = train(**settings, runtime={"distribution": "mirrored", "replicas": count})
        written |= {f"{count}:{name}": value for name, value in outcome.items()}
    np.savez(sys.argv[1], **written)


if __name__ == "__main__":
    main()
