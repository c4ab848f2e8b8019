# make run and make test each work as the first and only command on a fresh machine with Python 3.11+ and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 3000
# The history of runs is where the tables are.
export DAGSTER_HOME := $(abspath $(or $(RISK_PIPELINE_HOME),dagster_home))
# Two processes with two BLAS threads each run four times slower than with one each.
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1

.PHONY: run test dev dev-postgres bench lint types clean lock

run: $(VENV)/installed
	@$(BIN)/risk-pipeline run --last 10

test: lint
	@$(BIN)/pytest -n 4 --dist loadfile --no-loadscope-reorder

dev: $(VENV)/installed
	@$(BIN)/risk-pipeline init
	@$(BIN)/dagster dev --workspace workspace.yaml --host 127.0.0.1 --port $(PORT)

dev-postgres: $(VENV)/installed
	@$(BIN)/python deploy/embedded_postgres.py $(BIN)/dagster dev --workspace workspace.yaml --host 127.0.0.1 --port $(PORT)

bench: $(VENV)/installed
	@for f in $(filter-out %_inputs.py,$(wildcard benchmarks/*.py)); do echo "== $$f"; $(BIN)/python $$f || exit 1; done

lint: $(VENV)/installed
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	git clean -qfdX dagster_home

lock: $(VENV)/installed  ## maintainers: needs uv; names, versions and hashes only
	uv pip compile pyproject.toml --all-extras --generate-hashes --universal --python-version 3.11 \
		--no-header --no-annotate -o requirements.lock

$(VENV)/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "risk_pipeline needs Python 3.11 or newer: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	@echo "Creating $(VENV) and installing the pinned packages (once, about a minute)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
