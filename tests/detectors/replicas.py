"""What normalisation and normaliser give on one and on two replicas; devices can be split only once in a process.

`python -m tests.detectors.replicas OUT.npz REPLICAS`
"""

import sys

import numpy as np

MATCHES = np.array([[0, -1, 2], [-1, -1, -1], [0, 1, 2], [-1, 0, -1]], np.int32)  # six in four images


def measure(count: int) -> dict[str, np.ndarray]:
    """Return what `count` replicas find together for one batch."""
    import tensorflow as tf

    from detectors import losses
    from detectors.layer_style import SynchronizedBatchNormalization

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * count)
    strategy = tf.distribute.MirroredStrategy([f"CPU:{number}" for number in range(count)])
    rng = np.random.default_rng(0)
    features = rng.normal(3, 2, (4, 1, 2, 5)).astype(np.float32)
    weights = rng.normal(0, 1, features.shape).astype(np.float32)
    with strategy.scope():
        layer = SynchronizedBatchNormalization(momentum=0.9, epsilon=1e-3)
        layer.build(features.shape)

    @tf.function
    def step(features: tf.Tensor, weights: tf.Tensor, matches: tf.Tensor) -> tuple[tf.Tensor, ...]:
        with tf.GradientTape() as tape:
            tape.watch(features)
            normalised = layer(features, training=True)
            loss = tf.reduce_sum(weights * normalised)
        gamma, inputs = tape.gradient(loss, [layer.gamma, features])
        return normalised, inputs, gamma[None], losses.normaliser(matches)[None]

    data = tf.data.Dataset.from_tensor_slices((features, weights, MATCHES)).batch(4 // count)
    shares = next(iter(strategy.distribute_datasets_from_function(lambda _: data)))
    normalised, inputs, gamma, number = (
        np.concatenate(strategy.experimental_local_results(values)) for values in strategy.run(step, args=shares)
    )
    return {"normalised": normalised, "inputs": inputs, "gamma": gamma.sum(axis=0), "normaliser": number,
            "mean": layer.moving_mean.numpy(), "variance": layer.moving_variance.numpy(), "features": features,
            "evaluated": layer(features[:1], training=False).numpy()}


if __name__ == "__main__":
    from detectors import runtime

    runtime.start()
    np.savez(sys.argv[1], **measure(int(sys.argv[2])))
