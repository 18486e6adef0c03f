# motcua: `make run` serves the demo, `make test` runs everything. `make help` lists the rest.
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run test lint types bench bench-dossiers fmt lock messages screenshot clean python

help: ## list what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

run: .venv/product ## install what it needs and serve the demo on http://localhost:8080 (ARGS="--port 9000")
	@$(BIN)/motcua serve --demo $(ARGS)

test: lint types .venv/browser ## the whole suite, on servers of its own (ARGS="-k calendar")
	@$(if $(ARGS),$(BIN)/python -m pytest $(ARGS),$(TOGETHER) && $(ALONE))
# Each process has servers of its own. Those that time people's waits or break servers want the machine for themselves.
TOGETHER := $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile tests/unit tests/integration
ALONE := $(BIN)/python -m pytest tests/acceptance tests/faults

lint: .venv/tools ## style, import rules
	@$(BIN)/ruff check --quiet . && $(BIN)/ruff format --quiet --check .
	@$(BIN)/lint-imports --no-logo > .venv/lint-imports.log || { cat .venv/lint-imports.log; exit 1; }

types: .venv/tools ## mypy --strict
	@$(BIN)/mypy --no-error-summary

bench: .venv/tools ## status reads beside named peers, in one run
	@$(BIN)/python -m tests.benchmarks.status_reads $(ARGS)
	@$(BIN)/python -m pytest tests/benchmarks --benchmark-only --benchmark-columns=median,iqr,ops,rounds

bench-dossiers: .venv/tools ## import a million dossiers, then look-ups and a report among them
	@$(BIN)/python -m tests.benchmarks.dossiers_at_scale $(ARGS)

fmt: .venv/tools ## format the code
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format --quiet .

lock: .venv/tools ## pin the newest versions that pyproject.toml allows, with hashes
	@$(BIN)/pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip compile pyproject.toml --group build --upgrade $(LOCK) -o requirements.txt
	@$(BIN)/uv pip compile pyproject.toml --group build --group dev -c requirements.txt $(LOCK) -o requirements-dev.txt
LOCK := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet

messages: .venv/tools ## bring the English catalogue up to date with the templates
	@$(BIN)/pybabel -q extract -F babel.cfg --no-location --sort-output -o .venv/motcua.pot .
	@$(BIN)/pybabel -q update -i .venv/motcua.pot -d kit/locale -D motcua -l en --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date --width 120

screenshot: .venv/browser ## photograph the pages for the README
	@$(BIN)/python -m tests.acceptance.screenshot

clean: ## remove what was installed and built; the data in ./var stays
	@rm -rf .venv dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .benchmarks
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

PIP := $(BIN)/pip install --quiet --disable-pip-version-check --require-hashes
# The product itself is installed in place; its build tools come from the lock file too.
INPLACE := $(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .

python:
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else f"motcua needs Python 3.11 or newer; $(PYTHON) is {v[0]}.{v[1]} (set PYTHON=…)")' || exit 2
	@test -w . || { echo "motcua: this folder is read-only; make needs to write .venv and var here" >&2; exit 2; }

.venv/bin/pip: | python
	@$(PYTHON) -m venv .venv

.venv/product: requirements.txt pyproject.toml | .venv/bin/pip
	@echo "installing into .venv …" >&2
	@$(PIP) -r requirements.txt && $(INPLACE) && touch $@

.venv/tools: requirements-dev.txt pyproject.toml | .venv/bin/pip
	@echo "installing into .venv …" >&2
	@$(PIP) -r requirements-dev.txt && $(INPLACE) && touch $@ .venv/product

.venv/browser: | .venv/tools
	@command -v chromium > /dev/null || { echo "installing chromium …" >&2; \
	  $$(command -v sudo) apt-get -qq update && $$(command -v sudo) apt-get -qq install -y --no-install-recommends chromium fonts-noto-core > /dev/null; }
	@touch $@
