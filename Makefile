# ticketlab: everything starts here. Needs Python 3.11 to 3.14, make and bash; a target first sets up .venv where it is missing
# or not what the lock file says.
#
#   make run                               the whole workflow (config.yaml) on all cores
#   make run STUDIES="text" CORES=2        one study, two cores
#   make run CONFIG=config/full.yaml       config files, laid over config.yaml
#   make run ARGS="--dry-run tickets"      further arguments for Snakemake (for pytest in `make test`)

SHELL := /bin/bash
.DEFAULT_GOAL := help

# nproc obeys OpenMP's variables, which are not about jobs.
CORES ?= $(shell env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc 2>/dev/null || getconf _NPROCESSORS_ONLN)

# What a site exports reaches neither set-up nor a run; workflow_scripts/preflight/surroundings.py does the same for jobs.
unexport PYTHONPATH PYTHONHOME PYTHONUSERBASE PYTHONSTARTUP PYTHONIOENCODING PYTHONOPTIMIZE PYTHONDONTWRITEBYTECODE
export PYTHONNOUSERSITE := 1
export PYTHONUTF8 := 1
# Snakemake and uv need a folder for caches, Snakemake a name of the user too.
ifeq ($(shell d="$${XDG_CACHE_HOME:-$${HOME:-/dev/null}/.cache}/snakemake"; mkdir -p "$$d" 2>/dev/null; test -w "$$d" || echo no),no)
export XDG_CACHE_HOME := $(CURDIR)/.snakemake/cache
endif
ifeq ($(shell id -un 2>/dev/null),)
export LOGNAME := nobody
endif

# Some sites export a CONFIG of another meaning.
ifeq ($(origin CONFIG),environment)
CONFIG :=
endif

BIN := .venv/bin
# Makes one command line of Snakemake from these variables and the target's own config file (tools/command.py).
RUN = $(BIN)/python -m workflow_scripts.tools.run $@ --cores="$(CORES)" --studies="$(STUDIES)" --configs="$(CONFIG)" $(if $(filter yes,$(WHY)),--why )-- $(ARGS)

.PHONY: help run quick slurm answer plan status verify verify-reference compare report test test-cluster mutants lint format bench reference schema lock clean environment

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile
	@echo 'Variables:   CORES=2   STUDIES="text digits"   CONFIG="mine.yaml more.yaml"   ARGS="further arguments"   PYTHON=/path/to/python3'

run: environment ## the workflow: from seeds to verdicts, figures and report
	@$(RUN)

quick: environment ## the same with config/quick.yaml: every rule and study in minutes
	@$(RUN)

slurm: environment ## the workflow through a Slurm cluster, as profiles/slurm says (docs/operations.md)
	@$(BIN)/python -m workflow_scripts.tools.run $@ --cores="$$CORES" --studies="$(STUDIES)" --configs="$(CONFIG)" -- $(ARGS)

answer: environment ## what a finished run found, and what would decide the rest (WHY=yes: the whole reasons)
	@$(RUN)

plan: environment ## what `make run` would do: jobs, reasons and, from what was measured before, the time
	@$(RUN)

status: environment ## how far each study is: jobs done, stale, running, failed and missing, stage by stage
	@$(RUN)

verify: environment ## are the results still what the jobs wrote? every file against its recorded sum
	@$(RUN)

verify-reference: environment ## compare the numbers of a finished run with the published ones (ARGS=quick: of the quick run)
	@$(BIN)/python -m workflow_scripts.tools.verify_reference $(ARGS)

compare: environment ## headline decisions of several runs, side by side (ARGS="results results/seeds100")
	@$(BIN)/python -m workflow_scripts.tools.compare_runs $(ARGS)

report: environment ## results/report.html and whatever it needs
	@$(RUN)

test: lint ## lint, types, unit tests and the quick workflow end to end
	$(BIN)/python -m pytest -m "not slow" -n $(shell expr $(CORES) + 1) --dist loadfile --no-loadscope-reorder $(ARGS)

test-cluster: environment ## all that is tested through a real Slurm; fails and says what is missing where there can be none
	@tests/operations/slurm/start.sh
	REQUIRE_CLUSTER=yes $(BIN)/python -m pytest -m cluster $(ARGS)

mutants: environment ## whether unit tests notice random changes of formulas (ARGS="--count 50 --only pruning/masks")
	$(BIN)/python -m tests.mutants --jobs $(CORES) $(ARGS)

lint: environment ## style and types of the Python and Snakemake code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/snakemake --lint
	$(BIN)/mypy

format: environment ## bring the code into the style that lint asks for
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile rules

bench: environment ## throughput compared with a plain PyTorch loop and devinterp's own sampler
	$(BIN)/python -m benchmarks.bench $(ARGS)

reference: environment ## docs/reference/, docs/results.md and README's answer from the finished default run (ARGS=thorough or quick)
	$(BIN)/python -m workflow_scripts.tools.reference $(ARGS)

schema: environment ## config/schema.json from the pydantic models
	$(BIN)/python -m workflow_scripts.tools.schema > config/schema.json

lock: environment ## resolve envs/requirements.in again into the lock file and the conda file
	$(BIN)/python -m workflow_scripts.tools.lock

clean: ## remove .venv and caches; results stay unless RESULTS=yes is given
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
ifeq ($(RESULTS),yes)
	find results -mindepth 1 ! -path results/README.md -delete
	rm -rf .snakemake logs
else
	@echo 'Kept results/, logs/ and .snakemake/ (what Snakemake knows of the results). To remove them: make clean RESULTS=yes'
endif

environment:
	@envs/create.sh
