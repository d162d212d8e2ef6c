# Two commands do it all on a bare machine with Python 3.11 and make: `make repro` and `make test`.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
TORCH  := $(shell sed -n 's/^  "\(torch==[^"]*\)".*/\1/p' pyproject.toml)
export PATH := $(CURDIR)/$(BIN):$(PATH)
export DVC_NO_ANALYTICS = 1

.PHONY: repro real test test-long check lint types lock lock-check format docs evidence install clean-venv

repro: install ## the whole pipeline on the embedded sample, in demo/, then a summary
	python tools/demo.py

real: install ## what SmolLM2-135M learns, forgets and keeps over two versions, in real/
	python tools/real.py

test: install ## lint, types, lock, then every test
	@$(MAKE) --no-print-directory check
	python -m pytest -q -n 2 -m "not long" --ignore=tests/pipeline
	python -m pytest -q -m "not long" tests/pipeline

test-long: install ## what takes too long for every change
	python -m pytest -q -m long

check: lint types lock-check

lint: install
	ruff check .
	ruff format --check .

types: install
	mypy -p afs_stages

lock: install ## resolve again, keeping every pin that still fits
	@python tools/lock.py

lock-check: install ## the lock still answers pyproject.toml
	@python tools/lock.py --check

format: install
	ruff check --fix .
	ruff format .

PART ?= conversations

evidence: install ## figures on inputs by another hand, every set: make evidence PART=conversations
	@python benchmarks/evidence/$(PART)/run.py

install: $(VENV)/.installed ## virtual environment with the locked tree

# torch comes first and without a hash, so that a build already at hand (CPU, CUDA) serves; the rest by hash.
$(VENV)/.installed: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 …")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -c 'import torch, sys; sys.exit(torch.__version__.split("+")[0] != "$(TORCH)".split("==")[1])' 2>/dev/null || $(BIN)/pip install --quiet --disable-pip-version-check $(TORCH)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@
