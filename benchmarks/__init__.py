"""Side-by-side measurements, each a runnable module."""
