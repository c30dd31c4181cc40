# opsctl: `make demo` sees the main job done, `make test` proves it. Each does its whole set-up by itself.
.DEFAULT_GOAL := help
.PHONY: help demo test check bench drills fmt setup tools schemas clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The environment is rebuilt when what it is made from changes, and only then.
STAMP := $(VENV)/.made-from-$(shell cat pyproject.toml constraints.txt | cksum | cut -d' ' -f1)

help: ## Show what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/:/' | awk -F': ' '{printf "  make %-8s %s\n", $$1, $$2}'

demo: $(STAMP) ## Build, verify, swap and measure derived collections on a generated catalogue (under three minutes)
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh tools/demo.sh

test: $(STAMP) tools ## Run the tests (what they need from Debian is installed where root or sudo is there)
	$(BIN)/pytest

check: $(STAMP) ## Lint, types, layers, formatting and schemas
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/write_schemas.py --check

bench: $(STAMP) ## Measure the ratios that the README names, side by side in one run (about five minutes)
	$(BIN)/python tests/benchmarks/rebuild_throughput.py
	$(BIN)/python tests/benchmarks/filter_strategies.py

drills: $(STAMP) tools ## Run the long tests
	$(BIN)/pytest -m drill

fmt: $(STAMP) ## Format the code
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

schemas: $(STAMP) ## Write the JSON Schemas of the books into the package
	$(BIN)/python tools/write_schemas.py

setup: $(STAMP) ## Make the virtual environment only

tools: ## Install the Debian tools of the tests, or say what is missing
	@sh tools/debian_tools.sh

clean: $(STAMP) ## Stop the local stack and remove its data (the evidence too)
	$(BIN)/opsctl stack down
	rm -rf .opsctl

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("opsctl needs Python 3.11 or newer; run: make PYTHON=python3.11 ..." if sys.version_info < (3, 11) else 0)'
	@echo "setting up $(VENV) (once; takes a minute or two)"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --group dev -e '.[local,parquet]'
	@rm -f $(VENV)/.made-from-*
	@touch $@
