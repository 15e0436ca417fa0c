# Two commands need nothing but Python 3.11+ and make: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test check architecture mutants check-lowest bench-quick bench clean

demo: $(READY)
	$(BIN)/ramify demo --overwrite

test: $(READY)
	$(BIN)/pytest -q -n auto --dist loadfile

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

architecture: $(READY)
	$(BIN)/python -m tests.docs.architecture

# Every night: any table with any options works, or is one line.
FUZZ ?= 2000
fuzz: $(READY)
	RAMIFY_FUZZ=$(FUZZ) $(BIN)/pytest -q tests/contracts/test_fuzz.py

mutants: $(READY)
	$(BIN)/python benchmarks/mutants.py

# The lowest versions of all direct dependencies, in an environment of their own; of PyTorch the pinned one.
check-lowest: $(READY)
	$(BIN)/python benchmarks/lowest.py > .lowest.txt
	grep '^torch==' constraints.txt >> .lowest.txt
	$(PYTHON) -m venv --clear .venv-lowest
	.venv-lowest/bin/python -m pip install --quiet --disable-pip-version-check --constraint .lowest.txt --editable . pytest hypothesis pandas pyarrow
	.venv-lowest/bin/pytest -q -p no:cacheprovider tests/unit/cli/test_command.py tests/unit/data/tables tests/unit/runs/test_run.py tests/unit/metrics tests/unit/grouping

bench-quick: $(READY)
	$(BIN)/python benchmarks/budget.py

bench: $(READY)
	$(BIN)/python benchmarks/planted.py
	$(BIN)/python benchmarks/speed.py
	$(BIN)/python benchmarks/resume.py
	$(BIN)/python benchmarks/tox21.py
	$(BIN)/python benchmarks/toxcast.py
	$(BIN)/python benchmarks/weighting.py
	$(BIN)/python benchmarks/branches.py
	$(BIN)/python benchmarks/somp.py
	$(BIN)/python benchmarks/images.py
	$(BIN)/python benchmarks/fafs/latency.py
	$(BIN)/python benchmarks/linear_speed.py
	$(BIN)/python benchmarks/linear.py

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $(READY)

clean:
	rm -rf $(VENV) .venv-lowest .lowest.txt dist build .mypy_cache .ruff_cache .pytest_cache
