# SPDX-License-Identifier: Apache-2.0
# Each target sets up what it needs; `make help` lists them.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

# The NPU model's small products are slower, and noisier to measure, on several BLAS threads.
export OMP_NUM_THREADS = 1
export OPENBLAS_NUM_THREADS = 1

.PHONY: help demo test check bench exact soak wheel clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

$(READY): pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	@touch $@

demo: $(READY) ## set up, pack three networks, run them, show what happened
	@$(BIN)/hocket demo

test: $(READY) ## set up, pass the checks and the tests
	@$(MAKE) --no-print-directory check
	@$(BIN)/python -m pytest -q

check: $(READY) ## lint, types, generated files
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/python -m hocket_tools.container.layout --check

bench: $(READY) ## measure side by side; writes build/bench.json
	@$(BIN)/python -m hocket_tools.bench --output build/bench.json

exact: $(READY) ## compare every tensor with tflite_micro (MODELS=DIR for your own)
	@$(BIN)/python -m hocket_tools.exactness $(if $(MODELS),--models $(MODELS))

soak: $(READY) ## the long sweeps that `make test` leaves out
	@$(BIN)/python -m pytest -q -m slow

wheel: $(READY) ## build a wheel into dist/
	@$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

clean: ## remove what was built
	rm -rf build dist $(VENV)
