#!/bin/sh
# install.sh PYTHON FOLDER LOCK: a virtual environment in FOLDER with exactly LOCK; by uv where there is one.
set -eu
python=$1 folder=$2 lock=$3
if command -v uv >/dev/null 2>&1; then
  [ -x "$folder/bin/python" ] || uv venv --quiet --python "$python" "$folder"
  uv pip sync --quiet --python "$folder/bin/python" "$lock"
else
  [ -x "$folder/bin/pip" ] || "$python" -m venv --clear "$folder"
  "$folder/bin/python" -m pip install --quiet --disable-pip-version-check -r "$lock"
fi
rm -f "$folder"/.requirements*.txt
touch "$folder/.$lock"
