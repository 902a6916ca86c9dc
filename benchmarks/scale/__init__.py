"""Generators of annotation files with the size and shape of real ones: `python -m benchmarks.scale`."""
