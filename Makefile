# `make` lists the targets. Everything lives in .venv; nothing else on the machine is touched.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help demo run test test-package test-faults fuzz attack lint prose format docs pictures bench lock clean

help:  ## list the targets
	@awk -F ':.*## *' '/^[a-z-]+:.*## /{printf "%-14s%s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(READY)  ## a login in the browser, and a phone there that rings: try it out
	@$(BIN)/python -m verify_service.dev --demo

run: $(READY)  ## Valkey, the provider's simulator and the service; shows what to try
	@$(BIN)/python -m verify_service.dev

test: $(READY)  ## every test, with branch coverage
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest --numprocesses auto --dist loadgroup --ignore tests/faults
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

test-faults: $(READY)  ## what breaks, broken: real processes under load, with a table at the end
	@$(BIN)/python -m pytest tests/faults $(FAULTS)

fuzz: $(READY)  ## thousands of requests made from the OpenAPI document, against the real service
	@$(BIN)/python -m tests.fuzz $(FUZZ)

test-package: $(READY)  ## build the wheel and test it in an environment of its own
	@$(BIN)/python -m tests.package

attack: $(READY)  ## every attacker of docs/security.md against the real processes, beside its bound
	@$(BIN)/python -m tests.attack $(ATTACK)

lint: $(READY)  ## ruff and mypy --strict
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

prose: $(READY)  ## phrases to replace in comments, docstrings and manuals
	@$(BIN)/python -m tests.prose

format: $(READY)  ## let ruff write
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

docs: $(READY)  ## write what is made from the code: openapi.json, env.example, settings.md, a table
	@$(BIN)/python -m verify_service.api.openapi > docs/openapi.json
	@$(BIN)/python -m verify_service.settings
	@$(BIN)/python -m verify_service.sandbox --table > $(VENV)/table.md
	@awk 'FNR == NR {table = table $$0 "\n"; next}; \
		/^<!-- end of the table/ {inside = 0}; \
		!inside {print}; \
		/^<!-- The table is made/ {printf "%s", table; inside = 1}; \
		END {exit inside}' \
		$(VENV)/table.md docs/sandbox.md > $(VENV)/sandbox.md
	@mv $(VENV)/sandbox.md docs/sandbox.md

pictures: $(READY)  ## take the screenshots in docs/img anew (needs Chromium)
	@$(BIN)/python -m tests.browser.screenshots docs/img \
		login-code login-wrong phone-ringing phone-calls

bench: $(READY)  ## how fast it is, on this machine (Linux)
	@$(BIN)/python -m bench $(BENCH)

lock: $(READY)  ## pin what setup.cfg asks for, with hashes, for every Python; anew: UPGRADE=--upgrade
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip compile setup.cfg --extra server --output-file requirements.txt $(LOCKING)
	@$(BIN)/uv pip compile setup.cfg --extra server --extra dev -c requirements.txt \
		--output-file requirements-dev.txt $(LOCKING)

LOCKING := --quiet $(UPGRADE) --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock'

clean:  ## remove what the other targets made
	rm -rf $(VENV) .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist *.egg-info

$(READY): requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
		"Python 3.11 or newer is needed; say which: make PYTHON=python3.12")'
	@echo "Setting up $(VENV) (once, a minute or so) …"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@
