# Everything a person or the checks need to do here. `make help` lists it.
#
# PYTHON=…        the interpreter to make .venv with; otherwise the first python3 that is new enough
# TORCH_INDEX=…   where torch and torchvision are taken from first: with PyTorch's index of CPU builds a machine
#                 without a GPU saves some 5 GB
# PYTEST_ARGS=…   passed on to pytest, for instance PYTEST_ARGS="-k split -x"
# WORKERS=…       processes that test side by side; 0 tests in one, without the start of others
# DEMO_ARGS=…     passed on to hounsfield demo

SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check
TORCH_INDEX ?=
PYTEST_ARGS ?=
WORKERS ?= 2
DEMO_ARGS ?= -o demo

.PHONY: help setup demo test lint types packages docs bench clean

help: ## what can be made
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(VENV)/.test ## .venv with the package (editable) and everything the tests need

demo: $(VENV)/.core ## the whole loop on the built-in phantom, ending in a report
	$(PY) -m hounsfield demo $(DEMO_ARGS)

test: $(VENV)/.test packages lint types ## style, types and every test
	OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive $(PY) -m pytest -n $(WORKERS) --dist worksteal $(PYTEST_ARGS)

lint: $(VENV)/.test ## style
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

types: $(VENV)/.test ## types
	$(PY) -m mypy

packages: ## the Debian packages that some tests use, where they can be installed
	@tests/packages.sh

docs: $(VENV)/.docs ## the documentation, into site/
	$(PY) docs/_scripts/commands.py
	NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict --quiet
	@echo "The documentation is site/index.html; with search: $(PY) -m http.server -d site"

bench: $(VENV)/.bench ## every benchmark, side by side with its peers, into benchmarks/results/
	@failed=; for file in $$(grep -l __main__ benchmarks/*.py); do \
	    echo "== $$file"; $(PY) $$file || failed="$$failed $$file"; done; \
	if [ -n "$$failed" ]; then echo "Failed, or missed an aim:$$failed"; exit 1; fi

clean: ## removes what was made here, but for .venv
	rm -rf site dist build demo .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
	find src tests docs benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment. A stamp is written when an installation went through, so the second call is instant and an
# interrupted one is taken up again.

$(PY):
	@.ci/make-venv "$(VENV)" $(PYTHON)

$(VENV)/.core: pyproject.toml | $(PY)
	@echo "Installing Hounsfield and what it stands on into $(VENV): a few minutes, up to 7 GB with a CUDA build of torch."
	$(if $(TORCH_INDEX),$(PIP) install --index-url $(TORCH_INDEX) torch torchvision)
	$(PIP) install -e .
	@touch $@

$(VENV)/.test $(VENV)/.docs $(VENV)/.bench: $(VENV)/.%: $(VENV)/.core
	@echo "Installing what is needed for: $*"
	$(PIP) install -e '.[$*]'
	@touch $@
