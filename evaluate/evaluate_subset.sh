#!/bin/sh
# evaluate/evaluate_subset.sh CONFIG DATASET DETECTOR FRACTION [DRAW [SEED]]: one cell of a study; further options as in python -m evaluate run --help
cd "$(dirname "$0")/.." || exit 1
exec .venv/bin/python -m evaluate run "$@"
