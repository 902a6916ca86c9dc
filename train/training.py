"""What a finished training leaves behind: training.json."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import Any

from datasets.errors import InputError
from datasets.files import read_json
from study.layout import RunFolder
from train.resume import is_whole


@dataclass(frozen=True)
class Training:
    """What is known of a finished training; the content of training.json."""

    fingerprint: str
    images: int
    boxes: int
    steps: int  # that the weights were trained for
    resumed_at: int  # step at which the last process took over; 0 if it ran in one go
    checkpoint: str  # file name under the run's checkpoints
    seconds: float  # of training steps in all processes, up to the last checkpoint of those that were killed
    images_per_second: float  # in these seconds
    loss: float | None  # training loss at the end, with weight decay; None where the last process had no step to take
    device: str
    chosen: str = "last"  # "best": by the tuning split; "whole": the whole subset, for the steps that were best so
    tuning_images: int = 0  # of `images`, that chose
    tuning_steps: int = 0  # trained in order to choose
    skipped: int = 0  # of `images`, that cannot be decoded
    class_boxes: dict[str, int] = field(default_factory=dict)  # the same boxes by class
    timed_steps: int = 0  # that took these seconds; more than `steps` where another pass found their number
    joules: float | None = None  # that the devices took in these seconds; None where they do not tell
    processes: int = 1  # that trained
    started: str = ""  # UTC
    ended: str = ""
    trained_by: list[dict[str, Any]] = field(default_factory=list)  # code, packages, host, device: one per kind


def read_training(run: RunFolder) -> Training | None:
    """Return what training.json says, None where it or the weights that it names are damaged, which is said on stderr.

    Raises InputError where it is of another version.
    """
    try:
        training = Training(**read_json(run.training))
    except InputError as error:
        print(f"{error}: trained on from the last checkpoint", file=sys.stderr, flush=True)
        return None
    except TypeError as error:
        raise InputError(f"{run.training}: not of this version ({error}); delete it to train on from the last "
                         "checkpoint") from None
    if is_whole(run.checkpoints / training.checkpoint):
        return training
    print(f"{run.checkpoints / training.checkpoint}: not whole; trained on from what is", file=sys.stderr, flush=True)
    return None
