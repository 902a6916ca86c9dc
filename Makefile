# make study [GPU=1]   install once, then run the embedded study
# make test            install once, then run every test
# make fast            the same without the slow end-to-end tests
# make light           the TensorFlow-free environment only (.venv-light)
# make lint | lock     style and types | renew the locks (needs uv)
# make source          train the embedded source checkpoint anew (ten minutes; the result is committed)

PYTHON ?= $(firstword $(foreach p,python3.11 python3.12 python3.13 python3,$(shell $(p) -c 'import sys; print(sys.executable)' 2>/dev/null)))
# A GPU environment once made stays one, as does one for the tests.
GPU_LOCK := $(if $(filter 1,$(GPU))$(wildcard .venv/.requirements-gpu.txt),requirements-gpu.txt)
LOCK := $(or $(GPU_LOCK),$(notdir $(patsubst .venv/.%,%,$(wildcard .venv/.requirements-test.txt))),requirements.txt)
TEST_LOCK := $(or $(GPU_LOCK),requirements-test.txt)
BIN := .venv/bin

.PHONY: study test fast light lint lock source python

study: .venv/.$(LOCK)
	$(BIN)/python run_study.py configs/studies/embedded.yaml $(if $(filter 1,$(GPU)),--gpu)

test: .venv/.$(TEST_LOCK)
	$(BIN)/python -m pytest

fast: .venv/.$(TEST_LOCK)
	$(BIN)/python -m pytest -m "not slow"

light: .venv-light/.requirements-light.txt

lint: .venv/.$(TEST_LOCK)
	$(BIN)/ruff check .
	$(BIN)/pyright

SOURCE_RUN := studies/embedded_source/letters/runs/ssd_mobilenet_v2_small/100/draw-0/seed-0
source: .venv/.$(LOCK)
	$(BIN)/python run_study.py configs/studies/embedded_source.yaml
	$(BIN)/python -m detectors export $(SOURCE_RUN)/checkpoints/ckpt-4000 configs/models/embedded_source/model.ckpt \
	  --width 0.35 --num-classes 20

lock:
	for name in requirements requirements-light requirements-gpu requirements-trackers requirements-test; do \
	  uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-annotate \
	    --custom-compile-command "make lock" $$name.in --output-file $$name.txt; done

# The stamp is named after the lock and made last: an interrupted installation is taken up again.
.venv/.%.txt: %.txt | python
	@sh install.sh "$(PYTHON)" .venv $<

.venv-light/.%.txt: %.txt | python
	@sh install.sh "$(PYTHON)" .venv-light $<

python:
	@"$(or $(PYTHON),false)" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
	  || { echo "error: Python 3.11, 3.12 or 3.13 is needed, found $$("$(or $(PYTHON),python3)" --version 2>&1); install one or give make PYTHON=/path/to/python3.11" >&2; exit 1; }
