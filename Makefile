# Everything runs in .venv, which these targets make by themselves: `make demo` and `make test` need
# a Python of 3.11 or newer, and nothing else. PYTHON=/path/to/python chooses one.

PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$python && break; done)
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime-ready
DEV := $(VENV)/.dev-ready
SETTINGS := pyproject.toml constraints.txt
BENCH ?= $(sort $(wildcard benchmarks/*.py))

.DEFAULT_GOAL := help
.PHONY: help demo test slow-tests coverage check bench soak release docs notebooks format clean
.DELETE_ON_ERROR:

help:
	@echo "make demo       make a small music folder, index it and show what soundalike does"
	@echo "make test       check, then run the tests (the slow ones: make slow-tests)"
	@echo "make coverage   the same, and show which lines no test runs; takes a quarter longer"
	@echo "make check      lint, format, types, layers, spelling, docs"
	@echo "make format     let ruff put the code in order"
	@echo "make bench      measure against the alternatives (one: make bench BENCH=benchmarks/start_up.py)"
	@echo "make soak       everything at random against a plain model (longer: make soak MINUTES=60)"
	@echo "make release    build and check the sdist and the wheel, with an SBOM, in dist/"
	@echo "make docs       write docs/cli.md and docs/settings.md anew"
	@echo "make notebooks  run the notebooks and store their outputs (some minutes)"
	@echo "make clean      remove what these targets made, .venv too"

# Without the ensurepip of a full Python, the pip that is there fills the environment.
$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "soundalike needs Python 3.11 or newer (PYTHON=/path/to/python)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); $(PYTHON) -m venv --without-pip $(VENV) \
		&& $(PYTHON) -m pip --python $(BIN)/python install pip; }

# --group needs pip 25.1.
$(VENV)/.pip-ready: | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	@touch $@

# The tools are installed with the program, so `make demo` after `make test` installs nothing.
ifeq ($(wildcard $(DEV)),)
$(RUNTIME): $(SETTINGS) | $(VENV)/.pip-ready
	$(BIN)/python -m pip install --quiet -c constraints.txt -e .
	@touch $@
else
$(RUNTIME): $(DEV)
	@touch $@
endif

$(DEV): $(SETTINGS) | $(VENV)/.pip-ready
	$(BIN)/python -m pip install --quiet -c constraints.txt -e . --group dev
	@touch $@ $(RUNTIME)

demo: $(RUNTIME)
	$(BIN)/soundalike demo

check: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/codespell
	$(BIN)/python docs/write_cli_reference.py --check
	$(BIN)/python docs/write_settings.py --check

MARK ?= not slow
# The slow tests compare times, so they run one after the other.
PROCESSES ?= $(if $(filter not,$(MARK)),2,0)
COVERAGE ?=
# With REPEAT, tests that fail run once more, alone. Status 1: all ran, and some failed.
REPEAT ?=
PYTEST = $(BIN)/python -m pytest -m '$(MARK)'
RUN_TESTS = $(PYTEST) -n $(PROCESSES) --dist loadfile $(COVERAGE) \
	$(if $(REPEAT),|| { test $$? = 1 && $(PYTEST) --last-failed --last-failed-no-failures=none; })
test: check
	$(RUN_TESTS)

slow-tests: MARK = slow
slow-tests: $(DEV)
	$(RUN_TESTS)

coverage: COVERAGE = --cov --cov-report=term
coverage: test

bench: $(DEV)
	-$(BIN)/python -m pip install --quiet -c constraints.txt --group rivals
	@failed=; for file in $(BENCH); do echo "== $$file"; data=; \
		if grep -q DATA_FOLDER $$file; then data="$(DATA)"; \
			test -n "$$data" || { echo "left out: it needs make bench DATA=folder"; continue; }; fi; \
		$(BIN)/python $$file $$data || failed="$$failed $$file"; done; \
		test -z "$$failed" || { echo "short of their figures:$$failed" >&2; exit 1; }

MINUTES ?= 60
soak: $(DEV)
	$(BIN)/python -m tests.faults.soak --minutes $(MINUTES)

release: $(DEV)
	$(BIN)/python -m pip install --quiet -c constraints.txt --group release
	$(BIN)/python docs/make_release.py

docs: $(DEV)
	$(BIN)/python docs/write_cli_reference.py
	$(BIN)/python docs/write_settings.py

notebooks: $(DEV)
	$(BIN)/python docs/run_notebooks.py

format: $(DEV)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) .coverage htmlcov .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache dist build
