# SPDX-License-Identifier: Apache-2.0
# Each target sets up what it needs; `make help` lists them.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
EMULATOR   := $(VENV)/.emulator
EXPERIMENT := $(VENV)/.experiment

# The NPU model's small products are slower, and noisier to measure, on several BLAS threads.
export OMP_NUM_THREADS = 1
export OPENBLAS_NUM_THREADS = 1

.PHONY: help demo test check bench exact experiment bounds soak firmware size robot dispatch \
        same-answers speed operators profile overlap wheel clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

$(READY): pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	@touch $@

$(EMULATOR): $(READY)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[emulator]'
	@touch $@

$(EXPERIMENT): $(READY)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[experiment]'
	@touch $@

demo: $(READY) ## set up, pack three networks, run them, show what happened
	@$(BIN)/hocket demo

test: $(READY) ## set up, build the ARM image where that is possible, pass the checks and the tests
	@$(MAKE) --no-print-directory check
	@! $(BIN)/python -c 'from hocket_tools.image import lacking; raise SystemExit(lacking())' || \
		$(MAKE) --no-print-directory firmware
	@$(BIN)/python -m pytest -q -n auto

check: $(READY) ## lint, types, generated files
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/python -m hocket_tools.container.layout --check

bench: $(READY) ## measure side by side; writes build/bench.json
	@$(BIN)/python -m hocket_lab.bench --output build/bench.json

exact: $(READY) ## compare every tensor with tflite_micro (MODELS=DIR for your own)
	@$(BIN)/python -m hocket_lab.exact $(if $(MODELS),--models $(MODELS))

experiment: $(EXPERIMENT) ## acceptance over utilisation; writes build/experiment.json, .csv, .svg
	@$(BIN)/python -m hocket_lab.experiment --output build/experiment.json

bounds: $(READY) ## the longest piece of each model, and what short pieces cost; build/bounds.json
	@$(BIN)/python -m hocket_lab.bench.tiles --output build/bounds.json

firmware: $(READY) ## build the ARM image: MicroPython with Hocket for the Corstone-300
	@$(BIN)/python -m hocket_lab.image build

size: $(EMULATOR) ## flash and heap of the ARM image; writes build/size.json
	@$(BIN)/python -m hocket_lab.image size --output build/size.json

robot: $(EMULATOR) ## the Robot suites on every back end that is here (SLOW=1: the long ones, too); build/robot.json
	@$(BIN)/python -m hocket_lab.robot $(BACK_ENDS:%=--back-end %) $(if $(SLOW),--slow) --output build/robot.json

dispatch: $(EMULATOR) ## what the image's hot path costs, in instructions; build/dispatch.json
	@$(BIN)/python -m hocket_lab.image.dispatch --output build/dispatch.json

speed: $(EMULATOR) ## how fast the emulators are, NPU included; writes build/speed.json
	@$(BIN)/python -m hocket_lab.image.speed --output build/speed.json

same-answers: $(EMULATOR) ## the demo on every platform that is here; build/same-answers.json
	@$(BIN)/python -m hocket_lab.platforms --output build/same-answers.json

operators: $(EMULATOR) ## operators for the processor against tflite_micro; build/operators.json
	@$(BIN)/python -m hocket_lab.cpu.report --output build/operators.json
	@$(BIN)/python -m hocket_lab.cpu.page

profile: $(EMULATOR) ## what those operators cost on the ARM image; writes its costs.toml
	@$(BIN)/hocket profile --write

overlap: $(READY) ## networks that take turns on both units, against one after the other; build/overlap.json
	@$(BIN)/python -m hocket_lab.bench.overlap --output build/overlap.json

soak: $(READY) ## the long sweeps that `make test` leaves out
	@$(BIN)/python -m pytest -q -m slow

wheel: $(READY) ## build a wheel into dist/
	@$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

clean: ## remove what was built
	rm -rf build dist $(VENV)
