# SPDX-License-Identifier: Apache-2.0
# Each target sets up what it needs; `make help` lists them.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
LAB    := $(VENV)/.lab

# The NPU model's small products are slower, and noisier to measure, on several BLAS threads.
export OMP_NUM_THREADS = 1
export OPENBLAS_NUM_THREADS = 1

.PHONY: help demo test check house claims mutants bench exact corpus experiment bounds soak firmware \
        size robot dispatch same-answers speed features operators profile overlap wheel clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

$(READY): pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	@touch $@

$(LAB): $(READY)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[lab]'
	@touch $@

demo: $(READY) ## set up, pack three networks, run them, show what happened
	@$(BIN)/hocket demo

test: $(READY) ## set up, build the ARM image where that is possible, pass the checks and the tests
	@$(MAKE) --no-print-directory check
	@! $(BIN)/python -c 'from hocket_tools.image import lacking; raise SystemExit(lacking())' || \
		$(MAKE) --no-print-directory firmware
	@$(BIN)/python -m pytest -q -n auto

check: $(READY) ## lint, types, imports, generated files
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache --no-logo
	@$(BIN)/hocket lab generate --check

house: $(READY) ## lines, files, functions, and that imports run one way; writes build/house.json
	@$(BIN)/hocket lab house --output build/house.json

claims: $(READY) ## figures of the documents against what was measured last; build/claims.json
	@$(BIN)/hocket lab claims --output build/claims.json

mutants: $(READY) ## sources broken at one place, 200 drawn: who notices; writes build/mutants.json
	@$(BIN)/hocket lab mutants --output build/mutants.json

bench: $(READY) ## measure side by side; writes build/bench.json
	@$(BIN)/hocket lab bench --output build/bench.json

exact: $(READY) ## compare every tensor with tflite_micro (MODELS=DIR for your own); build/exact.json
	@$(BIN)/hocket lab exact $(if $(MODELS),--models $(MODELS),--output build/exact.json)

experiment: $(LAB) ## acceptance over utilisation; writes build/experiment.json, .csv, .svg
	@$(BIN)/hocket lab experiment --output build/experiment.json

corpus: $(READY) ## which models run, exactly, and why not the others (MODELS=DIR for your own); build/corpus.json
	@$(BIN)/hocket lab corpus $(if $(MODELS),--models $(MODELS)) --output build/corpus.json

bounds: $(READY) ## the longest tile of each model, and what short tiles cost; build/bounds.json
	@$(BIN)/hocket lab bounds --output build/bounds.json

firmware: $(READY) ## build the ARM image: MicroPython with Hocket for the Corstone-300
	@$(BIN)/hocket firmware build

size: $(LAB) ## flash and heap of the ARM image; writes build/size.json
	@$(BIN)/hocket lab size --output build/size.json

robot: $(LAB) ## the Robot suites on every back end that is here (SLOW=1: the long ones, too); build/robot.json
	@$(BIN)/hocket lab robot $(BACK_ENDS:%=--back-end %) $(if $(SLOW),--slow) --output build/robot.json

dispatch: $(LAB) ## what the image's hot path costs, in instructions; build/dispatch.json
	@$(BIN)/hocket lab dispatch --output build/dispatch.json

speed: $(LAB) ## how fast the emulators are, NPU included; writes build/speed.json
	@$(BIN)/hocket lab speed --output build/speed.json

features: $(LAB) ## what the audio front end costs on the ARM image; writes build/features.json
	@$(BIN)/hocket lab features tests/data/alexa/alexa_en-gb.wav --output build/features.json

same-answers: $(LAB) ## the demo on every platform that is here; build/same-answers.json
	@$(BIN)/hocket lab same-answers --output build/same-answers.json

operators: $(LAB) ## operators for the CPU against tflite_micro; build/operators.json, docs/operators.md
	@$(BIN)/hocket lab operators --output build/operators.json
	@$(BIN)/hocket lab generate docs/operators.md

profile: $(LAB) ## what those operators cost on the ARM image; its costs.toml, build/profile.json
	@$(BIN)/hocket profile --write --output build/profile.json

overlap: $(READY) ## networks that take turns on both units, against one after the other; build/overlap.json
	@$(BIN)/hocket lab overlap --output build/overlap.json

soak: $(READY) ## the long sweeps that `make test` leaves out
	@$(BIN)/python -m pytest -q -m slow

wheel: $(READY) ## build a wheel into dist/
	@$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

clean: ## remove what was built
	rm -rf build dist $(VENV)
