"""TFRecords into batches. A training batch is a function of the seed and the step, so that a run can resume."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf

from datasets.errors import InputError
from records.augment import CROPS, crop_boxes, crop_window, flip_boxes

MAX_BOXES = 100  # per image; the original recipes drop what is over
SHUFFLE_EXAMPLES = 8192
READERS = 4

_FEATURES = {
    "image/encoded": tf.io.FixedLenFeature([], tf.string),
    "image/source_id": tf.io.FixedLenFeature([], tf.string),
    "image/height": tf.io.FixedLenFeature([], tf.int64),
    "image/width": tf.io.FixedLenFeature([], tf.int64),
    "image/object/class/label": tf.io.VarLenFeature(tf.int64),
} | {f"image/object/bbox/{side}": tf.io.VarLenFeature(tf.float32) for side in ("ymin", "xmin", "ymax", "xmax")}


@dataclass(frozen=True)
class Part:
    """Which part of every global batch this worker reads, and in how many pieces: one for each of its replicas."""

    worker: int = 0
    workers: int = 1
    replicas: int = 1


def training_batches(shards: Sequence[Path], images: int, *, batch_size: int, input_size: int, seed: int,
                     start_step: int = 0, augment: Sequence[str] = (), leave_out: Sequence[int] = (),
                     part: Part = Part(), pad_boxes: bool = False) -> tf.data.Dataset:
    """Return endless batches (images float32 [N, S, S, 3] in 0..255, {"boxes", "classes"}), from `start_step` on.

    boxes float32 [N, M, 4] normalised [ymin, xmin, ymax, xmax], classes int32 [N, M] with -1 for padding; M is the
    batch's most, or MAX_BOXES with `pad_boxes`, so that every shape is static. `images` is the number of examples in
    `shards`; those whose image id is in `leave_out` (all of them in `shards`) are dropped and never decoded.

    Every epoch is shuffled anew. How an example is augmented depends on `seed` and its number only; which one comes at
    which place also on TensorFlow's global seed, which must not be 0. `batch_size` is that of all workers together: a
    worker of several takes its consecutive part of each batch and decodes nothing else, and of it every replica the
    next N examples, so that a global batch is the same however it is dealt out.
    Raises InputError if no example is left or two crops are asked for.
    """
    kept = images - len(set(leave_out))
    if kept < 1:
        raise InputError(f"{shards[0].parent if shards else 'records'}: none of {images} training images is left; "
                         "take a larger subset, or replace the images that cannot be decoded")
    if len(CROPS.keys() & set(augment)) > 1:
        raise InputError(f"augment: one of {', '.join(CROPS)} at a time, got {', '.join(augment)}")
    files, first, share = [str(shard) for shard in shards], start_step * batch_size, batch_size // part.workers
    examples = tf.data.Dataset.range(first // kept, 2**40).flat_map(lambda epoch: _epoch(files, seed, epoch, leave_out))
    examples = examples.skip(first % kept).enumerate(start=first)
    if part.workers > 1:
        examples = examples.filter(lambda number, _: number % batch_size // share == part.worker)
    examples = examples.map(lambda number, example: _train_example(example, number, seed, input_size, augment),
                            num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    boxes = MAX_BOXES if pad_boxes else None
    return _pad_batches(examples, share // part.replicas, drop_remainder=True, boxes=boxes).prefetch(tf.data.AUTOTUNE)


def validation_batches(shards: Sequence[Path], *, batch_size: int, input_size: int,
                       only: Sequence[int] | None = None) -> tf.data.Dataset:
    """Return every image once, the smaller last batch included: (images, {"boxes", "classes", "image_id", …}).

    "image_id" int64 [n]; "height" and "width" int32 [n] are the original image's, in pixels. With `only`, no other
    image ids than these; the rest is not decoded.
    """
    examples = tf.data.TFRecordDataset([str(shard) for shard in shards])
    if only is not None:
        examples = examples.filter(_is_among(only))
    examples = examples.map(lambda example: _validation_example(example, input_size),
                            num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    return _pad_batches(examples, batch_size, drop_remainder=False).prefetch(tf.data.AUTOTUNE)


def _epoch(files: list[str], seed: int, epoch: tf.Tensor, leave_out: Sequence[int]) -> tf.data.Dataset:
    mixed = tf.cast(seed, tf.int64) * 1_000_003 + epoch
    shuffled = tf.data.Dataset.from_tensor_slices(files).shuffle(len(files), seed=mixed)
    examples = shuffled.interleave(tf.data.TFRecordDataset, cycle_length=min(READERS, len(files)), block_length=16,
                                   num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    if leave_out:
        left_out = _is_among(leave_out)
        examples = examples.filter(lambda example: ~left_out(example))
    return examples.shuffle(SHUFFLE_EXAMPLES, seed=mixed)


def _is_among(image_ids: Sequence[int]) -> Callable[[tf.Tensor], tf.Tensor]:
    """Return whether a serialised example's image is one of `image_ids`."""
    ids = tf.constant(list(image_ids), tf.int64)

    def is_among(serialised: tf.Tensor) -> tf.Tensor:
        example = tf.io.parse_single_example(serialised, {"image/source_id": _FEATURES["image/source_id"]})
        return tf.reduce_any(ids == tf.strings.to_number(example["image/source_id"], tf.int64))

    return is_among


def _pad_batches(examples: tf.data.Dataset, batch_size: int, drop_remainder: bool,
                 boxes: int | None = None) -> tf.data.Dataset:
    """Batch `examples`, their boxes padded to `boxes`, or to the batch's most."""
    pad = {"boxes": 0.0, "classes": -1}
    image, labels = examples.element_spec
    values = (0.0, {key: tf.constant(pad.get(key, 0), spec.dtype) for key, spec in labels.items()})
    shapes = {key: [boxes, *spec.shape[1:]] if key in pad else spec.shape for key, spec in labels.items()}
    return examples.padded_batch(batch_size, (image.shape, shapes), values, drop_remainder=drop_remainder)


def _train_example(serialised: tf.Tensor, number: tf.Tensor, seed: int, input_size: int,
                   augment: Sequence[str]) -> tuple:
    example, boxes, classes = _parse(serialised)
    seeds = tf.stack([tf.cast(seed, tf.int64), number])
    window = tf.constant([0.0, 0.0, 1.0, 1.0])
    for name in CROPS.keys() & set(augment):
        window, overlap = crop_window(CROPS[name], boxes, tf.cast(example["image/height"], tf.int32),
                                      tf.cast(example["image/width"], tf.int32), seeds)
        boxes, classes = crop_boxes(boxes, classes, window, overlap)
    image = _decode(example["image/encoded"], window, input_size)
    if "flip" in augment:
        flip = tf.random.stateless_uniform([], seeds + 2) < 0.5
        # Ten times faster than image[:, ::-1].
        image, boxes = tf.cond(flip, lambda: (tf.reverse(image, [1]), flip_boxes(boxes)), lambda: (image, boxes))
    return image, {"boxes": boxes[:MAX_BOXES], "classes": classes[:MAX_BOXES]}


def _validation_example(serialised: tf.Tensor, input_size: int) -> tuple:
    example, boxes, classes = _parse(serialised)
    image = _decode(example["image/encoded"], tf.constant([0.0, 0.0, 1.0, 1.0]), input_size)
    return image, {
        "boxes": boxes,
        "classes": classes,
        "image_id": tf.strings.to_number(example["image/source_id"], tf.int64),
        "height": tf.cast(example["image/height"], tf.int32),
        "width": tf.cast(example["image/width"], tf.int32),
    }


def _parse(serialised: tf.Tensor) -> tuple[dict, tf.Tensor, tf.Tensor]:
    example = tf.io.parse_single_example(serialised, _FEATURES)
    sides = [tf.sparse.to_dense(example[f"image/object/bbox/{side}"]) for side in ("ymin", "xmin", "ymax", "xmax")]
    classes = tf.cast(tf.sparse.to_dense(example["image/object/class/label"]), tf.int32) - 1
    return example, tf.stack(sides, axis=1), classes


def _decode(encoded: tf.Tensor, window: tf.Tensor, input_size: int) -> tf.Tensor:
    """Return float32 [S, S, 3] in 0..255: the part of a JPEG inside `window`, resized as the original does."""
    stored = tf.cast(tf.io.extract_jpeg_shape(encoded)[:2], tf.float32)
    low = tf.cast(tf.round(window[:2] * stored), tf.int32)
    high = tf.maximum(tf.cast(tf.round(window[2:] * stored), tf.int32), low + 1)
    crop = tf.concat([low, high - low], axis=0)
    pixels = tf.cast(tf.image.decode_and_crop_jpeg(encoded, crop, channels=3), tf.float32)
    # Neither aligned corners nor half-pixel centres: tf.image.resize would shift every pixel.
    resized = tf.compat.v1.image.resize_bilinear(pixels[None], [input_size, input_size])[0]
    resized.set_shape([input_size, input_size, 3])
    return resized
