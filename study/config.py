"""A study's configuration: YAML into frozen structs, unknown keys refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from datasets.errors import InputError, nearest
from datasets.orders.order import FRACTIONS
from datasets.settings import convert, read_yaml
from datasets.yaml12 import dump
from study.search import Search, check_search, check_shape
from study.vary import expand, resolve

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


def load_study(path: str | Path, *, name: str | None = None, roots: dict[str, str] | None = None) -> Study:
    """Read a study's YAML; data sets and detectors are named after files in configs/ or written in place, and one with
    `vary` stands for several.

    `roots` maps a data set's name to the folder it lies in, over what its file says.
    Raises InputError for anything missing, unknown or out of range.
    """
    raw = read_yaml(path)
    recipe = str(raw.get("recipe", "scaled"))
    for key, folder, what, kind in (("datasets", "datasets", "data set", DatasetConfig),
                                    ("detectors", "models", "detector", DetectorConfig)):
        if not isinstance(raw.get(key), list) or not raw[key]:
            raise InputError(f"{path}: '{key}' must be a list that names at least one file in configs/{folder}")
        raw[key] = [one for entry in raw[key]
                    for one in expand(resolve(entry, what, CONFIGS / folder, path), entry, what, kind, recipe, path)]
    if name is not None:
        raw["name"] = name
    _place(raw["datasets"], roots or {})
    check_shape(raw.get("search"), path)
    study = convert(raw, Study, path)
    _check(study, path)
    return study


def read_study(path: str | Path) -> Study:
    """Read a resolved study.yaml as `write_study` left it."""
    study = convert(read_yaml(path), Study, path)
    _check(study, path)
    return study


def dump_study(study: Study) -> str:
    """Return the resolved configuration as YAML."""
    return dump(msgspec.to_builtins(study))


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


def _place(datasets: list[Any], roots: dict[str, str]) -> None:
    by_name: dict[str, list[dict]] = {}  # those that one varies into go by its name too
    for dataset in datasets:
        for name in {str(dataset.get("name")), str(dataset.get("of") or "")} if isinstance(dataset, dict) else ():
            by_name.setdefault(name, []).append(dataset)
    by_name.pop("", None)
    for name, root in roots.items():
        if name not in by_name:
            raise InputError(f"--data {name}={root}: the study has no data set '{name}'; {nearest(name, by_name)}")
        for dataset in by_name[name]:
            dataset["root"] = str(Path(root).resolve())
    for name, together in by_name.items():
        for dataset in together:
            if not dataset.get("root") and dataset.get("generator"):
                dataset["root"] = f"data/{dataset.get('of') or name}"


def _named(items: tuple[Any, ...], name: str, what: str) -> Any:
    for item in items:
        if item.name == name:
            return item
    raise InputError(f"no {what} '{name}' in the study; {nearest(name, [i.name for i in items])}")


def _check(study: Study, path: str | Path) -> None:
    for fraction in study.fractions:
        check_fraction(fraction, path)
    if not study.fractions or list(study.fractions) != sorted(set(study.fractions)):
        raise InputError(f"{path}: fractions must rise without repeats, got {list(study.fractions)}")
    below = [fraction for fraction in study.fractions if fraction <= study.forecast.fit_up_to]
    if len(study.fractions) > 1 and len(below) < 2:
        raise InputError(f"{path}: a forecast needs two fractions or more up to forecast.fit_up_to "
                         f"{study.forecast.fit_up_to:g} per cent, got {list(study.fractions)}; "
                         "add small ones or raise it")
    for what, items in (("data set", study.datasets), ("detector", study.detectors)):
        names = [item.name.casefold() for item in items]
        for name in names:
            if names.count(name) > 1 or name in RESERVED:
                raise InputError(f"{path}: {what} '{name}' is named twice or like a folder of the study; rename it")
    for dataset in study.datasets:
        if bool(dataset.ranking) != (study.strategy == "order-file"):
            raise InputError(f"{path}: the strategy order-file and a data set's 'ranking' belong together; data set "
                             f"'{dataset.name}' has {'one' if dataset.ranking else 'none'}, the strategy is "
                             f"{study.strategy}")
        if not dataset.root:
            name = dataset.of or dataset.name
            raise InputError(f"{path}: where is data set '{name}'? give --data {name}=FOLDER")
    if study.strategy == "order-file" and study.draws.count > 1:
        raise InputError(f"{path}: a ranking is one order, so there is one draw; draws.count is {study.draws.count}")
    for detector in study.detectors:
        find_recipe(study, detector)
        if detector.depth != 101 and detector.kind != "ssd_resnet101_fpn":
            raise InputError(f"{path}: detector '{detector.name}': {detector.kind} has no depth {detector.depth}; "
                             "leave depth out, or vary its width")
        if detector.stored_size < detector.input_size:
            raise InputError(f"{path}: detector '{detector.name}': stored_size {detector.stored_size} is below "
                             f"input_size {detector.input_size}; images would be enlarged")
    if len({tracker.kind for tracker in study.tracking}) < len(study.tracking):
        raise InputError(f"{path}: tracking names one kind of service twice; keep one entry of each")
    if study.search:
        if study.runtime.distribution == "multi_worker":
            raise InputError(f"{path}: 'search' does not go with runtime.distribution multi_worker; choose one_device "
                             "or mirrored, or leave 'search' out")
        check_search(study.search, [(detector, find_recipe(study, detector)) for detector in study.detectors],
                     study.fractions, path)


def check_fraction(fraction: float, where: str | Path) -> float:
    """Return `fraction` if it lies in (0, 100]. Raises InputError otherwise."""
    if not 0 < fraction <= 100:
        raise InputError(f"{where}: fraction {fraction:g} is outside (0, 100] per cent")
    return fraction
