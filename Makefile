# The commands of offerstream. `make demo` and `make test` need Python 3.11+ and make, nothing else
# installed before: a private uv goes to .tools/ where none is on the PATH, the locked dependencies
# (deploy/*.lock, with hashes) to .venv/.

PYTHON ?= python3
TOOLS := .tools
VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null || echo $(TOOLS)/bin/uv)
DURATION ?= 60
ROOMS := tests/unit tests/contract tests/property
# Shops that live in real time, with all their processes: nothing runs beside them.
ALONE := tests/demo
COVERAGE_MIN := 74
# In so many processes `fast` runs its tests side by side: 2 where the machine has two cores and
# memory for both, else 0, which is one after the other. In so many `kafka` does, each with brokers
# of its own.
ifndef PROCESSES
PROCESSES := $(or $(shell $(PYTHON) tests/support/side_by_side.py),0)
endif
BROKERS ?=
ifneq ($(filter-out 0 1 2 3 4 5 6 7 8,$(PROCESSES) $(BROKERS)),)
$(error PROCESSES and BROKERS are 0 (one test after the other) to 8)
endif
# Each file's tests stay together: one process sets up what they share, and their order is theirs.
SIDE_BY_SIDE := --dist loadfile -n
# What an earlier run noted as failed is no word of this one.
PYTHON_ANEW = rm -rf .pytest_cache && $(BIN)/python
PYTEST = -m pytest --durations=20 -m
# A machine that does much at once may stall beyond a deadline: a file in which a test failed is run
# once more, alone and loudly; what fails twice fails. Only where pytest ends with 1: it ran all
# tests, and some failed. Any other end means that tests have not run at all.
FAILED_ONCE = .cache/failed-once-$@.txt
ONCE_MORE = || { [ $$? = 1 ] && files=$$($(PYTHON) tests/support/failed_files.py) && \
	echo "!!! WHAT FAILED ABOVE IS RUN ONCE MORE, ALONE: $$files !!!" && \
	$(BIN)/pytest $$files -m $(1) && \
	echo "!!! make $@: FAILED AT FIRST, PASSED ALONE: $$files !!!" >> $(FAILED_ONCE); }
WITHOUT_KAFKA := "not kafka and not soak"
WITH_KAFKA := "kafka and not soak"
# Where this is set, each process compiles all that it imports, which is half of a worker's start.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install demo test check docs fast kafka bench soak release lock format clean

help: ## what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

install: $(VENV)/.installed ## the locked dependencies and the command, into .venv/

$(TOOLS)/bin/uv:
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/pip install --quiet uv

$(VENV)/.installed: pyproject.toml deploy/requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "offerstream needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) --version)."; \
		echo "Name another one: make install PYTHON=python3.12"; exit 1; }
	@$(MAKE) --no-print-directory $(UV)
	$(UV) venv --quiet --allow-existing --python $(PYTHON) $(VENV)
	$(UV) pip sync --quiet --python $(BIN)/python --require-hashes deploy/requirements-dev.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@
	@echo "The command is $(BIN)/offerstream. To type offerstream alone: . $(BIN)/activate"

demo: install ## shoppers, offers, alerts: the whole way in a minute (DURATION=60, ARGS=)
	@$(BIN)/offerstream demo --duration $(DURATION) $(ARGS)

test: install check fast kafka ## everything that CI runs
	@cat .cache/failed-once-fast.txt .cache/failed-once-kafka.txt

check: install ## lint, format, types, import contracts, links of the documentation
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) docs

docs: install ## the documentation as a site: open .cache/docs/site/index.html
	@# Built from a copy: the program empties the `.cache/` beside its settings, and ours holds
	@# Apache Kafka and what was measured.
	@rm -rf .cache/docs && mkdir -p .cache/docs && cp -R mkdocs.yml docs streams .cache/docs/
	cd .cache/docs && ../../$(BIN)/zensical build --strict

fast: install ## unit, property, contract, golden tests, the embedded broker; coverage with a floor
	@# Covered is a line of `streams` that the tests of single rooms run; what only whole shops, the
	@# embedded broker or Kafka run does not count.
	@mkdir -p .cache && rm -f .cache/coverage.* && : > $(FAILED_ONCE)
	$(PYTHON_ANEW) -m slipcover --source streams --json --out .cache/coverage.json \
		$(PYTEST) $(WITHOUT_KAFKA) $(SIDE_BY_SIDE) $(PROCESSES) $(ROOMS) \
		$(call ONCE_MORE,$(WITHOUT_KAFKA))
	@$(BIN)/python -m slipcover --merge .cache/coverage.json --out .cache/coverage.json \
		--fail-under $(COVERAGE_MIN) > .cache/coverage.txt || { \
		tail -n 1 .cache/coverage.txt; echo "Coverage is below $(COVERAGE_MIN) %."; exit 1; }
	@tail -n 1 .cache/coverage.txt
	$(PYTHON_ANEW) $(PYTEST) $(WITHOUT_KAFKA) $(SIDE_BY_SIDE) $(PROCESSES) \
		$(patsubst %,--ignore=%,$(ROOMS) $(ALONE)) $(call ONCE_MORE,$(WITHOUT_KAFKA))
	$(PYTHON_ANEW) $(PYTEST) $(WITHOUT_KAFKA) $(ALONE) $(call ONCE_MORE,$(WITHOUT_KAFKA))
	@cat $(FAILED_ONCE)

kafka: install ## the tests on Apache Kafka (from Maven Central, or KAFKA_BOOTSTRAP)
	@# Brokers are killed and networks cut here: on a machine that stalls, a deadline may pass.
	@# On a broker that is given, tests side by side would meet.
	@mkdir -p .cache && : > $(FAILED_ONCE)
	$(PYTHON_ANEW) $(PYTEST) $(WITH_KAFKA) -v tests/kafka $(SIDE_BY_SIDE) \
		$(if $(KAFKA_BOOTSTRAP),0,$(or $(BROKERS),0)) $(call ONCE_MORE,$(WITH_KAFKA))
	@cat $(FAILED_ONCE)

soak: install ## tests that run for minutes to hours
	$(BIN)/pytest -m soak tests --timeout 14400

bench: install ## everything docs/bench.md shows, measured anew: an hour or more on an idle machine
	$(BIN)/python -m benchmarks all --json .cache/bench/runs.json $(ARGS)
	$(BIN)/python -m benchmarks report .cache/bench/runs.json

release: install ## wheel, sdist and list of parts, into dist/; the wheel is tried in an empty folder
	@rm -rf dist .cache/release && mkdir -p .cache/release/empty
	$(UV) build --quiet --out-dir dist
	$(UV) venv --quiet --python $(PYTHON) .cache/release/venv
	$(UV) pip sync --quiet --python .cache/release/venv/bin/python --require-hashes deploy/requirements.lock
	$(UV) pip install --quiet --python .cache/release/venv/bin/python --no-deps dist/*.whl
	cd .cache/release/empty && env -i PATH=/usr/bin:/bin HOME="$$PWD" TERM=dumb ../venv/bin/offerstream demo --duration 5
	@# The list says the version, which pyproject.toml leaves to the package.
	version=$$(basename dist/*.whl -py3-none-any.whl | cut -d- -f2) && \
	sed "s/^dynamic = .*/version = \"$$version\"/" pyproject.toml > .cache/release/pyproject.toml && \
	$(BIN)/cyclonedx-py environment --pyproject .cache/release/pyproject.toml --output-reproducible \
		--output-file dist/offerstream-$$version.cdx.json .cache/release/venv/bin/python
	@ls -l dist

lock: ## resolve the dependencies anew
	$(UV) pip compile --universal --generate-hashes --no-header --quiet --upgrade pyproject.toml -o deploy/requirements.lock
	$(UV) pip compile --universal --generate-hashes --no-header --quiet --upgrade --group dev --extra report pyproject.toml -o deploy/requirements-dev.lock

format: install ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## remove what the commands above made
	rm -rf $(VENV) $(TOOLS) .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
