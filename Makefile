# LinkStar: `make help` lists the targets. Needs only Python >= 3.11 with venv, and make.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MEMBERS := libs/contracts libs/runtime services/ingest services/router services/labeler services/tracker services/returns sandbox cli
INSTALLED := $(VENV)/.installed

.PHONY: setup
setup: $(INSTALLED) ## install everything into .venv

$(BIN)/uv:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

$(INSTALLED): requirements.lock $(BIN)/uv $(addsuffix /pyproject.toml,$(MEMBERS))
	$(BIN)/uv pip sync --quiet --require-hashes --python $(BIN)/python requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation $(addprefix -e ,$(MEMBERS))
	touch $@
