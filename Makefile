# Everything that is done to this project by hand or by a machine. `make help` lists it.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

ifndef PYTHON
PYTHON := $(shell command -v python3.11 || command -v python3)
endif
VENV := .venv
BIN := $(VENV)/bin
MADE := $(VENV)/.made
EXTENSION := $(VENV)/share/jupyter/labextensions/metaclaw-jlab
SOURCES := $(shell find src style schema -type f -not -name '*.spec.ts*') tsconfig.json tsconfig.build.json package.json
CONSTRAINTS ?= constraints.txt
WORKERS ?= 2

export PATH := $(CURDIR)/$(BIN):$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Nothing is fetched from a model hub by a target of this file but demo-local.
export HF_HUB_OFFLINE := 1

.PHONY: help
help:  ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 18

# ---------------------------------------------------------------- set-up

.PHONY: setup
setup:  ## Make .venv and build the labextension (the other targets call it)
	@$(MAKE) --no-print-directory --jobs=2 $(MADE)/python $(MADE)/linked

# First the tool that brings yarn: it lets the Python and the Node half be installed side by side.
$(MADE)/venv:
	@test -n '$(PYTHON)' || { echo 'Python 3.11 or newer is needed: install it, or name it with PYTHON=...' >&2; exit 1; }
	@'$(PYTHON)' -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo 'Python 3.11 or newer is needed: name one with PYTHON=...' >&2; exit 1; }
	test -x $(BIN)/python || '$(PYTHON)' -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -c $(CONSTRAINTS) jupyter-builder
	@mkdir -p $(MADE) && touch $@

# The link to the built labextension goes first: pip would write into it, and delete through it.
$(MADE)/python: pyproject.toml $(CONSTRAINTS) | $(MADE)/venv
	@echo 'Installing the Python packages (about 3 minutes the first time)'
	rm -rf $(EXTENSION)
	HATCH_JUPYTER_BUILDER_SKIP_NPM=1 $(BIN)/python -m pip install --quiet -e '.[all,test,dev]' -c $(CONSTRAINTS)
	@touch $@

node_modules/.yarn-state.yml: yarn.lock .yarnrc.yml | require-node $(MADE)/venv
	@echo 'Installing the Node packages (about 2 minutes the first time)'
	@mkdir -p build
	jlpm install --immutable > build/jlpm-install.log || { tail -n 40 build/jlpm-install.log >&2; exit 1; }
	@touch $@

labextension/package.json: $(SOURCES) node_modules/.yarn-state.yml
	jlpm build:prod
	@touch $@

$(MADE)/linked: labextension/package.json $(MADE)/python
	mkdir -p $(dir $(EXTENSION))
	rm -rf $(EXTENSION)
	ln -s $(CURDIR)/labextension $(EXTENSION)
	@touch $@

.PHONY: require-node
require-node:
	@command -v node > /dev/null || { echo 'Node.js 20 or newer is needed to build the JupyterLab extension: https://nodejs.org' >&2; exit 1; }

# What only the tests need from the system; installed where that is possible without asking anybody.
.PHONY: test-tools
test-tools:
	@missing=''; \
	command -v chromium > /dev/null || missing="$$missing chromium"; \
	command -v bwrap > /dev/null || missing="$$missing bubblewrap"; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null; then \
	  echo "Installing$$missing"; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing > /dev/null; \
	else echo "Not found:$$missing. Install them for the complete tests." >&2; fi

# ---------------------------------------------------------------- use

.PHONY: demo
demo: $(MADE)/python  ## Run the quickstart headless, then measure on test tasks: build/demo.json
	@mkdir -p build
	metaclaw demo

# A real model's code runs in a sandbox only; where this cannot install it, the command says what to do.
.PHONY: isolation
isolation:
	@if ! command -v bwrap > /dev/null && [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null; then \
	  echo 'Installing bubblewrap'; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends bubblewrap > /dev/null; \
	fi

MODEL ?= qwen2.5-coder-1.5b
# With downloads it takes 75 minutes on 2 cores at most; a training takes what it takes.
MINUTES ?= $(if $(TRAIN),,72)

.PHONY: demo-local
demo-local: $(MADE)/python isolation  ## Measure a real model here: build/demo-local.json (MODEL=, TRAIN=1, MINUTES=)
	@mkdir -p build
	env -u HF_HUB_OFFLINE metaclaw demo-local --model '$(MODEL)' \
	  $(if $(TRAIN),--train) $(if $(MINUTES),--minutes $(MINUTES)) $(DEMO_ARGS)

.PHONY: lab
lab: setup  ## Open the examples in JupyterLab (LAB_ARGS for more options)
	jupyter lab $$([ "$$(id -u)" = 0 ] && echo --allow-root) --ServerApp.root_dir=examples \
	  --LabApp.default_url=/lab/tree/quickstart.ipynb $(LAB_ARGS)

# ---------------------------------------------------------------- check

.PHONY: test
test: test-python test-typescript test-browser test-model  ## All tests: Python, TypeScript, browser, a real model

.PHONY: test-python
test-python: setup test-tools  ## Unit tests in Python
	pytest -n $(WORKERS)

.PHONY: test-typescript
test-typescript: setup  ## Unit tests in TypeScript
	jlpm test

.PHONY: test-browser
test-browser: setup test-tools  ## JupyterLab in a headless Chromium
	pytest ui-tests -n $(WORKERS) --dist loadfile

# By itself: its training and its gate want both cores.
.PHONY: test-model
test-model: setup test-tools  ## smollm2-135m from end to end: fetched, served, trained, gated, swapped
	pytest model-tests

.PHONY: screenshots
screenshots: setup test-tools  ## Take docs/screenshots/ anew
	python ui-tests/screenshots.py docs/screenshots

.PHONY: lint
lint: setup  ## Ruff, mypy, the layers, prettier, tsc, eslint
	ruff check
	ruff format --check
	mypy
	lint-imports
	jlpm lint:check
	@$(MAKE) --no-print-directory schema-check

# The front end's types of what the server takes and gives; kept in the sources, so that it builds without Python.
SCHEMA := src/api/schema.ts
SCHEMA_TYPES = openapi-typescript build/openapi.json --root-types --root-types-no-schema-prefix \
  --root-types-keep-casing --output $(SCHEMA)

.PHONY: schema
schema:  ## Make the front end's types from the server's description of itself
	@mkdir -p build
	python -m metaclaw_jlab.jupyter.server.openapi > build/openapi.json
	jlpm run $(SCHEMA_TYPES)

.PHONY: schema-check
schema-check:
	@mkdir -p build
	python -m metaclaw_jlab.jupyter.server.openapi > build/openapi.json
	jlpm run $(SCHEMA_TYPES) --check

.PHONY: format
format: setup  ## Put the sources into shape
	ruff check --fix --exit-zero --quiet
	ruff format
	jlpm prettier

.PHONY: bench
bench: setup  ## Measure speed: build/bench/*.json
	@mkdir -p build/bench
	@for script in benchmarks/[!_]*.py; do \
	  name=$$(basename "$$script" .py); echo "== $$name"; \
	  python "$$script"; \
	  test -s "build/bench/$$name.json" || { echo "$$script left no build/bench/$$name.json" >&2; exit 1; }; \
	done

.PHONY: wheel
wheel: setup  ## Build the wheel into dist/ and look whether all is in it
	rm -rf dist
	python -m build --wheel
	@listing="$$(python -m zipfile -l dist/*.whl)"; \
	for part in labextensions/metaclaw-jlab/package.json practice/splits.json \
	    embedded/model/model.safetensors embedded/card.md py.typed \
	    jupyter_server_config.d/metaclaw_jlab.json skills/shipped_embedder.npz event_schemas/happened.yaml \
	    widgets/dashboard.js widgets/ablation.js widgets/ablation.css schemas/metaclaw-jlab/sidebar.json migrations/0007_library.sql; do \
	  grep -qF "$$part" <<< "$$listing" || { echo "the wheel lacks $$part" >&2; exit 1; }; \
	done

.PHONY: clean
clean:  ## Remove what was built; .venv and node_modules stay
	rm -rf build coverage dist labextension lib *.tsbuildinfo .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
