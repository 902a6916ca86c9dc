"""What the original TensorFlow Object Detection API computes, and the inputs it was given.

`data/*.npz` hold numbers measured on its graphs under TensorFlow 1.15 (sources of July 2019): `ssd_mobilenet_v2_oid_v4`
with 601 classes, and `ssd_resnet101_v1_fpn_shared_box_predictor_oid_512x512_sync` with 601 classes (outputs, sampled)
and 20 (losses, gradients). Weights, images and boxes are functions of names and seeds: those below.
"""

import zlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import tensorflow as tf

from detectors.detector import Detector, build

DATA = Path(__file__).parent / "data"
NUM_CLASSES = 601
FEW_CLASSES = 20

RECTANGLES = [
    [[0.10, 0.15, 0.60, 0.55], [0.40, 0.50, 0.95, 0.98], [0.05, 0.70, 0.18, 0.80], [0.52, 0.05, 0.58, 0.12]],
    [[0.02, 0.02, 0.98, 0.97], [0.30, 0.35, 0.45, 0.75], [0.60, 0.10, 0.90, 0.25]],
]
SMALL_BOXES = [[[0.70, 0.40, 0.735, 0.435]], [[0.00, 0.00, 0.65, 0.65], [0.05, 0.85, 0.085, 0.885]]]
CLASSES = [[0, 17, 342, 600, 300], [68, 17, 5, 7, 450]]


def numbers(kind: str) -> SimpleNamespace:
    """Return what was measured on the original of `kind`."""
    with np.load(DATA / f"{kind}.npz") as measured:
        return SimpleNamespace(**measured)


def detector(kind: str, num_classes: int) -> Detector:
    """Return the detector with the original's weights."""
    built = build(kind, num_classes)
    fill(built)
    return built


def fill(detector: Detector) -> None:
    """Give every variable the original's value."""
    for name, variable in detector.variables.items():
        variable.assign(weights(name, tuple(variable.shape)))


def ground_truth(padding: int = 3, num_classes: int = NUM_CLASSES) -> tuple[np.ndarray, np.ndarray]:
    """Return boxes float32 [2, 5 + padding, 4] normalised yxyx and classes int32 [2, 5 + padding], -1 for padding."""
    boxes = np.array([rectangles + small for rectangles, small in zip(RECTANGLES, SMALL_BOXES)], np.float32)
    return (np.pad(boxes, [(0, 0), (0, padding), (0, 0)]),
            np.pad(np.array(CLASSES, np.int32) % num_classes, [(0, 0), (0, padding)], constant_values=-1))


def weights(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return the value of the variable `name`: a function of its name and shape, of a size that keeps maps near 1."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    leaf = name.rsplit("/", 1)[-1]
    if leaf == "weights":
        values = rng.standard_normal(shape) * np.sqrt(_gain(name) / np.prod(shape[:3]))
    elif leaf == "depthwise_weights":
        values = rng.standard_normal(shape) * np.sqrt(2.0 / np.prod(shape[:2]))
    elif leaf == "gamma":
        values = rng.uniform(*_gamma_range(name), shape)
        if "resnet_v1_101/conv1/" in name:  # its input is not scaled
            values /= 120.0
    elif leaf == "biases":
        values = rng.normal(*((-2.0, 0.5) if "ClassPredictor" in name else (0.0, 0.1)), shape)
    else:
        values = {
            "beta": lambda: rng.normal(0.05, 0.15, shape),
            "moving_mean": lambda: rng.normal(0.0, 0.1, shape),
            "moving_variance": lambda: rng.uniform(0.6, 1.4, shape),
        }[leaf]()
    return values.astype(np.float32)


def _gain(name: str) -> float:
    """Return the variance of a kernel's values times their fan-in: 1 where no activation follows or came before."""
    linear = name.split("/")[-2].endswith("Predictor") or "/expand/" in name or "/projection_" in name
    return 1.0 if linear else 2.0


def _gamma_range(name: str) -> tuple[float, float]:
    """Return the range of a normalisation's scales, narrow and low where what it gives is added to something."""
    if "/conv3/" in name:
        return 0.15, 0.25
    return (0.5, 0.8) if "/project/" in name else (0.8, 1.2)


def images(seed: int = 0, count: int = 2, height: int = 480, width: int = 640) -> np.ndarray:
    """Return uint8 [count, height, width, 3]: smooth noise with tinted rectangles."""
    rng = np.random.default_rng(seed)
    return np.stack([_image(rng, RECTANGLES[i % 2], height, width) for i in range(count)])


def resize(raw: np.ndarray, size: int = 300) -> tf.Tensor:
    """Resize uint8 images [N, h, w, 3] to float32 [N, size, size, 3] by the original's bilinear rule."""
    return tf.compat.v1.image.resize_bilinear(
        tf.cast(raw, tf.float32), (size, size), align_corners=False, half_pixel_centers=False
    )


def _image(rng: np.random.Generator, rectangles: list, height: int, width: int) -> np.ndarray:
    image = np.zeros((height, width, 3))
    for rows, columns, amplitude in ((5, 7, 0.6), (25, 33, 0.3), (97, 129, 0.1)):
        image += amplitude * _enlarge(rng.random((rows, columns, 3)), height, width)
    for box in np.array(rectangles, np.float32).astype(float):
        top, left, bottom, right = (int(side * size + 0.5) for side, size in zip(box, (height, width) * 2))
        image[top:bottom, left:right] = 0.5 * image[top:bottom, left:right] + 0.5 * rng.random(3)
    return np.clip(np.floor(image * 255.0 + 0.5), 0, 255).astype(np.uint8)


def _enlarge(grid: np.ndarray, height: int, width: int) -> np.ndarray:
    rows, columns = grid.shape[:2]
    y, x = np.linspace(0, rows - 1, height), np.linspace(0, columns - 1, width)
    top, left = np.minimum(y.astype(int), rows - 2), np.minimum(x.astype(int), columns - 2)
    down, right = (y - top)[:, None, None], (x - left)[None, :, None]
    a, b = grid[top][:, left], grid[top][:, left + 1]
    c, d = grid[top + 1][:, left], grid[top + 1][:, left + 1]
    return (1 - down) * ((1 - right) * a + right * b) + down * ((1 - right) * c + right * d)
