# make demo   photo -> out/room.ply, .glb, .gif, .html: installs what that needs into .venv, then works offline
# make test   everything the tests need, then the tests
# make check  the linters, the types, and the manual built strictly
# make docs   the manual, in site/
# make fuzz   spoil files for every reader until one fails: 10 minutes each; FUZZ_ARGS="photo points --seconds 60", or "--tails"
# make inject let every call of the system and of libraries fail in turn, for every format and command
# make samples  draw the sample photos again (half an hour)      make pictures  those of the manual
# make package  sdist and wheel in dist/, checked
# make clean  remove what make made
#
# PYTHON picks the interpreter, PIP_ARGS adds to every pip install (README: torch's small CPU build on Linux),
# PYTEST_ARGS goes to pytest instead of -n 2 --dist worksteal (two processes), as in: make test PYTEST_ARGS="tests/geometry/test_mesh.py -x"

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
PIP_ARGS ?=
PYTEST_ARGS ?= -n 2 --dist worksteal
FUZZ_ARGS ?=
INJECT_ARGS ?=
OUT ?= out

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt $(PIP_ARGS)

.PHONY: demo test check docs package fuzz inject samples pictures clean

demo: $(VENV)/.run
	$(BIN)/depth3d demo $(OUT) --no-open --force
	@echo "Made in $(OUT): room.ply (point cloud), room.glb (textured mesh), room.gif (parallax), room.html (open it)."
	@echo "The bundled network saw the depth; five true distances from samples/room_hints.json set the metres."

test: $(VENV)/.dev
	$(BIN)/python -m pytest $(PYTEST_ARGS)

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --strict tests/typed_program.py
	$(BIN)/zensical build --clean --strict

docs: $(VENV)/.dev
	$(BIN)/zensical build --clean --strict
	@echo "Open site/index.html: the manual works, and searches, without a server."

fuzz: $(VENV)/.dev
	$(BIN)/python tests/fuzz.py $(FUZZ_ARGS)

inject: $(VENV)/.dev
	PYTHONPATH=. $(BIN)/python tests/injection/faults.py $(INJECT_ARGS)

samples: $(VENV)/.run
	$(BIN)/python -m depth3d.lab.samples.draw

pictures: $(VENV)/.dev
	$(BIN)/python -m depth3d.lab.docs_pictures.draw

package: $(VENV)/.run
	rm -rf dist build
	$(BIN)/python -m venv build/tools
	build/tools/bin/pip install --quiet --disable-pip-version-check build==1.6.1 twine==7.0.0 check-wheel-contents==0.6.3
	build/tools/bin/python -m build --outdir dist
	build/tools/bin/twine check --strict dist/*
	build/tools/bin/check-wheel-contents dist/*.whl
	$(PIP) --no-deps --target build/wheel dist/*.whl
	cd build && PYTHONPATH=wheel $(abspath $(BIN))/python -c 'import sys; from depth3d.cli import run; \
	  assert "build/wheel" in sys.modules["depth3d"].__file__; sys.exit(run(["demo", "demo", "--no-open"]))'

clean:
	rm -rf $(VENV) $(OUT) build dist site .cache depth3d.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis

# A stamp per set of packages; it is older than what it was made from when those change.
$(VENV)/.run: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing depth3d into $(VENV) (first time only, a few minutes) ..."
	@$(PIP) --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	@echo "Installing the test tools into $(VENV) (first time only) ..."
	@$(PIP) --editable '.[dev]'
	@touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "depth3d needs Python 3.11 or newer; say which: make PYTHON=/path/to/python3.11 ..."; exit 1; }
	@$(PYTHON) -m venv $(VENV)
