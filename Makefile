# `make demo` and `make test` set up all they need in .venv.

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
REFERENCES := .venv-references
BENCH := .venv-bench
DEMO_PROMPT ?= Once upon a time

.PHONY: demo test check types references check-references conformance check-conformance bench-views clean

$(STAMP): pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -qq --upgrade pip
	$(BIN)/pip install -qq --editable '.[dev]'
	touch $@

demo: $(STAMP)
	$(BIN)/python examples/run_demo.py "$(DEMO_PROMPT)"

test: $(STAMP)
	$(BIN)/python -m pytest

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

# Models of scikit-learn and PyTorch as views on every engine, timed, against onnxruntime.
bench-views: $(BENCH)/.installed
	$(BENCH)/bin/python benchmarks/views.py

$(BENCH)/.installed: pyproject.toml tests/references/requirements-ml.txt
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/pip install -qq --upgrade pip
	$(BENCH)/bin/pip install -qq --editable '.[dev]' --requirement tests/references/requirements-ml.txt
	touch $@

clean:
	rm -rf .venv $(REFERENCES) $(BENCH) .types build *.egg-info
