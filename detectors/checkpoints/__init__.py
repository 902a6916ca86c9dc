"""Checkpoints of the original detectors: got from its zoo, unpacked, loaded, accounted for, written."""
