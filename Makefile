# Each target is what CI runs. Windows has no make: the README gives the plain pip lines beside each target.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt

BOARDS ?= $(LINESIDE_DEEPPCB)

.PHONY: demo test test-unit lint format bench starters deeppcb docs wheel smoke clean help

help:  ## show the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/.demo  ## the running line: server, virtual line, page and summary (Ctrl-C ends it)
	$(BIN)/lineside demo $(ARGS)

test: $(VENV)/.test  ## every test, with the real databases and browser; installs what is missing
	sh tests/install-system-tools.sh
	sh tests/guard-layout.sh
	$(BIN)/python -m pytest --numprocesses=auto --maxprocesses=4 --dist=loadfile --no-loadscope-reorder $(ARGS)

test-unit: $(VENV)/.test  ## the quick tests only
	sh tests/guard-layout.sh
	$(BIN)/python -m pytest -m "not system and not training" $(ARGS)

lint: $(VENV)/.test  ## ruff, mypy (strict), import-linter
	sh tests/guard-layout.sh
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.test  ## write what ruff would
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.test  ## every figure of docs/benchmarks.md, printed as tables
	$(BIN)/python -m benchmarks $(ARGS)

starters: $(VENV)/.test  ## train both starter releases from scratch, as their model cards say (about an hour on two cores)
	$(BIN)/python -m lineside.training.starters --kind reference --seed 1 --boards 3000 --epochs 4 --out runs/pcb-reference
	$(BIN)/python -m lineside.training.starters --kind single --seed 1 --boards 2500 --epochs 3 --out runs/pcb-single
	$(BIN)/python -m lineside.training.starter_parity runs/pcb-reference/release runs/pcb-single/release

deeppcb: $(VENV)/.test  ## train on the DeepPCB folder BOARDS and judge it, both kinds (85 minutes each on two cores)
	$(BIN)/python -m benchmarks.deeppcb --kind reference --boards $(BOARDS) --out runs/deeppcb-reference
	$(BIN)/python -m benchmarks.deeppcb --kind single --boards $(BOARDS) --out runs/deeppcb-single

docs: $(VENV)/.test  ## write the generated reference pages and schemas
	$(BIN)/python docs/schemas/generate.py
	$(BIN)/python -m lineside.serving.events docs/schemas/events
	$(BIN)/python -m lineside.cli.reference docs/cli.md

wheel: $(VENV)/.demo  ## build the wheel into dist/
	$(PIP) wheel --quiet --no-deps --wheel-dir dist .

smoke: wheel  ## install the wheel into a new environment and use it away from the tree
	sh tests/smoke-wheel.sh dist/lineside-*.whl

clean:  ## remove the virtual environment and caches
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) install --quiet --editable .
	touch $@

# ultralytics asks for opencv-python, whose windows need libGL and which shares its folder with the headless build
# that we run on: the headless one goes in last.
$(VENV)/.test: $(VENV)/.demo
	$(PIP) install --quiet --editable '.[training,labelling,test,lint]'
	$(PIP) uninstall --quiet --yes opencv-python
	$(PIP) install --quiet --force-reinstall --no-deps opencv-python-headless
	touch $@
