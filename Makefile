# fuserank: `make` prints this help.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
MODERN_PYTHON ?= $(shell for p in python3.12 python3.11; do $$p -c "" 2>/dev/null && echo $$p && break; done)
MODERN_TESTS := tests/jobs $(addprefix tests/unit/,stages learning evaluation)
DATASET ?= completejourney
AS_OF ?=
LAKE ?= lake
# what deploy/ and tests/golden/ are rendered by; tests/support/golden.py says the same
EXAMPLE := --lake s3a://shop/lake --set deploy.dist=hdfs:///apps/fuserank
SERVED := --set store.auto=true --set store.path=/mnt/store
export PYSPARK_PYTHON := $(CURDIR)/$(BIN)/python
export TZ := UTC

.PHONY: help setup setup-dev recs shop test proofs coverage cluster-test roads-test airflow-test browser-test redis-test kafka-test track-test serve-fuzz modern-test notebooks package wheel wheel-test smoke lint docs golden site site-links bench locks clean

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

shop: setup ## a small shop over the lake's store, with service and collector, on this machine alone; Ctrl-C ends it
	@$(BIN)/fuserank shop --dataset $(DATASET) --lake $(LAKE)

test: setup-dev ## the tests, on two workers; what takes long and is also tested on less: make proofs
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

proofs: setup-dev ## the tests that take long: whole chains by other settings, 200 worlds, a slice of the demo, the tutorial command by command
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m proof

coverage: setup-dev ## the same with branch coverage of lib/fuserank, in out/coverage.json
	@mkdir -p out; $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --cov=fuserank --cov-branch --cov-report=term --cov-report=json:out/coverage.json

cluster-test: setup-dev ## refresh and training on a real standalone cluster, a rank killed, bad input; 35 GB of disk, half an hour or more
	@mkdir -p benchmarks/results; set -o pipefail; $(BIN)/python -m pytest -s --no-header -m cluster tests/cluster 2>&1 | tee benchmarks/results/cluster-test.txt

roads-test: setup-dev ## the whole tiny chain in a catalog, below a URL, by the plain reader: the same ranking, and no secret anywhere
	@mkdir -p benchmarks/results; set -o pipefail; $(BIN)/python -m pytest -v --no-header -m roads tests/jobs 2>&1 | tee benchmarks/results/roads-test.txt

airflow-test: setup-dev ## the DAG imported and run by Airflow itself (makes .venv-airflow; a recorder stands for spark-submit)
	@cmp -s requirements/airflow.txt .venv-airflow/made-from || { rm -rf .venv-airflow && $(PYTHON) -m venv .venv-airflow && \
	  $(BIN)/python -m uv pip install -q --python .venv-airflow/bin/python --require-hashes --no-deps -r requirements/airflow.txt && \
	  cp requirements/airflow.txt .venv-airflow/made-from; }
	@AIRFLOW_HOME=$(CURDIR)/.venv-airflow/home .venv-airflow/bin/python -m pytest -q -p no:cacheprovider -c /dev/null --rootdir tests/airflow tests/airflow/check_dag.py

browser-test: setup-dev ## the pages of `fuserank explore` and of the demo shop, and events sent by a page, in a browser (Debian: apt-get install chromium; else CHROMIUM=/path/to/it); docs/img/
	@$(BIN)/python -m pytest -v --no-header -m browser tests/unit/explore tests/unit/serving/collect tests/unit/simulator

redis-test: setup-dev ## the online store on a real Redis (Debian: apt-get install redis-server)
	@$(BIN)/python -m pytest -v --no-header -m redis tests/unit/serving

kafka-test: setup-dev ## the stream from a real Kafka broker (KRaft) on this machine: killed between, checkpoint lost, broker stopped
	@$(BIN)/python deploy/local/kafka_jars.py
	@$(BIN)/python -m pytest -v --no-header -m kafka tests/kafka

track-test: setup-dev ## trainings and champions in a real store of MLflow and as offline runs of Weights & Biases (makes .venv-track beside .venv)
	@cmp -s requirements/track.txt .venv-track/made-from || { rm -rf .venv-track && \
	  $(BIN)/python -m uv pip install -q --python $(BIN)/python --target .venv-track --require-hashes --no-deps -r requirements/track.txt && \
	  cp requirements/track.txt .venv-track/made-from; }
	@PYTHONPATH=$(CURDIR)/.venv-track $(BIN)/python -m pytest -v --no-header -m track tests/unit/io/runtime tests/unit/stages/scores

serve-fuzz: setup-dev ## the recommend service by all that its OpenAPI allows and forbids: some thousand requests
	@$(BIN)/python -m pytest -v --no-header -p schemathesis.pytest.plugin tests/unit/serving/fuzz_openapi.py

modern-test: ## the tiny chain and tests of the stages with current pyarrow, pandas, numpy and no Petastorm (makes .venv-modern)
	@test -n "$(MODERN_PYTHON)" || { echo "modern-test: Python 3.12 or 3.11 is needed; make MODERN_PYTHON=/path/to/python3.12"; exit 1; }
	@$(MODERN_PYTHON) deploy/local/setup.py modern
	@.venv-modern/bin/fuserank doctor --set train.reader=pyarrow
	@.venv-modern/bin/python deploy/local/smoke.py train.reader=pyarrow
	@PYSPARK_PYTHON=$(CURDIR)/.venv-modern/bin/python .venv-modern/bin/python -m pytest $(MODERN_TESTS)

notebooks: setup-dev ## run every notebook in a fresh kernel on a tiny shop's lake; what they show: out/notebooks/
	@mkdir -p benchmarks/results; set -o pipefail; $(BIN)/python deploy/local/notebooks.py | tee benchmarks/results/notebooks.txt

package: setup-dev ## dist/ for clusters: wheel, packed environments, jars, settings; NODE_PYTHON=/usr/bin/python3.11 ONLY=data LAKE=URL
	@$(BIN)/python deploy/local/package.py $(if $(NODE_PYTHON),--node-python $(NODE_PYTHON)) $(if $(ONLY),--only $(ONLY)) $(if $(findstring ://,$(LAKE)),--lake $(LAKE))

wheel: setup-dev ## dist/: the wheel for pip, and constraints.txt, the versions that it was tested with
	@$(BIN)/python deploy/local/package.py --only wheel

wheel-test: setup-dev ## the wheel alone in an empty folder with an empty HOME, from install to a ranking; VERSIONS=newest without constraints; 6 GB
	@$(BIN)/python deploy/local/wheel_test.py --versions $(or $(VERSIONS),locked)

smoke: setup ## one tiny chain by spark-submit, in a lake of its own
	@$(BIN)/python deploy/local/smoke.py

lint: setup-dev ## ruff, mypy, import-linter, hadolint, generated docs and deployments up to date
	@$(BIN)/ruff check lib tests jobs benchmarks deploy notebooks docs/conf.py docs/tutorial
	@$(BIN)/ruff format --check lib tests jobs benchmarks deploy notebooks docs/conf.py docs/tutorial
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@for page in tables settings commands api; do $(BIN)/fuserank $$page --check docs/$$page.md || exit 1; done
	@$(BIN)/fuserank render kubernetes $(EXAMPLE) $(SERVED) --check deploy/kubernetes
	@for surface in airflow databricks; do $(BIN)/fuserank render $$surface $(EXAMPLE) --check deploy/$$surface || exit 1; done
	@$(BIN)/hadolint deploy/docker/Dockerfile.*

golden: setup-dev ## render again what is committed: submit commands and help texts in tests/golden/, deploy/{kubernetes,airflow,databricks}, docs/bad-input.md
	@GOLDEN=rewrite $(BIN)/python -m pytest tests/golden tests/unit/sources/test_bad_input_page.py

docs: setup ## write docs/tables.md, settings.md, commands.md and api.md from contracts, settings, commands and docstrings
	@for page in tables settings commands api; do $(BIN)/fuserank $$page > docs/$$page.md || exit 1; done

.venv-site/made-from: requirements/site.txt
	@rm -rf .venv-site && $(PYTHON) -m venv .venv-site && .venv-site/bin/python -m pip install -q --require-hashes --no-deps -r $< && cp $< $@

site: .venv-site/made-from ## the docs as a site in out/site/; a warning or a dead link between its pages is an error (makes .venv-site)
	@.venv-site/bin/sphinx-build -q -E -a -W --keep-going -d build/site -b html docs out/site && echo "site: out/site/index.html"

site-links: .venv-site/made-from ## the same for links that lead out of the docs: needs a network
	@.venv-site/bin/sphinx-build -q -d build/site -b linkcheck docs build/site-links && echo "site: no dead link"

bench: setup ## the benchmarks of speed, one after the other, results in benchmarks/results/
	@mkdir -p benchmarks/results; for name in als topk loader ddp; do $(BIN)/fuserank bench $$name --json | tee benchmarks/results/$$name.json || exit 1; done

locks: ## resolve requirements/*.txt again (needs uv)
	@for extra in run dev; do \
	  uv pip compile -q pyproject.toml --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header \
	  $(addprefix --extra ,train petastorm report demo init fetch explore serve step client bench track onnx tune) $$( [ $$extra = run ] || echo --extra notebooks --extra dev ) \
	  -o requirements/$$extra.txt || exit 1; done
	@uv pip compile -q pyproject.toml requirements/modern.in --extra train --extra report --extra demo --extra onnx --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header -o requirements/modern.txt
	@for kind in data train; do \
	  uv pip compile -q pyproject.toml --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header \
	  --extra report --extra demo --extra serve $$( [ $$kind = train ] && echo --extra train --extra petastorm --extra onnx || echo requirements/data.in ) -c requirements/run.txt \
	  --no-emit-package pyspark --no-emit-package py4j --no-emit-package triton -o requirements/$$kind.txt || exit 1; done
	@uv pip compile -q requirements/serve.in -c requirements/run.txt --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header -o requirements/serve.txt
	@uv pip compile -q requirements/track.in --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header -o requirements/track.txt
	@for own in airflow site; do \
	  uv pip compile -q requirements/$$own.in --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header -o requirements/$$own.txt || exit 1; done

clean: ## drop the demo's lake and the report; .venv stays
	@rm -rf lake out
