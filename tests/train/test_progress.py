import math

import pytest

from datasets.errors import InputError
from detectors import runtime

runtime.start()

import tensorflow as tf  # noqa: E402

from train.progress import GoodSteps, TrainingProgress  # noqa: E402


def output(loss, good=20):
    return {"training_loss": loss, "good_steps": good}


def test_without_a_terminal_it_prints_plain_lines(capsys):
    progress = TrainingProgress("cell", 50, 0)
    for loss, good in ((3.0, 20), (2.0, 20), (1.5, 10)):
        progress(output(loss, good))
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("cell: step 50 of 50, loss 1.500, ") and line.endswith(" 0 s left")
    assert progress.loss == 1.5


def test_a_resumed_run_counts_on(capsys):
    TrainingProgress("cell", 140, 120)(output(1.0))
    assert "step 140 of 140" in capsys.readouterr().err


def test_who_follows_is_told_what_is_known_of_every_loop():
    told = []
    progress = TrainingProgress("cell", 130, 100, follow=lambda *of: told.append(of))
    progress(output(2.0) | {"learning_rate": tf.constant(0.5)})
    progress(output(1.0, 10))
    assert told == [({"training_loss": 2.0, "learning_rate": 0.5}, 120), ({"training_loss": 1.0}, 130)]


def test_a_loop_ends_where_the_training_pauses():
    progress = TrainingProgress("cell", 100, 0)
    progress.target = 30
    progress(output(1.0))
    progress(output(1.0, 10))
    assert progress.progress.done == 30


@pytest.mark.parametrize(("loss", "good", "step"), [(math.nan, 0, 21), (math.inf, 7, 28), (math.nan, 19, 40)])
def test_a_diverged_loss_stops_the_training_and_names_the_step(loss, good, step):
    progress = TrainingProgress("digits 5 %", 100, 0)
    progress(output(1.0))
    with pytest.raises(InputError, match=f"digits 5 %: the loss is not finite at step {step}; lower the .* recipe$"):
        progress(output(loss, good))


def test_the_last_good_checkpoint_is_named(tmp_path):
    checkpoint = tf.train.CheckpointManager(tf.train.Checkpoint(), str(tmp_path), max_to_keep=1).save()
    progress = TrainingProgress("cell", 100, 0, checkpoints=tmp_path)
    with pytest.raises(InputError, match=f"another --name; the last good checkpoint is kept, {checkpoint}$"):
        progress(output(math.nan, 0))


@pytest.mark.parametrize("value", [math.nan, -math.inf])
def test_weights_that_the_last_step_spoilt_stop_the_training_too(value):
    weights = [tf.Variable([1.0, 2.0]), tf.Variable(3.0)]
    progress = TrainingProgress("cell", 100, 0, weights)
    progress(output(1.0))
    weights[0].assign([1.0, value])
    with pytest.raises(InputError, match="the weights are not finite at step 40"):
        progress(output(1.0))


@pytest.mark.parametrize(("losses", "good"), [
    ([], 0), ([1.0, 2.0, 3.0], 3), ([1.0, math.nan, 3.0], 1), ([math.inf, 1.0], 0), ([1.0, 2.0, -math.inf], 2),
])
def test_steps_before_the_first_bad_loss_are_counted(losses, good):
    metric = GoodSteps()
    for _ in range(2):
        for loss in losses:
            metric.update_state(tf.constant(loss))
        assert int(metric.result()) == good
        metric.reset_states()
