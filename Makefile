# What a person does with this repository. Every target sets up what it needs, in .venv, from hash-checked locks.
#
#   make run     the whole thing on this machine: simulated exchanges, trader, page on http://127.0.0.1:8080
#   make test    everything that must hold: lint, types, arrows, all tests
#   make check   the same without the slow tests, for between two commits
#   make bench   the benchmarks, as tables and JSON
#   make docs    the pages that are made from code

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PYTEST := $(BIN)/python -m pytest
.DEFAULT_GOAL := help
.PHONY: help run test check bench docs lint

help:
	@sed -n 's/^#   //p' Makefile

run: .venv/run.stamp
	$(BIN)/graphwiz run

# Tests wait more than they reckon: three at a time for two processors.
test: lint
	$(PYTEST) -n 3 --dist worksteal

# tests/conformance is slow as a whole: without it other people's clients, seconds of imports, are not even collected.
check: lint
	$(PYTEST) -m "not slow" --ignore tests/conformance -n 4 --dist worksteal

bench: .venv/dev.stamp
	$(BIN)/python -m benchmarks.run

docs: .venv/run.stamp
	$(BIN)/graphwiz config keys > docs/configuration.md.new
	mv docs/configuration.md.new docs/configuration.md

lint: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

# --no-deps: a lock names everything, so pip resolves nothing. The package itself is linked, not copied.
.venv/run.stamp: requirements/run.lock pyproject.toml | .venv/venv.stamp
	@echo "Installing what the trader needs (once, about a minute) ..."
	$(PIP) install --no-deps --require-hashes --requirement requirements/run.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

.venv/dev.stamp: requirements/dev.lock .venv/run.stamp
	@echo "Installing what the tests need (once, about a minute) ..."
	$(PIP) install --no-deps --require-hashes --requirement requirements/dev.lock
	@touch $@

.venv/venv.stamp:
	@sh requirements/make-venv.sh .venv $(PYTHON)
	@touch $@
