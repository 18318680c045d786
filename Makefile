# The same words as `python3 dev.py`, for hands used to make. Arguments: make test ARGS="tests/registry -x"
PYTHON ?= python3
COMMANDS := demo test nightly pythons check bench docs lock env

.PHONY: help clean $(COMMANDS)

help:
	@$(PYTHON) dev.py help

$(COMMANDS):
	@$(PYTHON) dev.py $@ $(ARGS)

clean:
	rm -rf .venv .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build dist htmlcov
