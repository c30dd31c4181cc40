# opsctl: `make demo` sees the main job done, `make test` proves it. Each does its whole set-up by itself.
.DEFAULT_GOAL := help
.PHONY: bench-tools help demo ready test check bench drills fmt setup tools schemas docs site vendor

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The environment is rebuilt when what it is made from changes, and only then.
STAMP := $(VENV)/.made-from-$(shell cat pyproject.toml constraints.txt | cksum | cut -d' ' -f1)

help: ## Show what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/:/' | awk -F': ' '{printf "  make %-8s %s\n", $$1, $$2}'

demo: $(STAMP) ## Build, verify, swap and measure derived collections on a generated catalogue (under three minutes)
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh docs/demo.sh

ready: $(STAMP) tools ## Make all evidence of the production checklist on the local stack, and end with its page (under 30 minutes; killed, it goes on)
	@$(BIN)/opsctl doctor --json >/dev/null || $(BIN)/opsctl doctor
	$(BIN)/opsctl checklist run --refresh --within 28m --html .opsctl/checklist/checklist.html --markdown .opsctl/checklist/checklist.md

test: $(STAMP) tools ## Run the tests (what they need from Debian is installed where root or sudo is there)
	$(BIN)/pytest --numprocesses 2

check: $(STAMP) ## Lint, formatting, types and layers
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP) bench-tools ## Run every benchmark, and write docs/benchmarks.md (under 30 minutes on two idle cores)
	$(BIN)/python -m tests.benchmarks

bench-tools:
	@sh tests/debian_tools.sh wrk

drills: $(STAMP) tools ## Run the slow tests, and then the long ones, one after the other
	$(BIN)/pytest -m slow --numprocesses 2
	$(BIN)/pytest -m drill

fmt: $(STAMP) ## Format the code
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

schemas: $(STAMP) ## Write the JSON Schemas of the books into the package
	@for book in project collections mapping cache service load alerts delivery dashboard drill backup deploy recovery experiment exercise checklist prices costs waivers; do $(BIN)/opsctl config schema $$book > src/opsctl/schemas/$$book.json; done

docs: $(STAMP) ## Write the generated pages: commands, metrics, OpenAPI document and page, vectors of assignment
	$(BIN)/python -m opsctl.cli.reference > docs/commands.md
	$(BIN)/python -m opsctl.service.api.openapi > docs/openapi.json
	$(BIN)/python -m opsctl.documentation.openapi_page < docs/openapi.json > docs/openapi.md
	$(BIN)/python -m opsctl.metrics.reference > docs/metrics.md
	$(BIN)/python -m opsctl.experiments.vectors > docs/assignment-vectors.json

site: $(STAMP) ## Build the documentation into site/, and check its links, commands and rendered pages
	$(BIN)/opsctl docs build

vendor: ## Fetch the charts of the preview from npm into the package
	@folder=$$(mktemp -d) && cd $$folder && npm pack --silent uplot@1.6.32 >/dev/null && tar xzf uplot-1.6.32.tgz && cd - >/dev/null && \
	cp $$folder/package/dist/uPlot.iife.min.js $$folder/package/dist/uPlot.min.css $$folder/package/LICENSE src/opsctl/dashboards/page/vendor/ && rm -r $$folder

setup: $(STAMP) ## Make the virtual environment only

tools: ## Install the Debian tools of the tests, or say what is missing
	@sh tests/debian_tools.sh

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("opsctl needs Python 3.11 or newer; run: make PYTHON=python3.11 ..." if sys.version_info < (3, 11) else 0)'
	@echo "setting up $(VENV) (once; takes a minute or two)"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --group dev -e '.[local,service,load,locust,supabase,backup,parquet,experiments,grafana,sentry,security]'
	@rm -f $(VENV)/.made-from-*
	@touch $@
