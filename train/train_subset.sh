#!/bin/sh
# train/train_subset.sh CONFIG DATASET DETECTOR FRACTION [DRAW [SEED]]: one cell of a study; further options as in python -m train --help
cd "$(dirname "$0")/.." || exit 1
exec .venv/bin/python -m train "$@"
