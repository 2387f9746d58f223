# A fresh machine has python3 with venv, git and make; everything else is installed here, into .venv.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

# What is compiled is kept: a thousand processes would each do it again.
unexport PYTHONDONTWRITEBYTECODE

# Much of the suite waits for registries that are slow on purpose; who has nothing left to do takes from others.
IN_PARALLEL := -n 4 --dist worksteal

.PHONY: help demo generated test explore coverage soak test-peers peers check lint format types imports bench clean

help:  ## what there is to make
	@grep -E '^[a-z-]+:.*  ## ' $(MAKEFILE_LIST) | awk -F ':.*  ## ' '{printf "  make %-11s %s\n", $$1, $$2}'

demo: .venv/.installed  ## the main job on the embedded registry, narrated
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh specs/demo/demo.sh

generated: .venv/.installed  ## the schemas and reference pages that are made from the program
	$(BIN)/python -m generating

test: .venv/.test  ## the whole suite, from nothing
	$(BIN)/python -m pytest -q $(IN_PARALLEL)

explore: .venv/.test  ## the properties, with examples that nobody has seen
	EXAMPLES=4 $(BIN)/python -m pytest -q $(IN_PARALLEL) --hypothesis-profile explore $(shell grep -rl --include='test_*.py' hypothesis tests)

coverage: .venv/.test  ## how much of the code the suite reaches; takes twice as long
	$(BIN)/python -m coverage erase
	$(BIN)/python -m coverage run -m pytest -q $(IN_PARALLEL)
	$(BIN)/python -m coverage combine -q
	$(BIN)/python -m coverage report

# What the suite does for a moment, for long: a watch of five minutes, fifty kills, hundreds of races, every combination.
SOAK := tests/cli/test_watch_soak.py tests/cli/test_killed_applies.py tests/apply/test_killed.py \
  tests/emulator/test_process.py tests/emulator/test_fuzz.py tests/backend/test_run_lock.py tests/cli/test_protection_matrix.py

soak: .venv/.test  ## what the suite does for a moment, for long; says how much memory watch took
	SOAK_S=300 KILLS=50 RACES=200 FUZZ_EXAMPLES=100 WHOLE_MATRIX=1 $(BIN)/python -m pytest -q -s $(SOAK)

test-peers: .venv/.test peers  ## the suite against programs that others run too (skopeo, oras, azurite, Prometheus, pre-commit)
	$(BIN)/python -m pytest -m peer -n 2 --dist loadfile tests/peers

peers: .venv/.test  ## those programs, from the package registries
	@sh tests/peers/install.sh "$(CURDIR)/$(BIN)"

check: lint types imports  ## lint, format, types, import direction

lint: .venv/.check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: .venv/.check  ## put the code in shape
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

types: .venv/.check
	$(BIN)/mypy

imports: .venv/.check
	$(BIN)/lint-imports

bench: .venv/.bench  ## speed and memory, as ratios within one run
	$(BIN)/python -m benchmarks

clean:  ## remove what was made here
	rm -rf .venv .reconciler build dist *.egg-info .coverage* htmlcov benchmarks/results
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "$(PYTHON) is older than 3.11; say PYTHON=/path/to/a/newer/one"; exit 1; }
	$(PYTHON) -m venv .venv
	$(PIP) install --upgrade pip  # that of Python 3.11 takes three times as long for the rest

.venv/.installed: .venv/bin/python setup.cfg pyproject.toml
	$(PIP) install --editable .
	@touch $@

.venv/.test: .venv/bin/python setup.cfg pyproject.toml
	$(PIP) install --editable '.[test]'
	@touch $@ .venv/.installed

.venv/.check: .venv/bin/python setup.cfg pyproject.toml
	$(PIP) install --editable '.[test,check]'
	@touch $@ .venv/.test .venv/.installed

.venv/.bench: .venv/bin/python setup.cfg pyproject.toml
	$(PIP) install --editable '.[bench]'
	@touch $@ .venv/.installed
