# Another Python: make test PYTHON=python3.12
PYTHON ?= python3
BIN := $(if $(filter Windows_NT,$(OS)),.venv/Scripts,.venv/bin)
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile

.PHONY: demo test test-all coverage lint docs bench bench-video venv clean

demo:  ## set-up, sample data, the four scripts; in demo/, with the results in demo/output/
	@$(PYTHON) demo.py

test: lint  ## lint, types and the fast tests
	$(PYTEST) -m "not slow"

test-all: lint  ## lint, types and all tests
	$(PYTEST) -m "not slow"
	$(PYTEST) -m slow --durations=25

coverage: lint  ## the lines of the package that the fast tests run
	$(PYTEST) -m "not slow" --cov --cov-report=term:skip-covered --cov-fail-under=88

lint:
	$(PYTHON) setup_venv.py --dev
	$(BIN)/python -m ruff check . && $(BIN)/python -m ruff format --check . && $(BIN)/python -m mypy

docs:  ## the documentation as a site, in site/
	$(PYTHON) setup_venv.py --with dev,docs
	$(BIN)/python -m mkdocs build --strict

bench:  ## speed beside the recipe's and face_recognition's, in a table and output/bench.json; BENCH=--quick for a look
	$(PYTHON) setup_venv.py --dev
	$(BIN)/python -m benchmarks.throughput $(BENCH)

bench-video:  ## the same of videos, live and from files, in a table and output/bench_video.json
	$(PYTHON) setup_venv.py --dev
	$(BIN)/python -m benchmarks.video $(BENCH)

venv:  ## .venv with the project and the built-in models
	$(PYTHON) setup_venv.py

clean:  ## remove what set-up and tools made; data and results stay
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache site .coverage
