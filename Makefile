# Another Python: make test PYTHON=python3.12
PYTHON ?= python3
BIN := $(if $(filter Windows_NT,$(OS)),.venv/Scripts,.venv/bin)

.PHONY: demo test bench bench-video venv clean

demo:  ## set-up, sample data, the four scripts; the results are in output/
	@$(PYTHON) demo.py

test:  ## lint, types, tests
	$(PYTHON) setup_venv.py --dev
	$(BIN)/python -m ruff check . && $(BIN)/python -m mypy
	$(BIN)/python -m pytest -m "not slow" -n 2 --dist loadfile
	$(BIN)/python -m pytest -m slow -n 2 --dist loadfile

bench:  ## speed beside the recipe's and face_recognition's, in a table and output/bench.json; BENCH=--quick for a look
	$(PYTHON) setup_venv.py --dev
	$(BIN)/python -m benchmarks.throughput $(BENCH)

bench-video:  ## the same of videos, live and from files, in a table and output/bench_video.json
	$(PYTHON) setup_venv.py --dev
	$(BIN)/python -m benchmarks.video $(BENCH)

venv:  ## .venv with requirements.txt
	$(PYTHON) setup_venv.py

clean:  ## everything that set-up and tools made; data and results stay
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache
