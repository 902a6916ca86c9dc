"""The commands of `python -m predict`, one module each."""
