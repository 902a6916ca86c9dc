"""Annotations in: readers, class maps, nested orders, prevalence, checks, the embedded data set. No TensorFlow."""
