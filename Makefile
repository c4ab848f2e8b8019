# `make run` and `make test` each work as the first and only command on a machine with Python 3.11+ and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 3000
# Two processes with two BLAS threads each run four times slower than with one each.
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1
# Some tests wait for servers of theirs, so there are more of them at once than a small machine has cores.
TESTS_AT_ONCE ?= 4
PYTEST := pytest -n $(TESTS_AT_ONCE) --dist loadfile --no-loadscope-reorder
UV_COMPILE := uv pip compile pyproject.toml --group build --generate-hashes --universal --python-version 3.11 \
	--no-header --no-annotate --quiet

.PHONY: run test test-slow test-long test-newest dev dev-postgres bench lint browser clean lock

run: $(VENV)/runtime
	@$(BIN)/risk-pipeline run --last 10

test: lint browser  ## everything but what is marked slow
	@$(BIN)/$(PYTEST) -m "not slow and not long"

test-slow: $(VENV)/development browser  ## what waits: daemons, workers, kills, a week of evenings
	@$(BIN)/$(PYTEST) -m slow

test-long: $(VENV)/development  ## sixty simulated evenings on both databases, every door with 2,000 inputs; not part of CI
	@$(BIN)/$(PYTEST) -m long

test-newest:  ## what an upgrade would break: the newest versions that pyproject.toml allows, in a new environment
	@$(PYTHON) -m venv --clear .venv-newest
	@.venv-newest/bin/pip install --quiet --disable-pip-version-check --upgrade --upgrade-strategy eager -e '.[dev]'
	@echo "Newer than in requirements-dev.lock:"
	@.venv-newest/bin/pip freeze --exclude-editable | tr _ - \
		| awk 'NR == FNR {locked[tolower($$1)]; next} !(tolower($$0) in locked)' requirements-dev.lock -
	@.venv-newest/bin/python -m risk_pipeline.analytics.kernels
	@.venv-newest/bin/python -m risk_pipeline_tests.support.browser
	@.venv-newest/bin/$(PYTEST) -m "not slow and not long"

dev: $(VENV)/runtime
	@$(BIN)/risk-pipeline dev --port $(PORT)

dev-postgres: $(VENV)/development
	@$(BIN)/python deploy/embedded_postgres.py $(BIN)/risk-pipeline dev --port $(PORT)

bench: $(VENV)/development
	@for f in $(filter-out %_inputs.py,$(wildcard benchmarks/*.py)); do echo "== $$f"; $(BIN)/python $$f || exit 1; done

lint: $(VENV)/development
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

browser: $(VENV)/development
	@$(BIN)/python -m risk_pipeline_tests.support.browser

clean:
	rm -rf $(VENV) .venv-newest .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	git clean -qfdX dagster_home

lock:  ## maintainers: needs uv; names, versions and hashes only, the same versions in each
	$(UV_COMPILE) --all-extras -o requirements-dev.lock
	$(UV_COMPILE) --extra yahoo -c requirements-dev.lock -o requirements.lock
	$(UV_COMPILE) --extra yahoo --extra s3 --extra workers -c requirements-dev.lock -o requirements-workers.lock

# What runs the batch and the UI; the environment of the developers holds it too, in the same versions.
$(VENV)/runtime: requirements.lock pyproject.toml scripts/install.py
	@$(PYTHON) scripts/install.py $(VENV) requirements.lock
	@touch $@

$(VENV)/development: requirements-dev.lock pyproject.toml scripts/install.py
	@$(PYTHON) scripts/install.py $(VENV) requirements-dev.lock
	@touch $@ $(VENV)/runtime
