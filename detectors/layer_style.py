"""What the convolutions and normalisations of one part of a network have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import tensorflow as tf
import tf_keras
from tf_keras import layers


@dataclass(frozen=True)
class LayerStyle:
    """Builds layers that share decay, initialiser and batch normalisation.

    `weight_decay` is TF-Slim's: it multiplies half the sum of squares. `initializer` makes a new one for every layer,
    since an unseeded one gives the same values again. `synchronized` normalises by the batch of all replicas.
    """

    initializer: Callable[[], tf_keras.initializers.Initializer]
    weight_decay: float
    momentum: float
    epsilon: float
    synchronized: bool = False

    def kernel(self) -> dict:
        """Return the settings of a convolution's kernel."""
        return {
            "kernel_initializer": self.initializer(),
            "kernel_regularizer": tf_keras.regularizers.L2(self.weight_decay / 2),
        }

    def batch_norm(self, name: str) -> layers.Layer:
        """Return a normalisation named `name`."""
        kind = SynchronizedBatchNormalization if self.synchronized else layers.BatchNormalization
        return kind(momentum=self.momentum, epsilon=self.epsilon, name=name)

    def convolve(
        self, features: tf.Tensor, depth: int, size: int, name: str, stride: int = 1, padding: str = "same"
    ) -> tf.Tensor:
        """Convolve [N, H, W, C] to `depth` channels without a bias and normalise; no activation."""
        # On CPUs TensorFlow's bfloat16 gradient of a strided kernel on a 1x1 map is whatever the memory held.
        single_pixel = stride > 1 and tuple(features.shape[1:3]) == (1, 1)
        dtype = tf_keras.mixed_precision.global_policy().variable_dtype if single_pixel else None
        kernel = layers.Conv2D(depth, size, stride, padding, use_bias=False, name=name, dtype=dtype, **self.kernel())
        return self.batch_norm(f"{name}/BatchNorm")(kernel(features))


class SynchronizedBatchNormalization(layers.BatchNormalization):
    """Normalises by mean and variance over all replicas, whose batches are of one size.

    As on one device, the moving variance follows the unbiased estimate, N / (N - 1) of the variance: the fused kernel
    gives that one, and tf_keras's own `synchronized=True` the biased one, which on maps of 1x1 differs by 1 / batch.
    """

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Return [N, H, W, C] normalised."""
        if not training:
            return super().call(inputs, training=False)
        features = tf.cast(inputs, self.dtype)  # of the variables: float32 also in mixed precision
        mean, square = tf.unstack(_over_replicas(tf.stack([
            tf.reduce_mean(features, axis=(0, 1, 2)), tf.reduce_mean(tf.square(features), axis=(0, 1, 2)),
        ])))
        variance = tf.maximum(square - tf.square(mean), 0.0)
        samples = tf.cast(tf.reduce_prod(tf.shape(inputs)[:3]) * _replicas(), self.dtype)
        self._move(self.moving_mean, mean)
        self._move(self.moving_variance, variance * samples / tf.maximum(samples - 1, 1))
        normalised = tf.nn.batch_normalization(features, mean, variance, self.beta, self.gamma, self.epsilon)
        return tf.cast(normalised, inputs.dtype)

    def _move(self, average: tf.Variable, value: tf.Tensor) -> None:
        average.assign_sub((average - value) * (1.0 - self.momentum))


def _replicas() -> int:
    return tf.distribute.get_strategy().num_replicas_in_sync


def _over_replicas(values: tf.Tensor) -> tf.Tensor:
    """Return the mean of the replicas' values; outside a replica there is nothing to average."""
    context = tf.distribute.get_replica_context()
    return context.all_reduce(tf.distribute.ReduceOp.MEAN, values) if context and _replicas() > 1 else values
