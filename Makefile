# Every target works from a fresh clone: `ready` makes .venv and fetches what is missing, once.
# Paths are relative on purpose: a folder name with a space in it is no problem.
.DEFAULT_GOAL := help
SHELL := /bin/sh
MAKEFLAGS += --no-print-directory
PY := .venv/bin/python
PACKAGES := $(wildcard app webhooks dev_store benchmarks tests tools)

.PHONY: help ready demo test lint unit browser soak contract real-year bench lock coverage texts clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 20

ready: ## only prepare this clone: .venv, locked packages, what npm supplies
	@PYTHON="$(PYTHON)" sh tools/python.sh -m tools.prepare

demo: ready ## a shop of your own on this machine, a year of its orders (FRESH=1 starts over, ONCE=1 runs and exits)
	@$(PY) -m app.demo $(if $(FRESH),--fresh) $(if $(ONCE),--once) $(ARGS)

test: lint unit browser ## everything CI runs: lint, tests, browser tests

lint: ready ## ruff, mypy --strict, import contracts
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy $(addprefix -p ,$(PACKAGES))
	@.venv/bin/lint-imports --no-logo

# In the order of files: the longest ones (demo) have few tests and came last otherwise, one process waiting for them.
unit: ready ## tests without a browser (ARGS="-k name" narrows)
	@$(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not soak and not browser" $(ARGS)

# A process of its own: asyncio.run() fails in one where Playwright's loop is running.
browser: ready ## tests in a headless Chromium, found or fetched
	@if [ -d tests/browser ]; then $(PY) -m tools.browser >/dev/null && $(PY) -m pytest -n 0 -m browser tests/browser; fi

soak: ready ## full sizes of laws and crash stories; writes docs/soak.md
	@$(PY) -m pytest -n 0 --timeout 7200 -m soak $(ARGS)

contract: ready ## hold the development store against recordings of the real API (RECORDINGS=folder)
	@if [ -z "$(RECORDINGS)" ]; then echo "make contract RECORDINGS=folder-of-recordings" >&2; exit 2; fi
	@$(PY) -m tests.contract "$(RECORDINGS)"

real-year: ready ## replay a real shop's year and compare every account under four programs (FILE=invoices.parquet or .csv)
	@if [ -z "$(FILE)" ]; then echo "make real-year FILE=invoices.parquet (or Shopify's order export, .csv)" >&2; exit 2; fi
	@$(PY) -m app.demo real-year "$(FILE)" $(ARGS)

bench: ready ## measure one claim (NAME=module in benchmarks/)
	@if [ -z "$(NAME)" ]; then echo "make bench NAME=…; there is:" benchmarks/[a-z]*.py >&2; exit 2; fi
	@$(PY) -m benchmarks.$(NAME) $(ARGS)

coverage: ready ## write docs/coverage.md anew from the test markers
	@$(PY) -m tools.coverage

texts: ready ## bring the admin's catalogues of texts up to date with the code
	@$(PY) -m tools.texts

lock: ready ## renew requirements.lock from pyproject.toml
	@$(PY) -m uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header \
	  pyproject.toml --extra devstore --group test --group dev -o requirements.lock $(ARGS)

clean: ## remove .venv and .cache (never var: your data)
	@rm -rf .venv .cache
