"""One study on disk: its configuration, folders, run matrix and results table. No TensorFlow."""
