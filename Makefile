# calcidiol: the commands of the house. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# --no-deps: the lock names everything, so the resolver has nothing to decide (with it, a newer release of
# a package asked for with an extra, coverage[toml], was taken over the pinned one and stopped the install).
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help setup setup-dev demo test lint typecheck imports bench validate lock clean

help:  ## list the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

setup: $(VENV)/.run  ## .venv with everything the program needs

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements/run.lock pyproject.toml | $(BIN)/python
	$(INSTALL) -r requirements/run.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

setup-dev: setup $(VENV)/.dev  ## the same, with what the tests need

$(VENV)/.dev: requirements/dev.lock | $(VENV)/.run
	$(INSTALL) -r requirements/dev.lock
	$(BIN)/python -m pip check --disable-pip-version-check
	@sh scripts/browser
	@touch $@

demo: setup  ## plan an example patient and say where the report is
	@mkdir -p out
	$(BIN)/calcidiol plan examples/simple-deficiency.yaml --on 2026-11-21 --html out/plan.html --pdf out/plan.pdf --json out/plan.json --fhir out/plan.fhir.json
	@echo "The report is out/plan.html (browser) and out/plan.pdf (print)."

test: setup-dev lint typecheck imports  ## all tests
	$(BIN)/python -m pytest -n 2

lint: setup-dev  ## ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

typecheck: setup-dev  ## mypy, strict
	$(BIN)/mypy

imports: setup-dev  ## the order of the rooms
	$(BIN)/lint-imports

bench: setup-dev  ## speed beside the peers that install
	$(BIN)/python -m benchmarks.environment
	$(BIN)/python -m benchmarks

validate: setup-dev  ## slow checks against outside engines
	sh validation/run

lock:  ## pin names, versions and hashes again
	uv pip compile -q --generate-hashes --no-emit-index-url --python-version 3.11 --custom-compile-command "make lock" --extra build pyproject.toml -o requirements/run.lock
	uv pip compile -q --generate-hashes --no-emit-index-url --python-version 3.11 --custom-compile-command "make lock" --extra build --extra dev -c requirements/run.lock pyproject.toml -o requirements/dev.lock
	uv pip compile -q --generate-hashes --no-emit-index-url --python-version 3.11 --custom-compile-command "make lock" -c requirements/run.lock requirements/peers.in -o requirements/peers.lock

clean:  ## remove what the commands made
	rm -rf $(VENV) out .pytest_cache .mypy_cache .ruff_cache
