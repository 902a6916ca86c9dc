"""A study's configuration as frozen structs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from datasets.errors import InputError, nearest
from datasets.orders.order import FRACTIONS
from study.search import Search

REPOSITORY = Path(__file__).resolve().parent.parent
CONFIGS = REPOSITORY / "configs"
RESERVED = ("charts", "forecast")  # folders of a study that are not data sets

# A dot stands between digits alone: a folder's name is then never that of a file of the study.
Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9]([A-Za-z0-9_-]|(?<=[0-9])\.(?=[0-9]))*\Z", max_length=100)]
Count = Annotated[int, msgspec.Meta(ge=1, le=10**9)]
NotNegative = Annotated[float, msgspec.Meta(ge=0, le=1e9)]
Positive = Annotated[float, msgspec.Meta(gt=0, le=1e9)]
Decay = Annotated[float, msgspec.Meta(ge=0, lt=1)]
Percent = Annotated[float, msgspec.Meta(ge=0, le=100)]


class Split(msgspec.Struct, frozen=True, kw_only=True):
    """Where one split lives: annotations and the folder that its images' names start from, relative to the root."""

    annotations: str
    images: str
    split: str = ""  # which one, where the annotations are a VOC or YOLO folder


class DatasetConfig(msgspec.Struct, frozen=True, kw_only=True):
    """A data set. `generator` names an embedded one, made under `root` when it is not there yet.

    `generated` says how many images it makes for training and for validation; empty is the full size.
    `root` is an absolute path or relative to the repository; an embedded set's default is data/<name>.
    With `hold_out`, that many per cent of the training images are the validation set, chosen by hash of their names.
    """

    name: Name
    root: str = ""
    generator: Literal["", "digits", "letters"] = ""
    generated: Annotated[tuple[Count, ...], msgspec.Meta(max_length=2)] = ()
    train: Split = Split(annotations="annotations/instances_train.json", images="train")
    validation: Split = Split(annotations="annotations/instances_val.json", images="val")
    hold_out: Annotated[float, msgspec.Meta(ge=0, lt=100)] = 0.0  # above 0, `validation` is not read
    format: Literal["", "coco", "bdd", "voc", "yolo"] = ""  # of the annotations; recognised if empty
    class_map: str = ""  # a name in configs/class_maps, or a YAML file relative to the repository
    classes: tuple[str, ...] = ()  # names to keep, after the class map; empty keeps all
    vocabulary: Count | None = None  # of these the so many with most training boxes; None keeps all
    ranking: str = ""  # for the strategy order-file: a file of images in order, relative to the root
    max_corrupt: Percent = 1.0  # of a subset's training images that cannot be decoded: fewer are skipped, more an error
    of: str = ""  # name of the entry whose `vary` this one is a value of
    varied: dict[str, float] = {}  # setting that varies -> its value here


class Tuning(msgspec.Struct, frozen=True, kw_only=True):
    """A tuning split, cut by hash from the training subset, that chooses when to stop; the validation set never does.

    The AP on it is taken every `every` steps. Training stops after `patience` looks without a better one; 0 never
    stops. Then the best checkpoint is kept, or the whole subset is trained on for as many steps.
    """

    hold_out: Annotated[float, msgspec.Meta(gt=0, lt=100)] = 10.0  # per cent of the subset
    every: Count = 200
    patience: Annotated[int, msgspec.Meta(ge=0, le=10**6)] = 5
    then: Literal["best", "whole"] = "best"


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """How long and how a detector is trained. `steps` fixes the length; otherwise `epochs` with a floor."""

    batch_size: Count = 16
    steps: Count | None = None
    epochs: Positive = 10.0
    min_steps: Count = 500
    max_steps: Count | None = None
    optimizer: Literal["sgd", "rmsprop", "adam"] = "sgd"
    learning_rate: Positive = 0.01
    schedule: Literal["constant", "cosine"] = "cosine"
    decay_start: Annotated[int, msgspec.Meta(ge=0, le=10**9)] = 0  # step at which the cosine starts to fall
    warmup_steps: Annotated[int, msgspec.Meta(ge=0, le=10**6)] = 100
    warmup_learning_rate: NotNegative = 0.0  # at step 0
    momentum: Decay = 0.9
    rho: Decay = 0.9  # RMSProp's decay of the squared gradients
    epsilon: Positive = 1e-7
    clip_norm: NotNegative = 10.0  # global norm; 0 leaves gradients alone
    weight_decay: NotNegative = 4e-5  # L2 on the kernels the original names, slim's scale (half the sum of squares)
    batch_norm_momentum: Decay | None = None  # None follows the number of steps
    augment: tuple[Literal["flip", "ssd_crop", "image_crop"], ...] = ("flip", "ssd_crop")
    moving_average: Decay = 0.0  # of the weights, which is then evaluated; 0 for none
    restore: Literal["all", "features", "labels"] = "all"  # of the checkpoint: see docs/checkpoints.md
    tuning: Tuning | None = None


class DetectorConfig(msgspec.Struct, frozen=True, kw_only=True):
    """A detector: architecture, the checkpoint it starts from, and its recipes by name."""

    name: Name
    kind: Literal["ssd_mobilenet_v2", "ssd_resnet101_fpn"] = "ssd_mobilenet_v2"
    width: Annotated[float, msgspec.Meta(gt=0, le=4)] = 1.0
    depth: Literal[50, 101, 152] = 101  # layers of ResNet; no other kind has a choice
    input_size: Annotated[int, msgspec.Meta(ge=32, le=4096)] = 300  # pixels, square
    stored_size: Annotated[int, msgspec.Meta(ge=32, le=8192)] = 384  # shorter side of images in records, pixels
    checkpoint: str = ""  # zoo name, archive, folder or prefix (relative to the repository); empty: from scratch
    recipes: dict[Name, Recipe] = {}
    of: str = ""  # name of the entry whose `vary` this one is a value of
    varied: dict[str, float] = {}  # setting that varies -> its value here


class Runtime(msgspec.Struct, frozen=True, kw_only=True):
    """What a training runs on. A recipe's batch is that of all replicas together, however many there are.

    `replicas` are devices of this machine (None: every GPU, or the one CPU); CPUs may be split into several. The
    machines of multi_worker are named in the environment variable TF_CONFIG.
    """

    precision: Literal["float32", "bfloat16", "float16"] = "float32"  # float16 with loss scaling
    xla: bool = False  # on GPUs
    distribution: Literal["one_device", "mirrored", "multi_worker"] = "one_device"
    replicas: Count | None = None


class Repeats(msgspec.Struct, frozen=True, kw_only=True):
    """Repeat subsets of at most `up_to` per cent: `count` values of draw or seed instead of one."""

    up_to: Percent = 10.0
    count: Count = 1


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """Which metric is forecast, from which subsets (at most `fit_up_to` per cent of the images), and what is asked."""

    metric: Literal["AP", "AP50"] = "AP"
    fit_up_to: Annotated[float, msgspec.Meta(gt=0, lt=100)] = 20.0
    targets: tuple[Annotated[float, msgspec.Meta(ge=1, le=100)], ...] = ()  # points; empty: round ones


class Prices(msgspec.Struct, frozen=True, kw_only=True):
    """What the report puts a price on; 0 is not counted."""

    hour: NotNegative = 0.0  # of the device that trains and evaluates
    image: NotNegative = 0.0  # its labels
    currency: Annotated[str, msgspec.Meta(max_length=12)] = ""


class Tracker(msgspec.Struct, frozen=True, kw_only=True):
    """A service that follows runs besides TensorBoard. It never stops a training."""

    kind: Literal["mlflow", "clearml"]
    uri: str = ""  # of an MLflow server or folder; empty: what its own environment variables say
    project: str = ""  # empty: the study's name
    offline: bool = False  # ClearML: write a session to a folder instead of a server
    patience: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 10.0  # seconds that it gets at the end of a process


class Study(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that determines a study."""

    name: Name
    datasets: tuple[DatasetConfig, ...]
    detectors: tuple[DetectorConfig, ...]
    fractions: tuple[float, ...] = FRACTIONS  # per cent of the images
    strategy: Literal["random", "stratified", "balanced", "order-file"] = "random"  # of the nested order
    draws: Repeats = Repeats()
    seeds: Repeats = Repeats()
    recipe: Name = "scaled"
    runtime: Runtime = Runtime()
    checkpoint_every: Count = 200  # steps
    bootstrap: Annotated[int, msgspec.Meta(ge=20, le=100_000)] = 200  # resamples behind every error bar
    forecast: Forecast = Forecast()
    prices: Prices = Prices()
    search: Search | None = None  # of hyperparameters, at each size
    tracking: tuple[Tracker, ...] = ()


def find_detector(study: Study, name: str) -> DetectorConfig:
    """Return the detector called `name`. Raises InputError naming the nearest one."""
    return _named(study.detectors, name, "detector")


def find_dataset(study: Study, name: str) -> DatasetConfig:
    """Return the data set called `name`. Raises InputError naming the nearest one."""
    return _named(study.datasets, name, "data set")


def find_recipe(study: Study, detector: DetectorConfig) -> Recipe:
    """Return the study's recipe for `detector`. Raises InputError naming the nearest one."""
    if study.recipe not in detector.recipes:
        raise InputError(f"detector '{detector.name}' has no recipe '{study.recipe}'; "
                         f"{nearest(study.recipe, detector.recipes)}")
    return detector.recipes[study.recipe]


def _named(items: tuple[Any, ...], name: str, what: str) -> Any:
    for item in items:
        if item.name == name:
            return item
    raise InputError(f"no {what} '{name}' in the study; {nearest(name, [i.name for i in items])}")
