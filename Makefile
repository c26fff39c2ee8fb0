# SpreadGuide: `make run` to use it, `make test` to check it. `make help` lists everything.

PYTHON ?= python3
PY := .venv/bin/python
TEST_MODEL := smollm2-135m-instruct

# Options for the server, for example: make run ARGS="--port 8080"
ARGS ?=

# Without compiled files every start compiles half a million lines anew, and takes twice as long. Some machines forbid
# them in the environment; those of .venv/ are ours to write.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help run test check setup setup-dev index clean

help: ## list what make can do
	@echo "SpreadGuide: cited answers from your own reports"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: setup index ## set up everything, then serve the chat on http://127.0.0.1:8000
	@echo "== Starting the chat; the first answers are quotes until the generator is there"
	@exec $(PY) scripts/serve.py $(ARGS)

setup:
	@echo "== Packages"
	@$(PYTHON) scripts/set_up.py run

index: setup ## build the index of corpus/, or bring it up to date
	@echo "== Index"
	@$(PY) scripts/index.py --corpus corpus --index index

setup-dev:
	@echo "== Packages, with the tools for tests"
	@$(PYTHON) scripts/set_up.py dev

check: setup-dev ## linters and types
	@echo "== Linters and types"
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy

test: setup-dev ## set up what the tests need, then linters, types and all tests
	@echo "== What the tests need"
	@$(PYTHON) scripts/set_up.py system
	@$(PY) scripts/llama_wheel.py || echo "Tests with a real model are skipped."
	@$(PY) -m spreadguide models pull $(TEST_MODEL)
	@$(MAKE) --no-print-directory check
	@echo "== Tests"
	@$(PY) -m pytest $(ARGS)

clean: ## remove the environment and what tools left; the index and the models stay
	@rm -rf .venv .make .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
	@find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
	@echo "Removed .venv and caches. The index (index/) and the models (in your cache folder) stay."
