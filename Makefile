# `make` lists the targets. The same ones run in CI.
PYTHON ?= python3
VENV ?= .venv
PIP_ARGS ?=
PYTEST_ARGS ?=
# Processes that share the tests, file by file.
TEST_JOBS ?= 2

BIN := $(VENV)/bin
# A new stamp, and so a new installation, when a requirement changes.
KEY := $(shell cat requirements/*.* setup.cfg | cksum | cut -d ' ' -f 1)
STAMP := $(VENV)/.mmmultas-$(KEY)
DEV_STAMP := $(VENV)/.mmmultas-$(KEY)-dev
INSTALL = PYTHON='$(PYTHON)' PIP_ARGS='$(PIP_ARGS)' TORCH_SPEC='$(TORCH_SPEC)' \
    TORCH_INDEX='$(TORCH_INDEX)' CPU_ONLY='$(CPU_ONLY)' requirements/install.sh
QUIET = --quiet --disable-pip-version-check $(PIP_ARGS) \
    --constraint requirements/constraints.txt

.DEFAULT_GOAL := help
.PHONY: help demo demo-tasks notebook env dev operators test test-slow test-all \
    test-operators test-gpu coverage lint type fmt fuzz configs package docs clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) \
	    | awk -F ':.*## ' '{ printf "  make %-14s %s\n", $$1, $$2 }'

demo: env  ## train on handwritten digits with half of the labels hidden
	$(BIN)/python tools/demo.py

demo-tasks: env  ## train on drawn rooms: five tasks, one label per image
	$(BIN)/python tools/demo.py tasks

notebook: env  ## the first steps, in Jupyter
	$(BIN)/python -m pip install $(QUIET) -r requirements/notebook.txt jupyterlab
	$(BIN)/jupyter lab notebooks/first_steps.ipynb

env: $(STAMP)  ## virtual environment in .venv (about two minutes, once)

$(STAMP):
	@$(INSTALL) env '$(VENV)'
	@rm -f $(VENV)/.mmmultas-*
	@touch $@

dev: $(DEV_STAMP)  ## the same, with what tests and lint need

$(DEV_STAMP): $(STAMP)
	@$(INSTALL) dev '$(VENV)'
	@touch $@

operators: env  ## compile the operators of mmcv (about a minute on a CPU)
	@$(INSTALL) operators '$(VENV)'

test: dev  ## tests of seconds
	$(BIN)/python -m pytest -n $(TEST_JOBS) --dist loadfile $(PYTEST_ARGS)

test-slow: dev  ## tests of minutes
	$(BIN)/python -m pytest --slow -m slow $(PYTEST_ARGS)

test-all: dev operators  ## all tests, also fresh environments and the notebook
	$(BIN)/python -m pip install $(QUIET) -r requirements/notebook.txt
	$(BIN)/python -m pytest --slow --fresh $(PYTEST_ARGS)

test-operators: dev operators  ## what compiled operators do, against NumPy
	$(BIN)/python -m pytest --slow -m operators $(PYTEST_ARGS)

test-gpu: dev  ## what only a GPU can show
	CUDA_VISIBLE_DEVICES=$${CUDA_VISIBLE_DEVICES:-0} \
	    $(BIN)/python -m pytest tests/test_gpu.py $(PYTEST_ARGS)

coverage: dev  ## tests, and how much of the package they reach
	$(BIN)/python -m pytest --cov --cov-report= $(PYTEST_ARGS)
	$(BIN)/python -m coverage report --fail-under=85
	$(BIN)/python -m coverage report --fail-under=95 \
	    --include='mmmultas/functional/*,mmmultas/evaluation/*'

lint: dev type  ## style, types and spelling
	$(BIN)/ruff check .
	$(BIN)/codespell $$(git ls-files)

type: dev  ## types
	$(BIN)/mypy

fmt: dev  ## mend what ruff can mend
	$(BIN)/ruff check --fix .

fuzz: dev  ## 10,000 broken files for every reader
	$(BIN)/python tests/fuzz/fuzz_readers.py --count 10000 --out fuzz_out

configs: dev  ## parse and build every config
	$(BIN)/python -m pytest tests/test_configs.py $(PYTEST_ARGS)

package: env  ## wheel and sdist, in dist/
	rm -rf build dist
	$(BIN)/python -c 'from setuptools import build_meta as b; \
	    b.build_sdist("dist"); b.build_wheel("dist")' >/dev/null
	@rm -rf build *.egg-info
	@ls dist

docs: dev  ## the pages as a site, in site/
	$(BIN)/python -m pip install $(QUIET) -r requirements/docs.txt
	PYTHONPATH=. NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	@echo "Open site/index.html"

clean:  ## remove caches; the environment and work_dirs stay
	find . -name __pycache__ -not -path './$(VENV)/*' -prune \
	    -exec rm -rf {} +
	rm -rf .pytest_cache .ruff_cache .mypy_cache .hypothesis .coverage* \
	    htmlcov build site *.egg-info
