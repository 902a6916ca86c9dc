"""Curve models, fits, forecasts, backtests. Reads results tables only. No TensorFlow."""
