"""What a training step costs, side by side: `python -m benchmarks.training`."""
