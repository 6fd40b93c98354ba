# `make demo` and `make test` set up all they need in .venv.

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
REFERENCES := .venv-references
BENCH := .venv-bench-llm
BENCH_VIEWS := .venv-bench
BENCH_OPTIONS ?=
ENGINES := .venv-engines
ENGINES_OPTIONS ?=
DOCS := .venv-docs
SPHINX := $(DOCS)/bin/sphinx-build --fail-on-warning --keep-going --quiet --fresh-env
DEMO_PROMPT ?= Once upon a time

.PHONY: demo test check types references check-references conformance check-conformance engines \
	check-oldest bench bench-views docs check-docs clean

$(STAMP): pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -qq --upgrade pip
	$(BIN)/pip install -qq --editable '.[dev]'
	touch $@

demo: $(STAMP)
	$(BIN)/python examples/run_demo.py "$(DEMO_PROMPT)"

test: $(STAMP)
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal

# The packages as installed: the type checker does not see through an editable install.
types: $(STAMP)
	rm -rf .types build
	$(BIN)/pip install -qq --no-deps --upgrade --target .types .
	rm -rf build

check: types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright

$(REFERENCES)/.installed: tests/references/requirements.txt
	$(PYTHON) -m venv $(REFERENCES)
	$(REFERENCES)/bin/pip install -qq --upgrade pip
	$(REFERENCES)/bin/pip install -qq --requirement $<
	touch $@

references: $(REFERENCES)/.installed
	$(REFERENCES)/bin/python tests/references/generate.py

check-references: $(REFERENCES)/.installed
	$(REFERENCES)/bin/python tests/references/generate.py --check
	$(REFERENCES)/bin/python tests/references/stored.py

# Runs ONNX's backend tests on every engine and writes docs/conformance.md anew.
conformance: $(STAMP)
	$(BIN)/python tests/conformance/generate.py

check-conformance: $(STAMP)
	$(BIN)/python tests/conformance/generate.py --check

# Several versions of each engine and each Python on PATH, in environments of their own; writes
# docs/engines.*. A part of it: make engines ENGINES_OPTIONS="--only duckdb-oldest python"
engines: $(STAMP)
	$(BIN)/python tests/engine_versions/generate.py $(ENGINES_OPTIONS)

# Language models on the oldest DuckDB that pyproject.toml admits.
check-oldest: $(STAMP)
	$(BIN)/python tests/engine_versions/oldest.py

# Language models on every engine, beside numpy and llama.cpp; writes docs/benchmark.*. A part of it:
# make bench BENCH_OPTIONS="--shapes 15M --engines duckdb". llama.cpp is compiled, which takes a C++
# compiler and some minutes.
bench: $(BENCH)/.installed
	$(BENCH)/bin/python benchmarks/language_models.py $(BENCH_OPTIONS)

$(BENCH)/.installed: pyproject.toml
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/pip install -qq --upgrade pip
	$(BENCH)/bin/pip install -qq --editable '.[bench,dev]'
	touch $@

# Models of scikit-learn and PyTorch as views on every engine, timed, against onnxruntime.
bench-views: $(BENCH_VIEWS)/.installed
	$(BENCH_VIEWS)/bin/python benchmarks/views.py

$(BENCH_VIEWS)/.installed: pyproject.toml tests/references/requirements-ml.txt
	$(PYTHON) -m venv $(BENCH_VIEWS)
	$(BENCH_VIEWS)/bin/pip install -qq --upgrade pip
	$(BENCH_VIEWS)/bin/pip install -qq --editable '.[dev]' --requirement tests/references/requirements-ml.txt
	touch $@

# docs/ as a site, which opens from the disk: site/index.html. A broken link is an error.
docs: $(DOCS)/.installed
	$(SPHINX) -b html -d $(DOCS)/doctrees docs site

# The same without writing it.
check-docs: $(DOCS)/.installed
	$(SPHINX) -b dummy -d $(DOCS)/doctrees docs $(DOCS)/dummy

$(DOCS)/.installed: pyproject.toml
	$(PYTHON) -m venv $(DOCS)
	$(DOCS)/bin/pip install -qq --upgrade pip
	$(DOCS)/bin/pip install -qq --editable '.[docs]'
	touch $@

clean:
	rm -rf .venv $(REFERENCES) $(BENCH) $(BENCH_VIEWS) $(ENGINES) $(DOCS) .types build site docs/reference *.egg-info
