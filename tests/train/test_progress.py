import math

import pytest

from datasets.errors import InputError
from detectors import runtime

runtime.start()

from train.progress import TrainingProgress  # noqa: E402


def test_without_a_terminal_it_prints_plain_lines(capsys):
    progress = TrainingProgress("cell", 50, 0)
    for loss in (3.0, 2.0, 1.5):
        progress({"training_loss": loss})
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("cell: step 50 of 50, loss 1.500, ") and line.endswith(" 0 s left")
    assert progress.loss == 1.5


def test_a_resumed_run_counts_on(capsys):
    TrainingProgress("cell", 140, 120)({"training_loss": 1.0})
    assert "step 140 of 140" in capsys.readouterr().err


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_diverged_loss_stops_the_training_and_names_the_step(loss):
    progress = TrainingProgress("digits 5 %", 100, 0)
    progress({"training_loss": 1.0})
    with pytest.raises(InputError, match="digits 5 %: the loss is .* at step 40"):
        progress({"training_loss": loss})
