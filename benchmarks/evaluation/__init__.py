"""What evaluation costs, side by side: `python -m benchmarks.evaluation`."""
