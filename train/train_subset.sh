#!/bin/sh
# train/train_subset.sh CONFIG DATASET DETECTOR FRACTION [DRAW [SEED]]: one cell of a study; options as in python -m train --help
# A scheduler that runs a copy of this script starts it in the folder of submission: submit from the repository.
[ ! -f "$(dirname "$0")/../run_study.py" ] || cd "$(dirname "$0")/.." || exit 1
[ -x .venv/bin/python ] || { echo "error: no .venv here; run make study or make test once, in the repository" >&2; exit 2; }
exec .venv/bin/python -m train "$@"
