# Arrears. `make help` lists what there is.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
TEST_STAMP := $(VENV)/.installed-for-tests
BI_STAMP := .venv-bi/.installed
BROWSER := chromium fonts-wqy-microhei
export PATH := $(abspath $(BIN)):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help setup demo bi screenshots browser test test-fast test-files test-faults handbook lint lock bench-extract bench-delinquency bench-chain bench-history bench-fairness bench-forecast bench-early-warning bench-experiments soak clean

help: ## show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-19s %s\n", $$1, $$2}'

setup: $(STAMP) ## install everything into .venv; creates .venv/bin/arrears

demo: $(STAMP) ## set up, load the bank, run one business day, deliver the lists (TAPE=DIR for another tape)
	@$(BIN)/arrears demo $(if $(TAPE),--tape $(TAPE))

bi: $(STAMP) $(BI_STAMP) ## dashboards on the marts: install Superset into .venv-bi, start it, say where it is
	@$(BIN)/arrears bi

test: $(TEST_STAMP) $(BI_STAMP) browser lint ## every check and every test
	@$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

test-fast: $(TEST_STAMP) ## the tests that need no service
	@$(BIN)/pytest -q -m "not postgres and not sftp and not airflow and not slow"

test-files: $(TEST_STAMP) ## read ten thousand damaged vendor files (three minutes; `make test` reads a sample)
	@VENDOR_FILES=10000 $(BIN)/pytest -q -s tests/properties/test_vendor_files.py

handbook: $(STAMP) ## write the schemas, tables and examples of docs/vendors anew, docs/measures.md and dbt's exposures
	@$(BIN)/python -m arrears.delivery.handbook
	@$(BIN)/python -m arrears.bi.handbook

test-faults: $(TEST_STAMP) ## every fault of a delivery: 200 random kills, each step, vendors, database, Airflow (half an hour)
	@FAULTS=all $(BIN)/pytest -n 2 --dist worksteal tests/faults

lint: $(TEST_STAMP) ## style, types, import rules, SQL style
	@$(BIN)/ruff check . && $(BIN)/ruff format --check -q . && $(BIN)/mypy && $(BIN)/lint-imports --no-logo
	@cd dbt_project && ../$(BIN)/sqlfluff lint -q --processes 2 models tests functions

lock: $(STAMP) ## resolve requirements/*.in anew into pinned versions with hashes
	@cd requirements && for name in bootstrap runtime dev bi; do \
	  ../$(BIN)/uv pip compile -q --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	    $$name.in -o $$name.txt || exit 1; done

bench-extract: $(STAMP) ## measure landing beside psql, ADBC, dlt and pandas (they go into .venv-bench)
	@$(BIN)/python benchmarks/extract.py

bench-delinquency: $(STAMP) ## measure days past due beside the least SQL, to 3 million loans (an hour, 60 GB of free disk)
	@$(BIN)/python benchmarks/delinquency.py

bench-chain: $(STAMP) ## measure a business day through Airflow at a million loans (an hour, 40 GB of free disk)
	@$(BIN)/python benchmarks/chain.py

bench-history: $(STAMP) ## measure what months of contacts add to a day (ten minutes, 15 GB of free disk)
	@$(BIN)/python benchmarks/history.py

bench-fairness: $(STAMP) ## hold the measure of collectors against skills that are known (minutes)
	@$(BIN)/python benchmarks/fair_measurement.py

bench-forecast: $(STAMP) ## hold forecasts of tiers and losses against what came on the real tape (minutes)
	@$(BIN)/python benchmarks/forecast.py

bench-early-warning: $(STAMP) ## hold models of who falls behind against the real tape and a bank of known chances (minutes)
	@$(BIN)/python benchmarks/early_warning.py

bench-experiments: $(STAMP) ## hold the verdicts on experiments against differences that are known (minutes)
	@$(BIN)/python benchmarks/experiments.py

soak: $(STAMP) ## live through sixty business days with faults and reconcile them (an hour and a half; ARGS='--days 3' for fewer)
	@$(BIN)/python benchmarks/soak.py $(ARGS)

browser: ## install a browser for the tests of pages, where this machine lets us
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
	  echo "Installing chromium" && { apt-get install -y -qq --no-install-recommends $(BROWSER) >/dev/null 2>&1 || \
	  { apt-get update -qq && apt-get install -y -qq --no-install-recommends $(BROWSER); } >/dev/null 2>&1; }; } || \
	  echo "No chromium here and no way to install it: the tests of pages in a browser are skipped"

screenshots: $(TEST_STAMP) $(BI_STAMP) browser ## photograph the running demo's board and dashboards into docs/screenshots
	@$(BIN)/arrears bi && PYTHONPATH=tests $(BIN)/python tests/screenshots.py

clean: ## stop the services and remove all state
	@[ ! -x $(BIN)/arrears ] || $(BIN)/arrears down
	@rm -rf .arrears .arrears-soak

$(STAMP): requirements/bootstrap.txt requirements/runtime.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0) if sys.version_info >= (3, 11) else sys.exit("Arrears needs Python 3.11 or newer and found " + sys.version.split()[0] + ": run make PYTHON=/path/to/python3.11")'
	@$(PYTHON) -m venv $(VENV) || { echo "Python cannot make a virtual environment: install its venv package (Debian: python3-venv)"; exit 1; }
	@echo "Installing Arrears into $(VENV)"
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	@$(BIN)/uv pip install -q --python $(BIN)/python --compile-bytecode --require-hashes -r requirements/runtime.txt
	@$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $(STAMP)

$(TEST_STAMP): $(STAMP) requirements/dev.txt
	@$(BIN)/uv pip install -q --python $(BIN)/python --compile-bytecode --require-hashes -r requirements/runtime.txt -r requirements/dev.txt
	@touch $(TEST_STAMP)

$(BI_STAMP): $(STAMP) requirements/bi.txt
	@echo "Installing Superset into .venv-bi"
	@$(BIN)/uv venv -q --clear --python $(BIN)/python .venv-bi
	@$(BIN)/uv pip install -q --python .venv-bi/bin/python --compile-bytecode --require-hashes -r requirements/bi.txt
	@touch $(BI_STAMP)
