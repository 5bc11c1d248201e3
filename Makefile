# `make` alone lists what there is. Everything happens in .venv, which `make setup` fills.
.DEFAULT_GOAL := help
.PHONY: help run test check setup setup-dev format seed migrate upgrade bench clean \
        lint types contract templates slow python

PYTHON ?= python3
BIN := .venv/bin
# Tests wait as much as they compute: three keep two cores busy.
WORKERS ?= 3
SIZE ?= s
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

help: ## show this help
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

# glibc would give each thread a heap of its own, 13 MB more for a process.
run: setup ## serve Bookshelf on http://127.0.0.1:8000 (PORT=8001 changes that)
	@$(BIN)/python gunicorn.conf.py
	@$(BIN)/flask db upgrade
	@$(BIN)/flask seed --first-run
	@WELCOME_KEY="$$($(BIN)/flask users welcome-key)" MALLOC_ARENA_MAX=2 exec $(BIN)/gunicorn

test: setup-dev ## run the tests on SQLite, on PostgreSQL and through PgBouncer (ARGS= for pytest)
	@$(BIN)/python tests/provision.py
	@$(BIN)/pytest -m "not slow" -n $(WORKERS) --dist worksteal $(ARGS)

check: lint types contract templates test slow ## everything that must hold before a commit lands

setup: .venv/installed ## make .venv and install what Bookshelf runs with

format: setup-dev ## format the code
	@$(BIN)/ruff check --fix --exit-zero --quiet . && $(BIN)/ruff format --quiet .

seed: setup ## add what is missing of a small catalogue
	@$(BIN)/flask seed

# What the message holds is text, neither for make nor for the shell to run.
unexport M
migrate: export MESSAGE := $(value M)
migrate: setup ## write a revision for what changed in the models: make migrate M="add a column"
	@test -n "$$MESSAGE" || { echo 'Say what changes: make migrate M="add country to author"' >&2; exit 1; }
	@$(BIN)/flask db migrate -m "$$MESSAGE"

upgrade: setup ## bring the database to the newest revision
	@$(BIN)/flask db upgrade

bench: setup-dev ## measure every page and write docs/performance.md (SIZE=s|m|l, ARGS=--help)
	@PYTHONPATH=.:tests $(BIN)/python -m bench --size $(SIZE) $(ARGS)

clean: ## remove .venv, .tools and caches; instance/ with its database stays
	@rm -rf .venv .tools .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

lint: setup-dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/flask db lint

types: setup-dev
	@$(BIN)/mypy

contract: setup-dev
	@$(BIN)/lint-imports

templates: setup-dev
	@$(BIN)/djlint templates --lint --quiet

slow: setup-dev
	@$(BIN)/python tests/provision.py
	@$(BIN)/pytest -m "slow and not alone" -n $(WORKERS) --dist worksteal
	@$(BIN)/pytest -m alone

setup-dev: .venv/installed-dev

# `flask` would read .env in its own way, and a parent folder's too: config.py alone reads it.
.venv/installed: requirements.txt | $(BIN)/python
	@echo "Installing what Bookshelf runs with ..."
	@$(INSTALL) -r requirements.txt
	@for folder in .venv/lib/python3*/site-packages; do \
	  echo "import os; os.environ.setdefault('FLASK_SKIP_DOTENV', '1')" > $$folder/bookshelf.pth; done
	@touch $@

.venv/installed-dev: requirements-dev.txt .venv/installed
	@echo "Installing what the tests need ..."
	@$(INSTALL) -r requirements-dev.txt
	@touch $@

$(BIN)/python:
	@test -w . || { echo "This folder cannot be written: $(CURDIR)" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Bookshelf needs Python 3.11 or newer; name one: make run PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "This Python lacks venv; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv --clear .venv
