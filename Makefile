# fuserank: `make` prints this help.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
DATASET ?= completejourney
AS_OF ?=
LAKE ?= lake
export PYSPARK_PYTHON := $(CURDIR)/$(BIN)/python
export TZ := UTC

.PHONY: help setup setup-dev recs test cluster-test smoke lint docs bench locks clean

help: ## print this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'
	@echo "  variables  DATASET=completejourney AS_OF=2017-12-04 LAKE=lake PYTHON=python3.11"

setup: ## make .venv: locked packages, Delta's jars, spark-defaults (make recs does it by itself)
	@test -n "$(PYTHON)" || { echo "setup: Python 3.11 is needed and no python3.11 or python3 is on the PATH; on Debian: apt-get install python3.11-venv"; exit 1; }
	@$(PYTHON) deploy/local/setup.py run

setup-dev: ## the same, with what tests and lint need
	@test -n "$(PYTHON)" || { echo "setup: Python 3.11 is needed and no python3.11 or python3 is on the PATH; on Debian: apt-get install python3.11-venv"; exit 1; }
	@$(PYTHON) deploy/local/setup.py dev

recs: setup ## events in, fused ranking out: the whole chain on DATASET, then out/report.html
	@$(BIN)/fuserank refresh --dataset $(DATASET) --lake $(LAKE) $(if $(AS_OF),--as-of $(AS_OF)) --report

test: setup-dev ## all tests
	@$(BIN)/python -m pytest

cluster-test: setup-dev ## refresh and training on a real standalone cluster, a rank killed, bad input; about 15 minutes
	@mkdir -p benchmarks/results; set -o pipefail; $(BIN)/python -m pytest -s -m cluster tests/cluster 2>&1 | tee benchmarks/results/cluster-test.txt

smoke: setup ## one tiny chain by spark-submit, in a lake of its own
	@$(BIN)/python deploy/local/smoke.py

lint: setup-dev ## ruff, mypy, import-linter, generated docs up to date
	@$(BIN)/ruff check lib tests jobs benchmarks deploy
	@$(BIN)/ruff format --check lib tests jobs benchmarks deploy
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/fuserank tables --check docs/tables.md

docs: setup ## write docs/tables.md from the contracts
	@$(BIN)/fuserank tables > docs/tables.md

bench: setup ## the benchmarks of speed, one after the other, results in benchmarks/results/
	@mkdir -p benchmarks/results; for name in als topk loader ddp; do $(BIN)/fuserank bench $$name --json | tee benchmarks/results/$$name.json || exit 1; done

locks: ## resolve requirements/*.txt anew (needs uv)
	@for extra in run dev; do \
	  uv pip compile -q pyproject.toml --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header \
	  $$( [ $$extra = run ] && echo --extra train --extra report --extra demo --extra bench || echo --extra train --extra report --extra demo --extra bench --extra dev ) \
	  -o requirements/$$extra.txt || exit 1; done

clean: ## drop the demo's lake and the report; .venv stays
	@rm -rf lake out
