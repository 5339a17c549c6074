# `make help` lists what there is. Nothing but Python 3.11+ and make is needed; the rest goes into .venv.
.DEFAULT_GOAL := help
.PHONY: help run test test-all test-newest test-general lint format type conformance bench bench-asgi bench-extensions bench-sessions docs check clean

VENV := .venv
PY := $(VENV)/bin/python
PORT ?= 5000
EXAMPLE ?= examples/wayside/wayside
# Two workers on a small machine, more where there is more.
PYTEST := sh tools/run_tests.sh $(VENV)
OLDER_AND_NEWER := 3.12 3.13

export PYTHON

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/.installed-run ## Serve the example application; PORT=5000 chooses the port
	@port=$$($(PY) tools/free_port.py "$(PORT)") && exec $(VENV)/bin/costrel --app $(EXAMPLE) run --port "$$port"

test: $(VENV)/.installed-test ## Run all tests of the framework, the docs' examples and the example application
	@$(PYTEST) $(ARGS)

test-general: $(VENV)/.installed-test ## Run the tests without servers once more, with the fast lanes switched off
	@COSTREL_FAST_LANE=off $(PYTEST) -m "not servers" $(ARGS)

test-newest: $(VENV)/.installed-test ## Run the tests on the newest Python too, if this machine has it
	@sh tools/test_on.sh $(lastword $(OLDER_AND_NEWER))

test-all: test ## Run the tests on every other Python of this machine too (3.12, 3.13)
	@for version in $(OLDER_AND_NEWER); do sh tools/test_on.sh $$version || exit 1; done

lint: $(VENV)/.installed-dev ## Check style with ruff
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check --quiet . || { echo "Run: make format"; exit 1; }

format: $(VENV)/.installed-dev ## Put the code into the one format
	@$(VENV)/bin/ruff check --quiet --fix . ; $(VENV)/bin/ruff format --quiet .

type: $(VENV)/.installed-dev ## Check types with mypy (strict) and pyright
	@$(VENV)/bin/mypy
	@$(VENV)/bin/basedpyright

conformance: $(VENV)/.installed-run ## Run Flask's tests and those of extensions on costrel; SUITES=flask for some
	@$(PY) conformance/run.py $(or $(SUITES),all)

bench: ## Measure against bare WSGI, Flask, Falcon and Bottle; table and picture in benchmarks/
	@sh benchmarks/run.sh $(ARGS)

bench-asgi: ## Measure against ASGI frameworks, in process, on servers, WebSockets and events
	@sh benchmarks/run.sh asgi $(ARGS)

bench-extensions: ## Measure a page with login, form and database beside Flask's extensions
	@sh benchmarks/run.sh extensions $(ARGS)

bench-sessions: ## Count what requests of one session at once lose, beside Flask-Session
	@sh benchmarks/run.sh sessions $(ARGS)

docs: $(VENV)/.installed-docs ## Build the documentation into docs/_build/html
	@$(PY) -m sphinx -q -W -b html docs docs/_build/html && echo "docs/_build/html/index.html"

check: SUITES := own-surface own-alias flask ext-login ext-forms ext-sqlalchemy
check: lint type test test-general conformance ## All that a change must pass
	@echo "make check: all passed"

clean: ## Remove what the targets above made
	@rm -rf .venv .venv-* docs/_build benchmarks/out .mypy_cache .ruff_cache .pytest_cache .hypothesis

# One stamp per set of tools: a change of pyproject.toml installs again, and `make run` waits for no linter.
$(VENV)/.installed-run: pyproject.toml tools/venv.sh
	@sh tools/venv.sh $(VENV) dotenv,forms,migrate,session,sqlalchemy,websocket
	@touch $@

$(VENV)/.installed-test: pyproject.toml tools/venv.sh
	@sh tools/venv.sh $(VENV) test
	@touch $@ $(VENV)/.installed-run

$(VENV)/.installed-dev: pyproject.toml tools/venv.sh
	@sh tools/venv.sh $(VENV) dev
	@touch $@ $(VENV)/.installed-run $(VENV)/.installed-test

$(VENV)/.installed-docs: pyproject.toml tools/venv.sh
	@sh tools/venv.sh $(VENV) docs
	@touch $@
