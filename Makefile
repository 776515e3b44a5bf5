PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check
INPUTS := setup.cfg pyproject.toml constraints.txt
RUNNING := $(BIN)/.running
DEVELOPING := $(BIN)/.developing
SOURCES := ourvidz plugins training tests benchmarks docs
FAMILIES := sdxl wan

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(RUNNING) ## Set up, and paint a first picture
	$(BIN)/ourvidz submit sdxl_image_fast --prompt "a shiny red sphere, on a wooden table" --seed 7
	$(BIN)/ourvidz run-worker --plugin sdxl --burst

.PHONY: gallery
gallery: $(RUNNING) ## Paint a sheet of thirty pictures; docs/gallery has its prompts
	$(BIN)/python -m docs.gallery

.PHONY: setup
setup: $(DEVELOPING) ## Set up .venv with everything that tests and checks need

.PHONY: test
test: $(DEVELOPING) ## Run every test
	$(BIN)/pytest -n 2 --dist worksteal

.PHONY: faults
faults: $(DEVELOPING) ## Break everything that a job depends on, and count what was lost: nothing
	$(BIN)/python -m tests.faults

.PHONY: faults-long
faults-long: $(DEVELOPING) ## The same for half an hour; the result becomes docs/faults.md
	$(BIN)/python -m tests.faults --long --json docs/faults/two-cores.json
	$(BIN)/python -m docs.generate

.PHONY: test-oldest
test-oldest: $(FAMILIES:%=test-oldest-%) ## Run each family's tests on the oldest libraries that it declares

.PHONY: $(FAMILIES:%=test-oldest-%)
$(FAMILIES:%=test-oldest-%): test-oldest-%: .venv-oldest-%/.ready
	.venv-oldest-$*/bin/pytest -n 2 --dist worksteal tests/plugins/$* tests/cli/test_$*_on_two_cores.py

.PHONY: test-locked
test-locked: .venv-locked/.ready ## Run SDXL's tests on the locked stack of deployed workers, which is 6 GB
	.venv-locked/bin/pytest -n 2 --dist worksteal tests/plugins/sdxl tests/cli/test_sdxl_on_two_cores.py

.PHONY: test-alerts
test-alerts: ## Try the alert rules on made-up days with promtool, which is in Debian's prometheus
	promtool check rules monitoring/alerts.yaml
	promtool test rules tests/export/alerts.promtool.yaml

.PHONY: check
check: $(DEVELOPING) ## Lint, types, import contracts, generated files
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/ourvidz validate
	$(BIN)/ourvidz export-routing --check
	$(BIN)/ourvidz export-schema --check
	$(BIN)/ourvidz export-openapi --check
	$(BIN)/ourvidz export-reference --check
	$(BIN)/ourvidz export-alerts --check
	$(BIN)/ourvidz export-migration --check
	$(BIN)/python -m docs.generate --check

.PHONY: generate
generate: $(RUNNING) ## Write the generated files anew
	$(BIN)/ourvidz export-routing --out supabase/functions/_shared/routing.ts
	$(BIN)/ourvidz export-schema --out docs/reference/wire.schema.json
	$(BIN)/ourvidz export-openapi --out docs/reference/openapi.json
	$(BIN)/ourvidz export-reference --out docs/reference/all-job-types.md
	$(BIN)/ourvidz export-alerts --out monitoring/alerts.yaml
	$(BIN)/ourvidz export-migration
	$(BIN)/ourvidz jobtypes schema > jobtypes/job-type.schema.json
	$(BIN)/ourvidz jobtypes schema --settings > docs/reference/ourvidz.schema.json
	$(BIN)/python -m docs.generate

.PHONY: format
format: $(DEVELOPING) ## Format the code
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

.PHONY: bench
bench: $(DEVELOPING) ## Measure start-up, validation, export, the embedded queue, the supervisor and the metrics
	for script in benchmarks/*.py; do $(BIN)/python $$script || exit 1; done

.PHONY: bench-redis
bench-redis: $(DEVELOPING) .venv-peers/.ready benchmarks/redis_queue/peers/node_modules ## Measure the queue on Redis beside others
	$(BIN)/python -m benchmarks.redis_queue

.venv-peers/.ready: benchmarks/redis_queue/peers/requirements.txt $(BIN)/python
	$(BIN)/python -m venv --clear $(@D)
	$(@D)/bin/pip --disable-pip-version-check install -r $<
	touch $@

benchmarks/redis_queue/peers/node_modules: benchmarks/redis_queue/peers/package.json
	npm --prefix $(@D) install --no-package-lock
	touch $@

.PHONY: bench-migrations
bench-migrations: $(DEVELOPING) ## Measure how long others wait while migrations are applied to a million rows
	$(BIN)/python -m benchmarks.migrations

.PHONY: clean
clean: ## Remove what was set up; queue and pictures in data/ stay
	rm -rf $(VENV) .venv-locked .venv-oldest-* .venv-peers build dist tests/node/node_modules benchmarks/redis_queue/peers/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; name one with make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# One for each family, since their oldest libraries exclude each other.
.venv-oldest-%/.ready: tests/oldest/%.txt $(BIN)/python setup.cfg pyproject.toml
	$(BIN)/python -m venv --clear $(@D)
	$(@D)/bin/pip --disable-pip-version-check install -r $< -e ".[$*]"
	touch $@

.venv-locked/.ready: constraints-locked.txt $(BIN)/python setup.cfg pyproject.toml
	$(BIN)/python -m venv --clear $(@D)
	$(@D)/bin/pip --disable-pip-version-check install -c $< -e ".[sdxl]" peft pytest pytest-timeout pytest-xdist
	touch $@

$(RUNNING): $(BIN)/python $(INPUTS)
	$(PIP) install --progress-bar on -c constraints.txt -e ".[sdxl,wan]"
	touch $@

$(DEVELOPING): $(RUNNING)
	$(PIP) install -c constraints.txt -e ".[sdxl,wan,training,dev]"
	touch $@
