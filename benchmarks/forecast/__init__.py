"""What the forecasts are worth: every estimator on every curve that is known to the end."""
